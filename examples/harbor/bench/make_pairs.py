#!/usr/bin/env python3
"""Writes minimal-pairs.jsonl: grammatical minimal pairs for a likelihood benchmark.

Each pair is a good sentence and a bad one which differs from it in the tested form alone. A group holds the pairs of
one phenomenon in one frame, with eight different nouns: pairs of a group are not independent of each other, and the
benchmark's intervals need to know that.

Frames are written in a small notation:

    {s} {p}        a person, singular and plural
    {o}            another person, singular
    {n}            the person, singular and plural in turn
    {m}            the other person in the opposite number
    {t} {u}        the frame's own noun, singular and plural
    [good|bad]     the tested form
    <one|many>     the tested form that must agree with {n}

The output depends on nothing but this file: no random numbers, no clock. Standard library only.

    python3 make_pairs.py > minimal-pairs.jsonl
"""

import json
import re
import sys

PER_GROUP = 8
MIN_WORDS, MAX_WORDS = 5, 14

PEOPLE = (
    "teacher nurse farmer doctor driver baker painter singer student lawyer "
    "sailor waiter cook artist pilot dancer gardener writer visitor officer"
).split()

KITCHEN = "plate cup bowl pan spoon pot fork jar".split()
CLOTHES = "shirt coat hat skirt scarf jacket sweater belt".split()
TOOLS = "hammer saw rope ladder bucket broom lamp shovel".split()
ANIMALS = "dog cat horse goat cow pig duck rabbit".split()
PLACES = "house shop farm church school hotel bridge garden".split()
FRUIT = "apple pear orange plum lemon peach melon banana".split()
FURNITURE = "chair table bed desk bench sofa mirror carpet".split()
PAPERS = "letter book map card poem story list report".split()
FOOD = "bread rice milk sugar salt butter flour honey".split()
MEN = "king boy father uncle grandfather prince brother nephew".split()
WOMEN = "queen girl mother aunt grandmother princess sister niece".split()
IRREGULAR_PLURAL = {"scarf": "scarves", "church": "churches", "bench": "benches", "peach": "peaches", "story": "stories"}

