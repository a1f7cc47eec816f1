//! The reference evaluators as components, compiled from their source.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use realign_engine_abi::place::Home;

use crate::{
    Outcome, repo,
    setup::{self, packages},
};

const TARGET: &str = "wasm32-unknown-unknown";

/// Compiles evaluators and gives the folder of the components.
pub(crate) fn from_source(home: &Home, plugins: &[String]) -> Result<PathBuf, String> {
    compiler(home)?;
    let realign = build_host()?;
    let folder = repo::target().join("components");
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for plugin in plugins {
        let output = folder.join(plugin).with_extension("wasm");
        let source = repo::root().join("plugins").join(plugin);
        run(Command::new(&realign).args(["plugin", "build"]).arg(source).arg("--output").arg(output), home)?;
    }
    Ok(folder)
}

/// Replaces the built-in components that are named, or all, and their lock file. The bytes of a component are part of a run's
/// identity: one that does what it did is best left as it is.
pub(crate) fn run_task(named: &[&str]) -> Outcome {
    let mut chosen = plugins()?;
    if let Some(unknown) = named.iter().find(|name| !chosen.iter().any(|plugin| plugin == *name)) {
        return Err(format!("no evaluator is called {unknown}, there are {}", chosen.join(", ")));
    }
    chosen.retain(|plugin| named.is_empty() || named.contains(&plugin.as_str()));
    let home = setup::home()?;
    let built = from_source(&home, &chosen)?;
    let dist = repo::root().join("plugins/dist");
    for plugin in chosen {
        let name = format!("{plugin}.wasm");
        fs::copy(built.join(&name), dist.join(&name))
            .map_err(|error| format!("cannot copy {name}: {error}"))?;
    }
    run(Command::new(repo::target().join("debug/realign")).args(["plugin", "lock"]).arg(&dist), &home)?;
    Ok(ExitCode::SUCCESS)
}

/// Names of the crates under `plugins/`, in order.
pub(crate) fn plugins() -> Result<Vec<String>, String> {
    let folder = repo::root().join("plugins");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// Makes sure of a compiler for the target: rustup's standard library, else Debian's own compiler.
fn compiler(home: &Home) -> Result<(), String> {
    let installed = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder =
        installed.map(|run| String::from_utf8_lossy(&run.stdout).trim().to_owned()).unwrap_or_default();
    if Path::new(&folder).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).output();
    if added.is_ok_and(|run| run.status.success()) {
        return Ok(());
    }
    let (steps, _lock) = setup::steps(home)?;
    packages::install(&steps, packages::GUESTS)
}

/// The host as the tests build it, so that nothing is compiled twice.
fn build_host() -> Result<PathBuf, String> {
    let built = Command::new(repo::cargo())
        .args(["build", "--workspace", "--locked", "--all-features", "--all-targets"])
        .current_dir(repo::root())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err(format!("building the workspace ended with {built}"));
    }
    Ok(repo::target().join("debug/realign"))
}

fn run(command: &mut Command, home: &Home) -> Result<(), String> {
    command.env("REALIGN_HOME", home.folder()).current_dir(repo::root());
    let status = command.status().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}
