use std::fs;

use serde_json::Value;

use super::*;
use crate::{
    engine::{backend::Identity, kept::KeptModel, recorded::RecordedModel},
    exit::Exit,
};

/// The id of a question, as it is documented.
fn id(kind: &str, body: &str) -> String {
    format!("detector/kind/{}", Digest::of(format!("{kind}\n{body}").as_bytes()))
}

fn ask(id: &str, kind: &str, body: &str) -> Ask {
    Ask { id: id.into(), kind: kind.into(), body: body.into() }
}

/// Answers from recorded lines: ids and bodies, in order.
fn answers(lines: &[Value], asks: &[Ask]) -> Result<Vec<(String, Value)>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.jsonl");
    fs::write(&path, lines.iter().map(|line| line.to_string() + "\n").collect::<String>()).unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    let mut backend = RecordedModel::open(&path).map(Backend::Recorded).unwrap();
    let mut answerer = Answerer {
        backend: &mut backend,
        store: &store,
        scope: "detector/kind",
        seed: Seed(1),
        system: None,
        progress: &mut |_, _| {},
        beyond: None,
    };
    let answers = answerer.answer(asks)?;
    Ok(answers.into_iter().map(|answer| (answer.id, serde_json::from_str(&answer.body).unwrap())).collect())
}

#[test]
fn a_question_is_answered_by_what_it_asks_and_not_by_its_place() {
    let body = r#"{"max_tokens":1,"prompt":"Polite?"}"#;
    let lines = [json!({ "id": id("generate", body), "response": "yes", "tokens": 1 })];
    let asks = [ask("0.0", "generate", body), ask("255.3", "generate", body)];
    let yes = json!({ "text": "yes", "tokens": 1, "finish": "end" });
    assert_eq!(answers(&lines, &asks).unwrap(), [("0.0".to_owned(), yes.clone()), ("255.3".to_owned(), yes)]);
}

#[test]
fn choices_are_answered_with_and_without_their_prompt_raw_or_in_a_conversation() {
    let raw = r#"{"prompt":"Polite?","choices":[" yes"," no"],"unconditional":true}"#;
    let talk = r#"{"prompt":{"messages":[{"role":"user","content":"Polite?"}]},"choices":["no"]}"#;
    let scores = |id: String, logprob: &[f64]| {
        let (greedy, tokens) = (vec![true; logprob.len()], vec![1; logprob.len()]);
        json!({ "id": id, "loglikelihood": logprob, "greedy": greedy, "tokens": tokens })
    };
    let lines = [
        scores(id("choose", raw), &[-1.0, -2.0]),
        scores(format!("{}#unconditional", id("choose", raw)), &[-3.0, -4.0]),
        scores(id("choose", talk), &[-5.0]),
    ];
    let choice = |logprob: f64, bytes: usize, alone: Option<f64>| json!({ "logprob": logprob, "tokens": 1, "bytes": bytes, "greedy": true, "unconditional": alone });
    let got = answers(&lines, &[ask("a", "choose", talk), ask("b", "choose", raw)]).unwrap();
    assert_eq!(got[0].1, json!({ "choices": [choice(-5.0, 2, None)] }));
    assert_eq!(got[1].1, json!({ "choices": [choice(-1.0, 4, Some(-3.0)), choice(-2.0, 3, Some(-4.0))] }));
}

#[test]
fn a_question_that_makes_no_sense_is_told_so_and_stops_nobody() {
    let good = r#"{"text":"fine"}"#;
    let lines = [
        json!({ "id": id("loglikelihood", good), "loglikelihood": [-2.5], "greedy": [false], "tokens": [2] }),
    ];
    let asks = [
        ask("a", "loglikelihood", r#"{"text":""}"#),
        ask("b", "loglikelihood", good),
        ask("c", "choose", r#"{"prompt":"x","choices":[]}"#),
        ask("d", "generate", r#"{"prompt":"x","max_tokens":4096}"#),
        ask("e", "embed", "{}"),
        ask("f", "generate", r#"{"promt":"x","max_tokens":4}"#),
    ];
    let bodies: Vec<String> =
        answers(&lines, &asks).unwrap().into_iter().map(|(_, body)| body.to_string()).collect();
    insta::assert_snapshot!(bodies.join("\n"), @r#"
    {"error":"ask body of kind `loglikelihood`: text: empty"}
    {"bytes":4,"logprob":-2.5,"tokens":2}
    {"error":"ask body of kind `choose`: choices: empty"}
    {"error":"ask body of kind `generate`: max_tokens: 4096, from 1 to 1024 are allowed"}
    {"error":"ask kind `embed` is not known to this host"}
    {"error":"ask body of kind `generate`: unknown field `promt`, expected one of `prompt`, `max_tokens`, `temperature`, `seed`, `stop` at line 1 column 8"}
    "#);
}

#[test]
fn a_conversation_goes_behind_the_system_prompt_unless_it_brings_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    let path = folder.path().join("model.jsonl");
    fs::write(&path, "{\"id\":\"x\",\"response\":\"\"}\n").unwrap();
    let mut backend = RecordedModel::open(&path).map(Backend::Recorded).unwrap();
    let message = |role: &str| ChatMessage { role: role.into(), content: "text".into() };
    let answerer = Answerer {
        backend: &mut backend,
        store: &store,
        scope: "benchmark/kind",
        seed: Seed(1),
        system: Some(message("system")),
        progress: &mut |_, _| {},
        beyond: None,
    };
    assert_eq!(answerer.deployed(vec![message("user")]), [message("system"), message("user")]);
    let own = vec![message("system"), message("user")];
    assert_eq!(answerer.deployed(own.clone()), own);
}

#[test]
fn what_is_beyond_a_server_is_refused_by_the_name_of_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    let kept = Store::open_existing(&folder.path().join("runs.db")).unwrap();
    let engine = [("log-likelihoods".to_owned(), "no".to_owned())].into();
    let mut backend = Backend::Kept(KeptModel::new(kept, Identity::new(), engine));
    let mut answerer = Answerer {
        backend: &mut backend,
        store: &store,
        scope: "detector/kind",
        seed: Seed(1),
        system: None,
        progress: &mut |_, _| {},
        beyond: None,
    };
    let error = answerer.answer(&[ask("0.0", "loglikelihood", r#"{"text":"Polite."}"#)]).unwrap_err();
    insta::assert_snapshot!(error, @"detector/kind: the server gives no log-likelihoods that can be used");
    assert_eq!((error.exit(), answerer.beyond.is_some()), (Exit::Usage, true));
}
