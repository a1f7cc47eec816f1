//! `plugin test`: a component's own examples, then what any evaluator has to hold.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{sandbox, terminal};
use crate::{
    error::{Error, Result},
    exit::Exit,
    plugins::{registry, source, trial},
    report,
    settings::Settings,
};

/// Tries a component out.
pub(super) fn run(settings: &Settings, plugin: &str, cases: Option<&Path>, native: bool) -> Result<Exit> {
    let folder = Some(Path::new(plugin)).filter(|path| path.is_dir());
    let cases = match cases {
        Some(path) => Some(trial::read_cases(path)?),
        None => beside(plugin, folder).map(|path| trial::read_cases(&path)).transpose()?,
    };
    if native {
        natively(plugin, folder)?;
    }
    let wasm = match folder {
        Some(folder) => Cow::Owned(source::build(folder)?.component),
        None => registry::find(plugin, Path::new(""))?,
    };
    let found =
        trial::run(&wasm, cases.as_ref(), &sandbox(settings)?).map_err(|error| error.within(plugin))?;
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        terminal::print(&report::trial::render(&found))?;
    }
    Ok(if found.passed() { Exit::Done } else { Exit::Failed })
}

/// The cases.toml that belongs to a folder or a file, where there is one.
pub(super) fn beside(plugin: &str, folder: Option<&Path>) -> Option<PathBuf> {
    let path = Path::new(plugin);
    let place = match folder {
        Some(folder) => folder,
        None if registry::is_path(plugin) => path.parent()?,
        None => return None,
    };
    Some(place.join("cases.toml")).filter(|path| path.is_file())
}

/// `cargo test`, with everything that it says on standard error.
fn natively(plugin: &str, folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder.filter(|folder| folder.join("Cargo.toml").is_file()) else {
        let message = format!("--native: {plugin} is no folder of a crate");
        return Err(Error::usage(message).hint("leave it out; examples and checks run in the sandbox"));
    };
    let status = Command::new("cargo")
        .arg("test")
        .current_dir(folder)
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .map_err(|error| Error::usage(format!("cannot start cargo: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(Exit::Failed, format!("{}: cargo test ended with {status}", folder.display())))
}
