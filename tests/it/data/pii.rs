//! `data pii`: what is found is located and masked, never printed, and replaced where asked for.

use serde_json::{Value, json};

use crate::support::{Project, Run};

const SECRETS: [&str; 6] = [
    "jo.doe@mail.harbor.co",
    "4111 1111 1111 1111",
    "536-90-4399",
    "DE44 5001 0517 5407 3249 31",
    "8.8.8.8",
    "(212) 736-5000",
];

fn project() -> Project {
    let project = Project::new();
    let said = |text: &str| json!({ "messages": [{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": text }] });
    let mut rows: Vec<Value> =
        SECRETS.iter().map(|secret| said(&format!("It is {secret}, \u{1b}[31mnoted."))).collect();
    rows.push(json!({ "text": "In 2024 it cost $1,234.56", "deep": [{ "card": 4111_1111_1111_1111_u64 }] }));
    let mut lines = crate::support::lines(&rows);
    lines += "{ \"text\" : \"Nothing here, 1.50\" }\n";
    project.write("rows.jsonl", lines);
    project
}

fn pii(project: &Project, more: &[&str]) -> Run {
    project.realign(&[&["data", "pii", "rows.jsonl"][..], more].concat())
}

#[test]
fn every_kind_is_shown_with_its_place_and_without_its_value() {
    let project = project();
    let run = pii(&project, &[]).exits(10);
    let json = pii(&project, &["--json"]).exits(10);
    for secret in SECRETS {
        assert!(!run.shown().contains(secret) && !json.shown().contains(secret), "{secret} is printed");
    }
    insta::assert_snapshot!(run.shown());
}

#[test]
fn redacted_rows_hold_nothing_that_is_found_again() {
    let project = project();
    pii(&project, &["--redact", "-o", "clean.jsonl"]).exits(0);
    let clean = project.read("clean.jsonl");
    assert!(SECRETS.iter().all(|secret| !clean.contains(secret)), "{clean}");
    assert!(
        clean.ends_with("{ \"text\" : \"Nothing here, 1.50\" }\n"),
        "a clean row stays as it was: {clean}"
    );
    let last: Value = serde_json::from_str(clean.lines().nth(6).expect("the seventh row")).expect("JSON");
    assert_eq!(last["deep"][0]["card"], "[CARD]");
    let again = project.realign(&["data", "pii", "clean.jsonl"]).exits(0);
    assert!(again.out.contains("0.0 %"), "{}", again.out);
}

#[test]
fn what_a_person_can_get_wrong_is_named() {
    let project = project();
    let shown = [pii(&project, &["--redact"]).shown(), pii(&project, &["-o", "clean.jsonl"]).shown()];
    project.write("rows.jsonl", "{\"text\":\"fine\"}\n3\n");
    insta::assert_snapshot!([&shown[..], &[pii(&project, &[]).shown()]].concat().join("\n\n"));
}
