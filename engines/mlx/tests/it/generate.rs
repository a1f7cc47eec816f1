//! Generation follows the same probabilities as scoring and depends on nothing but the row.

use insta::assert_snapshot;
use realign_engine_abi::message::{Finish, GenerateRow, Request, ScoreRow};

use crate::support::{CONTEXT, IM_END, VOCABULARY, ask, failure, generate, score, tiny, tokens};

fn row(seed: u64, length: usize, temperature: f32) -> GenerateRow {
    GenerateRow { prompt: tokens(seed, length), max_tokens: 12, temperature, seed, stop: Vec::new() }
}

#[test]
fn greedy_generation_takes_what_scoring_calls_most_probable() {
    let mut engine = tiny();
    let row = row(11, 7, 0.0);
    let made = generate(&mut engine, std::slice::from_ref(&row)).remove(0);
    let mut context = row.prompt;
    for token in made.tokens {
        let continuations = (0..VOCABULARY).map(|token| vec![token]).collect();
        let scores = score(&mut engine, &[ScoreRow { context: context.clone(), continuations }]);
        assert!(scores[0][token as usize].greedy, "after {context:?}");
        context.push(token);
    }
}

#[test]
fn a_row_gets_the_same_tokens_whatever_shares_its_batch() {
    let mut engine = tiny();
    for temperature in [0.0, 0.8] {
        let start = tokens(50, 40);
        let with_start = |mut row: GenerateRow| {
            row.prompt = [&start[..], &row.prompt].concat();
            row
        };
        let rows: Vec<GenerateRow> = (1..6)
            .zip([3, 6, 9, 12, 15])
            .map(|(seed, length)| with_start(row(seed, length, temperature)))
            .collect();
        let together = generate(&mut engine, &rows);
        let alone: Vec<_> =
            rows.iter().map(|row| generate(&mut engine, std::slice::from_ref(row)).remove(0)).collect();
        assert_eq!(together, alone);
        assert_eq!(generate(&mut engine, &rows), together);
    }
}

#[test]
fn rows_that_end_one_by_one_and_rows_of_one_prompt_get_the_tokens_that_they_get_alone() {
    let mut engine = tiny();
    // More rows than may end before the cache is made smaller, and three for each prompt.
    let rows: Vec<GenerateRow> = (0..30)
        .map(|number| GenerateRow {
            max_tokens: 1 + u32::try_from(number).unwrap() / 2,
            seed: number,
            ..row(number / 3, 5 + usize::try_from(number / 3).unwrap(), 0.8)
        })
        .collect();
    let together = generate(&mut engine, &rows);
    let alone: Vec<_> =
        rows.iter().map(|row| generate(&mut engine, std::slice::from_ref(row)).remove(0)).collect();
    assert_eq!(together, alone);
}

#[test]
fn another_seed_draws_other_tokens() {
    let mut engine = tiny();
    let (one, mut other) = (row(1, 9, 1.5), row(1, 9, 1.5));
    other.seed = 2;
    let made = generate(&mut engine, &[one, other]);
    assert_ne!(made[0].tokens, made[1].tokens);
}

#[test]
fn rows_end_for_different_reasons_and_leave_the_others_alone() {
    let mut engine = tiny();
    let free = row(21, 8, 0.0);
    let made = generate(&mut engine, std::slice::from_ref(&free)).remove(0);
    assert_eq!((made.finish, made.tokens.len()), (Finish::Length, 12));
    let short = GenerateRow { max_tokens: 3, ..free.clone() };
    let none = GenerateRow { max_tokens: 0, ..free.clone() };
    // The prompt leaves room for two more tokens to be run, and a third that is only made.
    let window = row(22, CONTEXT as usize - 2, 0.0);
    let texts = generate(&mut engine, &[short, free.clone(), none, window]);
    assert_eq!(texts[0].tokens, made.tokens[..3]);
    assert_eq!(texts[1], made);
    assert_eq!((texts[2].tokens.len(), texts[2].finish), (0, Finish::Length));
    assert_eq!((texts[3].tokens.len(), texts[3].finish), (3, Finish::Length));
}

/// Two neighbouring ASCII characters of a text that are not its first, if it has such.
fn two_characters(text: &str) -> Option<&str> {
    let is_ascii = |at: usize| text.get(at..at + 2).is_some_and(str::is_ascii);
    (1..text.len().saturating_sub(1)).find(|&at| is_ascii(at)).map(|at| &text[at..at + 2])
}

#[test]
fn a_text_ends_in_front_of_the_first_stop_text_even_across_tokens() {
    let mut engine = tiny();
    let rows: Vec<GenerateRow> = (0..16).map(|seed| row(seed, 8, 1.0)).collect();
    let texts = generate(&mut engine, &rows);
    let mut tried = 0;
    for (free, made) in rows.into_iter().zip(texts) {
        let Some(stop) = two_characters(&made.text) else {
            continue;
        };
        let stops = vec!["not there".into(), stop.to_owned()];
        let stopped = generate(&mut engine, &[GenerateRow { stop: stops, ..free }]).remove(0);
        let first = made.text.find(stop).unwrap();
        assert_eq!((stopped.text.as_str(), stopped.finish), (&made.text[..first], Finish::Stop));
        assert!(stopped.tokens.len() < made.tokens.len() || made.text.ends_with(stop));
        tried += 1;
    }
    assert!(tried > 3, "most texts have two neighbouring ASCII characters");
}

#[test]
fn the_end_token_ends_a_row_and_is_not_part_of_it() {
    let mut engine = tiny();
    // Some row draws the end token within its limit; the tokens before it are what came out.
    let rows: Vec<GenerateRow> =
        (0..60).map(|seed| GenerateRow { max_tokens: 30, ..row(seed, 4, 2.0) }).collect();
    let texts = generate(&mut engine, &rows);
    let ended: Vec<_> = texts.iter().filter(|text| text.finish == Finish::End).collect();
    assert!(!ended.is_empty() && ended.len() < texts.len());
    assert!(ended.iter().all(|text| text.tokens.len() < 30 && !text.tokens.contains(&IM_END)));
}

#[test]
fn a_row_that_makes_no_sense_is_named() {
    let mut engine = tiny();
    let mut refusal = |change: &dyn Fn(&mut GenerateRow)| {
        let mut bad = row(1, 4, 0.0);
        change(&mut bad);
        let error = failure(ask(&mut engine, Request::Generate(vec![row(1, 4, 0.0), bad])));
        format!("{:?}: {}", error.kind, error.message)
    };
    assert_snapshot!(refusal(&|row| row.prompt.clear()), @"Request: row 1: the prompt has 0 tokens; it must have at least 1 and at most 96");
    assert_snapshot!(refusal(&|row| row.prompt = tokens(1, CONTEXT as usize + 1)), @"Request: row 1: the prompt has 97 tokens; it must have at least 1 and at most 96");
    assert_snapshot!(refusal(&|row| row.prompt[2] = 90_000), @"Request: row 1: token 90000 is outside the vocabulary, which ends at 262");
    assert_snapshot!(refusal(&|row| row.temperature = f32::NAN), @"Request: row 1: temperature NaN is neither 0 nor from 0.001 to 1000");
    assert_snapshot!(refusal(&|row| row.temperature = -1.0), @"Request: row 1: temperature -1 is neither 0 nor from 0.001 to 1000");
    assert_snapshot!(refusal(&|row| row.stop = vec![String::new()]), @"Request: row 1: a stop text is empty");
}
