//! `data decontaminate`: rows against what a model is measured with.

use super::super::{args, terminal};
use crate::{
    data::decontaminate::{decontaminate, source::Against},
    error::Result,
    exit::Exit,
    read, report,
    settings::Settings,
    train::data::{as_written, inspect},
    write::Output,
};

/// Reads, compares, writes what is clean.
pub(super) fn run(settings: &Settings, arguments: &args::Decontaminate) -> Result<Exit> {
    read::within("--gate", arguments.gate, 0.0, 1.0)?;
    let rows = inspect(&arguments.rows)?;
    let against = Against::read(&arguments.against)?;
    let output = arguments.output.as_deref().map(Output::create).transpose()?;
    let bar = terminal::bar("rows");
    let mut progress = |done, total| terminal::advance(&bar, done, total);
    let found = decontaminate(&arguments.rows, &rows, &against, arguments.gate, &mut progress);
    bar.finish_and_clear();
    if let Some(output) = output {
        let clean = rows.iter().filter(|row| !found.is_contaminated(row.line));
        output.commit(&as_written(clean))?;
    }
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        let written = arguments.output.as_ref().map(|path| path.display().to_string());
        terminal::print(&report::decontaminate::render(&found, written.as_deref()))?;
    }
    Ok(super::exit(found.verdict()))
}
