//! `eval`: a suite, or one lm-eval task, against a model; the run is stored.

use std::path::Path;

use super::{args, model, terminal};
use crate::{
    engine::backend::Backend,
    error::Result,
    exit::Exit,
    model::Verdict,
    report,
    sandbox::{Limits, Sandbox},
    settings::Settings,
    store::Store,
    suite::{
        file::DeployPrompt,
        load::{Selection, Suite},
        record::Record,
        run::{self, Means},
        task_run,
    },
    tasks::lm_eval::Task,
};

/// Runs what was asked for.
pub(super) fn run(settings: &Settings, arguments: &args::Eval) -> Result<Exit> {
    let record = match (&arguments.suite, &arguments.task) {
        (Some(suite), _) => suite_run(settings, arguments, suite)?,
        (None, Some(task)) => one_task(settings, arguments, task)?,
        (None, None) => unreachable!("clap asks for a suite or a task"),
    };
    if settings.json {
        terminal::print_json(&record)?;
    } else {
        terminal::print(&report::record::render(&record))?;
    }
    Ok(match record.verdict() {
        None | Some(Verdict::Pass) => Exit::Done,
        Some(Verdict::Fail) => Exit::Failed,
        Some(Verdict::Inconclusive | Verdict::Insufficient | Verdict::NoHeadroom | Verdict::NotReached) => {
            Exit::Inconclusive
        }
    })
}

fn suite_run(settings: &Settings, arguments: &args::Eval, path: &Path) -> Result<Record> {
    let selection = Selection {
        families: arguments.limit,
        items: arguments.items,
        deploy_prompt: arguments.deploy_prompt,
        ..Selection::default()
    };
    let suite = Suite::load(path, selection)?;
    let store = Store::open(&settings.store)?;
    let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
    let mut backend = model::open(settings, &arguments.model.model)?;
    let name = arguments.name.clone().unwrap_or_else(|| {
        let prompt = match suite.file.deploy_prompt {
            DeployPrompt::Persona => "persona",
            DeployPrompt::None => "none",
        };
        format!("{}-{}-{prompt}", suite.file.name, model_name(&backend))
    });
    let bar = terminal::bar("");
    let record = run::run(
        &suite,
        &name,
        &mut Means { backend: &mut backend, sandbox: &sandbox, store: &store },
        &mut |stage, done, total| {
            bar.set_prefix(stage.to_owned());
            terminal::advance(&bar, done, total);
        },
    );
    bar.finish_and_clear();
    record
}

fn one_task(settings: &Settings, arguments: &args::Eval, path: &Path) -> Result<Record> {
    let mut task = Task::read(path)?;
    if let Some(most) = arguments.limit {
        task.documents.truncate(most);
    }
    let store = Store::open(&settings.store)?;
    let mut backend = model::open(settings, &arguments.model.model)?;
    let name = arguments.name.clone().unwrap_or_else(|| format!("{}-{}", task.name, model_name(&backend)));
    let bar = terminal::bar("scoring");
    let record = task_run::run(&task, &name, &mut backend, &store, &mut |done, total| {
        terminal::advance(&bar, done, total);
    });
    bar.finish_and_clear();
    record
}

/// What a run is called where the user gives no name: the model's own name, fit for a command line.
fn model_name(backend: &Backend) -> String {
    let subject = backend.subject();
    let name = subject.get("model").map_or("model", String::as_str);
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' }).collect()
}
