//! The engine library itself, built by cargo and put where the host loads it.

use std::{fs, path::PathBuf, process::Command};

use realign_engine_abi::place::Home;

use super::mlxc;
use crate::{repo, step::Steps};

/// A cargo command on the engine's workspace; on Linux with the generated configuration.
pub(crate) fn cargo(verb: &str, home: &Home) -> Command {
    let mut command = Command::new(repo::cargo());
    command.arg(verb);
    if cfg!(target_os = "linux") {
        // After the verb: clippy starts a cargo of its own and forgets what stands before it.
        command.arg("--config").arg(mlxc::configuration_file(home));
    }
    command
        .args(["--release", "--locked", "--manifest-path"])
        .arg(repo::root().join("engines/mlx/Cargo.toml"))
        .arg("--target-dir")
        .arg(target());
    command
}

fn target() -> PathBuf {
    repo::target().join("engine")
}

/// Builds the library and installs it under its final name if its bytes changed.
pub(crate) fn build(steps: &Steps, home: &Home) -> Result<(), String> {
    steps.always("engine", |log| log.run(&mut cargo("build", home)))?;
    let installed = home.engine();
    let built = target().join("release").join(installed.file_name().expect("the library has a file name"));
    let bytes = fs::read(&built).map_err(|error| format!("cannot read {}: {error}", built.display()))?;
    if fs::read(&installed).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    // A worker may have the old file mapped: the new one takes its name, never its bytes.
    let fresh = installed.with_extension("new");
    fs::create_dir_all(installed.parent().expect("the library lies in a folder"))
        .and_then(|()| fs::write(&fresh, bytes))
        .and_then(|()| fs::rename(&fresh, &installed))
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))
}
