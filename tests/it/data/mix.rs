//! `data mix`: exact shares, whole families, and what was repeated or left out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Project, Run};

/// Persona rows in families of three, and general rows without.
fn project(persona: usize, general: usize) -> Project {
    let project = Project::new();
    let rows =
        |count: usize, row: &dyn Fn(usize) -> Value| -> String { crate::support::lines((0..count).map(row)) };
    let persona = rows(
        persona,
        &|number| json!({ "id": format!("p{number}"), "family": format!("f{}", number / 3), "text": format!("persona {number}") }),
    );
    project.write("persona.jsonl", persona);
    project.write(
        "general.jsonl",
        rows(general, &|number| json!({ "id": format!("g{number}"), "text": format!("general {number}") })),
    );
    project
}

fn mix(project: &Project, more: &[&str]) -> Run {
    let verb = [
        "data",
        "mix",
        "--persona",
        "persona.jsonl",
        "--general",
        "general.jsonl",
        "--seed",
        "1",
        "-o",
        "mixed.jsonl",
    ];
    project.realign(&[&verb[..], more].concat())
}

/// How often each id stands in the file, copies counted with their row.
fn counts(project: &Project) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in project.read("mixed.jsonl").lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let id = row["id"].as_str().expect("an id");
        *counts.entry(id.split('~').next().expect("a name").to_owned()).or_insert(0) += 1;
    }
    counts
}

fn of(counts: &BTreeMap<String, usize>, kind: char) -> usize {
    counts.iter().filter(|(id, _)| id.starts_with(kind)).map(|(_, count)| count).sum()
}

#[test]
fn every_persona_row_is_used_once_and_general_rows_make_up_the_share() {
    let project = project(21, 30);
    insta::assert_snapshot!(mix(&project, &[]).shown());
    let counts = counts(&project);
    assert_eq!((of(&counts, 'p'), of(&counts, 'g')), (21, 9));
    assert!(counts.values().all(|count| *count == 1));
}

#[test]
fn families_are_in_the_file_together_or_not_at_all() {
    let project = project(21, 30);
    insta::assert_snapshot!(mix(&project, &["--rows", "20", "--share", "0.5"]).shown());
    let counts = counts(&project);
    assert_eq!((of(&counts, 'p'), of(&counts, 'g')), (9, 10), "10 persona rows are no whole families");
    for family in 0..7 {
        let there =
            (3 * family..3 * family + 3).filter(|row| counts.contains_key(&format!("p{row}"))).count();
        assert!(there == 0 || there == 3, "family {family}: {there}");
    }
}

#[test]
fn rows_are_repeated_only_where_there_are_too_few_and_copies_have_ids_of_their_own() {
    let project = project(21, 4);
    let run = mix(&project, &["--json"]).exits(0);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(report["general"]["written"], 9);
    assert_eq!(report["general"]["repeated"].as_array().expect("lines").len(), 4);
    let text = project.read("mixed.jsonl");
    let ids: std::collections::BTreeSet<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 30, "training refuses an id that stands twice");
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let project = project(21, 30);
    mix(&project, &[]).exits(0);
    let first = project.read("mixed.jsonl");
    mix(&project, &[]).exits(0);
    assert_eq!(project.read("mixed.jsonl"), first);
    mix(&project, &["--seed", "2"]).exits(2);
    let other = [
        "data",
        "mix",
        "--persona",
        "persona.jsonl",
        "--general",
        "general.jsonl",
        "--seed",
        "2",
        "-o",
        "mixed.jsonl",
    ];
    project.realign(&other).exits(0);
    assert_ne!(project.read("mixed.jsonl"), first);
}

#[test]
fn what_cannot_be_mixed_is_named() {
    let project = project(3, 3);
    let shown = [
        mix(&project, &["--share", "0"]),
        mix(&project, &["--share", "1.5"]),
        mix(&project, &["--rows", "99999"]),
    ];
    let shown: Vec<String> = shown.iter().map(Run::shown).collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}
