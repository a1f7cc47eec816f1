//! `train`: an adapter from rows or pairs, step by step, held under a limit of divergence.

use std::{
    num::NonZero,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

mod machines;
mod watching;

use super::{args, interrupt, model, terminal};
use crate::{
    engine::{interrupt::Interrupt, launch::Launch, model_ref::ModelRef},
    error::{Error, Result},
    exit::Exit,
    hardware,
    ids::Seed,
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

/// What has to be known of several machines.
const OPEN: &str = "note: the machines exchange gradients without authentication or encryption; use a network that you trust";

/// Runs what was asked for.
pub(super) fn run(settings: &Settings, verb: &args::Train) -> Result<Exit> {
    machines::refuse_group()?;
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
    let ModelRef::Files(mut load) = ModelRef::parse(&name, &settings.home)? else {
        return Err(Error::usage(format!("--model {name}: recorded responses cannot be trained"))
            .hint("use a GGUF file, a model folder, or smollm2"));
    };
    model::note_foreign_adapter(&load);
    let remote = arguments.hostfile.as_ref().map(|hostfile| {
        machines::machines(settings, hostfile, (&arguments.config, &mut file), &mut load).map(Arc::new)
    });
    let remote = remote.transpose()?;
    let mut sources = Sources::read(kind, file, &arguments.config)?;
    let stop = interrupt::listen()?;
    // What the suite is asked may always be cut short, what the training is asked may not.
    let launch = || {
        let launch = model::launch(settings)?;
        Ok::<_, Error>(Launch { interrupt: Interrupt::new(Arc::clone(&stop)), ..launch })
    };
    let watching = watching::open(settings, &sources.file, &arguments.config, &load, launch)?;
    if let Some(watching) = &watching {
        sources.watched_by(watching.instrument()?, watching.neutral());
    }
    let root = arguments.output.clone().unwrap_or_else(|| Path::new(".realign/train").join(&sources.name));
    match &remote {
        Some(_) => terminal::note(OPEN),
        None => too_many(sources.file.ranks).iter().for_each(|note| terminal::note(note)),
    }
    let launch = Launch { remote, ..launch()? };
    let mut session = Session::open(launch, load, sources.file.ranks)?;
    let mut watcher = watching.map(watching::Watching::watcher).unwrap_or_default();
    match train(settings, sources, &mut session, &mut watcher, (&root, &stop))? {
        Some(outcome) => {
            draw(&root)?;
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
    (root, stop): (&Path, &AtomicBool),
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
    })();
    bar.finish_and_clear();
    result
}

/// The batch that was best on this machine with the session's engine and model.
fn measured_batch(settings: &Settings, session: &Session) -> Option<u32> {
    let advice = hardware::advice(&settings.home, session.subject(), session.engine())?;
    u32::try_from(advice.train_batch_tokens).ok()
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
    Ok(if outcome.passed() { Exit::Done } else { Exit::Failed })
}
