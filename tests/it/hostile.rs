//! Attacks on the sandbox: every guest in `plugins/hostile` meets one typed failure, and nobody else is harmed.
//!
//! Unless a test says otherwise, a hostile guest is honest about every response but the one that begins with "!".

pub(crate) mod assemble;
mod corpus;

use std::{collections::BTreeSet, thread, time::Duration};

use realign::{
    error::Result,
    model::{Outcome, Sample},
    sandbox::{Answer, Ask, Evaluator, Limits, Prepared, Row, Sandbox, Usage},
};

use self::assemble::{guest, sample};

/// Small, so that guests hit them soon; the memory leaves room for a string that is too long.
fn limits() -> Limits {
    Limits {
        fuel_base: 1_000_000,
        fuel_per_sample: 100_000,
        memory_bytes: 64 << 20,
        table_elements: 10_000,
        ..Limits::default()
    }
}

fn load(wasm: &[u8]) -> Result<Evaluator> {
    Sandbox::new(None, limits())?.load(wasm)
}

/// The message of a component that is refused, its digest left out.
fn refusal(wasm: &[u8]) -> String {
    let text = load(wasm).expect_err("it is refused").to_string();
    let (component, message) = text.split_once(": ").expect("the message names the component");
    assert!(component.starts_with("component "), "{text}");
    message.to_owned()
}

fn prepare(name: &str) -> Prepared {
    let grants = BTreeSet::from(["choose".to_owned()]);
    load(&guest(name)).and_then(|evaluator| evaluator.prepare("{}", "{}", &[], &grants)).expect(name)
}

fn samples(responses: &[&str]) -> Vec<Sample> {
    responses.iter().enumerate().map(|(index, response)| sample(index, response)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the signature that evaluators are given")]
fn answer(asks: &[Ask]) -> Result<Vec<Answer>> {
    Ok(asks.iter().map(|ask| Answer { id: ask.id.clone(), body: "{}".into() }).collect())
}

/// Presence where it was scored, the code and message of the failure where not.
fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Scored { values, .. } => values[0].ratio().to_string(),
        Outcome::NotApplicable(reason) => format!("not applicable: {reason}"),
        Outcome::Failed(failure) => format!("{}: {}", failure.code, failure.message),
    }
}

fn judge(prepared: &Prepared, samples: &[Sample]) -> (Vec<String>, Usage) {
    let outcomes = prepared.judge(samples, &mut answer).expect("the run goes on");
    (outcomes.iter().map(shown).collect(), prepared.evaluator().usage())
}

/// The failure on the poisoned response, after checking that the others keep their verdicts and that a second run,
/// in a sandbox of its own, gives the same to the last unit of fuel.
fn failure(name: &str) -> String {
    let responses = samples(&["yes", "no", "! poison", "yours", ""]);
    let (verdicts, usage) = judge(&prepare(name), &responses);
    assert_eq!(
        judge(&prepare(name), &responses),
        (verdicts.clone(), usage),
        "{name} differs between two runs"
    );
    let [a, b, poisoned, c, d] = <[String; 5]>::try_from(verdicts).expect("one verdict per sample");
    assert_eq!([a, b, c, d], ["1", "0", "1", "0"], "{name} harmed its neighbours");
    poisoned
}

#[test]
fn honest_guest_judges_everything() {
    let (verdicts, usage) = judge(&prepare("honest"), &samples(&["yes", "no", "! poison"]));
    assert_eq!(verdicts, ["1", "0", "0"]);
    assert_eq!(usage.calls, 3, "describe, prepare, one step for the whole batch");
}

