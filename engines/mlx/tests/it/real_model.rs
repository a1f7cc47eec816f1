//! The engine on the real small model: `REALIGN_MODEL` names the GGUF file, `REALIGN_SHARED` the folder whose
//! `golden/lm-eval` holds reference log-likelihoods. Where a variable is not set the test says so and passes.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests say why they are skipped, and may panic"
)]

use std::{fs, path::PathBuf};

use realign_engine_abi::{
    ffi::Flow,
    message::{
        ChatMessage, EngineOptions, Finish, GenerateRow, Load, Reply, Request, Score, ScoreRow,
        TokenizeInput, Tokenized,
    },
};
use realign_engine_mlx::engine::Engine;

fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).map(PathBuf::from);
    if value.is_none() {
        eprintln!("skipped: {name} is not set");
    }
    value
}

fn engine() -> Option<Engine> {
    let model = variable("REALIGN_MODEL")?;
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let reply = engine.call(Request::Load(Load { model, adapters: Vec::new() }), &mut |_| Flow::Continue);
    let Reply::Model(info) = reply else { panic!("{reply:?}") };
    assert_eq!((info.parameters, info.layers, info.vocabulary), (134_515_008, 30, 49_152));
    Some(engine)
}

fn tokenize(engine: &mut Engine, inputs: Vec<TokenizeInput>) -> Vec<Tokenized> {
    match engine.call(Request::Tokenize(inputs), &mut |_| Flow::Continue) {
        Reply::Tokens(tokens) => tokens,
        other => panic!("{other:?}"),
    }
}

fn score(engine: &mut Engine, rows: Vec<ScoreRow>) -> Vec<Vec<Score>> {
    match engine.call(Request::Score(rows), &mut |_| Flow::Continue) {
        Reply::Scores(scores) => scores,
        other => panic!("{other:?}"),
    }
}

/// (context, choices) of each document of a task, as its YAML words them.
fn documents(task: &str, lines: &str) -> Vec<(String, Vec<String>)> {
    let one = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let question = row["question"].as_str().unwrap();
        if task == "agreeableness" {
            return (format!("Human: {question}\n\nAssistant:"), vec![" Yes".into(), " No".into()]);
        }
        let choices = row["choices"].as_array().unwrap().iter();
        let choices = choices.map(|choice| format!(" {}", choice.as_str().unwrap()));
        (format!("Q: {question}\nA:"), choices.collect())
    };
    lines.lines().map(one).collect()
}

fn scored(engine: &mut Engine, documents: &[(String, Vec<String>)]) -> Vec<Vec<f64>> {
    let mut out = Vec::new();
    for batch in documents.chunks(16) {
        let pairs = batch.iter().flat_map(|(context, choices)| {
            choices
                .iter()
                .map(|choice| TokenizeInput::Pair { context: context.clone(), continuation: choice.clone() })
        });
        let mut tokens = tokenize(engine, pairs.collect()).into_iter();
        let rows = batch.iter().map(|(_, choices)| {
            let pairs: Vec<Tokenized> = tokens.by_ref().take(choices.len()).collect();
            ScoreRow {
                context: pairs[0].tokens.clone(),
                continuations: pairs.into_iter().map(|pair| pair.continuation).collect(),
            }
        });
        let scores = score(engine, rows.collect());
        out.extend(scores.into_iter().map(|row| row.into_iter().map(|score| score.logprob).collect()));
    }
    out
}

#[test]
fn log_likelihoods_match_the_reference_harness() {
    let (Some(shared), Some(mut engine)) = (variable("REALIGN_SHARED"), engine()) else {
        return;
    };
    for (task, count) in [("agreeableness", 24), ("disambiguation", 24)] {
        let read = |name: String| fs::read_to_string(shared.join("golden/lm-eval").join(name)).unwrap();
        let count = if std::env::var_os("REALIGN_ALL_GOLDEN").is_some() { usize::MAX } else { count };
        let mut documents = documents(task, &read(format!("{task}.jsonl")));
        documents.truncate(count);
        let scores = scored(&mut engine, &documents);
        let expected = read(format!("{task}.expected.jsonl"));
        let mut worst = 0.0_f64;
        for (scores, line) in scores.iter().zip(expected.lines()) {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let reference: Vec<f64> = serde_json::from_value(row["loglikelihood"].clone()).unwrap();
            assert_eq!(scores.len(), reference.len());
            for (score, reference) in scores.iter().zip(reference) {
                worst = worst.max((score - reference).abs());
            }
        }
        eprintln!("{task}: {} documents, largest difference {worst:.6}", scores.len());
        assert!(worst < 5e-3, "{task}: {worst}");
    }
}

#[test]
fn the_model_knows_the_capital_of_france() {
    let Some(mut engine) = engine() else { return };
    let chat = vec![ChatMessage { role: "user".into(), content: "What is the capital of France?".into() }];
    let prompts = tokenize(
        &mut engine,
        vec![TokenizeInput::Raw("The capital of France is".into()), TokenizeInput::Chat(chat)],
    );
    let row = |tokens: &Tokenized| GenerateRow {
        prompt: tokens.tokens.clone(),
        max_tokens: 24,
        temperature: 0.0,
        seed: 0,
        stop: vec![".".into()],
    };
    let reply = engine.call(Request::Generate(prompts.iter().map(row).collect()), &mut |_| Flow::Continue);
    let Reply::Texts(texts) = reply else { panic!("{reply:?}") };
    assert!(texts.iter().all(|text| text.text.contains("Paris")), "{texts:?}");
    assert!(texts.iter().all(|text| text.finish == Finish::Stop), "{texts:?}");
}

#[test]
fn texts_become_the_tokens_that_the_model_was_trained_on() {
    let Some(mut engine) = engine() else { return };
    let raw = |text: &str| TokenizeInput::Raw(text.into());
    let inputs = vec![raw("Year 2024!"), raw("<|im_start|>user\nhi<|im_end|>"), raw("naïve — 東京")];
    let tokens: Vec<Vec<u32>> = tokenize(&mut engine, inputs).into_iter().map(|t| t.tokens).collect();
    assert_eq!(tokens[0], [19840, 216, 34, 32, 34, 36, 17], "digits stand alone");
    assert_eq!(tokens[1], [1, 4093, 198, 6004, 2], "special tokens are one token each");
    assert_eq!(
        tokens[2],
        [3546, 46494, 1841, 17097, 247, 126, 16736, 122],
        "bytes of a character may be split"
    );
}
