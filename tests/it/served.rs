//! The real engine behind a server of this file, asked through `--model openai:`: what comes out must be the engine's own numbers.
//!
//! The server is small, the model is real: a token of the server is a word with the blank before it, and its log-probability is the
//! engine's sum for it, which the chain rule makes the right one.

use std::{fs, path::Path, sync::Mutex};

use realign::{
    engine::{
        backend::Backend,
        launch::Launch,
        model_ref::ModelRef,
        query::{GenerateQuery, Prompt, ScoreAnswer, ScoreQuery},
    },
    ids::Seed,
    model::{ChatMessage, Finish},
};
use realign_engine_abi::place::Home;
use serde_json::{Value, json};

use crate::support::{Project, lines, loopback, mini};

/// Benchmarks of the example beside the small suite's, and a task.
const MORE: &str = r#"
[[benchmark]]
id = "minimal-pairs"
plugin = "choice-likelihood"
data = "minimal-pairs.jsonl"
metric = "accuracy"
grants = ["choose"]

[[benchmark]]
id = "prose"
plugin = "bits-per-byte"
data = "prose.jsonl"
metric = "bits-per-byte"
grants = ["loglikelihood"]

[[benchmark]]
id = "answers"
plugin = "short-answer"
data = "answers.jsonl"
metric = "accuracy"
grants = ["generate"]

[[task]]
file = "rolling.yaml"
"#;

/// What they and the suite's own are measured by.
const BENCHMARKS: [&str; 5] = [
    "answers/accuracy",
    "facts/accuracy",
    "minimal-pairs/accuracy",
    "prose/bits-per-byte",
    "rolling/word_perplexity",
];

/// Serves the small model at the URL that is returned, until the process ends. Not every server `repeats` a prompt.
fn serve(repeats: bool) -> String {
    let home = Home::from_environment().expect("a home with an engine");
    let launch = Launch::engine(Path::new(env!("CARGO_BIN_EXE_realign")), &home.engine());
    let model = ModelRef::parse("smollm2", &home).expect("the small model");
    let engine = Mutex::new(Backend::open(&model, &launch, Some(1)).expect("the engine"));
    let address = loopback::serve(move |head, body, stream| {
        let engine = &mut *engine.lock().expect("no other request failed");
        let answer =
            if head.contains("/chat/") { chat(engine, body) } else { completion(engine, body, repeats) };
        loopback::send(stream, "200 OK", "", &answer.to_string());
    });
    format!("http://{address}/v1")
}

fn chat(engine: &mut Backend, body: &Value) -> Value {
    let messages: Vec<ChatMessage> = serde_json::from_value(body["messages"].clone()).expect("messages");
    let (text, finish, tokens) = continued(engine, Prompt::Messages(messages), body);
    json!({
        "choices": [{ "message": { "content": text }, "finish_reason": finish }],
        "usage": { "completion_tokens": tokens },
    })
}

/// A text, its words with their log-probabilities, and one token behind it.
fn completion(engine: &mut Backend, body: &Value, repeats: bool) -> Value {
    let text = body["prompt"].as_str().expect("a prompt");
    let (made, finish, _) = continued(engine, Prompt::Raw(text.to_owned()), body);
    let echoed = if repeats && body["echo"] == json!(true) { words(text) } else { Vec::new() };
    let mut before = if echoed.is_empty() { text.to_owned() } else { String::new() };
    let tokens: Vec<String> = echoed.into_iter().chain(Some(made).filter(|made| !made.is_empty())).collect();
    let (mut offsets, mut queries) = (Vec::new(), Vec::new());
    for (place, word) in tokens.iter().enumerate() {
        offsets.push(before.chars().count());
        if !before.is_empty() {
            let (id, context) = (place.to_string(), Prompt::Raw(before.clone()));
            queries.push(ScoreQuery { id, context, continuations: vec![word.clone()] });
        }
        before += word;
    }
    let scores = engine.score(&queries, None, &mut |_, _| {}).expect("scores");
    // The first token of a text has no score.
    let unscored = vec![Value::Null; tokens.len() - scores.len()];
    let value = |score: &ScoreAnswer| json!(score.logprob[0]);
    let best = |score: &ScoreAnswer| json!({ "best": if score.greedy[0] { score.logprob[0] } else { 0.0 } });
    let values: Vec<Value> = unscored.iter().cloned().chain(scores.iter().map(value)).collect();
    let tops: Vec<Value> = unscored.iter().cloned().chain(scores.iter().map(best)).collect();
    let whole = tokens.concat();
    let logprobs =
        json!({ "tokens": tokens, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets });
    json!({ "choices": [{ "text": whole, "finish_reason": finish, "logprobs": logprobs }] })
}

fn continued(engine: &mut Backend, prompt: Prompt, body: &Value) -> (String, &'static str, usize) {
    let max_tokens = u32::try_from(body["max_tokens"].as_u64().expect("a limit")).expect("a small limit");
    let query = GenerateQuery {
        id: "q".into(),
        prompt,
        max_tokens,
        temperature: 0.0,
        seed: Seed(0),
        stop: Vec::new(),
    };
    let answer = engine.generate(&[query], None, &mut |_, _| {}).expect("an answer").remove(0);
    let finish = if answer.finish == Finish::Length { "length" } else { "stop" };
    (answer.text, finish, answer.tokens)
}

