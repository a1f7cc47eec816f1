//! `compare`: stored runs with a baseline, item by item.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    args,
    outputs::Outputs,
    stored::{self, Stored},
    terminal,
};
use crate::{
    compare::{Change, Comparison, Correction, Method, Side, compare, noise::floor},
    error::{Error, Result},
    exit::Exit,
    ids::Seed,
    model::{Estimate, Verdict},
    read::within,
    report::{self, checks},
    settings::Settings,
    stats::bootstrap::Bootstrap,
};

/// Replicates of the bootstrap and of the permutation test.
const REPLICATES: usize = 10_000;

/// Where the random numbers of a comparison start: fixed, so that the same runs always compare the same way.
const SEED: Seed = Seed(0);

/// What `--json` prints: one for two runs, a list for more.
#[derive(Debug, Serialize)]
struct Document<'a> {
    before: &'a str,
    after: &'a str,
    method: &'a Method,
    #[serde(flatten)]
    comparison: &'a Comparison,
    /// What the baseline differs by from itself, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<&'a BTreeMap<String, Estimate>>,
}

/// Compares and reports.
pub(super) fn run(settings: &Settings, arguments: &args::Compare) -> Result<Exit> {
    within("--margin", arguments.margin, 0.0, 1.0)?;
    let args::Compare { html, junit, summary, .. } = arguments;
    if html.is_some() && arguments.after.len() > 1 {
        return Err(Error::usage("--html: a page shows one run beside its baseline, not several")
            .hint("write one page for each of them"));
    }
    let outputs = Outputs::create(html.as_deref(), junit.as_deref(), summary.as_deref())?;
    let before = stored::find(settings, &arguments.before)?;
    let after: Vec<Stored> =
        arguments.after.iter().map(|run| stored::find(settings, run)).collect::<Result<_>>()?;
    let mut metrics = before.record.directions();
    metrics.extend(after.iter().flat_map(|after| after.record.directions()));
    let correction = if arguments.fdr { Correction::BenjaminiHochberg } else { Correction::Holm };
    let method = method(correction, Some(arguments.margin).filter(|margin| *margin > 0.0));
    let baseline = before.record.side();
    let sides: Vec<Side<'_>> = after.iter().map(|after| after.record.side()).collect();
    let noise = match &arguments.noise {
        Some(run) => {
            let again = stored::find(settings, run)?;
            Some(floor(&baseline, &again.record.side(), &metrics, method)?)
        }
        None => None,
    };
    let comparisons = compare(&baseline, &sides, &metrics, method, &arguments.allow)?;
    if settings.json {
        let document = |(after, comparison): (&Stored, _)| -> serde_json::Value {
            let (before, after) = (&before.record.name, &after.record.name);
            let document = Document { before, after, method: &method, comparison, noise: noise.as_ref() };
            serde_json::to_value(document).expect("comparisons serialise to JSON")
        };
        let mut documents: Vec<_> = after.iter().zip(&comparisons).map(document).collect();
        match documents.pop() {
            Some(only) if documents.is_empty() => terminal::print_json(&only)?,
            last => terminal::print_json(&documents.into_iter().chain(last).collect::<Vec<_>>())?,
        }
    } else {
        let text = |(after, comparison): (&Stored, _)| {
            report::comparison::render(&before.record, &after.record, comparison, method, noise.as_ref())
        };
        let texts: Vec<String> = after.iter().zip(&comparisons).map(text).collect();
        terminal::print(&texts.join("\n\n"))?;
    }
    let several = after.len() > 1;
    let checks = after.iter().zip(&comparisons).flat_map(|(after, comparison)| {
        let mut checks = checks::of_comparison(&after.record, comparison);
        for check in checks.iter_mut().filter(|_| several) {
            check.name = format!("{}: {}", after.record.name, check.name);
        }
        checks
    });
    let names: Vec<&str> = after.iter().map(|after| after.record.name.as_str()).collect();
    let title = format!("{} -> {}", before.record.name, names.join(", "));
    outputs.write(&before.record.suite, &title, &checks.collect::<Vec<_>>(), || {
        let (one, other) = (before.material()?, after[0].material()?);
        let (one, other) = (one.of(&before.record), other.of(&after[0].record));
        Ok(report::html::comparison::page(one, other, &comparisons[0], method, noise.as_ref()))
    })?;
    Ok(exit(&comparisons))
}

/// How every verb compares.
pub(super) fn method(correction: Correction, margin: Option<f64>) -> Method {
    let bootstrap = Bootstrap { replicates: REPLICATES, seed: SEED.derive("compare").0 };
    Method { bootstrap, correction, margin }
}

/// The worst of all: one loss decides; then what cannot be compared; then everything has to be told apart for a 0.
fn exit(comparisons: &[Comparison]) -> Exit {
    let one = |comparison: &Comparison| -> Exit {
        let Comparison::Compared { metrics, retention, .. } = comparison else {
            return Exit::NotComparable;
        };
        let is = |change| metrics.iter().any(|metric| metric.change == change);
        let lost = retention.as_ref().is_some_and(|kept| kept.decision.verdict == Verdict::Fail);
        if is(Change::Regressed) || lost {
            Exit::Failed
        } else if is(Change::CannotTell) || metrics.is_empty() {
            Exit::Inconclusive
        } else {
            Exit::Done
        }
    };
    let exits: Vec<Exit> = comparisons.iter().map(one).collect();
    [Exit::Failed, Exit::NotComparable, Exit::Inconclusive]
        .into_iter()
        .find(|worst| exits.contains(worst))
        .unwrap_or(Exit::Done)
}
