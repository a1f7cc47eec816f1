//! `runs`: the stored runs.

use serde::Serialize;

use super::terminal;
use crate::{
    error::Result,
    exit::Exit,
    report::table,
    settings::Settings,
    store::{RunState, Store},
};

/// One run, as `--json` lists it.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    state: RunState,
    created: String,
}

/// Lists them, oldest first.
pub(super) fn run(settings: &Settings) -> Result<Exit> {
    let store = Store::open_existing(&settings.store)?;
    let rows: Vec<Row> = store
        .list_runs()?
        .into_iter()
        .map(|run| Row { id: run.id.to_string(), name: run.name, state: run.state, created: run.created })
        .collect();
    if settings.json {
        terminal::print_json(&rows)?;
        return Ok(Exit::Done);
    }
    let mut table = table::new(&["id", "name", "state", "begun (UTC)"], &[]);
    for row in rows {
        let state = match row.state {
            RunState::Running => "not finished",
            RunState::Finished => "finished",
        };
        table.add_row([row.id.as_str(), &row.name, state, &row.created]);
    }
    terminal::print(&table::text(&table))?;
    Ok(Exit::Done)
}