#[test]
fn guest_that_loops_is_cut_off_in_every_export() {
    insta::assert_snapshot!(refusal(&guest("loop-in-start")), @"describe failed: fuel: used up its fuel of 1000000 units");
    insta::assert_snapshot!(refusal(&guest("loop-in-describe")), @"describe failed: fuel: used up its fuel of 1000000 units");
    for (name, export) in [("loop-in-prepare", "prepare"), ("loop-in-realloc", "cabi_realloc")] {
        let evaluator = load(&guest(name)).expect("it describes itself");
        let error = evaluator.prepare("{}", "{}", &[], &BTreeSet::new()).expect_err(export);
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"example 0.1.0: prepare failed: fuel: used up its fuel of 1000000 units"); }
    }
    insta::assert_snapshot!(failure("loop-in-step"), @"fuel: used up its fuel of 1100000 units");
}

#[test]
fn guest_that_takes_too_much_is_told_what_was_too_much() {
    insta::assert_snapshot!(failure("memory-growth"), @"memory: wanted 67239936 bytes of memory, 67108864 are allowed");
    insta::assert_snapshot!(refusal(&guest("memory-initial")), @"describe failed: memory: wanted 4294967296 bytes of memory, 67108864 are allowed");
    insta::assert_snapshot!(failure("table-growth"), @"memory: wanted 10002 table elements, 10000 are allowed");
    insta::assert_snapshot!(failure("stack-overflow"), @"stack: used up its stack of 1048576 bytes");
    insta::assert_snapshot!(failure("huge-string"), @"output: handed back more than 16777216 bytes");
    insta::assert_snapshot!(failure("repeated-string"), @"output: handed back more than 16777216 bytes");
}

#[test]
fn guest_that_traps_costs_one_cell() {
    insta::assert_snapshot!(failure("trap"), @"trap: wasm `unreachable` instruction executed");
    insta::assert_snapshot!(failure("out-of-bounds-read"), @"trap: out of bounds memory access");
}

#[test]
fn scores_that_are_no_scores_are_refused() {
    insta::assert_snapshot!(failure("nan-score"), @"contract: metric presence: numerator is NaN, not a finite number");
    insta::assert_snapshot!(failure("infinite-score"), @"contract: metric presence: numerator is inf, not a finite number");
    insta::assert_snapshot!(failure("zero-denominator"), @"contract: metric presence: denominator is 0, not a finite number above 0");
    insta::assert_snapshot!(failure("out-of-range-score"), @"contract: metric presence is 1000, at most 1 is described");
    insta::assert_snapshot!(failure("other-metric"), @"contract: a value stands where metric presence is described");
}

#[test]
fn results_that_break_the_contract_are_refused() {
    insta::assert_snapshot!(failure("wrong-count"), @"contract: step gave 0 outcomes for a batch of 1");
    insta::assert_snapshot!(failure("long-reason"), @"contract: not-applicable has 4096 bytes, 1024 are allowed");
    insta::assert_snapshot!(failure("endless-list"), @"contract: list pointer/length out of bounds of memory");
    insta::assert_snapshot!(failure("invalid-text"), @"contract: invalid utf-8 sequence of 1 bytes from index 0");
    insta::assert_snapshot!(failure("invalid-case"), @"contract: unexpected discriminant: 77");
    insta::assert_snapshot!(failure("out-of-bounds-span"), @"contract: span 0..1000000 is not a stretch of characters of the response's 8 bytes");
    insta::assert_snapshot!(failure("forged-failure"), @"contract: failure has an unknown code, known are config, profile, data, sample, answer, internal");
}

#[test]
fn asks_are_limited_granted_and_told_apart() {
    insta::assert_snapshot!(failure("endless-asks"), @"asks: still asking after 8 rounds");
    insta::assert_snapshot!(failure("ungranted-ask"), @"grant: asked for generate, which is not granted");
    insta::assert_snapshot!(failure("duplicate-asks"), @"contract: an ask id came twice in one batch");
    insta::assert_snapshot!(failure("ask-flood"), @"asks: 1000 asks, 64 are allowed for this batch");
    insta::assert_snapshot!(failure("empty-asks"), @"contract: step neither asked nor finished");
}

