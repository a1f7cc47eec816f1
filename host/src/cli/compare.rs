//! `compare`: two stored runs, item by item.

use serde::Serialize;

use super::{args, terminal};
use crate::{
    compare::{Change, Comparison, Side, compare},
    error::{Error, Result},
    exit::Exit,
    ids::Seed,
    report,
    settings::Settings,
    stats::bootstrap::Bootstrap,
    store::Store,
    suite::record::{FORMAT, Record},
};

/// Replicates of the bootstrap and of the permutation test.
const REPLICATES: usize = 10_000;

/// Where the random numbers of a comparison start: fixed, so that the same two runs always compare the same way.
const SEED: Seed = Seed(0);

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    before: &'a str,
    after: &'a str,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Compares and reports.
pub(super) fn run(settings: &Settings, arguments: &args::Compare) -> Result<Exit> {
    let before = record(settings, &arguments.before)?;
    let after = record(settings, &arguments.after)?;
    let side = |record| -> Side<'_> {
        let record: &Record = record;
        Side { identity: &record.identity, values: &record.items }
    };
    let mut metrics = before.directions();
    metrics.extend(after.directions());
    let bootstrap = Bootstrap { replicates: REPLICATES, seed: SEED.derive("compare").0 };
    let comparison = compare(side(&before), side(&after), &metrics, bootstrap)?;
    if settings.json {
        let (before, after) = (&before.name, &after.name);
        terminal::print_json(&Document { before, after, comparison: &comparison })?;
    } else {
        terminal::print(&report::comparison::render(&before, &after, &comparison))?;
    }
    Ok(exit(&comparison))
}

/// One regression decides; otherwise everything has to be told apart for an exit of 0.
fn exit(comparison: &Comparison) -> Exit {
    let Comparison::Compared { metrics, .. } = comparison else {
        return Exit::NotComparable;
    };
    let is = |change| metrics.iter().any(|metric| metric.change == change);
    if is(Change::Regressed) {
        Exit::Failed
    } else if is(Change::CannotTell) || metrics.is_empty() {
        Exit::Inconclusive
    } else {
        Exit::Done
    }
}

fn record(settings: &Settings, reference: &str) -> Result<Record> {
    let (store, run) = Store::locate(reference, &settings.store)?;
    let record: Option<Record> = store.record_of(&run.id)?;
    let record = record.ok_or_else(|| {
        Error::bad_input(format!("run {} is not finished", run.name))
            .hint("run its `realign eval` command again: it goes on where it stopped")
    })?;
    if record.format != FORMAT {
        let message =
            format!("run {} has record format {}, this realign reads {FORMAT}", run.name, record.format);
        return Err(Error::bad_input(message));
    }
    Ok(record)
}
