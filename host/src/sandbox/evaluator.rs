//! An evaluator that has been loaded, and one that has been prepared.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wasmtime::{
    Store,
    component::{Component, Instance, InstancePre},
};

use super::{
    abi::{self, Exports, Subjects},
    batch,
    dialogue::Dialogue,
    gate::Company,
    imports,
    instance::{Fuel, Runtime, State, Usage},
    log::{Log, LogLine},
    outcome::Stop,
    types::{Answer, Ask, Description, Item, Kind, Prompt, Row},
    validate::{self, Progress, Untrusted},
};
use crate::{
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
    model::{Failure, Outcome, Sample},
};

/// A component of the contract that has said what it is. Clones share the compiled code and the usage.
#[derive(Clone)]
pub struct Evaluator {
    loaded: Arc<Loaded>,
}

struct Loaded {
    guest: Guest,
    digest: Digest,
    description: Description,
}

/// A linked component and what calls into it used up.
struct Guest {
    runtime: Arc<Runtime>,
    pre: InstancePre<State>,
    exports: Exports,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    usage: Usage,
    log: Log,
}

impl Guest {
    /// One call, tried again alone if the safety net caught it. The inner error is for the batch, the outer for the
    /// run.
    fn call<R>(
        &self,
        fuel: &mut Fuel,
        call: impl Fn(&mut Store<State>, &Instance) -> wasmtime::Result<R>,
    ) -> Result<Result<R, Failure>> {
        let mut called = self.runtime.call(&self.pre, *fuel, Company::Welcome, &call)?;
        if matches!(called.result, Err(Stop::TimedOut)) {
            called = self.runtime.call(&self.pre, *fuel, Company::Alone, &call)?;
        }
        fuel.burn(called.usage.fuel);
        let mut ledger = self.ledger();
        ledger.usage.add(called.usage);
        ledger.log.append(called.log, self.runtime.limits().log_lines);
        match called.result {
            Ok(result) => Ok(Ok(result)),
            Err(Stop::Failed(failure)) => Ok(Err(failure)),
            Err(Stop::TimedOut) => {
                let limit = self.runtime.limits().wall_clock;
                Err(Error::evaluator(format!("ran longer than {limit:?}, twice, the second time alone"))
                    .hint("it is within its fuel, so the machine is overloaded or very slow; nothing was scored"))
            }
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Both halves are plain sums and lists: whatever a panic left is still true.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Evaluator {
    /// Links a component and asks it what it is.
    pub(super) fn new(runtime: Arc<Runtime>, component: &Component, digest: Digest) -> Result<Self> {
        let pre = imports::link(component.engine(), component)?;
        let exports = abi::probe(component.engine(), &pre)?;
        let kind = exports.kind();
        let guest = Guest { runtime, pre, exports, ledger: Mutex::default() };
        let mut fuel = Fuel::new(guest.runtime.limits().fuel(0));
        let described = guest
            .call(&mut fuel, |store, instance| guest.exports.describe(store, instance))
            .map_err(|error| error.within("describe"))?
            .map_err(|failure| Error::evaluator(format!("describe failed: {}", shown(&failure))))?;
        let description = validate::description(described, kind)
            .map_err(|message| Error::evaluator(format!("describe: {message}")))?;
        Ok(Self { loaded: Arc::new(Loaded { guest, digest, description }) })
    }

    /// What it says about itself, checked.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// Digest of the component's bytes.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.loaded.digest
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.loaded.guest.exports.kind()
    }

    /// What all calls so far used up.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.loaded.guest.ledger().usage
    }

    /// What it logged since the last time this was called.
    #[must_use]
    pub fn take_log(&self) -> Vec<LogLine> {
        self.loaded.guest.ledger().log.take()
    }

    /// Hands it settings (`config` and `profile`, JSON objects) and data, and keeps the state that it makes of them.
    /// `grants` are the kinds of asks that will be answered.
    ///
    /// # Errors
    /// Exit 2 where `config` or `profile` is not a JSON object, and where it wants a kind of ask that is not granted,
    /// with the line that grants it. Exit 20 naming evaluator and reason where it refuses what it was given, or fails.
    pub fn prepare(
        &self,
        config: &str,
        profile: &str,
        rows: &[Row],
        grants: &BTreeSet<String>,
    ) -> Result<Prepared> {
        for (what, json) in [("config", config), ("profile", profile)] {
            if let Err(error) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json) {
                return Err(Error::usage(format!("{what} is not a JSON object: {error}")).within(self));
            }
        }
        let wanted: Vec<_> = self.description().asks.difference(grants).map(String::as_str).collect();
        if !wanted.is_empty() {
            let all: Vec<_> = self.description().asks.union(grants).collect();
            return Err(Error::usage(format!("it asks for {}, which is not granted", wanted.join(", ")))
                .within(self)
                .hint(format!(
                    "if it may use the model in this way, add to its table in the suite: grants = {all:?}"
                )));
        }
        let guest = &self.loaded.guest;
        let mut fuel = Fuel::new(guest.runtime.limits().fuel(rows.len()));
        let state = guest
            .call(&mut fuel, |store, instance| {
                guest.exports.prepare(store, instance, (config, profile), rows)
            })
            .map_err(|error| error.within("prepare").within(self))?
            .and_then(|state| state.map(validate::state).map_err(validate::guest_failure))
            .map_err(|failure| {
                Error::evaluator(format!("prepare failed: {}", shown(&failure))).within(self)
            })?;
        let digest = Digest::of(&state);
        Ok(Prepared { evaluator: self.clone(), state, digest, grants: grants.clone() })
    }
}