#[test]
fn log_flood_runs_out_of_fuel_and_the_log_stays_short() {
    insta::assert_snapshot!(failure("log-flood"), @"fuel: used up its fuel of 1100000 units");
    let prepared = prepare("log-flood");
    judge(&prepared, &samples(&["! poison"]));
    // Every byte of a message costs fuel: 1.1 million units pay for 16 messages of 64 KiB, of which little is kept.
    let log = prepared.evaluator().take_log();
    assert_eq!(log.len(), 16);
    assert!(log.iter().all(|line| line.text.len() <= limits().log_line_bytes));
}

#[test]
fn log_is_the_one_import_that_works() {
    let prepared = prepare("log-once");
    assert_eq!(judge(&prepared, &samples(&["! poison", "yes"])).0, ["0", "1"]);
    let log = prepared.evaluator().take_log();
    insta::assert_debug_snapshot!(log, @r#"
    [
        LogLine {
            level: Warn,
            text: "example",
        },
    ]
    "#);
    insta::assert_snapshot!(failure("bad-log-level"), @"contract: unexpected discriminant: 99");
}

#[test]
fn components_that_are_none_are_refused() {
    let honest = guest("honest");
    insta::assert_snapshot!(refusal(b""), @"it is not WebAssembly");
    insta::assert_snapshot!(refusal(b"(component)"), @"it is not WebAssembly");
    insta::assert_snapshot!(refusal(&wat::parse_str("(module)").unwrap()), @"it is a core module, not a component");
    insta::assert_snapshot!(refusal(&honest[..honest.len() / 2]), @"it does not compile: unexpected end-of-file (at offset 0xcb2)");
    insta::assert_snapshot!(refusal(&wat::parse_str("(component)").unwrap()), @"it exports nothing, none of the interfaces of realign:evaluator@0.1");
}

#[test]
fn component_of_another_world_is_refused() {
    let other = r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#;
    insta::assert_snapshot!(refusal(&wat::parse_str(other).unwrap()), @"it exports wasi:cli/run@0.2.0, none of the interfaces of realign:evaluator@0.1");
    let empty =
        r#"(component (instance $i) (export "realign:evaluator/trait-detector@0.1.0" (instance $i)))"#;
    insta::assert_snapshot!(refusal(&wat::parse_str(empty).unwrap()), @"its exports do not fit the contract: instance export `realign:evaluator/trait-detector@0.1.0` does not have export `describe`");
    let later =
        r#"(component (instance $i) (export "realign:evaluator/trait-detector@0.2.0" (instance $i)))"#;
    insta::assert_snapshot!(refusal(&wat::parse_str(later).unwrap()), @"it exports realign:evaluator/trait-detector@0.2.0, none of the interfaces of realign:evaluator@0.1");
    let untyped = r#"(component
        (core module $m (func (export "f")))
        (core instance $m (instantiate $m))
        (func $f (canon lift (core func $m "f")))
        (instance $i (export "describe" (func $f)) (export "prepare" (func $f)) (export "step" (func $f)))
        (export "realign:evaluator/trait-detector@0.1.0" (instance $i)))"#;
    insta::assert_snapshot!(refusal(&wat::parse_str(untyped).unwrap()), @"describe failed: contract: expected 1-tuple, found 0-tuple");
}

#[test]
fn forged_imports_are_refused_before_anything_runs() {
    // The start function would loop until the fuel is gone; the message shows that it never began.
    let forged = r#"(component
        (import "wasi:filesystem/types@0.2.0" (instance))
        (import "realign:evaluator/other@0.1.0" (instance))
        (core module $m (func $f (loop $l (br $l))) (start $f))
        (core instance (instantiate $m)))"#;
    insta::assert_snapshot!(refusal(&wat::parse_str(forged).unwrap()), @"it imports wasi:filesystem/types@0.2.0, realign:evaluator/other@0.1.0; an evaluator may only import log");
}

#[test]
fn description_that_cannot_be_is_refused() {
    insta::assert_snapshot!(refusal(&guest("bad-description")), @"describe: id has other characters than a-z, 0-9 and -");
}

