//! The reference evaluators over their own `cases.toml`, through the sandbox: the built-in components and, where
//! `REALIGN_GUESTS` names a folder of them, those compiled from source in the same run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use realign::{
    ids::Digest,
    plugins::{registry, trial},
    sandbox::{Limits, Sandbox},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host lies in the repository").to_owned()
}

/// Runs every case of a component; gives how many there were.
fn check(id: &str, wasm: &[u8]) -> usize {
    let cases = trial::read_cases(&repository().join("plugins").join(id).join("cases.toml")).expect("cases");
    let evaluator =
        Sandbox::new(None, Limits::default()).and_then(|sandbox| sandbox.load(wasm)).expect("it loads");
    for case in trial::cases::run(&evaluator, &cases).expect("no time-out") {
        assert!(case.differences.is_empty(), "{id}, case {:?}: {}", case.name, case.differences.join("; "));
    }
    cases.cases.len()
}

#[test]
fn every_built_in_component_passes_its_cases() {
    let mut cases = 0;
    for id in registry::built_in() {
        cases += check(id, &registry::find(id, Path::new("")).expect("built in"));
    }
    println!("{cases} cases");
    assert!(cases >= 8 * registry::built_in().len(), "every evaluator has at least eight cases");
}

#[test]
fn every_component_built_from_source_passes_the_same_cases() {
    let Some(folder) = std::env::var_os("REALIGN_GUESTS").map(PathBuf::from) else {
        println!("skipped: REALIGN_GUESTS names no folder of components; cargo xtask test builds them");
        return;
    };
    for id in registry::built_in() {
        let wasm = fs::read(folder.join(id).with_extension("wasm")).expect("built");
        check(id, &wasm);
        let same = registry::find(id, Path::new(""))
            .is_ok_and(|built_in| Digest::of(&built_in) == Digest::of(&wasm));
        println!(
            "{id}: {}",
            if same {
                "the same bytes as the built-in"
            } else {
                "other bytes than the built-in: another compiler, or source that was put in order since"
            }
        );
    }
}
