//! Which tokens of a conversation the assistant has to produce.

use proptest::prelude::*;
use realign_engine_abi::message::{ChatMessage, Reply, Request, TokenizeInput, Tokenized};
use realign_engine_mlx::engine::Engine;

use crate::support::{IM_END, ask, tiny};

fn message(role: &str, content: &str) -> ChatMessage {
    ChatMessage { role: role.into(), content: content.into() }
}

fn tokenize(engine: &mut Engine, input: TokenizeInput) -> Tokenized {
    match ask(engine, Request::Tokenize(vec![input])) {
        Reply::Tokens(mut tokens) => tokens.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Runs of scored tokens, each with where it starts.
fn runs(found: &Tokenized) -> Vec<(usize, Vec<u32>)> {
    let mut runs: Vec<(usize, Vec<u32>)> = Vec::new();
    for (index, (&token, _)) in
        found.tokens.iter().zip(&found.scored).enumerate().filter(|(_, (_, scored))| **scored)
    {
        match runs.last_mut() {
            Some((start, run)) if *start + run.len() == index => run.push(token),
            _ => runs.push((index, vec![token])),
        }
    }
    runs
}

#[test]
fn a_chat_of_several_turns_scores_each_answer_with_its_end_and_nothing_else() {
    let mut engine = tiny();
    let chat = [
        message("system", "be brief"),
        message("user", "the hat"),
        message("assistant", "in the bin"),
        message("user", "\n the"),
        message("assistant", "\nthen\n"),
    ];
    let found = tokenize(&mut engine, TokenizeInput::Transcript(chat.to_vec()));
    assert_eq!(found.tokens.len(), found.scored.len());
    let mut raw = |text: &str| tokenize(&mut engine, TokenizeInput::Raw(text.into())).tokens;
    let answers = [raw("in the bin<|im_end|>"), raw("\nthen\n<|im_end|>")];
    let runs = runs(&found);
    assert_eq!(runs.iter().map(|(_, run)| run.clone()).collect::<Vec<_>>(), answers);
    for ((start, _), turn) in runs.iter().zip([2, 4]) {
        let prompt = tokenize(&mut engine, TokenizeInput::Chat(chat[..turn].to_vec())).tokens;
        assert!(found.tokens[..*start].ends_with(&prompt[prompt.len() - 3..]), "the header comes before");
    }
    let prompt = tokenize(&mut engine, TokenizeInput::Chat(chat[..2].to_vec())).tokens;
    assert_eq!(found.tokens[..runs[0].0], prompt, "the prompt is what the model is asked with");
}

#[test]
fn a_conversation_without_an_answer_scores_nothing() {
    let found =
        tokenize(&mut tiny(), TokenizeInput::Transcript(vec![message("user", "hi"), message("user", "the")]));
    assert!(!found.tokens.is_empty() && !found.scored.contains(&true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_token_of_a_prompt_or_a_header_is_scored(
        turns in prop::collection::vec(("[a-z \n]{0,12}", "[a-z \n]{0,12}"), 1..4),
    ) {
        let mut engine = tiny();
        let mut chat = Vec::new();
        for (question, answer) in &turns {
            chat.extend([message("user", question), message("assistant", answer)]);
        }
        let found = tokenize(&mut engine, TokenizeInput::Transcript(chat.clone()));
        let runs = runs(&found);
        prop_assert_eq!(runs.len(), turns.len());
        let mut expected = 0;
        for ((_, run), (_, answer)) in runs.iter().zip(&turns) {
            let text = tokenize(&mut engine, TokenizeInput::Raw(format!("{answer}<|im_end|>"))).tokens;
            prop_assert_eq!(run.last(), Some(&IM_END));
            prop_assert_eq!(run, &text);
            expected += text.len();
        }
        prop_assert_eq!(found.scored.iter().filter(|scored| **scored).count(), expected);
    }
}
