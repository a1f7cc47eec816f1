//! `verify`: every score of a stored run computed again from what the model said, without the model.

use super::{
    args,
    stored::{self, Stored},
    terminal,
};
use crate::{
    engine::{backend::Backend, kept::KeptModel},
    error::{Error, Result},
    exit::Exit,
    sandbox::{Limits, Sandbox},
    settings::Settings,
    store::Store,
    suite::{
        asked::Asked,
        load::{Selection, Suite},
        run::{self, Means, Measured},
        task_run,
        verify::verify,
    },
    tasks::set::TaskSet,
};

/// Computes again and compares.
pub(super) fn run(settings: &Settings, arguments: &args::Verify) -> Result<Exit> {
    let stored = stored::find(settings, &arguments.run)?;
    let asked = stored.asked()?.ok_or_else(|| {
        Error::bad_input(format!("run {} does not say how it was made", stored.record.name))
            .hint("an earlier version made it; evaluate again under another --name")
    })?;
    let asked = match &arguments.file {
        Some(file) => asked.moved(file),
        None => asked,
    };
    let measured = computed(settings, &stored, &asked)?;
    let verified = verify(&stored.whole()?, &measured).map_err(|error| error.within(&stored.record.name))?;
    if settings.json {
        terminal::print_json(&verified)?;
    } else {
        terminal::print(&format!(
            "{}: computed again and equal to the last byte: {} responses, {} outcomes, {} values, {} numbers",
            stored.record.name, verified.samples, verified.cells, verified.items, verified.metrics
        ))?;
    }
    Ok(Exit::Done)
}

fn computed(settings: &Settings, stored: &Stored, asked: &Asked) -> Result<Measured> {
    let identity = &stored.record.identity;
    let (mut subject, mut engine) = (identity.subject.clone(), identity.engine.clone());
    // What a suite adds to the parts of the model.
    subject.remove("system-prompt");
    engine.retain(|key, _| !key.starts_with("answers to "));
    let answers = Store::open_existing(stored.store().path())?;
    let mut backend = Backend::Kept(KeptModel::new(answers, subject, engine));
    let bar = terminal::bar("");
    let measured = match asked {
        Asked::Suite { path, limit, items, deploy_prompt, seed } => {
            let selection = Selection {
                families: *limit,
                items: *items,
                deploy_prompt: *deploy_prompt,
                seed: *seed,
                ..Selection::default()
            };
            let suite = Suite::load(path, selection)?;
            let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
            let mut means = Means { backend: &mut backend, sandbox: &sandbox, store: stored.store() };
            run::again(&suite, identity, &mut means, &mut |stage, done, total| {
                bar.set_prefix(stage.to_owned());
                terminal::advance(&bar, done, total);
            })
        }
        Asked::Task { path, options } => {
            let set = TaskSet::read(path, options)?;
            task_run::again(&set, identity, &mut backend, stored.store(), &mut |done, total| {
                terminal::advance(&bar, done, total);
            })
        }
    };
    bar.finish_and_clear();
    measured
}
