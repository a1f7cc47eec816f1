//! A training from its files to what comes out: prepare, take the steps, finish.

use std::path::Path;

use super::{
    export,
    outcome::{self, Outcome},
    run::{self, End, Notice, Observer},
    session::Session,
    sources::Sources,
    watch::Watcher,
};
use crate::{error::Result, hardware, settings::Settings};

/// Trains to the end in the folder `root`, going on from what is there; `None` where it was interrupted.
///
/// # Errors
/// As [`Sources::prepare`], [`run::run`] and [`outcome::finish`].
pub fn train(
    settings: &Settings,
    sources: Sources,
    session: &mut Session,
    watcher: &mut Watcher<'_>,
    root: &Path,
    observer: &mut Observer<'_>,
) -> Result<Option<Outcome>> {
    let (job, folder) = sources.prepare(
        session,
        root,
        |session| measured_batch(settings, session),
        &mut |stage, done, total| {
            observer(Notice::Stage(stage, done, total));
        },
    )?;
    if let Some(outcome) = export::finished(&folder)? {
        return Ok(Some(outcome));
    }
    watcher.name(format!("{}-{}", job.name, job.digest.short()));
    let stop = &*settings.stop;
    match run::run(&job, session, &folder, watcher, stop, observer)? {
        End::Finished(state) => {
            outcome::finish(&job, session, &folder, &state, watcher, stop, observer).map(Some)
        }
        End::Interrupted(state) => {
            observer(Notice::Note(format!(
                "interrupted after step {} of {}; the same command goes on from there",
                state.step,
                job.steps.len()
            )));
            Ok(None)
        }
    }
}

/// The batch that was best on this machine with the session's engine and model.
fn measured_batch(settings: &Settings, session: &Session) -> Option<u32> {
    let advice = hardware::advice(&settings.home, session.subject(), session.engine())?;
    u32::try_from(advice.train_batch_tokens).ok()
}
