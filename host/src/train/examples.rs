//! Rows as tokens: which are given, which are learned.
//!
//! A conversation becomes one text through the model's own template, with a mark on every token that the assistant has to
//! produce. What comes before the first mark is the context; the rest, up to the last mark, is the answer with its marks,
//! so that turns of the user between two answers are read and never learned. Of a pair only the last turn is learned; its
//! context is what both sides begin with, token for token, so it does not matter where the tokenizer splits the text
//! between prompt and answer. A raw text is given its first token.

use realign_engine_abi::{
    message::{TokenizeInput, Tokenized},
    train::{Answer, Example, KlRow},
};

use super::{
    config::Role,
    data::{Content, Row},
};
use crate::error::{Error, Result};

/// A row as tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Id of the row.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// What the engine is given.
    pub example: Example,
}

impl Item {
    /// Tokens that run through the model; a beginning that answers share counts once.
    #[must_use]
    pub fn length(&self) -> usize {
        self.example.tokens()
    }
}

/// The texts of a row that have to be tokenized, in the order in which [`build`] takes them back.
#[must_use]
pub fn texts(row: &Row) -> Vec<TokenizeInput> {
    match &row.content {
        Content::Text(text) => vec![TokenizeInput::Raw(text.clone())],
        Content::Conversation(messages) => vec![TokenizeInput::Transcript(messages.clone())],
        Content::Pair { chosen, rejected } => {
            vec![TokenizeInput::Transcript(chosen.clone()), TokenizeInput::Transcript(rejected.clone())]
        }
    }
}

/// A row from the tokens of its [`texts`].
///
/// # Errors
/// Bad input naming file and line: more than `limit` tokens, no token to learn, nothing before the first one, sides of a
/// pair that have no beginning in common or are the same.
pub fn build(row: &Row, tokens: Vec<Tokenized>, limit: usize) -> Result<Item> {
    let example = example(row, tokens, limit).map_err(|error| error.within(&row.place))?;
    Ok(Item { id: row.id.clone(), role: row.role, example })
}

/// A conversation whose last turn is an anchor: what the engine compares both models on.
///
/// # Errors
/// As for [`build`].
pub fn anchor(row: &Row, tokens: Tokenized, limit: usize) -> Result<KlRow> {
    let located = |error: Error| error.within(&row.place);
    if tokens.tokens.len() > limit {
        return Err(located(Error::bad_input(format!(
            "{} tokens, the limit is {limit}",
            tokens.tokens.len()
        ))));
    }
    let (context, Answer { tokens: mut response, .. }) = split(tokens, true).map_err(located)?;
    // The last token that is marked ends the turn.
    response.pop();
    Ok(KlRow { context, response, ended: true })
}

fn example(row: &Row, tokens: Vec<Tokenized>, limit: usize) -> Result<Example> {
    if let Some(longest) = tokens.iter().map(|text| text.tokens.len()).max().filter(|&most| most > limit) {
        return Err(Error::bad_input(format!("{longest} tokens, the limit is {limit}"))
            .hint("shorten the row, or raise max_length up to the model's window; nothing is cut silently"));
    }
    let mut tokens = tokens.into_iter();
    let mut next = || tokens.next().unwrap_or_default();
    match &row.content {
        Content::Text(_) => {
            let Tokenized { tokens, .. } = next();
            let [first, rest @ ..] = tokens.as_slice() else {
                return Err(Error::bad_input("text: no token"));
            };
            if rest.is_empty() {
                return Err(Error::bad_input("text: 1 token, at least 2 are needed"));
            }
            let answer = Answer { tokens: rest.to_vec(), scored: vec![true; rest.len()] };
            Ok(Example { context: vec![*first], answers: vec![answer] })
        }
        Content::Conversation(_) => {
            let (context, answer) = split(next(), false)?;
            Ok(Example { context, answers: vec![answer] })
        }
        Content::Pair { .. } => {
            let (chosen, rejected) = (split(next(), true)?, split(next(), true)?);
            if chosen == rejected {
                return Err(
                    Error::bad_input("chosen and rejected have the same tokens").hint("remove the row")
                );
            }
            behind_one_context(chosen, rejected)
        }
    }
}

/// A pair behind the context that both sides have. Where a tokenizer joins the end of the prompt with the beginning of an
/// answer the sides part before the answer does; what they have of the prompt from there on is read and not learned.
fn behind_one_context(
    (context, mut chosen): (Vec<u32>, Answer),
    (other, mut rejected): (Vec<u32>, Answer),
) -> Result<Example> {
    let shared = context.iter().zip(&other).take_while(|(own, other)| own == other).count();
    if shared == 0 {
        return Err(Error::bad_input("chosen and rejected begin with different tokens")
            .hint("both sides of a pair answer one prompt"));
    }
    for (answer, rest) in [(&mut chosen, &context[shared..]), (&mut rejected, &other[shared..])] {
        answer.tokens.splice(..0, rest.iter().copied());
        answer.scored.splice(..0, rest.iter().map(|_| false));
    }
    Ok(Example { context: context[..shared].to_vec(), answers: vec![chosen, rejected] })
}

