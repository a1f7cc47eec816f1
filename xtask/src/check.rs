//! Formatting, lints, documentation and dependency rules: what a change must pass beside its tests.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use crate::{Outcome, repo, setup};

/// Runs every check and reports all that failed, not only the first.
pub(crate) fn run() -> Outcome {
    let home = setup::engine()?;
    let mut failed = Vec::new();
    let mut check = |name: &'static str, command: &mut Command| {
        println!("== {name}");
        if !command.current_dir(repo::root()).status().is_ok_and(|status| status.success()) {
            failed.push(name);
        }
    };
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(repo::cargo());
        command.args(arguments);
        command
    };
    let strict = ["--", "--deny", "warnings"];
    check("format", &mut cargo(&["fmt", "--all", "--check"]));
    check(
        "format of the engine",
        cargo(&["fmt", "--all", "--check", "--manifest-path"]).arg(engine_manifest()),
    );
    check(
        "lints",
        cargo(&["clippy", "--workspace", "--locked", "--all-targets", "--all-features"]).args(strict),
    );
    check("lints of the engine", setup::engine_cargo("clippy", &home).arg("--all-targets").args(strict));
    check(
        "documentation",
        cargo(&["doc", "--workspace", "--locked", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"),
    );
    // What was built for a released contract has to fit this one: see wit/frozen.
    check(
        "contract",
        &mut cargo(&["test", "--package", "realign", "--locked", "--lib", "plugins::contract"]),
    );
    if Command::new(repo::cargo()).args(["deny", "--version"]).output().is_ok_and(|run| run.status.success())
    {
        for (name, workspace) in [
            ("licences, bans, sources", "Cargo.toml"),
            ("licences, bans, sources of the engine", "engines/mlx/Cargo.toml"),
            ("licences, bans, sources of the bindings", "engines/mlx-bindings/Cargo.toml"),
        ] {
            // Advisories are left out: their database is on the network, and they change without this repository.
            let mut deny =
                cargo(&["deny", "--offline", "--locked", "--config", "deny.toml", "--manifest-path"]);
            check(name, deny.arg(workspace).args(["check", "licenses", "bans", "sources"]));
        }
    } else {
        println!(
            "== licences, bans, sources: skipped, cargo-deny is not installed (cargo install cargo-deny)"
        );
    }
    if failed.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(format!("checks that failed: {}", failed.join(", ")))
    }
}

fn engine_manifest() -> PathBuf {
    repo::root().join("engines/mlx/Cargo.toml")
}
