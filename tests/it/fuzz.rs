//! The checks of the fuzz targets over their seeds and over what they once found. `CONTRIBUTING.md` says how the targets run.
#![expect(clippy::print_stdout, reason = "the last input named is the one that a check fails on")]

use std::{fs, path::Path};

use proptest::prelude::*;

use crate::hostile::assemble;

#[path = "../fuzz/checks.rs"]
mod checks;

/// Every input of a target, through its check; gives how many there were.
fn replay(target: &str, check: fn(&[u8])) -> usize {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/seeds")).join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.expect("an input").path()).collect();
    inputs.sort();
    for input in &inputs {
        println!("{}", input.display());
        check(&fs::read(input).expect("an input"));
    }
    inputs.len()
}

#[test]
fn components_are_refused_or_run_within_their_limits() {
    // Text would not do: seeds of this target are made of the attack guests, which are kept as text.
    for guest in ["honest", "nan-score", "ask-flood", "remembers", "describe-other-metric", "benchmark"] {
        let wasm = assemble::guest(guest);
        checks::component::check(&wasm);
        for cut in [wasm.len() / 3, wasm.len() - 1] {
            checks::component::check(&wasm[..cut]);
        }
    }
    assert!(replay("component", checks::component::check) > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_as_a_component_harm_nobody(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        checks::component::check(&bytes);
    }

    #[test]
    fn damaged_components_are_refused_or_run_within_their_limits(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut wasm = assemble::guest("honest");
        let at = at.index(wasm.len());
        wasm[at] = byte;
        checks::component::check(&wasm);
    }
}

#[test]
fn results_that_a_guest_makes_up_are_decoded_or_refused() {
    assert!(replay("result", checks::result::check) >= 12);
}

#[test]
fn files_beside_an_evaluator_are_read_or_refused() {
    assert!(replay("manifest", checks::manifest::check) >= 8);
}

#[test]
fn personas_and_suites_are_read_or_refused() {
    assert!(replay("persona", checks::persona::check) >= 5);
}

#[test]
fn rows_of_data_are_read_or_refused() {
    assert!(replay("scenarios", checks::scenarios::check) >= 5);
}

#[test]
fn task_files_are_read_or_refused() {
    assert!(replay("task", checks::task::check) >= 8);
}

#[test]
fn parquet_files_are_read_or_refused() {
    assert!(replay("parquet", checks::parquet::check) >= 3);
}