#[test]
fn guest_that_refuses_its_settings_is_quoted() {
    let evaluator = load(&guest("refuses")).unwrap();
    let error = evaluator.prepare("{}", "{}", &[], &BTreeSet::new()).unwrap_err();
    insta::assert_snapshot!(error, @"example 0.1.0: prepare failed: config: there is no word to look for");
    let error = evaluator.prepare("[]", "{}", &[], &BTreeSet::new()).unwrap_err();
    insta::assert_snapshot!(error, @"example 0.1.0: config is not a JSON object: invalid type: sequence, expected a map at line 1 column 0");
}

#[test]
fn nothing_is_carried_from_one_call_to_the_next() {
    let prepared = prepare("remembers");
    for _ in 0..3 {
        assert_eq!(judge(&prepared, &samples(&["a", "b"])).0, ["0", "0"]);
    }
}

#[test]
fn marks_in_memory_and_tables_are_gone_with_their_call() {
    let sandbox = Sandbox::new(None, limits()).expect("a sandbox");
    let [marks, peeks] = ["marks", "peeks"].map(|name| {
        let evaluator = sandbox.load(&guest(name)).expect(name);
        evaluator.prepare("{}", "{}", &[], &BTreeSet::new()).expect(name)
    });
    for _ in 0..3 {
        assert_eq!(
            judge(&marks, &samples(&["! poison", "! poison"])).0,
            ["0", "1"],
            "it finds its own call's"
        );
        assert_eq!(judge(&peeks, &samples(&["! poison"])).0, ["0"], "another guest finds none");
    }
}

#[test]
fn verdicts_and_fuel_do_not_depend_on_where_the_instance_lies() {
    let with_tables = |count: usize| {
        let text = format!(";; section: table\n{}", "(table 1 funcref)\n".repeat(count));
        let evaluator = load(&assemble::variant(&text, "trait-detector")).expect("it loads");
        let prepared = evaluator.prepare("{}", "{}", &[], &BTreeSet::new()).expect("it is honest");
        judge(&prepared, &samples(&["yes", "no", "yours"]))
    };
    assert_eq!(with_tables(8), with_tables(9), "nine tables do not fit into the pool");
}

#[test]
fn verdicts_do_not_depend_on_the_stack_of_the_caller() {
    let (marks, deep) = (prepare("marks"), prepare("stack-overflow"));
    let verdicts = || [&marks, &deep].map(|prepared| judge(prepared, &samples(&["! poison", "yes"])).0);
    let expected = verdicts();
    thread::scope(|scope| {
        let stacks = [128 << 10, 2 << 20, 16 << 20].into_iter().cycle().take(9);
        let callers: Vec<_> = stacks
            .map(|bytes| {
                thread::Builder::new().stack_size(bytes).spawn_scoped(scope, verdicts).expect("a thread")
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.join().expect("no panic"), expected);
        }
    });
}

#[test]
fn verdicts_do_not_depend_on_the_batch() {
    let prepared = prepare("trap");
    let many: Vec<_> = (0..300)
        .map(|index| sample(index, if index % 97 == 5 { "! poison" } else { ["yes", "no"][index % 2] }))
        .collect();
    let (together, _) = judge(&prepared, &many);
    let alone: Vec<_> =
        many.iter().flat_map(|sample| judge(&prepared, std::slice::from_ref(sample)).0).collect();
    assert_eq!(together, alone);
    let mut backwards = many.clone();
    backwards.reverse();
    let (mut reversed, _) = judge(&prepared, &backwards);
    reversed.reverse();
    assert_eq!(together, reversed);
}

