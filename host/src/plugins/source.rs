//! A folder of source to a component, whatever the language.
//!
//! A crate is compiled and encoded here ([`super::toolchain`], [`super::build`]). Python and JavaScript are made components
//! by the tools that their folder names and its author installed; realign fetches nothing. What a tool says is what the
//! author reads.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    build, contract,
    manifest::{Foreign, Manifest},
    toolchain::Toolchain,
};
use crate::error::{Error, Result};

/// Lines of a tool's words that an error shows.
const SHOWN: usize = 40;

/// A component with the name of its source.
#[derive(Debug)]
pub struct Built {
    /// Name of the crate, or of `plugin.toml`.
    pub name: String,
    /// The component.
    pub component: Vec<u8>,
}

/// Makes a component of the source in a folder.
///
/// # Errors
/// A usage error where the folder holds no source that is known, or the tool that it needs is not installed, with the
/// line that installs it; exit 22 with the compiler's own words where the source is wrong.
pub fn build(folder: &Path) -> Result<Built> {
    if folder.join("plugin.toml").is_file() {
        return foreign(folder);
    }
    if !folder.join("Cargo.toml").is_file() {
        let message = format!("{}: neither Cargo.toml nor plugin.toml is there", folder.display());
        return Err(Error::usage(message).hint("realign plugin new NAME --kind trait-detector --lang rust"));
    }
    let (name, core) = Toolchain::find()?.compile(folder)?;
    Ok(Built { name, component: build::componentize(&core)? })
}

fn foreign(folder: &Path) -> Result<Built> {
    let manifest = Manifest::read(&folder.join("plugin.toml"))?;
    let scratch = tempfile::tempdir().map_err(|error| Error::unwritable(&env::temp_dir(), &error))?;
    let output = scratch.path().join("component.wasm");
    let world = contract::world_name(manifest.kind);
    let mut command = match manifest.language {
        Foreign::Python => {
            let tool = tool(
                folder,
                &[".venv/bin/componentize-py", ".venv/Scripts/componentize-py.exe"],
                "componentize-py",
                "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
            )?;
            let mut command = Command::new(tool);
            command.args(["--quiet", "--wit-path", "wit", "--world", &world, "componentize", "--stub-wasi"]);
            // Packages of whatever environment happens to be active do not belong into the component.
            command
                .args(["--python-path", ".", &manifest.source, "--output"])
                .arg(&output)
                .env_remove("VIRTUAL_ENV");
            command
        }
        Foreign::Js => {
            let tool = tool(
                folder,
                &["node_modules/.bin/componentize-qjs", "node_modules/.bin/componentize-qjs.cmd"],
                "componentize-qjs",
                "npm install",
            )?;
            let mut command = Command::new(tool);
            command.args([
                "--wit",
                "wit",
                "--world",
                &world,
                "--stub-wasi",
                "--sync",
                "--js",
                &manifest.source,
            ]);
            command.arg("--output").arg(&output);
            command
        }
    };
    let run = command
        .current_dir(folder)
        .output()
        .map_err(|error| Error::usage(format!("{}: cannot start {command:?}: {error}", folder.display())))?;
    if !run.status.success() || !output.is_file() {
        let words = [run.stdout, run.stderr].concat();
        let message = format!("{} does not become a component:\n{}", manifest.name, last_words(&words));
        return Err(Error::bad_input(message));
    }
    let component = fs::read(&output).map_err(|error| Error::unreadable(&output, &error))?;
    Ok(Built { name: manifest.name, component })
}

/// The tool in the folder's own environment, else on the path.
fn tool(folder: &Path, own: &[&str], name: &str, install: &str) -> Result<PathBuf> {
    let own = own.iter().map(|path| folder.join(path)).find(|path| path.is_file());
    if let Some(found) = own {
        return std::path::absolute(&found).map_err(|error| Error::unreadable(&found, &error));
    }
    let search = env::var_os("PATH").unwrap_or_default();
    let names = [name.to_owned(), format!("{name}.exe"), format!("{name}.cmd")];
    let found = env::split_paths(&search)
        .flat_map(|place| names.iter().map(move |name| place.join(name)).collect::<Vec<_>>())
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        Error::usage(format!("{}: {name} is not installed", folder.display()))
            .hint(format!("in that folder: {install}"))
    })
}

/// The end of what a tool said, which is where the reason stands.
fn last_words(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}
