//! `runs`: the stored runs.

use serde::Serialize;

use super::terminal;
use crate::{
    error::Result,
    exit::Exit,
    report::table,
    run::journal::{Event, Journal},
    settings::Settings,
    store::{RunRecord, RunState, Store},
};

/// One run, as `--json` lists it.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    state: RunState,
    created: String,
}

/// Whether a run is complete. A pipeline is never closed, because its stages may be done again: its journal tells.
fn state(store: &Store, run: &RunRecord) -> Result<RunState> {
    if !is_pipeline(run) {
        return Ok(run.state);
    }
    let last = Journal::new(store, &run.id).events()?.pop();
    Ok(match last {
        Some(Event::Finished { .. } | Event::Stopped { .. }) => RunState::Finished,
        _ => RunState::Running,
    })
}

/// Whether a run is one of `realign run`.
pub(super) fn is_pipeline(run: &RunRecord) -> bool {
    run.plan.get("kind").is_some_and(|kind| kind == "pipeline")
}

/// Lists them, oldest first.
pub(super) fn run(settings: &Settings) -> Result<Exit> {
    let store = Store::open_existing(&settings.store)?;
    let rows: Vec<Row> = store
        .list_runs()?
        .into_iter()
        .map(|run| {
            let state = state(&store, &run)?;
            Ok(Row { id: run.id.to_string(), name: run.name, state, created: run.created })
        })
        .collect::<Result<_>>()?;
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