/// Context and answer of a transcript: everything that is marked, or the last marked stretch alone.
fn split(text: Tokenized, last_turn: bool) -> Result<(Vec<u32>, Answer)> {
    let Tokenized { mut tokens, mut scored, .. } = text;
    let end = scored.iter().rposition(|&scored| scored).map(|last| last + 1);
    let (Some(end), true) = (end, tokens.len() == scored.len()) else {
        return Err(Error::bad_input("the model's chat template leaves no token of the assistant"));
    };
    tokens.truncate(end);
    scored.truncate(end);
    let start = if last_turn {
        scored.iter().rposition(|&scored| !scored).map_or(0, |before| before + 1)
    } else {
        scored.iter().position(|&scored| scored).unwrap_or(0)
    };
    if start == 0 {
        return Err(Error::bad_input("no token comes before the first one that is learned"));
    }
    Ok((
        tokens[..start].to_vec(),
        Answer { tokens: tokens.split_off(start), scored: scored.split_off(start) },
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::ChatMessage;

    fn row(content: Content) -> Row {
        Row {
            id: "a".into(),
            place: "rows.jsonl line 1".into(),
            family: None,
            role: Role::Persona,
            chosen_by: std::collections::BTreeSet::new(),
            content,
        }
    }

    fn conversation() -> Row {
        row(Content::Conversation(vec![ChatMessage { role: "assistant".into(), content: "a".into() }]))
    }

    fn marked(tokens: &[u32], scored: &[bool]) -> Tokenized {
        Tokenized { tokens: tokens.to_vec(), continuation: Vec::new(), scored: scored.to_vec() }
    }

    proptest! {
        #[test]
        fn no_token_of_a_context_is_scored_and_no_scored_token_is_lost(
            marks in prop::collection::vec(any::<bool>(), 1..60), last_turn in any::<bool>(),
        ) {
            let tokens: Vec<u32> = (0..).take(marks.len()).collect();
            let Ok((context, answer)) = split(marked(&tokens, &marks), last_turn) else {
                // Refused only where nothing is marked, or nothing comes before it.
                prop_assert!(!marks.contains(&true) || marks[0]);
                return Ok(());
            };
            prop_assert!(!context.is_empty());
            let whole = [context.clone(), answer.tokens.clone()].concat();
            prop_assert_eq!(&whole[..], &tokens[..whole.len()]);
            prop_assert_eq!(&answer.scored[..], &marks[context.len()..whole.len()]);
            prop_assert!(answer.scored[0] && answer.scored[answer.scored.len() - 1]);
            prop_assert!(!marks[whole.len()..].contains(&true));
            if last_turn {
                prop_assert!(answer.scored.iter().all(|&scored| scored));
            } else {
                prop_assert!(!marks[..context.len()].contains(&true));
            }
        }
    }

    #[test]
    fn turns_of_the_user_between_two_answers_are_read_and_not_learned() {
        let marks = [false, true, true, false, false, true, false];
        let item = build(&conversation(), vec![marked(&[1, 2, 3, 4, 5, 6, 7], &marks)], 100).unwrap();
        assert_eq!(item.example.context, [1]);
        assert_eq!(item.example.answers[0].tokens, [2, 3, 4, 5, 6]);
        assert_eq!(item.example.answers[0].scored, [true, true, false, false, true]);
        assert_eq!(item.length(), 6);
    }

    #[test]
    fn the_first_token_of_a_raw_text_is_given() {
        let text = marked(&[4, 5, 6], &[]);
        let item = build(&row(Content::Text("abc".into())), vec![text], 100).unwrap();
        assert_eq!((item.example.context, item.example.answers[0].tokens.clone()), (vec![4], vec![5, 6]));
    }

    #[test]
    fn of_a_pair_the_last_turn_is_learned_behind_one_context() {
        let pair = row(Content::Pair { chosen: Vec::new(), rejected: Vec::new() });
        let marks = [false, true, false, true, true];
        let sides = |rejected: [u32; 5]| vec![marked(&[1, 2, 3, 4, 5], &marks), marked(&rejected, &marks)];
        let item = build(&pair, sides([1, 2, 3, 4, 6]), 100).unwrap();
        assert_eq!(item.example.context, [1, 2, 3]);
        assert_eq!(item.length(), 6, "what both sides begin with counts once");
        let refused = |rejected| build(&pair, sides(rejected), 100).unwrap_err().to_string();
        insta::assert_snapshot!(refused([1, 2, 3, 4, 5]), @"rows.jsonl line 1: chosen and rejected have the same tokens");
        insta::assert_snapshot!(refused([9, 2, 3, 4, 5]), @"rows.jsonl line 1: chosen and rejected begin with different tokens");
    }

    #[test]
    fn a_pair_whose_prompt_is_split_in_two_ways_shares_what_is_the_same_and_learns_nothing_of_the_rest() {
        let pair = row(Content::Pair { chosen: Vec::new(), rejected: Vec::new() });
        // The rejected side has one token where the chosen one has the last two of its prompt.
        let sides = vec![
            marked(&[1, 2, 3, 4, 5], &[false, false, false, false, true]),
            marked(&[1, 2, 9, 6, 7], &[false, false, false, true, true]),
        ];
        let Example { context, answers } = build(&pair, sides, 100).unwrap().example;
        assert_eq!(context, [1, 2]);
        assert_eq!(
            (&answers[0].tokens[..], &answers[0].scored[..]),
            (&[3, 4, 5][..], &[false, false, true][..])
        );
        assert_eq!(
            (&answers[1].tokens[..], &answers[1].scored[..]),
            (&[9, 6, 7][..], &[false, true, true][..])
        );
    }

    #[test]
    fn a_row_that_is_too_long_is_refused_and_not_cut() {
        let error = build(&conversation(), vec![marked(&[1; 5], &[true; 5])], 4).unwrap_err();
        insta::assert_snapshot!(error, @"rows.jsonl line 1: 5 tokens, the limit is 4");
    }
}
