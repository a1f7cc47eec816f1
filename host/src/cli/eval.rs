//! `eval`: a suite, or an lm-eval task or group, against a model; the run is stored.

use std::{fs, path::Path};

use super::{args, model, terminal};
use crate::{
    engine::backend::Backend,
    error::{Error, Result},
    exit::Exit,
    ids::Seed,
    model::Verdict,
    report::{self, interop},
    sandbox::{Limits, Sandbox},
    settings::Settings,
    store::Store,
    suite::{
        asked::Asked,
        evaluators::{Benchmark, Evaluators},
        file::DeployPrompt,
        load::{Selection, Suite},
        power,
        record::Record,
        run::{self, Means},
        task_run,
    },
    tasks::{prompt::Chat, set::TaskSet, task::Options},
    write::{Output, OutputFolder},
};

/// Runs what was asked for.
pub(super) fn run(settings: &Settings, arguments: &args::Eval) -> Result<Exit> {
    let record = match (&arguments.suite, &arguments.task, &arguments.model) {
        (Some(suite), _, None) => return sight(settings, arguments, suite),
        (Some(suite), _, Some(model)) => suite_run(settings, arguments, suite, model)?,
        (None, Some(task), Some(model)) => tasks(settings, arguments, task, model)?,
        (None, ..) => unreachable!("clap asks for a suite or a task, and for a model or --power"),
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

fn selection(arguments: &args::Eval) -> Selection {
    Selection {
        families: arguments.limit,
        items: arguments.items,
        deploy_prompt: arguments.deploy_prompt,
        seed: arguments.seed.map(Seed),
        ..Selection::default()
    }
}

/// Says what a suite can see; evaluators make their items, and no model is asked.
fn sight(settings: &Settings, arguments: &args::Eval, path: &Path) -> Result<Exit> {
    let suite = Suite::load(path, selection(arguments))?;
    let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
    let evaluators = Evaluators::prepare(&suite, &sandbox).map_err(|error| error.within(path.display()))?;
    let shares = |benchmark: &Benchmark| {
        let metrics = &benchmark.prepared.evaluator().description().metrics;
        metrics.iter().any(|metric| metric.name == benchmark.spec.metric && metric.unit == "share")
    };
    let right_or_wrong: Vec<bool> = evaluators.benchmarks.iter().map(shares).collect();
    let sights = power::sights(&suite, &evaluators.items(&suite)?, &right_or_wrong);
    if settings.json {
        terminal::print_json(&sights)?;
    } else {
        terminal::print(&report::power::render(&suite.file.name, &sights))?;
    }
    Ok(Exit::Done)
}

fn suite_run(settings: &Settings, arguments: &args::Eval, path: &Path, model: &str) -> Result<Record> {
    let suite = Suite::load(path, selection(arguments))?;
    let store = Store::open(&settings.store)?;
    let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
    let mut backend = model::open(settings, model)?;
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

fn tasks(settings: &Settings, arguments: &args::Eval, path: &Path, model: &str) -> Result<Record> {
    let options = Options {
        limit: arguments.limit,
        num_fewshot: arguments.num_fewshot,
        chat: match (arguments.apply_chat_template, arguments.single_turn) {
            (false, _) => Chat::None,
            (true, false) => Chat::MultiTurn,
            (true, true) => Chat::SingleTurn,
        },
    };
    let set = TaskSet::read(path, &options)?;
    let output = arguments.output.as_deref().map(OutputFolder::create).transpose()?;
    let store = Store::open(&settings.store)?;
    let mut backend = model::open(settings, model)?;
    let name = arguments.name.clone().unwrap_or_else(|| format!("{}-{}", set.name, model_name(&backend)));
    let bar = terminal::bar("asking");
    let asked = Asked::task(path, &options);
    let found = task_run::run(&set, &name, &asked, &mut backend, &store, &mut |done, total| {
        terminal::advance(&bar, done, total);
    });
    bar.finish_and_clear();
    let (record, answers) = found?;
    if let Some(output) = output {
        let inside = output.inside().to_owned();
        fs::create_dir(&inside).map_err(|error| Error::unwritable(&inside, &error))?;
        let results = interop::results(&record, &set, &answers);
        let mut results = serde_json::to_vec_pretty(&results).expect("results are JSON");
        results.push(b'\n');
        Output::create(&inside.join("results.json"))?.commit(&results)?;
        for (task, answers) in set.tasks.iter().zip(&answers) {
            let mut samples = Vec::new();
            for line in interop::samples(task, answers) {
                super::push_json_line(&mut samples, &line);
            }
            Output::create(&inside.join(format!("samples_{}.jsonl", plain(&task.name))))?.commit(&samples)?;
        }
        output.commit()?;
    }
    Ok(record)
}

/// What a run is called where the user gives no name: the model's own name, fit for a command line.
fn model_name(backend: &Backend) -> String {
    let subject = backend.subject();
    plain(subject.get("model").map_or("model", String::as_str))
}

/// A name that is no path and needs no quotes.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}