impl fmt::Display for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Description { id, version, .. } = self.description();
        write!(f, "{id} {version}")
    }
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Evaluator").field(&self.loaded.digest).field(&self.loaded.description).finish()
    }
}

/// An evaluator with its settings and data: a pure function of what it is given from here on.
#[derive(Debug, Clone)]
pub struct Prepared {
    evaluator: Evaluator,
    state: Vec<u8>,
    digest: Digest,
    grants: BTreeSet<String>,
}

impl Prepared {
    /// The evaluator.
    #[must_use]
    pub const fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// Digest of the state, which covers settings, profile and data as far as the evaluator took notice of them.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Judges samples, one outcome per sample in their order; a sample that could not be judged is
    /// [`Outcome::Failed`]. `answer` gives one answer per ask, in the order of the asks.
    ///
    /// # Errors
    /// Exit 2 on a benchmark. Exit 20 where the safety net stopped a batch twice. Errors of `answer`, unchanged.
    pub fn judge(
        &self,
        samples: &[Sample],
        answer: &mut dyn FnMut(&[Ask]) -> Result<Vec<Answer>>,
    ) -> Result<Vec<Outcome>> {
        self.expect(self.evaluator.kind() != Kind::Benchmark, "judge samples")?;
        let mut dialogue = Dialogue::new(self, answer);
        let outcomes = batch::run(samples, sample_bytes, &mut |batch| {
            let texts: Vec<_> = batch.iter().map(|sample| Some(sample.response.as_str())).collect();
            dialogue.attempt(Subjects::Samples(batch), &texts)
        })?;
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(Outcome::Failed)).collect())
    }

    /// Makes the items of a benchmark, one per row in their order.
    ///
    /// # Errors
    /// Exit 2 where it is no benchmark. Exit 22 naming the row whose data it refuses. Exit 20 naming the row that it
    /// could not make an item of for another reason, or an item id that came twice: without the item there is nothing to
    /// run.
    pub fn items(&self, rows: &[Row]) -> Result<Vec<Item>> {
        self.expect(self.evaluator.kind() == Kind::Benchmark, "make items")?;
        let guest = &self.evaluator.loaded.guest;
        let made = batch::run(rows, |row| row.id.len() + row.body.len(), &mut |batch| {
            let mut fuel = self.fuel(batch.len());
            let items = guest
                .call(&mut fuel, |store, instance| guest.exports.items(store, instance, &self.state, batch))
                .map_err(|error| error.within("items").within(&self.evaluator))?;
            Ok(items
                .and_then(|items| items.map_err(validate::guest_failure))
                .and_then(|items| validate::items(items, batch.len())))
        })?;
        let refused = |message: String| Error::evaluator(message).within(&self.evaluator);
        let unfit = |row: &Row, failure: Failure| {
            let message = format!("items: row {}: {}", row.id, shown(&failure));
            // The row's fault, by the evaluator's own word.
            let exit = if failure.code == "data" { Exit::BadInput } else { Exit::Evaluator };
            Error::new(exit, message).within(&self.evaluator)
        };
        let mut ids = BTreeSet::new();
        let mut items = Vec::with_capacity(rows.len());
        for (row, item) in rows.iter().zip(made) {
            let item = item.map_err(|failure| unfit(row, failure))?;
            if !ids.insert(item.id.clone()) {
                return Err(refused(format!("items: row {}: item id {} came before", row.id, item.id)));
            }
            items.push(item);
        }
        Ok(items)
    }

    /// Grades items, one outcome per item in their order. `answer` is as for [`Self::judge`].
    ///
    /// # Errors
    /// As [`Self::judge`]; exit 2 where it is no benchmark.
    pub fn grade(
        &self,
        items: &[Item],
        answer: &mut dyn FnMut(&[Ask]) -> Result<Vec<Answer>>,
    ) -> Result<Vec<Outcome>> {
        self.expect(self.evaluator.kind() == Kind::Benchmark, "grade items")?;
        let mut dialogue = Dialogue::new(self, answer);
        let outcomes = batch::run(items, item_bytes, &mut |batch| {
            dialogue.attempt(Subjects::Items(batch), &vec![None; batch.len()])
        })?;
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(Outcome::Failed)).collect())
    }

    pub(super) fn description(&self) -> &Description {
        self.evaluator.description()
    }

    pub(super) const fn grants(&self) -> &BTreeSet<String> {
        &self.grants
    }

    /// Fuel of a batch.
    pub(super) fn fuel(&self, subjects: usize) -> Fuel {
        Fuel::new(self.evaluator.loaded.guest.runtime.limits().fuel(subjects))
    }

    /// One round about a batch.
    pub(super) fn step(
        &self,
        fuel: &mut Fuel,
        subjects: Subjects<'_>,
        answers: &[Answer],
    ) -> Result<Result<Untrusted<Progress>, Failure>> {
        let guest = &self.evaluator.loaded.guest;
        let progress = guest
            .call(fuel, |store, instance| guest.exports.step(store, instance, &self.state, subjects, answers))
            .map_err(|error| error.within("step").within(&self.evaluator))?;
        Ok(progress.and_then(|progress| progress.map_err(validate::guest_failure)))
    }

    fn expect(&self, able: bool, task: &str) -> Result<()> {
        if able {
            return Ok(());
        }
        let kind = self.evaluator.kind();
        Err(Error::usage(format!("a {kind} does not {task}")).within(&self.evaluator))
    }
}

fn sample_bytes(sample: &Sample) -> usize {
    let prompt: usize = sample.prompt.iter().map(|message| message.role.len() + message.content.len()).sum();
    sample.id.len() + sample.family.len() + sample.kind.len() + prompt + sample.response.len()
}

fn item_bytes(item: &Item) -> usize {
    let prompt = match &item.prompt {
        Prompt::Raw(text) => text.len(),
        Prompt::Messages(messages) => {
            messages.iter().map(|message| message.role.len() + message.content.len()).sum()
        }
    };
    item.id.len() + item.group.len() + prompt + item.body.len()
}

/// A failure as part of a sentence.
fn shown(Failure { code, message }: &Failure) -> String {
    format!("{code}: {message}")
}
