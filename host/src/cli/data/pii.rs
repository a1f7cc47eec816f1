//! `data pii`: personal data, found and replaced.

use super::super::{args, terminal};
use crate::{data::pii, error::Result, exit::Exit, report, settings::Settings, write::Output};

/// Reads, reports, writes the redacted rows.
pub(super) fn run(settings: &Settings, arguments: &args::Pii) -> Result<Exit> {
    let output = arguments.output.as_deref().map(Output::create).transpose()?;
    let (found, redacted) = pii::inspect(&arguments.rows)?;
    let written = output.is_some();
    if let Some(output) = output {
        output.commit(&redacted)?;
    }
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        let output = arguments.output.as_ref().map(|path| path.display().to_string());
        terminal::print(&report::pii::render(&found, output.as_deref()))?;
    }
    Ok(if found.finds.is_empty() || written { Exit::Done } else { Exit::Failed })
}
