//! `plugin card`: what evaluators' scores are worth.

use std::{collections::BTreeSet, path::Path};

use serde_json::json;

use super::sandbox;
use crate::{
    cli::{args, model, terminal},
    error::{Error, Result},
    exit::Exit,
    gates::Decision,
    ids::Seed,
    model::Verdict,
    persona::profile::Polarity,
    plugins::{
        card::{
            Card,
            text::{self, LabelledText},
        },
        registry,
    },
    report,
    sandbox::{Kind, Sandbox},
    settings::Settings,
    store::Store,
    suite::{
        cards::{self, Alone, Examiner, lone::Lone},
        evaluators::Evaluators,
        judge::Judge,
        load::{self, Selection, Suite},
        run::Means,
    },
    write::Output,
};

/// Makes the cards and shows them.
pub(super) fn run(settings: &Settings, arguments: &args::PluginCard) -> Result<Exit> {
    // Before anything is judged: an unwritable folder costs nothing then.
    let page = arguments.html.as_deref().map(Output::create).transpose()?;
    let sandbox = sandbox(settings)?;
    let cards = match (&arguments.suite, &arguments.plugin) {
        (Some(path), _) => of_suite(settings, &sandbox, path, arguments)?,
        (None, Some(plugin)) => vec![of_plugin(settings, &sandbox, plugin, arguments)?],
        (None, None) => return Err(Error::usage("neither a plugin nor a suite is named")),
    };
    if let Some(page) = page {
        page.commit(report::card::page(&cards).as_bytes())?;
    }
    if settings.json {
        terminal::print_json(&json!({ "cards": cards }))?;
    } else {
        terminal::print(&report::card::render(&cards))?;
    }
    if let Some(path) = &arguments.html {
        terminal::note(&format!("written: {}", path.display()));
    }
    let decisions: Vec<Decision> = cards.iter().map(|card| card.decision().clone()).collect();
    Ok(match Decision::all_of(&decisions).verdict {
        Verdict::Pass => Exit::Done,
        Verdict::Fail => Exit::Failed,
        _ => Exit::Inconclusive,
    })
}

fn of_suite(
    settings: &Settings,
    sandbox: &Sandbox,
    path: &Path,
    arguments: &args::PluginCard,
) -> Result<Vec<Card>> {
    let suite = Suite::load(path, Selection::default())?;
    let evaluators = Evaluators::prepare(&suite, sandbox).map_err(|error| error.within(path.display()))?;
    let texts = texts(arguments)?;
    let only: BTreeSet<String> = arguments.traits.iter().cloned().collect();
    with_examiner(settings, sandbox, arguments, suite.file.seed, |examiner| {
        cards::cards(&suite, &evaluators, &only, &texts, examiner)
    })
}

fn of_plugin(
    settings: &Settings,
    sandbox: &Sandbox,
    plugin: &str,
    arguments: &args::PluginCard,
) -> Result<Card> {
    let found = registry::find(plugin, Path::new(""))?;
    let evaluator = sandbox.load(&found).map_err(|error| error.within(plugin))?;
    let lone = Lone {
        evaluator: &evaluator,
        config: &arguments.config,
        grants: arguments.grant.iter().cloned().collect(),
        fit: arguments.fit,
        polarity: if arguments.forbidden { Polarity::Forbidden } else { Polarity::Required },
        threshold: arguments.threshold,
    };
    with_examiner(settings, sandbox, arguments, Seed(0), |examiner| {
        if evaluator.kind() == Kind::Benchmark {
            let mut rows = Vec::new();
            for path in &arguments.data {
                rows.extend(load::read_rows(path)?);
            }
            return lone.of_rows(&rows, examiner);
        }
        lone.of_texts(&texts(arguments)?, examiner)
    })
}

fn texts(arguments: &args::PluginCard) -> Result<Vec<LabelledText>> {
    let mut texts = Vec::new();
    for path in &arguments.data {
        texts.extend(text::read(path)?);
    }
    text::check_ids(&texts)?;
    Ok(texts)
}

/// Opens the model, where one is named, and runs `work` with whoever may answer.
fn with_examiner<R>(
    settings: &Settings,
    sandbox: &Sandbox,
    arguments: &args::PluginCard,
    seed: Seed,
    work: impl FnOnce(&mut dyn Examiner) -> Result<R>,
) -> Result<R> {
    let Some(name) = &arguments.model else {
        return work(&mut Alone);
    };
    let store = Store::open(&settings.store)?;
    let mut backend = model::open(settings, name)?;
    let mut means = Means { backend: &mut backend, sandbox, store: &store };
    let bar = terminal::bar("");
    let mut observer = |stage: &str, done, total| {
        bar.set_prefix(stage.to_owned());
        terminal::advance(&bar, done, total);
    };
    let done = work(&mut Judge { means: &mut means, seed, observer: &mut observer });
    bar.finish_and_clear();
    done
}
