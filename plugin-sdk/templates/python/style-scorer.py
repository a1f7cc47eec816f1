import re

import realign_plugin as realign


def words_per_sentence(text):
    sentences = [sentence for sentence in re.split(r"[.!?]+", text) if sentence.split()]
    return sum(len(sentence.split()) for sentence in sentences) / len(sentences) if sentences else 0.0


class Pace(realign.StyleScorer):
    id, version, summary = "{{name}}", "0.1.0", "How near the length of sentences is to that of the voice."

    def prepare(self, config, profile, rows):
        voice, _ = realign.voices(rows)
        return {"usual": sum(map(words_per_sentence, voice)) / len(voice)}

    def score(self, state, sample, answers):
        if not sample.response.split():
            return realign.not_applicable("the response has no words")
        return realign.match(-abs(words_per_sentence(sample.response) - state["usual"]))


StyleScorer = realign.export(Pace)
