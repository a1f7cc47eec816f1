//! `train`: an adapter from rows or pairs, step by step, held under a limit of divergence.

use std::{
    collections::BTreeMap,
    num::NonZero,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use super::{args, model, terminal};
use crate::{
    engine::model_ref::ModelRef,
    error::{Error, Result},
    exit::Exit,
    ids::Seed,
    model::Verdict,
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

/// What `mlx.launch` and schedulers give to each process of a group.
const GROUP: [&str; 2] = ["MLX_RANK", "MLX_HOSTFILE"];

/// Runs what was asked for.
pub(super) fn run(settings: &Settings, verb: &args::Train) -> Result<Exit> {
    refuse_group()?;
    let (kind, arguments) = match verb {
        args::Train::Sft(arguments) => (Kind::Sft, arguments),
        args::Train::Preference(arguments) => (Kind::Preference, arguments),
    };
    let file = TrainFile::read(&arguments.config, kind, |file| {
        file.model = arguments.model.clone().or(file.model.take());
        file.max_steps = arguments.max_steps.or(file.max_steps);
        file.seed = arguments.seed.map_or(file.seed, Seed);
        file.ranks = arguments.ranks.unwrap_or(file.ranks);
    })?;
    let Some(name) = file.model.clone() else {
        return Err(Error::usage(format!("{}: model: no model is named", arguments.config.display()))
            .hint("add model = \"smollm2\", or give --model"));
    };
    let ModelRef::Files(load) = ModelRef::parse(&name, &settings.home)? else {
        return Err(Error::usage(format!("--model {name}: recorded responses cannot be trained"))
            .hint("use a GGUF file, a model folder, or smollm2"));
    };
    model::note_foreign_adapter(&load);
    let mut sources = Sources::read(kind, file, &arguments.config, &BTreeMap::new())?;
    let watching = watching::open(settings, &sources.file, &arguments.config, &load)?;
    sources.instrument = watching.as_ref().map(Watching::instrument).transpose()?;
    let root = arguments.output.clone().unwrap_or_else(|| Path::new(".realign/train").join(&sources.name));
    if let Some(note) = too_many(sources.file.ranks) {
        terminal::note(&note);
    }
    let mut session = Session::open(opening::launch(settings)?, load, sources.file.ranks)?;
    let mut watcher = watching.map(Watching::watcher).unwrap_or_default();
    match train(settings, sources, &mut session, &mut watcher, &root)? {
        Some(outcome) => {
            report::frontier::write(&root)?;
            show(settings, &outcome, &root)
        }
        None => Ok(Exit::Interrupted),
    }
}

/// Refuses to be one process of a group that somebody else has started: each would train on its own.
fn refuse_group() -> Result<()> {
    match GROUP.iter().find(|name| std::env::var_os(name).is_some()) {
        None => Ok(()),
        Some(name) => Err(Error::usage(format!(
            "{name} is set: training starts its own processes, on one machine, and joins no others"
        ))
        .hint("start it once, without mlx.launch, and give --ranks N; or unset the variable")),
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
    let stop = interrupted()?;
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
    let trained = whole::train(settings, sources, session, watcher, root, &stop, observer);
    bar.finish_and_clear();
    trained
}

/// A flag that the first Ctrl-C sets, or a scheduler that asks the process to end; the second one ends it at once.
pub(super) fn interrupted() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let code = i32::from(Exit::Interrupted.code());
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, code, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Error::usage(format!("cannot listen for signals: {error}")))?;
    }
    Ok(stop)
}

fn show(settings: &Settings, outcome: &Outcome, root: &Path) -> Result<Exit> {
    if settings.json {
        terminal::print_json(outcome)?;
    } else {
        terminal::print(&report::train::render(outcome, &root.display().to_string()))?;
    }
    Ok(match outcome.verdict() {
        None | Some(Verdict::Pass) => Exit::Done,
        // Nothing but a proof passes: an adapter that may be over the limit is as bad as one that is.
        Some(_) => Exit::Failed,
    })
}
