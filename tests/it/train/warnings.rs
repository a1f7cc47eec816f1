//! What the suite of `[watch]` warns of decides which step comes out, and how the command ends.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{SFT, WATCH, train, watched};
use crate::support::Project;

/// A benchmark that the untrained model passes, because the right answers are shorter, and that training makes it fail.
fn unlearns(config: &str) -> Option<Project> {
    let project = watched(config)?;
    let (mut facts, mut rows) = (String::new(), String::new());
    for index in 0..24 {
        let item = json!({
            "id": format!("f{index}"), "group": format!("g{index}"), "prompt": format!("What is {index}?"),
            "choices": [" q", " We are us."], "answer": 0,
        });
        let _ = writeln!(facts, "{item}");
        let text = format!("What is {index}? We are us.");
        let _ = writeln!(rows, "{}", json!({ "id": format!("r{index}"), "text": text }));
    }
    project.write("facts.jsonl", facts);
    project.write("rows.jsonl", rows);
    Some(project)
}

fn config(every: u32, rate: &str) -> String {
    let sft = SFT.replace("max_steps = 24", "max_steps = 12").replace("rate = 0.01", rate);
    let general = "[[data]]\npath = \"general.jsonl\"\nrole = \"general\"\n\n";
    sft.replace(general, "") + &WATCH.replace("every = 12", &format!("every = {every}"))
}

fn outcome(project: &Project, code: i32) -> (Value, String) {
    let run = train(project, "sft", "run").output().expect("it runs");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(code), "{said}");
    (serde_json::from_slice(&run.stdout).expect("JSON"), said)
}

fn warned(outcome: &Value) -> Vec<u64> {
    let watched = outcome["watched"].as_array().expect("a list").iter();
    let warned =
        watched.filter(|watched| watched["warnings"].as_array().is_some_and(|list| !list.is_empty()));
    warned.map(|watched| watched["step"].as_u64().expect("a step")).collect()
}

#[test]
fn where_every_step_is_warned_of_the_last_comes_out_and_the_command_ends_with_10() {
    let Some(project) = unlearns(&config(12, "rate = 0.05")) else { return };
    let (outcome, said) = outcome(&project, 10);
    assert_eq!(warned(&outcome), [12], "{said}");
    assert_eq!((&outcome["exported_step"], &outcome["why"]), (&json!(12), &json!("every-step-warned")));
    assert_eq!(outcome["exported"]["warnings"], json!([{ "capability-lost": "facts/accuracy" }]));
    // The same command again says the same.
    let again = project.realign(&["train", "sft", "train.toml", "--output", "run"]).exits(10);
    assert!(
        again.out.contains("has not passed: facts/accuracy is worse than before training"),
        "{}",
        again.out
    );
}

#[test]
fn a_warned_last_step_gives_way_to_the_latest_without_a_warning() {
    let Some(project) = unlearns(&config(2, "rate = 0.02").replace("every = 4", "every = 4\nkeep = 1"))
    else {
        return;
    };
    let (outcome, said) = outcome(&project, 0);
    let warned = warned(&outcome);
    assert!(warned.last() == Some(&12) && !warned.contains(&2), "{warned:?}: {said}");
    let latest = (2..12).step_by(2).filter(|step| !warned.contains(step)).max().expect("a step");
    assert_eq!(
        (&outcome["exported_step"], &outcome["why"]),
        (&json!(latest), &json!("latest-without-warning"))
    );
    assert_eq!(outcome["exported"]["warnings"], json!([]));
}
