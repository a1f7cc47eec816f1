//! Evaluators and hosts of different ages, with real components: what was built for a released contract runs here, and what is
//! built for a later one runs here too as long as it uses what is there.

use std::{collections::BTreeSet, fs, path::Path};

use realign::{
    model::Outcome,
    sandbox::{Answer, Ask, Evaluator, Limits, Row, Sandbox},
};

use crate::hostile::assemble;

const KINDS: [&str; 3] = ["trait-detector", "style-scorer", "benchmark"];

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Sections beside those of the honest guest that a kind needs.
fn sections(kind: &str) -> String {
    if kind == "benchmark" {
        fs::read_to_string(repository().join("plugins/hostile/benchmark.wat")).expect("the honest benchmark")
    } else {
        String::new()
    }
}

fn load(wasm: &[u8]) -> realign::error::Result<Evaluator> {
    Sandbox::new(None, Limits::default())?.load(wasm)
}

/// What an evaluator makes of two samples, or of two rows.
fn outcomes(wasm: &[u8]) -> Vec<Outcome> {
    let evaluator = load(wasm).expect("it is loaded");
    let grants = BTreeSet::from(["choose".to_owned()]);
    let prepared = evaluator.prepare("{}", "{}", &[], &grants).expect("it prepares");
    let mut answer =
        |asks: &[Ask]| Ok(asks.iter().map(|ask| Answer { id: ask.id.clone(), body: "{}".into() }).collect());
    if evaluator.kind() == realign::sandbox::Kind::Benchmark {
        let row = |id: &str| Row { id: id.into(), body: r#"{"a":1}"#.into() };
        let items = prepared.items(&[row("one"), row("two")]).expect("it makes items");
        return prepared.grade(&items, &mut answer).expect("it grades");
    }
    let samples = [assemble::sample(0, "yes"), assemble::sample(1, "no")];
    prepared.judge(&samples, &mut answer).expect("it judges")
}

/// The contract of today as a later version, with one text exchanged for another.
fn later(version: &str, from: &str, to: &str) -> Vec<(String, String)> {
    let mut found = false;
    let files = assemble::contract("wit").into_iter().map(|(name, text)| {
        found |= text.contains(from);
        (name, text.replace("@0.1.0", &format!("@{version}")).replace(from, to))
    });
    let files = files.collect();
    assert!(found, "{from} stands in the contract");
    files
}

const LOG: &str = "log: func(level: level, message: string);";

#[test]
fn evaluators_built_for_every_released_contract_judge_as_those_of_today() {
    let released = fs::read_dir(repository().join("wit/frozen")).expect("released contracts");
    let versions: Vec<String> = released
        .map(|entry| entry.expect("a folder").file_name().into_string().expect("a version"))
        .collect();
    assert!(versions.contains(&"0.1.0".to_owned()));
    for version in versions {
        let contract = assemble::contract(&format!("wit/frozen/{version}"));
        for kind in KINDS {
            let old = assemble::built_for(&version, &contract, kind, &sections(kind));
            let new = assemble::built_for("0.1.0", &assemble::contract("wit"), kind, &sections(kind));
            let judged = outcomes(&old);
            assert!(judged.iter().all(|outcome| matches!(outcome, Outcome::Scored { .. })), "{judged:?}");
            assert_eq!(judged, outcomes(&new), "{kind} built for {version}");
        }
    }
}

#[test]
fn evaluators_built_for_a_later_patch_run_here_as_long_as_they_use_what_is_there() {
    let contract = later("0.1.1", LOG, &format!("{LOG}\n  flush: func();"));
    for kind in KINDS {
        let new = assemble::built_for("0.1.1", &contract, kind, &sections(kind));
        let today = assemble::built_for("0.1.0", &assemble::contract("wit"), kind, &sections(kind));
        assert_eq!(outcomes(&new), outcomes(&today), "{kind}");
    }
}

#[test]
fn an_ability_that_this_host_does_not_know_is_left_alone() {
    let contract =
        later("0.1.1", "  export trait-detector;", "  export trait-detector;\n  export explanation;");
    let contract: Vec<(String, String)> = contract
        .into_iter()
        .map(|(name, text)| {
            let more = "\ninterface explanation {\n  explain: func() -> u32;\n}\n";
            if name == "evaluator.wit" { (name, text + more) } else { (name, text) }
        })
        .collect();
    let text = ";; section: explanation\n\
        (func (export \"realign:evaluator/explanation@0.1.0#explain\") (result i32) (i32.const 7))\n";
    let new = assemble::built_for("0.1.1", &contract, "trait-detector", text);
    let today = assemble::built_for("0.1.0", &assemble::contract("wit"), "trait-detector", "");
    assert_eq!(outcomes(&new), outcomes(&today));
}

#[test]
fn evaluators_that_need_what_is_not_there_are_refused_by_name() {
    let flushes = ";; section: imports\n\
        (import \"realign:evaluator/logging@0.1.0\" \"log\" (func $log (param i32 i32 i32)))\n\
        (import \"realign:evaluator/logging@0.1.0\" \"flush\" (func $flush))\n";
    let later_patch = later("0.1.1", LOG, &format!("{LOG}\n  flush: func();"));
    let next = later("0.2.0", LOG, LOG);
    let refused = [
        assemble::built_for("0.1.1", &later_patch, "trait-detector", flushes),
        assemble::built_for("0.2.0", &next, "trait-detector", ""),
    ];
    let texts = refused.map(|wasm| {
        let error = load(&wasm).expect_err("this host cannot run it");
        error.to_string().split_once(": ").expect("the component is named by its digest").1.to_owned()
    });
    insta::assert_snapshot!(texts.join("\n"), @r"
    it imports realign:evaluator/logging@0.1.1#flush; an evaluator may only import log
    it imports realign:evaluator/logging@0.2.0, realign:evaluator/types@0.2.0; an evaluator may only import log
    ");
}