#[test]
fn sample_larger_than_a_batch_costs_one_cell() {
    let responses = [sample(0, "yes"), sample(1, &"y".repeat(5 << 20)), sample(2, "yes")];
    let (verdicts, _) = judge(&prepare("honest"), &responses);
    insta::assert_snapshot!(verdicts.join("\n"), @r"
    1
    size: has 5242907 bytes, 4194304 are allowed
    1
    ");
}

#[test]
fn time_out_ends_the_run_and_is_never_a_score() {
    let limits = Limits { fuel_base: u64::MAX / 2, wall_clock: Duration::ZERO, ..limits() };
    let error = Sandbox::new(None, limits).unwrap().load(&guest("loop-in-describe")).unwrap_err();
    let message = error.to_string();
    insta::assert_snapshot!(message.split_once(": ").unwrap().1, @"describe: ran longer than 0ns, twice, the second time alone");
    assert_eq!(error.exit().code(), 20);
}

fn rows(bodies: &[&str]) -> Vec<Row> {
    let row = |(index, body): (usize, &&str)| Row { id: format!("row-{index}"), body: (*body).to_owned() };
    bodies.iter().enumerate().map(row).collect()
}

#[test]
fn benchmark_makes_items_asks_and_grades() {
    let prepared = prepare("benchmark");
    let items = prepared.items(&rows(&[r#"{"a":1}"#, r#"{"b":2}"#])).unwrap();
    assert_eq!(items[1].id, "row-1");
    assert_eq!(items[1].body, r#"{"b":2}"#);
    let mut asked = Vec::new();
    let outcomes = prepared
        .grade(&items, &mut |asks: &[Ask]| {
            asked.extend(asks.iter().map(|ask| format!("{} {}", ask.id, ask.kind)));
            answer(asks)
        })
        .unwrap();
    assert_eq!(outcomes.iter().map(shown).collect::<Vec<_>>(), ["1", "1"]);
    assert_eq!(asked, ["row-0 choose", "row-1 choose"]);
}

#[test]
fn rows_that_no_item_can_be_made_of_are_named() {
    let error = |name| prepare(name).items(&rows(&["{}  ", "{}! a", "{}! b"])).unwrap_err().to_string();
    insta::assert_snapshot!(error("benchmark-loop-in-items"), @"example 0.1.0: items: row row-1: fuel: used up its fuel of 1100000 units");
    insta::assert_snapshot!(error("benchmark-same-ids"), @"example 0.1.0: items: row row-2: item id once came before");
    insta::assert_snapshot!(error("benchmark-empty-id"), @"example 0.1.0: items: row row-1: contract: item id is empty");
}

#[test]
fn kinds_do_only_their_own_tasks() {
    insta::assert_snapshot!(prepare("benchmark").judge(&samples(&["yes"]), &mut answer).unwrap_err(), @"example 0.1.0: a benchmark does not judge samples");
    insta::assert_snapshot!(prepare("honest").items(&rows(&["{}"])).unwrap_err(), @"example 0.1.0: a trait-detector does not make items");
}

#[test]
fn errors_of_the_model_pass_unchanged() {
    let prepared = prepare("benchmark");
    let items = prepared.items(&rows(&["{}  "])).unwrap();
    let broken = realign::error::Error::engine("the worker died");
    assert_eq!(prepared.grade(&items, &mut |_: &[Ask]| Err(broken.clone())), Err(broken.clone()));
}

#[test]
fn host_that_answers_something_else_is_a_bug() {
    let prepared = prepare("benchmark");
    let items = prepared.items(&rows(&["{}  "])).unwrap();
    let error = prepared.grade(&items, &mut |_: &[Ask]| Ok(vec![])).unwrap_err();
    insta::assert_snapshot!(error, @"0 answers do not fit the 1 asks of example 0.1.0");
    assert_eq!(error.exit().code(), 1);
}

#[test]
fn cached_component_judges_like_a_fresh_one() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = guest("honest");
    let verdicts = || {
        let sandbox = Sandbox::new(Some(&folder.path().join("cache")), limits()).unwrap();
        let prepared = sandbox.load(&wasm).unwrap().prepare("{}", "{}", &[], &BTreeSet::new()).unwrap();
        judge(&prepared, &samples(&["yes", "no"]))
    };
    let fresh = verdicts();
    let files = || std::fs::read_dir(folder.path().join("cache")).unwrap().count();
    assert_eq!(files(), 1);
    assert_eq!(verdicts(), fresh);
    assert_eq!(files(), 1);
}
