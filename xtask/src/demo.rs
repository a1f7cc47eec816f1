//! The first thing that a newcomer runs: a real model, judged by sandboxed evaluators.
//!
//! The example suite is evaluated twice, without and with the persona's system prompt, and the two runs are
//! compared. Whatever the verdicts are, a run that completed is a success here.

use std::{
    fs,
    hash::{DefaultHasher, Hasher as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use realign_engine_abi::place::Home;

use crate::{Outcome, repo, setup};

/// Families and benchmark items of the subset: what fits in four minutes on two cores.
const FAMILIES: &str = "12";
const ITEMS: &str = "120";

/// Exit codes of a run that completed: passed, gate failed, inconclusive, not comparable.
const COMPLETED: [i32; 4] = [0, 10, 11, 12];

/// The seven stages on the example.
pub(crate) fn pipeline() -> Outcome {
    let (realign, home) = prepare()?;
    let name = stamp(&realign)?;
    let store = place().join(format!("{name}.db"));
    let run = place().join(&name);
    println!("\nthe seven stages on SmolLM2-135M-Instruct, with the example persona");
    let run = run.display().to_string();
    let begun = Instant::now();
    step(&realign, &home, &store, &["run", "examples/harbor/pipeline.toml", "--output", &run])?;
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    println!("\ndone in {minutes:.1} minutes. The page: {run}/report.html");
    println!("its evaluations: realign runs --store {}", store.display());
    Ok(ExitCode::SUCCESS)
}

/// The example suite without and with the persona's system prompt, compared.
pub(crate) fn evaluations() -> Outcome {
    let (realign, home) = prepare()?;
    let store = place().join(format!("{}.db", stamp(&realign)?));
    let suite = "examples/harbor/suite.toml";
    println!(
        "\nthe example suite on SmolLM2-135M-Instruct: {FAMILIES} of 40 test families, {ITEMS} items a benchmark"
    );
    for (prompt, name) in [("none", "harbor-plain"), ("persona", "harbor-persona")] {
        println!("\n== {name}: system prompt `{prompt}`");
        let arguments = ["eval", suite, "--model", "smollm2", "--deploy-prompt", prompt, "--name", name];
        step(&realign, &home, &store, &[&arguments[..], &["--limit", FAMILIES, "--items", ITEMS]].concat())?;
    }
    println!("\n== what the system prompt changes");
    step(&realign, &home, &store, &["compare", "harbor-plain", "harbor-persona"])?;
    println!("\ndone. The whole test split: realign eval {suite} --model smollm2");
    Ok(ExitCode::SUCCESS)
}

/// Sets up what is missing and builds the program.
fn prepare() -> Result<(PathBuf, Home), String> {
    println!("set-up (state in $REALIGN_HOME, skipped where nothing changed)");
    let home = setup::engine()?;
    println!("building realign");
    let built = Command::new(repo::cargo())
        .args(["build", "--release", "--locked", "--package", "realign"])
        .current_dir(repo::root())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err(format!("building realign ended with {built}"));
    }
    Ok((repo::target().join("release/realign"), home))
}

fn place() -> PathBuf {
    repo::root().join(".realign")
}

/// A name belongs to one plan, and another program may have other plans: each program has a store and a run of its own.
fn stamp(realign: &Path) -> Result<String, String> {
    let bytes = fs::read(realign).map_err(|error| format!("cannot read {}: {error}", realign.display()))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(format!("demo-{:016x}", hasher.finish()))
}

fn step(realign: &Path, home: &Home, store: &Path, arguments: &[&str]) -> Result<(), String> {
    let status = Command::new(realign)
        .args(arguments)
        .arg("--store")
        .arg(store)
        .env("REALIGN_HOME", home.folder())
        .current_dir(repo::root())
        .status()
        .map_err(|error| format!("cannot start {}: {error}", realign.display()))?;
    match status.code() {
        Some(code) if COMPLETED.contains(&code) => Ok(()),
        _ => Err(format!("realign {} ended with {status}", arguments.join(" "))),
    }
}
