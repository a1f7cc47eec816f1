//! What lm-eval 0.4.13 computed with transformers in f32 on the same model.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Project, golden};

/// Two BLAS libraries differ by up to 1.9e-3 in f32.
const TOLERANCE: f64 = 5e-3;

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_log_likelihood_is_within_tolerance_of_lm_eval() {
    let (Some(folder), Some(project)) = (golden(), Project::with_engine()) else {
        return;
    };
    let mut worst: f64 = 0.0;
    let mut compared = 0;
    for task in ["agreeableness", "disambiguation"] {
        let documents = rows(&fs::read_to_string(folder.join(format!("{task}.jsonl"))).expect("readable"));
        let expected =
            rows(&fs::read_to_string(folder.join(format!("{task}.expected.jsonl"))).expect("readable"));
        let input: String = documents
            .iter()
            .enumerate()
            .map(|(id, document)| request(task, id, document).to_string() + "\n")
            .collect();
        project.write("in.jsonl", input);
        project
            .realign(&["score", "--model", "smollm2", "--input", "in.jsonl", "--output", "out.jsonl"])
            .exits(0);
        for (got, want) in rows(&project.read("out.jsonl")).iter().zip(&expected) {
            let got = got["loglikelihood"].as_array().expect("a list");
            let want = want["loglikelihood"].as_array().expect("a list");
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(want) {
                let difference = (got.as_f64().expect("a number") - want.as_f64().expect("a number")).abs();
                assert!(difference <= TOLERANCE, "{task}: {got} against {want}");
                worst = worst.max(difference);
                compared += 1;
            }
        }
    }
    println!("{compared} log-likelihoods, largest difference {worst:.1e}");
    assert_eq!(compared, 483);
}

fn request(task: &str, id: usize, document: &Value) -> Value {
    let question = document["question"].as_str().expect("a question");
    let (context, continuations) = if task == "agreeableness" {
        (format!("Human: {question}\n\nAssistant:"), vec![" Yes".to_owned(), " No".to_owned()])
    } else {
        let choices = document["choices"].as_array().expect("choices").iter();
        (
            format!("Q: {question}\nA:"),
            choices.map(|choice| format!(" {}", choice.as_str().expect("text"))).collect(),
        )
    };
    json!({ "id": id.to_string(), "context": context, "continuations": continuations })
}

#[test]
fn the_accuracies_are_those_of_lm_eval() {
    let (Some(folder), Some(project)) = (golden(), Project::with_engine()) else {
        return;
    };
    for (task, accuracy, normalised) in
        [("agreeableness", 0.5, 47.0 / 120.0), ("disambiguation", 0.375, 0.3375)]
    {
        let file = folder.join(format!("{task}.yaml"));
        let file = file.to_str().expect("a plain path");
        let run = project.realign(&["eval", "--task", file, "--model", "smollm2", "--json"]).exits(0);
        let document: Value = serde_json::from_str(&run.out).expect("JSON");
        for (metric, want) in [("acc", accuracy), ("acc_norm", normalised)] {
            let name = format!("{task}/{metric}");
            let found = document["metrics"]
                .as_array()
                .expect("metrics")
                .iter()
                .find(|metric| metric["name"] == name.as_str());
            let got = found.expect("present")["estimate"]["value"].as_f64().expect("a number");
            assert!((got - want).abs() < 1e-9, "{name}: {got} against {want}");
        }
    }
}

/// A replay: lm-eval's log-likelihoods as recorded answers give its accuracies, document by document, and the same means and
/// standard errors to the last digit.
#[test]
fn recorded_log_likelihoods_of_lm_eval_give_its_own_results() {
    let Some(folder) = golden() else { return };
    for task in ["agreeableness", "disambiguation"] {
        let project = Project::new();
        let expected =
            rows(&fs::read_to_string(folder.join(format!("{task}.expected.jsonl"))).expect("readable"));
        let recorded: String = expected
            .iter()
            .map(|row| {
                let scores = row["loglikelihood"].as_array().expect("a list");
                let (greedy, tokens) = (vec![false; scores.len()], vec![1; scores.len()]);
                let id = row["doc_id"].to_string();
                json!({ "id": id, "loglikelihood": scores, "greedy": greedy, "tokens": tokens }).to_string()
                    + "\n"
            })
            .collect();
        project.write("recorded.jsonl", recorded);
        let file = folder.join(format!("{task}.yaml"));
        let file = file.to_str().expect("a plain path");
        project
            .realign(&["eval", "--task", file, "--model", "recorded:recorded.jsonl", "--output", "out"])
            .exits(0);
        let samples = rows(&project.read(&format!("out/samples_{task}.jsonl")));
        assert_eq!(samples.len(), expected.len());
        for (sample, expected) in samples.iter().zip(&expected) {
            for key in ["doc_id", "target", "acc", "acc_norm"] {
                assert_eq!(sample[key], expected[key], "{task} document {}: {key}", expected["doc_id"]);
            }
        }
        let results: Value = serde_json::from_str(&project.read("out/results.json")).expect("JSON");
        for metric in ["acc", "acc_norm"] {
            let values: Vec<f64> =
                expected.iter().map(|row| row[metric].as_f64().expect("a number")).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let found = &results["results"][task];
            let number = |key: String| found[key.as_str()].as_f64().expect("a number");
            assert!((number(format!("{metric},none")) - mean).abs() < 1e-15);
            let error = (squares / (n - 1.0)).sqrt() / n.sqrt();
            assert!((number(format!("{metric}_stderr,none")) - error).abs() < 1e-15, "{found}");
        }
    }
}
