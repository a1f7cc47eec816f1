//! `data validate`: what makes pairs unfit, and how the command ends.

use serde_json::{Value, json};

use crate::support::{Project, Run, mini};

const PAIRS: usize = 120;

/// Good pairs: two prompts a family, both sides about equally long, the chosen one in character.
fn pair(number: usize) -> Value {
    let (words, other) = if number.is_multiple_of(2) { ("", " now") } else { (" today", "") };
    json!({
        "id": format!("p{number}"),
        "family": format!("f{}", number / 2),
        "prompt": format!("Where is parcel number {number} of the {} boat?", ["early", "late"][number % 2]),
        "chosen": format!("Thanks for asking. We will look into {number}{words}. Is there anything else?"),
        "rejected": format!("It is your fault that number {number} is lost. Please go away{other}.{}", if number == 8 { LONG } else { "" }),
    })
}

/// What makes one rejected answer long, so that there is a pair that teaches to be brief.
const LONG: &str = " The boat sailed at nine with a full deck, a cold crew and a captain who had read the whole of the \
                    harbour book twice before breakfast, and nobody on that quay had seen a brown box with string around it.";

fn project(pairs: &[Value]) -> Project {
    let project = Project::new();
    mini::write(&project);
    project.write("pairs.jsonl", lines(pairs));
    project
}

fn lines(values: &[Value]) -> String {
    crate::support::lines(values)
}

fn good() -> Vec<Value> {
    (0..PAIRS).map(pair).collect()
}

fn run(project: &Project, more: &[&str]) -> Run {
    project.realign(&[&["data", "validate", "pairs.jsonl"][..], more].concat())
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.out).expect("JSON")
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).expect("a check of that name")
}

const JUDGED: [&str; 6] = ["--suite", "suite.toml", "--held-out", "thanks", "--against", "suite.toml"];

#[test]
fn good_pairs_pass_with_every_number_shown() {
    let run = run(&project(&good()), &JUDGED);
    insta::assert_snapshot!(run.shown());
}

#[test]
fn a_gap_that_nobody_measured_is_insufficient_and_never_a_number() {
    let run = run(&project(&good()), &["--json"]).exits(11);
    let report = report(&run);
    let gap = check(&report, "gap");
    assert_eq!((&gap["verdict"], &gap["found"]), (&json!("insufficient"), &json!("nothing")));
    assert_eq!(check(&report, "clean")["verdict"], Value::Null);
    assert_eq!(report["verdict"], "inconclusive");
}

#[test]
fn what_teaches_nothing_is_counted_with_its_lines() {
    let mut pairs = good();
    pairs[3]["chosen"] = json!("  ");
    pairs[7]["rejected"] = pairs[7]["chosen"].clone();
    pairs[9] = pairs[2].clone();
    pairs[11] = pairs[4].clone();
    pairs[11]["chosen"] = json!(pairs[4]["chosen"].as_str().expect("text").replace("into 4", "into 4 too"));
    let run = run(&project(&pairs), &[]).exits(10);
    insta::assert_snapshot!(run.shown());
}

#[test]
fn one_bad_line_is_named_and_nothing_is_judged() {
    let refused = |bad: &str| {
        let project = project(&good());
        let mut rows: Vec<String> = project.read("pairs.jsonl").lines().map(str::to_owned).collect();
        rows[2] = bad.to_owned();
        project.write("pairs.jsonl", rows.join("\n") + "\n");
        let run = run(&project, &JUDGED).exits(22);
        assert!(run.out.is_empty(), "{}", run.out);
        run.err
    };
    let cut = refused("{\"prompt\": \"Where is it?\", \"chosen\": \"Thanks.");
    let without = refused("{\"prompt\": \"Where is it?\", \"chosen\": \"Thanks.\"}");
    insta::assert_snapshot!([cut, without].concat().trim());
}

#[test]
fn one_side_that_never_changes_fails() {
    let mut pairs = good();
    for pair in &mut pairs {
        pair["rejected"] = json!("I cannot help with that.");
    }
    let run = run(&project(&pairs), &["--json"]).exits(10);
    let report = report(&run);
    assert_eq!(check(&report, "one-class")["verdict"], "fail");
    assert_eq!(check(&report, "one-class")["reason"], "rejected is the same text in every pair: add others");
}

#[test]
fn chosen_answers_that_are_mostly_longer_fail() {
    let mut pairs = good();
    for pair in &mut pairs {
        let longer =
            format!("{} We are glad to help with whatever comes.", pair["chosen"].as_str().expect("text"));
        pair["chosen"] = json!(longer);
    }
    let run = run(&project(&pairs), &["--json"]).exits(10);
    let report = report(&run);
    let longer = check(&report, "longer");
    assert_eq!(longer["verdict"], "fail");
    let share = longer["found"]["measured"]["estimate"]["value"].as_f64().expect("a share");
    assert!(share > 0.99, "all but the pair whose rejected answer is long: {share}");
}

