//! The suite that watches: it is run with the adapters of chosen steps, and what it says is kept with the checkpoint.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    super::{checkpoint, session::Lost},
    Notice, Run,
};
use crate::exit::Exit;

impl Run<'_, '_, '_> {
    /// Runs the suite with the adapter of this step, where it is due and not yet done. It may be cut short: a run that
    /// goes on from the step's checkpoint asks again.
    pub(super) fn watch(&mut self, stop: &AtomicBool) -> Result<(), Lost> {
        if !self.watch_is_due() {
            return Ok(());
        }
        let (number, attempt) = (self.state.step, self.state.attempt);
        self.save()?;
        let path = checkpoint::path(self.folder, number);
        // A step that is taken again after a rollback is another one.
        let label =
            if attempt == 0 { format!("step-{number}") } else { format!("step-{number}-attempt-{attempt}") };
        let adapter = (number > 0).then_some(path.as_path());
        let observer = &mut self.observer;
        let seen = self.watcher.watch(number, adapter, &label, &mut |stage, done, total| {
            observer(Notice::Stage(stage, done, total));
        });
        let seen = match seen {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(()),
            Err(error) if error.exit() == Exit::Interrupted && stop.load(Ordering::SeqCst) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for warning in &seen.warnings {
            observer(Notice::Note(format!("step {number}: {warning}")));
        }
        self.state.watched.push(seen);
        checkpoint::note(self.folder, &self.state)?;
        Ok(())
    }

    /// Whether the suite is to be run with the adapter of this step and was not.
    pub(super) fn watch_is_due(&self) -> bool {
        let step = self.state.step;
        let done = self.state.watched.last().is_some_and(|watched| watched.step == step);
        let due = |every| step.is_multiple_of(every) || step as usize == self.job.steps.len();
        self.watcher.watches() && !done && self.job.file.watch.as_ref().is_some_and(|watch| due(watch.every))
    }
}