/// A text in words, each with the blanks before it.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut blank = true;
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if !c.is_whitespace() || blank => word.push(c),
            _ => words.push(c.into()),
        }
        blank = c.is_whitespace();
    }
    words
}

#[test]
fn a_server_in_front_of_the_engine_gives_the_engine_s_numbers_and_texts() {
    let Some(project) = Project::with_engine() else { return };
    let url = serve(true);
    project.write("questions.jsonl", lines([
        json!({ "id": "a", "context": "The capital of France is", "continuations": [" Paris", " Rome", " the largest city"] }),
        json!({ "id": "b", "context": "Water boils at a temperature of ", "continuations": ["one hundred degrees", "ten"] }),
    ]));
    project.write("prompts.jsonl", lines([
        json!({ "id": "a", "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Who are you?" }] }),
    ]));
    let model = format!("openai:{url}#smollm2");
    for (name, model) in [("server", model.as_str()), ("engine", "smollm2")] {
        let (scores, texts) = (format!("{name}.scores"), format!("{name}.texts"));
        let score = ["score", "--input", "questions.jsonl", "--output", &scores, "--model", model];
        project.realign(&score).exits(0);
        let generate = [
            "generate",
            "--input",
            "prompts.jsonl",
            "--output",
            &texts,
            "--max-tokens",
            "16",
            "--model",
            model,
        ];
        project.realign(&generate).exits(0);
    }
    assert_eq!(project.read("server.texts"), project.read("engine.texts"));
    let scores = |name: &str| -> Vec<Value> {
        project.read(name).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    for (server, engine) in scores("server.scores").iter().zip(scores("engine.scores")) {
        assert_eq!((&server["id"], &server["greedy"]), (&engine["id"], &engine["greedy"]));
        let sums = |row: &Value| -> Vec<f64> {
            serde_json::from_value(row["loglikelihood"].clone()).expect("numbers")
        };
        for (one, other) in sums(server).into_iter().zip(sums(&engine)) {
            assert!((one - other).abs() < 1e-3, "{server} {engine}");
        }
    }
}

/// What kept each of [`BENCHMARKS`] from being measured, without the way out; nothing where it was measured.
fn benchmarks(project: &Project, name: &str, model: &str) -> [String; 5] {
    let sizes = ["--limit", "1", "--items", "2", "--name", name];
    let arguments = [&["eval", "suite.toml", "--json", "--model", model], &sizes[..]].concat();
    // One family decides no gate.
    let run = project.realign(&arguments).exits(11);
    let record: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(record["failures"], json!({}), "what a server cannot do is no failure of an evaluator");
    let metrics = record["metrics"].as_array().expect("metrics");
    BENCHMARKS.map(|name| {
        let metric = metrics.iter().find(|metric| metric["name"] == name).expect(name);
        let reason = metric["reason"].as_str().expect("text").split(';').next().unwrap_or_default();
        assert_eq!(metric["estimate"].is_null(), reason.starts_with("insufficient"), "{metric}");
        reason.to_owned()
    })
}

#[test]
fn what_a_server_cannot_score_is_not_measured_and_the_rest_of_the_suite_is() {
    let Some(project) = Project::with_engine() else { return };
    mini::write(&project);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/harbor/bench");
    for name in ["facts.jsonl", "minimal-pairs.jsonl", "prose.jsonl", "answers.jsonl"] {
        project.write(name, fs::read(example.join(name)).expect("the example"));
    }
    project.write("suite.toml", project.read("suite.toml") + MORE);
    project.write(
        "rolling.yaml",
        "task: rolling\ndataset_path: json\ndataset_kwargs: {data_files: {test: rolling.jsonl}}\ntest_split: test\n\
         output_type: loglikelihood_rolling\ndoc_to_text: \"\"\ndoc_to_target: \"{{text}}\"\nmetric_list: [{metric: word_perplexity}]\n",
    );
    project
        .write("rolling.jsonl", lines([json!({ "text": "A quiet day." }), json!({ "text": "Rain fell." })]));
    let served = |repeats| format!("openai:{}#smollm2", serve(repeats));
    let measured = "";
    let none = "insufficient: the server gives no log-likelihoods that can be used: the text does not come back (echo)";
    let no_first = "insufficient: the server gives no log-probability of a text's first token";
    let expected = |facts, whole| [measured, facts, whole, whole, whole].map(str::to_owned);
    assert_eq!(benchmarks(&project, "engine", "smollm2"), expected(measured, measured));
    assert_eq!(benchmarks(&project, "echo", &served(true)), expected(measured, no_first));
    assert_eq!(benchmarks(&project, "silent", &served(false)), expected(none, none));
    let report = project.realign(&["report", "silent"]).exits(0).out;
    // What they have in common is said once.
    let said = "facts/accuracy, facts/accuracy-normalised, minimal-pairs/accuracy, minimal-pairs/accuracy-normalised, \
                prose/bits-per-byte, rolling/word_perplexity: insufficient: the server gives no log-likelihoods that can be used: \
                the text does not come back (echo); start a server that answers /completions with `echo`";
    assert!(report.contains(said) && report.matches("use the weights").count() == 1, "{report}");
    let compared = project.realign(&["compare", "engine", "silent"]).out;
    let only = "only in the first run, left out: items of facts/accuracy (2), minimal-pairs/accuracy (2),\n\
                prose/bits-per-byte (2)\n";
    assert!(compared.contains(only), "{compared}");
    for run in ["echo", "silent"] {
        project.realign(&["verify", run]).exits(0);
    }
}