# Phenomenon -> [(frame, sentence)] or [(frame, sentence, the frame's own nouns)].
FRAMES = {
    "agreement-simple": [
        ("walk", "The {n} <walks|walk> to work every morning."),
        ("live", "The {n} <lives|live> in a small village."),
        ("know", "The {n} <knows|know> the way to the station."),
        ("like", "The {n} <likes|like> strong coffee after lunch."),
        ("buy", "The {n} <buys|buy> the paper in the evening."),
        ("speak", "The {n} <speaks|speak> three languages very well."),
        ("drive", "The {n} <drives|drive> an old blue van."),
    ],
    "agreement-phrase": [
        ("near", "The {n} near the {m} <is|are> very tired today."),
        ("behind", "The {n} behind the {m} <was|were> late again."),
        ("next-to", "The {n} next to the {m} <has|have> a large umbrella."),
        ("with", "The {n} with the {m} <wants|want> a cup of tea."),
        ("beside", "The {n} beside the {m} <looks|look> quite happy."),
        ("in-front-of", "The {n} in front of the {m} <needs|need> a new coat."),
    ],
    "agreement-relative": [
        ("helped", "The {n} who helped the {m} <is|are> very kind."),
        ("called", "The {n} who called the {m} <was|were> worried."),
        ("met", "The {n} who met the {m} <has|have> gone home."),
        ("thanked", "The {n} who thanked the {m} <seems|seem> honest."),
        ("visited", "The {n} who visited the {m} <comes|come> from the north."),
    ],
    "determiner-noun": [
        ("these-wash", "She washed [these|this] {u} after dinner.", KITCHEN),
        ("this-wear", "He will wear [this|these] {t} at the wedding.", CLOTHES),
        ("those-borrow", "We borrowed [those|that] {u} from our neighbor.", TOOLS),
        ("that-feed", "Please feed [that|those] {t} before you go home.", ANIMALS),
        ("many-see", "They saw [many|every] {u} on the way to town.", PLACES),
        ("each-peel", "He peeled [each|several] {t} with a sharp knife.", FRUIT),
        ("two-carry", "The men carried [two|one] {u} into the hall.", FURNITURE),
    ],
    "reflexive-gender": [
        ("mirror-m", "The {t} looked at [himself|herself] in the mirror.", MEN),
        ("mirror-f", "The {t} saw [herself|himself] in the old photograph.", WOMEN),
        ("teach-m", "The {t} taught [himself|herself] to play the piano.", MEN),
        ("hurt-f", "The {t} hurt [herself|himself] on the garden gate.", WOMEN),
        ("blame-m", "The {t} blamed [himself|herself] for the mistake.", MEN),
        ("buy-f", "The {t} bought [herself|himself] a warm winter coat.", WOMEN),
    ],
    "reflexive-number": [
        ("dry", "The {p} dried [themselves|himself] with a towel."),
        ("warm", "The {p} warmed [themselves|itself] by the fire."),
        ("introduce", "The {p} introduced [themselves|himself] to the guests."),
        ("enjoy", "The {p} enjoyed [themselves|herself] at the party."),
        ("defend", "The {p} defended [themselves|himself] in the meeting."),
    ],
    "irregular-past": [
        ("write", "Last night the {s} [wrote|written] a long letter."),
        ("break", "This morning the {s} [broke|broken] a window."),
        ("take", "After lunch the {s} [took|taken] the bus home."),
        ("give", "At noon the {s} [gave|given] the children some bread."),
        ("sing", "At the party the {s} [sang|sung] an old song."),
        ("fall", "Last winter the {s} [fell|fallen] on the ice."),
        ("begin", "On Monday the {s} [began|begun] a new job."),
    ],
    "irregular-participle": [
        ("eat", "The {s} has [eaten|ate] all of the soup."),
        ("see", "The {s} had never [seen|saw] the ocean before."),
        ("choose", "The {s} has [chosen|chose] a table by the window."),
        ("know", "The {s} had [known|knew] about the plan for years."),
        ("go", "The {s} has [gone|went] to the market."),
        ("speak", "The {s} has [spoken|spoke] to the police twice."),
    ],
    "negative-polarity": [
        ("ever-no", "[No|Some] {s} has ever been to the island."),
        ("ever-never", "[Nobody|Somebody] ever told the {s} about the problem."),
        ("any-without", "The {s} left home [without|with] any money."),
        ("any-never", "The {s} [never|always] bought any fruit there."),
        ("yet-not", "The {s} has [not|also] finished the work yet."),
        ("at-all-not", "The {s} did [not|just] sleep at all last night."),
        ("anyone-not", "The {s} has [not|often] told anyone about the plan."),
    ],
    "quantifiers": [
        ("few-count", "There are [few|much] {u} in this part of the country.", PLACES),
        ("little-mass", "There is very [little|few] {t} left in the kitchen.", FOOD),
        ("much-mass", "How [much|many] {t} do we need for the cake?", FOOD),
        ("many-count", "How [many|much] {u} did you see at the farm?", ANIMALS),
        ("fewer-count", "We sold [fewer|much] {u} this year than last year.", FURNITURE),
        ("too-much-mass", "The cook used too [much|many] {t} in this dish.", FOOD),
        ("so-many-count", "She had never owned so [many|much] {u} before.", CLOTHES),
    ],
    "wh-gap": [
        ("buy", "I know [what|that] the {s} bought at the market yesterday."),
        ("buy-filled", "I know [that|what] the {s} bought some fish yesterday."),
        ("say", "We never heard [what|that] the {s} said to the {o}."),
        ("open-filled", "They noticed [that|what] the {s} opened the window."),
        ("invite", "She asked [who|if] the {s} invited to the wedding."),
        ("cook-filled", "He remembers [that|what] the {s} cooked rice for dinner."),
        ("want", "Tell me [what|that] the {s} wants from the {o}."),
    ],
    "argument-structure": [
        ("carry", "The {s} [carried|arrived] the boxes up the stairs."),
        ("paint", "The {s} [painted|appeared] the fence last summer."),
        ("wake", "The {s} [woke|slept] the {o} at six in the morning."),
        ("clean", "The {s} [cleaned|stayed] the kitchen before breakfast."),
        ("visit", "The {s} [visited|went] the museum with the {o}."),
        ("tell", "The {s} [told|said] the {o} a funny story."),
        ("raise", "The {s} [raised|rose] the flag in the morning."),
    ],
    "passive-participle": [
        ("write", "The {t} was [written|wrote] by a young woman.", PAPERS),
        ("steal", "The {t} was [stolen|stole] during the night.", TOOLS),
        ("hide", "The {t} was [hidden|hid] behind the garden wall.", KITCHEN),
        ("give", "The {t} was [given|gave] to the poor old man.", CLOTHES),
        ("draw", "The {t} was [drawn|drew] by a little girl.", ANIMALS),
        ("see", "The {s} was [seen|saw] near the river by a hunter."),
    ],
    "ellipsis": [
        ("do", "The {s} likes tea, and the {o} [does|is] too."),
        ("be", "The {s} was tired, and the {o} [was|did] too."),
        ("can", "The {s} can swim, but the {o} [cannot|is not]."),
        ("have", "The {s} has left, and the {o} [has|does] too."),
        ("will", "The {s} will wait if the {o} [will|has]."),
        ("did-not", "The {s} came home, but the {o} [did|was] not."),
    ],
    "tense-adverb": [
        ("yesterday", "Yesterday the {s} [visited|visits] the old castle."),
        ("tomorrow", "Tomorrow the {s} [will clean|cleaned] the whole house."),
        ("last-year", "Last year the {s} [moved|moves] to a bigger city."),
        ("next-week", "Next week the {s} [will start|started] a new class."),
        ("ago", "Two days ago the {s} [called|calls] the office."),
        ("right-now", "Right now the {s} [is waiting|waited] at the station."),
        ("since", "The {s} [has lived|lives] here since last summer."),
    ],
    "comparative": [
        ("taller", "The {s} is [taller|tall] than the {o}."),
        ("as-old", "The {s} is as [old|older] as the {o}."),
        ("more-careful", "The {s} is [more|most] careful than the {o}."),
        ("than-as", "The {s} works harder [than|as] the {o}."),
        ("better", "The {s} plays chess [better|well] than the {o}."),
        ("best", "The {s} is the [best|better] player in the whole town."),
        ("youngest", "The {s} is the [youngest|younger] of the five guests."),
    ],
    "there-existential": [
        ("are-two", "There [are|is] two {u} in the yard behind the house.", ANIMALS),
        ("is-a", "There [is|are] an old {t} at the end of the road.", PLACES),
        ("was-one", "There [was|were] only one {t} left in the box.", FRUIT),
        ("were-some", "There [were|was] some {u} on the floor of the shed.", TOOLS),
        ("a-definite", "There was [a|every] {t} standing in the corner of the room.", FURNITURE),
        ("no-most", "There were [no|most] {u} on the kitchen table.", KITCHEN),
    ],
    "pronoun-case": [
        ("object-her", "The {s} thanked [her|she] for the flowers."),
        ("object-them", "The {s} invited [them|they] to dinner on Friday."),
        ("subject-he", "Yesterday [he|him] and the {s} went fishing."),
        ("preposition-us", "The {s} sat between [us|we] at the concert."),
        ("subject-they", "The {s} said that [they|them] were early."),
        ("possessive-my", "The {s} forgot [my|me] birthday again this year."),
    ],
    "verb-form": [
        ("did", "Did the {s} [open|opened] the window this morning?"),
        ("can", "The {s} can [speak|speaks] both languages."),
        ("want-to", "The {s} wants to [buy|bought] a small boat."),
        ("enjoy", "The {s} enjoys [reading|read] books about history."),
        ("let", "The {s} let the {o} [use|used] the telephone."),
        ("stop", "The {s} stopped [talking|talk] when the {o} came in."),
        ("must-not", "The {s} must not [forget|forgets] the keys."),
    ],
}


