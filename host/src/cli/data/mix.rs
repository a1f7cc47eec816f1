//! `data mix`: persona and general rows in one file.

use super::super::{args, terminal};
use crate::{
    data::mix::{Plan, mix},
    error::Result,
    exit::Exit,
    ids::Seed,
    read, report,
    settings::Settings,
    train::data::inspect,
    write::Output,
};

/// Reads, draws, writes.
pub(super) fn run(settings: &Settings, arguments: &args::Mix) -> Result<Exit> {
    read::within("--share", arguments.share, 0.0, 1.0)?;
    let persona = inspect(&arguments.persona)?;
    let general = inspect(&arguments.general)?;
    let output = Output::create(&arguments.output)?;
    let plan = Plan {
        share: arguments.share,
        rows: arguments.rows.map(|rows| rows as usize),
        seed: Seed(arguments.seed),
    };
    let (bytes, found) = mix(&persona, &general, plan)?;
    output.commit(&bytes)?;
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        terminal::print(&report::mix::render(&found, &arguments.output.display().to_string()))?;
    }
    Ok(Exit::Done)
}
