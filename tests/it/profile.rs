//! A personality inventory: a profile is measured and compared, and nothing asks more of it.

use std::collections::BTreeSet;

use realign::ids::Digest;
use serde_json::{Value, json};

use crate::support::{Project, lines, mini};

const STATEMENTS: &str = include_str!("../../plugins/likert-inventory/ipip50/conscientiousness.jsonl");
const SCALE: [&str; 5] = [
    "Very inaccurate",
    "Moderately inaccurate",
    "Neither accurate nor inaccurate",
    "Moderately accurate",
    "Very accurate",
];

/// The five files of the example, with how many of their statements are keyed for the factor.
const FACTORS: [(&str, &str, usize); 5] = [
    ("agreeableness", include_str!("../../plugins/likert-inventory/ipip50/agreeableness.jsonl"), 6),
    ("conscientiousness", STATEMENTS, 6),
    (
        "emotional-stability",
        include_str!("../../plugins/likert-inventory/ipip50/emotional-stability.jsonl"),
        2,
    ),
    ("extraversion", include_str!("../../plugins/likert-inventory/ipip50/extraversion.jsonl"), 5),
    ("intellect", include_str!("../../plugins/likert-inventory/ipip50/intellect.jsonl"), 7),
];

/// The small suite with an inventory and nothing else.
fn project() -> Project {
    let project = Project::new();
    mini::write(&project);
    let suite = project.read("suite.toml");
    let (head, _) = suite.split_once("[[detector]]").expect("the small suite has detectors");
    let inventory = "[[benchmark]]\nid = \"conscientiousness\"\nplugin = \"likert-inventory\"\ndata = \"statements.jsonl\"\n\
                     metric = \"score\"\ndirection = \"none\"\ngrants = [\"choose\"]\n";
    project.write("suite.toml", format!("{head}{inventory}"));
    project.write("statements.jsonl", STATEMENTS);
    project
}

/// Evaluates a model that gives each statement the answer of a place from 1 to 5, in whichever order it stands.
fn eval(project: &Project, name: &str, place: impl Fn(&str) -> usize) -> Value {
    let rows = STATEMENTS.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut answers = Vec::new();
    for row in rows {
        let place = place(row["key"].as_str().expect("a key"));
        let statement = row["statement"].as_str().expect("a statement");
        let falling: Vec<&str> = SCALE.into_iter().rev().collect();
        for (order, likeliest) in [(SCALE.to_vec(), place - 1), (falling, 5 - place)] {
            let listed =
                lines("ABCDE".chars().zip(order).map(|(letter, answer)| format!("{letter}. {answer}")));
            let content = format!(
                "How accurately does this statement describe you?\n\n\"{statement}\"\n\n{listed}\nAnswer with one letter."
            );
            let content = json!(content);
            let body = format!(
                r#"{{"prompt":{{"messages":[{{"role":"user","content":{content}}}]}},"choices":["A","B","C","D","E"],"unconditional":false}}"#
            );
            let digest = Digest::of(format!("choose\n{body}").as_bytes());
            let (mut logprobs, greedy, tokens) = ([-60.0; 5], [false; 5], [1; 5]);
            logprobs[likeliest] = 0.0;
            let id = format!("benchmark/conscientiousness/{digest}");
            answers.push(json!({ "id": id, "loglikelihood": logprobs, "greedy": greedy, "tokens": tokens }));
        }
    }
    project.write("answers.jsonl", lines(answers));
    let run = ["eval", "suite.toml", "--model", "recorded:answers.jsonl", "--name", name, "--json"];
    let run = project.realign(&run).exits(0);
    serde_json::from_str(&run.out).expect("JSON")
}

/// Goldberg's Big-Five factor markers have 50 items; the counts of keys are those of the published inventory.
#[test]
fn the_example_has_ten_statements_of_each_factor_keyed_as_published_and_none_twice() {
    let (mut ids, mut statements) = (BTreeSet::new(), BTreeSet::new());
    for (factor, text, positive) in FACTORS {
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let keyed = |key: &str| rows.iter().filter(|row| row["key"] == key).count();
        assert_eq!((keyed("+"), keyed("-")), (positive, 10 - positive), "{factor}");
        for row in &rows {
            let of = |field: &str| row[field].as_str().expect("text").to_owned();
            assert!(of("id").starts_with(&format!("{factor}-")), "{row}");
            assert!(of("statement").starts_with("I ") && of("statement").ends_with('.'), "{row}");
            ids.insert(of("id"));
            statements.insert(of("statement").to_lowercase());
        }
    }
    assert_eq!((ids.len(), statements.len()), (50, 50));
}

#[test]
fn statements_keyed_the_other_way_are_turned_and_the_number_says_that_no_way_is_better() {
    let project = project();
    let document = eval(&project, "careful", |key| if key == "+" { 5 } else { 1 });
    let metric = |name: &str| {
        let metrics = document["metrics"].as_array().expect("metrics");
        metrics.iter().find(|metric| metric["name"] == name).expect("present").clone()
    };
    let score = metric("conscientiousness/score");
    assert!((score["estimate"]["value"].as_f64().expect("a number") - 5.0).abs() < 1e-9, "{score}");
    assert_eq!((&score["estimate"]["n"], &score["direction"]), (&json!(10), &Value::Null));
    // Six of ten statements are keyed for it, so who always agrees with them calls six of ten accurate.
    let agreement = metric("conscientiousness/agreement");
    assert!((agreement["estimate"]["value"].as_f64().expect("a number") - 3.4).abs() < 1e-9, "{agreement}");
}

#[test]
fn a_profile_changes_and_never_regresses_and_no_gate_or_place_hangs_on_it() {
    let project = project();
    eval(&project, "careful", |key| if key == "+" { 5 } else { 1 });
    eval(&project, "careless", |key| if key == "+" { 2 } else { 4 });
    let run = project.realign(&["compare", "careful", "careless"]).exits(0);
    let line = run.out.lines().find(|line| line.starts_with("conscientiousness/score")).expect("compared");
    assert!(
        line.contains("5.000") && line.contains("2.000") && line.trim_end().ends_with("changed"),
        "{}",
        run.out
    );
    let place =
        project.realign(&["leaderboard", "careful", "careless", "--metric", "conscientiousness/score"]);
    insta::assert_snapshot!(place.exits(2).err.trim(), @r"
    error: --metric: no way of `conscientiousness/score` is better, so no run has a place by it
     hint: it is part of a profile: realign compare says whether it changed
    ");
    project.write(
        "gates.toml",
        "format = 1\n[[gate]]\nmetric = \"conscientiousness/score\"\nthreshold = 3.0\ncomparison = \">=\"\n",
    );
    let gate = project.realign(&["report", "careful", "--gates", "gates.toml"]).exits(2);
    insta::assert_snapshot!(gate.err.trim(), @r#"
    error: gates.toml: gate[0].metric: `conscientiousness/score` has no better direction, so there is nothing to reach
     hint: it is part of a profile (direction = "none" in the suite): compare says whether it changed
    "#);
}