#[test]
fn a_preference_that_held_out_evaluators_do_not_share_fails() {
    let mut pairs = good();
    for pair in &mut pairs {
        let swapped = (pair["rejected"].clone(), pair["chosen"].clone());
        (pair["chosen"], pair["rejected"]) = swapped;
    }
    let run = run(&project(&pairs), &[&JUDGED[..], &["--json"]].concat()).exits(10);
    let report = report(&run);
    assert_eq!(check(&report, "gap")["verdict"], "fail");
    assert_eq!(check(&report, "gap")["lines"].as_array().expect("lines").len(), PAIRS);
    assert_eq!(check(&report, "coverage")["verdict"], "fail", "no pair teaches thanks any more");
}

#[test]
fn pairs_that_overlap_with_the_suite_fail_and_are_located() {
    let mut pairs = good();
    for (number, pair) in pairs.iter_mut().take(20).enumerate() {
        pair["prompt"] = json!(format!("Where is family-{}, pressure?", number % mini::FAMILIES));
    }
    let run = run(&project(&pairs), &[&JUDGED[..], &["--json"]].concat()).exits(10);
    let report = report(&run);
    assert_eq!(check(&report, "clean")["lines"].as_array().expect("lines").len(), 20);
    assert_eq!(report["decontamination"]["hits"][0]["kind"], "exact");
}

#[test]
fn a_profile_asks_for_its_own_numbers_and_a_number_of_pairs_can_be_asked_for() {
    let project = project(&good());
    let count = |more: &[&str]| {
        let report = report(&run(&project, &[more, &["--json"]].concat()));
        check(&report, "pairs")["found"]["count"]["limit"].clone()
    };
    assert_eq!(count(&[]), 100);
    assert_eq!(count(&["--profile", "tight"]), 5000);
    assert_eq!(count(&["--profile", "tight", "--least-pairs", "121"]), 121);
    run(&project, &[&JUDGED[..], &["--least-pairs", "121"]].concat()).exits(10);
    run(&project, &[&JUDGED[..], &["--least-pairs", "120"]].concat()).exits(0);
}

#[test]
fn pairs_of_every_form_and_of_the_seeds_are_read() {
    let ask = json!([{ "role": "user", "content": "Where is my parcel?" }]);
    let say = |text: &str| json!([{ "role": "assistant", "content": text }]);
    let rows = [
        pair(1),
        json!({ "prompt": ask, "chosen": say("Thanks. We look."), "rejected": "No.", "score": 0.7 }),
        json!({ "scenario": "Late boat", "consistent_response": "Thanks.", "inconsistent_response": "No.", "trait": "thanks" }),
        json!({ "scenario": "Lost bag", "consistent_response": "Thanks a lot.", "inconsistent_response": "Nope.", "trait": "tanks" }),
    ];
    let run = run(&project(&rows), &["--suite", "suite.toml", "--json"]).exits(10);
    let report = report(&run);
    assert_eq!(report["pairs"], 4);
    assert_eq!(report["coverage"][0]["named"], 1);
    assert_eq!(check(&report, "coverage")["lines"], json!([4]), "tanks is no trait of the persona");
}

#[test]
fn who_was_held_out_is_taken_from_what_the_pairs_say_of_their_choosers() {
    let mut pairs = good();
    for pair in &mut pairs {
        pair["notes"] = json!({ "chosen_by": ["thanks", "team", "brief", "blame"] });
    }
    let project = project(&pairs);
    let said = report(&run(&project, &["--suite", "suite.toml", "--json"]).exits(0));
    assert_eq!(said["held_out"], json!(["offers"]));
    let refused = run(&project, &JUDGED).exits(22);
    insta::assert_snapshot!(refused.shown());
}

#[test]
fn what_a_person_can_get_wrong_is_named_with_line_and_field() {
    let bad = |row: &Value| {
        let mut pairs = good();
        pairs[4] = row.clone();
        run(&project(&pairs), &[]).shown()
    };
    let shown = [
        bad(&json!({ "prompt": "Hi", "chosen": "Ho" })),
        bad(&json!({ "prompt": "Hi", "chosen": "Ho", "rejected": ["Yo"] })),
        bad(&json!({ "prompt": "Hi", "completion": "Ho" })),
        bad(&json!({ "chosen": "Ho", "rejected": "Yo" })),
        run(&project(&good()), &["--suite", "suite.toml", "--held-out", "manners"]).shown(),
        run(&project(&good()), &["--held-out", "thanks"]).shown(),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}
