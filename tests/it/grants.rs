//! Detectors and style scorers that ask the model: granted by the suite, answered in bulk, refused by default.

use std::collections::BTreeSet;

use realign::ids::Digest;
use serde_json::{Value, json};

use crate::{
    hostile::assemble,
    support::{Project, Run, mini},
};

const ASKING: &str = include_str!("grants/asking.wat");
const LEXICON: &str = "plugin = \"trait-lexicon\"\nthreshold = 0.5\nconfig = { where = \"first-sentence\", any = [\"thanks\", \"thank you\"], none = [] }";

/// The small suite whose detector of thanks asks the model instead of looking for words.
pub(crate) fn write(project: &Project, grants: &str) {
    mini::write(project);
    project.write("asking.wasm", assemble::variant(ASKING, "trait-detector"));
    let detector = format!("plugin = \"./asking.wasm\"\nthreshold = 0.5\n{grants}");
    let suite = project.read("suite.toml");
    assert!(suite.contains(LEXICON), "the small suite has another detector of thanks");
    project.write("suite.toml", suite.replace(LEXICON, &detector));
}

/// The id under which the answer to the question about a response is recorded.
fn request(scope: &str, response: &str) -> String {
    let body =
        format!(r#"{{"max_tokens":4,"prompt":{{"messages":[{{"role":"user","content":"{response}"}}]}}}}"#);
    format!("{scope}/{}", Digest::of(format!("generate\n{body}").as_bytes()))
}

/// Adds recorded answers to the question about every text: yes where it begins with thanks.
fn record(project: &Project, scope: &str, texts: impl IntoIterator<Item = String>) {
    let texts: BTreeSet<String> = texts.into_iter().collect();
    let answer = |text: &String| {
        let says = if text.starts_with("Thanks") { "yes" } else { "no" };
        json!({ "id": request(scope, text), "response": says }).to_string() + "\n"
    };
    let all = project.read("responses.jsonl") + &texts.iter().map(answer).collect::<String>();
    project.write("responses.jsonl", all);
}

/// The values of a field in a file of JSON lines.
fn field(project: &Project, file: &str, name: &str) -> Vec<String> {
    let value = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")[name].clone();
    let text = |line| value(line).as_str().expect("text").to_owned();
    project.read(file).lines().map(text).collect()
}

fn eval(project: &Project, name: &str, more: &[&str]) -> Run {
    let arguments =
        ["eval", "suite.toml", "--model", "recorded:responses.jsonl", "--items", "0", "--name", name];
    project.realign(&[&arguments[..], more].concat())
}

fn metric(document: &Value, name: &str) -> f64 {
    let metrics = document["metrics"].as_array().expect("metrics");
    let found = metrics.iter().find(|metric| metric["name"] == name).expect("present");
    found["estimate"]["value"].as_f64().expect("a number")
}

#[test]
fn a_detector_without_a_grant_is_refused_with_the_line_to_add() {
    let project = Project::new();
    write(&project, "");
    insta::assert_snapshot!(eval(&project, "first", &[]).exits(2).shown(), @r#"
    exit 2
    error: suite.toml: detector[0]: example 0.1.0: it asks for generate, which is not granted
     hint: if it may use the model in this way, add to its table in the suite: grants = ["generate"]
    "#);
}

#[test]
fn a_detector_with_a_grant_judges_by_what_the_model_answers() {
    let project = Project::new();
    write(&project, "grants = [\"generate\"]");
    record(&project, "detector/thanks", field(&project, "responses.jsonl", "response"));
    let first = eval(&project, "first", &["--json"]);
    let document: Value = serde_json::from_str(&first.out).expect("one JSON document");
    // Four of twelve families lose their thanks under pressure, and the recorded answers say so.
    assert!((metric(&document, "trait/thanks") - 20.0 / 24.0).abs() < 1e-12);
    assert_eq!(document["failures"], json!({}));
    assert_eq!(eval(&project, "first", &["--json"]).out, first.out, "another run gave other bytes");
}

#[test]
fn a_recorded_model_without_the_answer_is_told_which_one_is_missing() {
    let project = Project::new();
    write(&project, "grants = [\"generate\"]");
    let run = eval(&project, "first", &[]).exits(22);
    let first = field(&project, "responses.jsonl", "response").remove(0);
    assert!(run.err.contains(&request("detector/thanks", &first)), "{}", run.err);
}

#[test]
fn another_grant_is_another_instrument() {
    let project = Project::new();
    write(&project, "grants = [\"generate\"]");
    record(&project, "detector/thanks", field(&project, "responses.jsonl", "response"));
    eval(&project, "first", &[]);
    let more = project.read("suite.toml").replace("[\"generate\"]", "[\"choose\", \"generate\"]");
    project.write("suite.toml", more);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "second"]).exits(12);
    assert!(run.out.contains("detector/thanks"), "{}", run.out);
}

#[test]
fn another_model_is_another_judge_and_a_comparison_warns_of_it() {
    let project = Project::new();
    write(&project, "grants = [\"generate\"]");
    record(&project, "detector/thanks", field(&project, "responses.jsonl", "response"));
    eval(&project, "first", &[]);
    let worse = project.read("responses.jsonl").replace("\"response\":\"yes\"", "\"response\":\"no\"");
    project.write("responses.jsonl", worse);
    eval(&project, "second", &[]);
    let run = project.realign(&["compare", "first", "second"]).exits(10);
    assert!(run.out.contains("warning: engine: answers to detector/thanks"), "{}", run.out);
}

#[test]
fn a_style_scorer_with_a_grant_is_answered_too() {
    let project = Project::new();
    mini::write(&project);
    project.write("asking.wasm", assemble::variant(ASKING, "style-scorer"));
    let style = "[style]\nplugin = \"./asking.wasm\"\n";
    project.write("suite.toml", project.read("suite.toml") + style);
    let run = eval(&project, "first", &[]).exits(2);
    assert!(run.err.contains("style: example 0.1.0: it asks for generate"), "{}", run.err);

    project.write("suite.toml", project.read("suite.toml") + "grants = [\"generate\"]\n");
    let files = [("responses.jsonl", "response"), ("exemplars.jsonl", "text"), ("contrast.jsonl", "text")];
    let texts = files.map(|(file, name)| field(&project, file, name));
    record(&project, "style", texts.into_iter().flatten());
    let document: Value =
        serde_json::from_str(&eval(&project, "first", &["--json"]).out).expect("one JSON document");
    // Exemplars begin with thanks and contrast texts do not, so the anchored match is the share of thanks.
    assert!((metric(&document, "style-match") - 20.0 / 24.0).abs() < 1e-12, "{document}");
    assert_eq!(document["failures"], json!({}));
}

#[test]
fn a_detector_asks_the_real_model_the_same_whatever_the_number_of_workers() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    write(&project, "grants = [\"generate\"]");
    let eval = |store: &str, workers: &str| {
        let arguments = ["eval", "suite.toml", "--model", "smollm2", "--name", "run", "--json"];
        project.realign(&[&arguments[..], &["--limit", "6", "--workers", workers, "--store", store]].concat())
    };
    let one = eval("one.db", "1");
    let document: Value = serde_json::from_str(&one.out).unwrap_or_else(|_| panic!("{}", one.shown()));
    assert_eq!(document["failures"], json!({}));
    let kept = project.batches("one.db");
    assert_eq!(eval("one.db", "1").out, one.out);
    assert_eq!(project.batches("one.db"), kept, "the same questions became other batches");
    assert_eq!(eval("two.db", "2").out, one.out);
    assert_eq!(project.results("two.db"), project.results("one.db"));
}
