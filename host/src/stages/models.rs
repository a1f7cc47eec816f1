//! Models of the run: evaluated with its suite, and trained on its pairs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use realign_engine_abi::message::Load;

use super::context::Context;
use crate::{
    engine::interrupt::interrupted,
    error::{Error, Result},
    opening,
    persona::scenarios::Split,
    report::frontier,
    suite::{
        load::{Selection, Suite},
        record::Record,
        run::{self, Means},
    },
    train::{
        config::{DataSpec, Kind, Role, TrainFile},
        outcome::Outcome,
        run::Notice,
        session::Session,
        sources::Sources,
        watching::{self, Watching},
        whole,
    },
};

/// The suite of the pipeline on a split, with the gates of its threshold profile.
///
/// # Errors
/// As [`Suite::load`].
pub fn suite(context: &Context<'_>, split: Split, items: Option<usize>) -> Result<Suite> {
    let families = match split {
        Split::Train => None,
        Split::Dev => context.file.evaluation.dev_families,
        Split::Test => context.file.evaluation.test_families,
    };
    let selection = Selection {
        families,
        items,
        deploy_prompt: Some(context.file.deploy_prompt),
        split: Some(split),
        without_control: true,
        ..Selection::default()
    };
    let mut suite = Suite::load(&context.path(&context.file.suite), selection)?;
    let gates = &mut suite.file.gates;
    gates.adherence = context.thresholds.adherence;
    gates.adherence_floor = context.thresholds.adherence_floor;
    gates.consistency = context.thresholds.consistency;
    gates.style_variance = context.thresholds.style_variance;
    Ok(suite)
}

/// Evaluates a model; the run is stored under the pipeline's name and `label`.
///
/// # Errors
/// As [`run::run`].
pub fn evaluate(context: &mut Context<'_>, suite: &Suite, load: &Load, label: &str) -> Result<Record> {
    context.go_on()?;
    let mut backend = opening::files(context.settings, load)?;
    let means = &mut Means { backend: &mut backend, sandbox: context.sandbox, store: context.store };
    let name = format!("{}-{label}", context.name);
    let observer = &mut *context.observer;
    run::run(suite, &name, means, &mut |stage, done, total| {
        observer(Notice::Stage(&format!("{label}: {stage}"), done, total));
    })
}

/// An evaluation that an earlier stage made.
///
/// # Errors
/// It is not in the store.
pub fn stored(context: &Context<'_>, label: &str) -> Result<Record> {
    let name = format!("{}-{label}", context.name);
    let run = context.store.find_run(&name)?;
    context.store.record_of(&run.id)?.ok_or_else(|| {
        Error::bad_input(format!("run {name} is not finished"))
            .hint("the store is not the one that the run began with; name it with --store")
    })
}

/// What a training of the pipeline is given beside its own file.
#[derive(Default)]
pub struct Given<'a> {
    /// Where files lie that the training file's names do not lead to.
    pub overlay: BTreeMap<PathBuf, PathBuf>,
    /// Files of pairs, by their names in `overlay`, in place of those with the role `persona`.
    pub pairs: Vec<PathBuf>,
    /// What else is changed.
    pub change: Option<&'a dyn Fn(&mut TrainFile)>,
}

/// Trains an adapter of a model in the folder `root`, going on from what is there.
///
/// # Errors
/// Those of training; exit 130 where it was interrupted.
pub fn train(
    context: &mut Context<'_>,
    kind: Kind,
    config: &Path,
    load: &Load,
    root: &Path,
    given: &Given<'_>,
) -> Result<Outcome> {
    context.go_on()?;
    let config = context.path(config);
    let held_out = context.file.held_out.clone();
    let deploy_prompt = context.file.deploy_prompt;
    let system = suite(context, Split::Dev, Some(0))?.system(deploy_prompt);
    let seed = context.file.seed.derive(&context.folder.relative(root).display().to_string());
    let file = TrainFile::read(&config, kind, |file| {
        file.model = None;
        file.seed = seed;
        if kind == Kind::Preference {
            file.data.retain(|spec| spec.role == Role::General);
            let pairs = given.pairs.iter().map(|path| DataSpec { path: path.clone(), role: Role::Persona });
            file.data.splice(0..0, pairs);
        }
        if let Some(watch) = &mut file.watch {
            watch.held_out = held_out;
            watch.deploy_prompt = Some(deploy_prompt);
        }
        if let Some(kl) = &mut file.kl {
            kl.system = system.map(|message| message.content);
            if kind == Kind::Preference {
                kl.limit = context.thresholds.kl;
            }
        }
        if let Some(change) = given.change {
            change(file);
        }
    })?;
    if kind == Kind::Preference && file.kl.as_ref().is_none_or(|kl| kl.prompts.is_none()) {
        return Err(Error::usage(format!("{}: kl.prompts is missing", config.display()))
            .hint("a pipeline trains under a limit of divergence, which is measured on prompts"));
    }
    let settings = context.settings;
    let ranks = file.ranks;
    let mut sources = Sources::read(kind, file, &config, &given.overlay)?;
    let watching = watching::open(settings, &sources.file, &config, load)?;
    if let Some(watching) = &watching {
        sources.watched_by(watching.instrument()?, watching.neutral());
    }
    let mut watcher = watching.map(Watching::watcher).unwrap_or_default();
    let mut session = Session::open(opening::launch(settings)?, load.clone(), ranks)?;
    let outcome = whole::train(settings, sources, &mut session, &mut watcher, root, &mut *context.observer)?;
    let outcome = outcome.ok_or_else(interrupted)?;
    frontier::write(root)?;
    Ok(outcome)
}
