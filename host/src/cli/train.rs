//! `train`: an adapter from rows or pairs, step by step, held under a limit of divergence.

use std::{collections::BTreeMap, num::NonZero, path::Path, sync::Arc, thread};

mod machines;

use super::{args, interrupt, model, terminal};
use crate::{
    engine::{launch::Launch, lent::Lent, member::Member, model_ref::ModelRef},
    error::{Error, Result},
    exit::Exit,
    ids::Seed,
    opening, report,
    settings::Settings,
    train::{
        config::{Kind, TrainFile},
        outcome::Outcome,
        run::Notice,
        session::Session,
        sources::Sources,
        watch::Watcher,
        watching::{self, Watching},
        whole,
    },
};

/// What has to be known of several machines.
const OPEN: &str = "note: the machines exchange gradients without authentication or encryption; use a network that you trust";

/// Runs what was asked for.
pub(super) fn run(settings: &Settings, verb: &args::Train) -> Result<Exit> {
    match Member::from_environment()? {
        None => here(settings, verb, None),
        Some(member) => {
            machines::take_part(settings, &member, |lent| here(settings, verb, Some((&member, lent))))
        }
    }
}

/// Trains from here, with workers of its own or with ranks that were lent.
fn here(settings: &Settings, verb: &args::Train, lent: Option<(&Member, &Arc<Lent>)>) -> Result<Exit> {
    let (kind, arguments) = match verb {
        args::Train::Sft(arguments) => (Kind::Sft, arguments),
        args::Train::Preference(arguments) => (Kind::Preference, arguments),
    };
    let mut file = TrainFile::read(&arguments.config, kind, |file| {
        file.model = arguments.model.clone().or(file.model.take());
        file.max_steps = arguments.max_steps.or(file.max_steps);
        file.seed = arguments.seed.map_or(file.seed, Seed);
        file.ranks = arguments.ranks.unwrap_or(file.ranks);
    })?;
    let Some(name) = file.model.clone() else {
        return Err(Error::usage(format!("{}: model: no model is named", arguments.config.display()))
            .hint("add model = \"smollm2\", or give --model"));
    };
    let mut load = ModelRef::parse(&name, &settings.home)?.trainable(&name)?;
    model::note_foreign_adapter(&load);
    let about = (arguments.config.as_path(), &mut file);
    let remote = match (&arguments.hostfile, lent) {
        (None, None) => None,
        (Some(hostfile), None) => Some(machines::machines(settings, hostfile, about, &mut load)?),
        (None, Some(lent)) => Some(machines::lent(settings, lent, about, &mut load)?),
        (Some(_), Some(_)) => {
            return Err(Error::usage("--hostfile starts ranks, and MLX_HOSTFILE says that they are started")
                .hint("give one of them: leave --hostfile out, or start training once without mlx.launch"));
        }
    };
    let mut sources = Sources::read(kind, file, &arguments.config, &BTreeMap::new())?;
    let settings = &settings.stopped_by(interrupt::listen()?);
    let watching = watching::open(settings, &sources.file, &arguments.config, &load)?;
    if let Some(watching) = &watching {
        sources.watched_by(watching.instrument()?, watching.neutral());
    }
    let root = arguments.output.clone().unwrap_or_else(|| Path::new(".realign/train").join(&sources.name));
    match &remote {
        Some(remote) if remote.restarts() => terminal::note(OPEN),
        _ => too_many(sources.file.ranks).iter().for_each(|note| terminal::note(note)),
    }
    let launch = Launch { remote: remote.map(Arc::new), ..opening::launch(settings)? };
    let mut session = Session::open(launch, load, sources.file.ranks)?;
    let mut watcher = watching.map(Watching::watcher).unwrap_or_default();
    match train(settings, sources, &mut session, &mut watcher, &root)? {
        Some(outcome) => {
            report::frontier::write(&root)?;
            show(settings, &outcome, &root)
        }
        None => Ok(Exit::Interrupted),
    }
}

/// What is to be said of more ranks than there are cores.
fn too_many(ranks: u32) -> Option<String> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    (ranks as usize > cores).then(|| {
        format!("note: {ranks} ranks on {cores} cores; each computes with one thread, so {cores} are as fast")
    })
}

/// Trains to the end; `None` where it was interrupted.
fn train(
    settings: &Settings,
    sources: Sources,
    session: &mut Session,
    watcher: &mut Watcher<'_>,
    root: &Path,
) -> Result<Option<Outcome>> {
    let bar = terminal::training_bar();
    let observer = &mut |notice: Notice<'_>| match notice {
        Notice::Step { line, total } => terminal::show_step(&bar, line, total),
        Notice::Stage(stage, done, total) => {
            bar.set_message(String::new());
            bar.set_prefix(stage.to_owned());
            terminal::advance(&bar, done, total);
        }
        Notice::Note(text) => bar.suspend(|| terminal::note(&text)),
    };
    let trained = whole::train(settings, sources, session, watcher, root, observer);
    bar.finish_and_clear();
    trained
}

fn show(settings: &Settings, outcome: &Outcome, root: &Path) -> Result<Exit> {
    if settings.json {
        terminal::print_json(outcome)?;
    } else {
        terminal::print(&report::train::render(outcome, &root.display().to_string()))?;
    }
    Ok(if outcome.passed() { Exit::Done } else { Exit::Failed })
}
