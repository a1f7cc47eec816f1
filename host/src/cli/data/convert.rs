//! `data convert`: rows in another form.

use super::super::{args, terminal};
use crate::{
    data::convert::convert, error::Result, exit::Exit, report, settings::Settings, train::data::inspect_as,
    write::Output,
};

/// Reads, converts, writes.
pub(super) fn run(settings: &Settings, arguments: &args::Convert) -> Result<Exit> {
    let rows = inspect_as(&arguments.rows, &arguments.field)?;
    let output = Output::create(&arguments.output)?;
    let (bytes, found) = convert(&rows, arguments.to)?;
    output.commit(&bytes)?;
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        terminal::print(&report::convert::render(&found, &arguments.output.display().to_string()))?;
    }
    Ok(Exit::Done)
}
