//! `data ifd`: how much instructions help a model to their answers.

use super::super::{args, model, terminal};
use crate::{
    data::ifd::{ifd, keep},
    error::Result,
    exit::Exit,
    read, report,
    settings::Settings,
    store::Store,
    train::data::{as_written, inspect},
    write::Output,
};

/// Reads, asks, writes what is kept.
pub(super) fn run(settings: &Settings, arguments: &args::Ifd) -> Result<Exit> {
    if let Some(share) = arguments.keep_share {
        read::within("--keep-share", share, 0.0, 1.0)?;
    }
    let rows = inspect(&arguments.rows)?;
    let output = arguments.output.as_deref().map(Output::create).transpose()?;
    let store = Store::open(&settings.store)?;
    let mut backend = model::open(settings, &arguments.model.model)?;
    let bar = terminal::bar("answers");
    let found = ifd(&arguments.rows, &rows, &mut backend, &store, &mut |done, total| {
        terminal::advance(&bar, done, total);
    });
    bar.finish_and_clear();
    let mut found = found?;
    if let (Some(output), Some(share)) = (output, arguments.keep_share) {
        let kept = keep(&found.rows, share, arguments.by);
        let lines = rows.iter().filter(|row| kept.lines.binary_search(&row.line).is_ok());
        output.commit(&as_written(lines))?;
        found.kept = Some(kept);
    }
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        let output = arguments.output.as_ref().map(|path| path.display().to_string());
        terminal::print(&report::ifd::render(&found, output.as_deref()))?;
    }
    Ok(Exit::Done)
}