def plural(noun):
    """Plural of a noun from the lists above."""
    return IRREGULAR_PLURAL.get(noun, noun + "s")


def nouns(group, i, own):
    """What the fields of a frame stand for in pair `i` of group number `group`."""
    start = group * 7
    person = PEOPLE[(start + i) % len(PEOPLE)]
    # The offset stays clear of 0 modulo 20, so nobody meets themselves.
    other = PEOPLE[(start + i + 9 + i % 3) % len(PEOPLE)]
    many = i % 2 == 1
    fields = {
        "s": person, "p": plural(person), "o": other,
        "n": plural(person) if many else person, "m": other if many else plural(other),
    }
    if own:
        fields |= {"t": own[i], "u": plural(own[i])}
    return fields, many


def pair(sentence, fields, many):
    """The good and the bad sentence of a frame."""
    sentence = re.sub(r"<(.*?)\|(.*?)>", r"[\2|\1]" if many else r"[\1|\2]", sentence)
    sentence = sentence.format(**fields)
    good = re.sub(r"\[(.*?)\|(.*?)\]", r"\1", sentence)
    bad = re.sub(r"\[(.*?)\|(.*?)\]", r"\2", sentence)
    return good, bad


def rows():
    """All pairs, numbered in the order of FRAMES."""
    frames = [(phenomenon, *frame) for phenomenon, listed in FRAMES.items() for frame in listed]
    for group, (phenomenon, name, sentence, *own) in enumerate(frames):
        for i in range(PER_GROUP):
            fields, many = nouns(group, i, own[0] if own else None)
            yield {
                "id": f"mp-{group * PER_GROUP + i + 1:04}",
                "group": f"{phenomenon}-{name}",
                "prompt": "",
                "choices": list(pair(sentence, fields, many)),
                "answer": 0,
            }


def main():
    """Writes the pairs, after making sure that no sentence is repeated, too short or too long."""
    seen = set()
    for row in rows():
        for sentence in row["choices"]:
            words = len(sentence.split())
            if sentence in seen or not MIN_WORDS <= words <= MAX_WORDS:
                sys.exit(f"{row['id']}: repeated, or {words} words (allowed {MIN_WORDS} to {MAX_WORDS}): {sentence}")
            seen.add(sentence)
        print(json.dumps(row))


if __name__ == "__main__":
    main()
