//! lm-eval tasks against a model.

use std::collections::BTreeMap;

use super::{
    asked::Asked,
    record::Record,
    run::{self, Measured},
    verify,
};
use crate::{
    compare::Identity,
    engine::backend::{Backend, Progress},
    error::Result,
    ids::Digest,
    store::Store,
    tasks::{
        set::TaskSet,
        task::{Generation, Task},
    },
};

mod ask;
mod measure;

pub use self::{
    ask::{Answered, answers, beyond},
    measure::{GroupNumber, compared, filters, group_numbers, measured, unmeasured},
};

/// Version of lm-eval whose definitions are followed.
const DEFINITIONS: &str = "lm-eval 0.4.13";

/// Asks every document and stores the run; gives its record, and what the model answered to each document of each task.
///
/// # Errors
/// The engine or the store failed, or the name belongs to a run with another plan.
pub fn run(
    set: &TaskSet,
    name: &str,
    asked: &Asked,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<(Record, Vec<Vec<Answered>>)> {
    let identity = identity(set, backend);
    let id = run::begin(store, name, &set.name, &identity)?;
    asked.note(store, &id)?;
    let answers = answers(set, "", None, backend, store, progress)?;
    let record = run::finish(store, &id, name, &set.name, identity, &measured(set, &answers))?;
    Ok((record, answers))
}

/// Everything that [`run()`] computes, and nothing stored: what a stored run is held against.
///
/// # Errors
/// As [`run()`]; and exit 12 where the identity is not `expected`, before anything is computed.
pub fn again(
    set: &TaskSet,
    expected: &Identity,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Measured> {
    verify::same_instrument(expected, &identity(set, backend))?;
    Ok(measured(set, &answers(set, "", None, backend, store, progress)?))
}

fn identity(set: &TaskSet, backend: &Backend) -> Identity {
    Identity { subject: backend.subject(), engine: backend.engine(), instrument: instrument(set) }
}

/// Everything of tasks that changes a number: rendered documents with their rows, how texts are made and filtered, metrics
/// with their settings, what groups make of them.
#[must_use]
pub fn instrument(set: &TaskSet) -> BTreeMap<String, String> {
    let digest = |task: &Task| {
        let Generation { until, max_tokens, temperature, repeats } = &task.generation;
        let generation = (until, max_tokens, temperature, repeats);
        Digest::of_json(&(task.output.name(), &task.documents, &task.metrics, &task.pipelines, generation))
    };
    let mut parts: BTreeMap<String, String> =
        set.tasks.iter().map(|task| (format!("task/{}", task.name), digest(task).to_string())).collect();
    for group in &set.groups {
        let members: Vec<&str> = group.members.iter().map(|place| set.tasks[*place].name.as_str()).collect();
        let digest = Digest::of_json(&(members, &group.aggregates));
        parts.insert(format!("group/{}", group.name), digest.to_string());
    }
    parts.insert("definitions".into(), DEFINITIONS.into());
    parts
}
