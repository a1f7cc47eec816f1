//! `train`: an adapter from rows or pairs, step by step, held under a limit of divergence.

use std::{
    num::NonZero,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

mod watching;

use super::{args, model, terminal};
use crate::{
    engine::model_ref::ModelRef,
    error::{Error, Result},
    exit::Exit,
    hardware,
    ids::Seed,
    model::Verdict,
    report,
    settings::Settings,
    train::{
        config::{Kind, TrainFile},
        export,
        outcome::{self, Frontier, Outcome},
        run::{self, End, Notice},
        session::Session,
        sources::Sources,
        watch::Watcher,
    },
    write::Output,
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
    let mut sources = Sources::read(kind, file, &arguments.config)?;
    let watching = watching::open(settings, &sources.file, &arguments.config, &load)?;
    sources.instrument = watching.as_ref().map(watching::Watching::instrument).transpose()?;
    let root = arguments.output.clone().unwrap_or_else(|| Path::new(".realign/train").join(&sources.name));
    if let Some(note) = too_many(sources.file.ranks) {
        terminal::note(&note);
    }
    let mut session = Session::open(model::launch(settings)?, load, sources.file.ranks)?;
    let mut watcher = watching.map(watching::Watching::watcher).unwrap_or_default();
    match train(settings, sources, &mut session, &mut watcher, &root)? {
        Some(outcome) => {
            draw(&root)?;
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
    let result = (|| {
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
        match run::run(&job, session, &folder, watcher, &stop, observer)? {
            End::Finished(state) => {
                outcome::finish(&job, session, &folder, &state, watcher, &stop, observer).map(Some)
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
    })();
    bar.finish_and_clear();
    result
}

/// The batch that was best on this machine with the session's engine and model.
fn measured_batch(settings: &Settings, session: &Session) -> Option<u32> {
    let advice = hardware::advice(&settings.home, session.subject(), session.engine())?;
    u32::try_from(advice.train_batch_tokens).ok()
}

/// A flag that the first Ctrl-C sets, or a scheduler that asks the process to end; the second one ends it at once.
fn interrupted() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let code = i32::from(Exit::Interrupted.code());
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, code, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Error::usage(format!("cannot listen for signals: {error}")))?;
    }
    Ok(stop)
}

/// Draws the frontier beside its numbers, where divergence was measured.
fn draw(root: &Path) -> Result<()> {
    let Some(frontier) = Frontier::read(root)? else { return Ok(()) };
    Output::create(&root.join("frontier.svg"))?.commit(report::frontier::svg(&frontier).as_bytes())
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
