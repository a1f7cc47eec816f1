//! The rest of the corpus: every attack meets one typed failure, with pinned text, and nobody else is harmed.

use std::{fs, path::Path};

use super::{assemble::guest, failure, judge, load, prepare, refusal, samples};

/// Name and outcome of each, one a line.
fn table(names: &[&str], outcome: impl Fn(&str) -> String) -> String {
    names.iter().map(|name| format!("{name}: {}", outcome(name))).collect::<Vec<_>>().join("\n")
}

#[test]
fn attacks_through_a_result_cost_one_cell() {
    let names = [
        "negative-denominator",
        "overflowing-ratio",
        "negative-score",
        "no-values",
        "two-values",
        "reversed-span",
        "empty-span",
        "wrapping-span",
        "long-label",
        "span-flood",
        "note-flood",
    ];
    insta::assert_snapshot!(table(&names, failure));
}

#[test]
fn attacks_through_code_cost_one_cell() {
    let names = [
        "divide-by-zero",
        "bad-conversion",
        "null-call",
        "wrong-call",
        "memory-fill",
        "memory-copy",
        "branch-loop",
    ];
    insta::assert_snapshot!(table(&names, failure));
}

#[test]
fn attacks_through_questions_cost_one_cell() {
    insta::assert_snapshot!(table(
        &["ask-without-id", "ask-long-id", "ask-no-json", "ask-huge-body"],
        failure
    ));
}

#[test]
fn attacks_before_it_is_ready_end_before_anything_is_judged() {
    let names = [
        "prepare-unaligned",
        "prepare-out-of-memory",
        "prepare-huge-state",
        "prepare-unknown-code",
        "prepare-long-message",
        "prepare-invalid-case",
        "prepare-overflows",
        "prepare-takes-memory",
        "prepare-grows-tables",
        "prepare-logs",
    ];
    let outcome = |name: &str| {
        let evaluator = load(&guest(name)).expect("it describes itself");
        let error = evaluator.prepare("{}", "{}", &[], &std::collections::BTreeSet::new()).expect_err(name);
        assert_eq!(error.exit().code(), 20, "{name}");
        error.to_string()
    };
    insta::assert_snapshot!(table(&names, outcome));
}

#[test]
fn attacks_in_a_description_are_refused_before_anything_is_judged() {
    let names = [
        "describe-no-metrics",
        "describe-nan-range",
        "describe-empty-range",
        "describe-no-schema",
        "describe-long-id",
        "describe-version",
        "describe-escape",
        "describe-other-metric",
        "describe-metric-flood",
        "describe-overflows",
    ];
    insta::assert_snapshot!(table(&names, |name| refusal(&guest(name))));
}

#[test]
fn nothing_tells_one_run_from_another() {
    let verdicts = || judge(&prepare("peeks"), &samples(&["! poison", "! poison", "yes"]));
    assert_eq!(verdicts().0, ["0", "0", "1"], "memory that nobody has written to is empty");
    assert_eq!(verdicts(), verdicts());
}

/// Components that are large in one dimension. None runs.
#[test]
fn components_that_are_bombs_are_refused() {
    let repeated = |text: &str, count: usize| text.repeat(count);
    let instances =
        format!("(component (core module $m) {})", repeated("(core instance (instantiate $m))", 100));
    let memories = format!("(component (core module $m {}))", repeated("(memory 0)", 200));
    let nested = format!("{}{}", repeated("(component ", 1_000), repeated(")", 1_000));
    let locals = format!("(component (core module (func {})))", repeated("(local i64)", 60_000));
    let branches = format!(
        "(component (core module (func (block (br_table {} (i32.const 0))))))",
        repeated("0 ", 200_000)
    );
    let parameters = format!("(component (core module (func (param {}))))", repeated("i32 ", 2_000));
    let exports = format!(
        "(component (instance $i) {})",
        (0..300).map(|n| format!("(export \"a{n}\" (instance $i))")).collect::<Vec<_>>().concat()
    );
    let bombs = [
        ("many instances", instances),
        ("many memories", memories),
        ("nested components", nested),
        ("many locals", locals),
        ("a large branch table", branches),
        ("many parameters", parameters),
        ("many exports", exports),
    ];
    let lines: Vec<String> = bombs
        .iter()
        .map(|(name, text)| match wat::parse_str(text) {
            Ok(wasm) => format!("{name}: {}", refusal(&wasm)),
            Err(_) => format!("{name}: no text format"),
        })
        .collect();
    let mut large = b"\0asm\x0d\0\x01\0".to_vec();
    large.resize(realign::sandbox::MAX_COMPONENT_BYTES + 1, 0);
    insta::assert_snapshot!(format!("{}\ntoo many bytes: {}", lines.join("\n"), refusal(&large)));
}

#[test]
fn every_attack_is_tested_and_has_its_row() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the repository");
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let tests =
        ["tests/it/hostile.rs", "tests/it/hostile/corpus.rs", "tests/it/author.rs"].map(read).concat();
    let security = read("SECURITY.md");
    let mut attacks = 0;
    for entry in fs::read_dir(root.join("plugins/hostile")).expect("guests") {
        let name = entry.expect("listed").path().file_stem().expect("a name").to_string_lossy().into_owned();
        if ["honest", "benchmark"].contains(&name.as_str()) {
            continue;
        }
        assert!(tests.contains(&format!("\"{name}\"")), "{name} is in no test");
        assert!(security.contains(&format!("`{name}`")), "{name} has no row in SECURITY.md");
        attacks += 1;
    }
    println!("{attacks} attacks");
    assert!(attacks >= 40, "{attacks} attacks");
}
