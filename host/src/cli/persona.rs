//! `persona`: personas that were written down elsewhere.

use super::{args, terminal};
use crate::{error::Result, exit::Exit, persona::import::import, report, settings::Settings, write::Output};

/// Runs what was asked for.
pub(super) fn run(settings: &Settings, verb: &args::Persona) -> Result<Exit> {
    let args::Persona::Import(arguments) = verb;
    let output = Output::create(&arguments.output)?;
    let found = import(&arguments.file, arguments.from)?;
    output.commit(found.to_toml().as_bytes())?;
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        terminal::print(&report::import::render(&found, &arguments.output.display().to_string()))?;
    }
    Ok(Exit::Done)
}
