//! Every sample of one run, or of two beside each other: responses with the evaluators' evidence marked, scores, filter
//! and search.
//!
//! The samples are data in the page, and the page's own script shows some of them at a time: twenty thousand stay usable.
//! Without a script everything above them is still there. What a response consists of is cut here into parts that each
//! carry the labels of the evidence on them, and whether they differ from the other side.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use self::parts::{Part, parts};
use crate::{
    model::{Direction, Finish, Outcome, Sample, Span},
    report::text::clean,
    store::CellRecord,
    suite::record::Record,
};

/// The script that shows the data.
pub(super) const SCRIPT: &str = include_str!("samples.js");

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Its numbers and items.
    pub record: &'a Record,
    /// Its responses.
    pub samples: &'a [Sample],
    /// What evaluators made of them.
    pub cells: &'a [CellRecord],
}

/// What the script reads.
#[derive(Debug, Serialize)]
struct Data<'a> {
    /// Names of the runs.
    sides: Vec<String>,
    kinds: Vec<&'a str>,
    metrics: Vec<Named>,
    /// What evidence is called.
    labels: Vec<String>,
    samples: Vec<Shown<'a>>,
}

/// A metric with scores per sample.
#[derive(Debug, Serialize)]
struct Named {
    name: String,
    /// Whether less is better.
    lower: bool,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: String,
    kind: &'a str,
    /// Role and content.
    prompt: Vec<(String, String)>,
    /// Metric, then a score per run.
    scores: Vec<Score>,
    /// One per run; `null` where it has no such sample.
    sides: Vec<Option<Response>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Score {
    One(usize, Option<f64>),
    Two(usize, Option<f64>, Option<f64>),
}

#[derive(Debug, Serialize)]
struct Response {
    text: Vec<Part>,
    /// Why it is no ordinary end.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Kind of what has no text of its own: items of benchmarks, whose questions are in their data.
const NO_TEXT: &str = "benchmark item";

/// The section; `runs` are one or two.
#[must_use]
pub(super) fn samples(runs: &[Run<'_>]) -> Markup {
    let json = serde_json::to_string(&data(runs)).expect("samples serialise to JSON").replace('<', "\\u003c");
    let two = runs.len() > 1;
    html! {
        noscript { p { "The samples need this page's own script; everything above does not." } }
        form id="filters" hidden {
            div { label for="search" { "search" } input id="search" type="search" autocomplete="off"; }
            div { label for="kind" { "kind" } select id="kind" { option value="" { "all" } } }
            div { label for="metric" { "score" } select id="metric" { option value="" { "all" } } }
            div {
                label for="change" { "show" }
                select id="change" {
                    option value="" { "all" }
                    @if two {
                        option value="worse" { "worse" }
                        option value="better" { "better" }
                        option value="same" { "unchanged" }
                    } @else {
                        option value="low" { "scored 0" }
                    }
                }
            }
            div {
                button id="previous" type="button" { "previous" } " "
                button id="next" type="button" { "next" }
            }
        }
        p id="status" role="status" {}
        @if two {
            p.quiet {
                mark { "Marked" } " is what an evaluator pointed at; "
                span.differs { "underlined" } " is what the other run does not say."
            }
        } @else {
            p.quiet { mark { "Marked" } " is what an evaluator pointed at." }
        }
        div id="sample-list" {}
        script type="application/json" id="sample-data" { (PreEscaped(json)) }
    }
}

/// Everything that is known of each sample, in the order of ids.
fn data<'a>(runs: &[Run<'a>]) -> Data<'a> {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut metrics = Vec::new();
    for run in runs {
        for item in &run.record.items {
            if item.metric != "adherence" && !names.contains_key(item.metric.as_str()) {
                let described = run.record.metrics.iter().find(|metric| metric.name == item.metric);
                let lower = described.is_some_and(|metric| metric.direction == Some(Direction::Lower));
                names.insert(&item.metric, metrics.len());
                metrics.push(Named { name: clean(&item.metric), lower });
            }
        }
    }
    let mut labels = Labels::default();
    let sides: Vec<Side<'_>> = runs.iter().map(|run| Side::new(run, &names, &mut labels)).collect();
    let ids: BTreeSet<&str> =
        sides.iter().flat_map(|side| side.samples.keys().chain(side.scores.keys())).copied().collect();
    let samples: Vec<Shown<'_>> = ids.iter().map(|id| shown(id, &sides)).collect();
    let kinds: BTreeSet<&str> = samples.iter().map(|sample| sample.kind).collect();
    Data {
        sides: runs.iter().map(|run| clean(&run.record.name)).collect(),
        kinds: kinds.into_iter().collect(),
        metrics,
        labels: labels.names,
        samples,
    }
}

/// Names of evidence, each once.
#[derive(Debug, Default)]
struct Labels {
    places: BTreeMap<String, usize>,
    names: Vec<String>,
}

impl Labels {
    fn place(&mut self, evaluator: &str, label: &str) -> usize {
        let evaluator = evaluator.strip_prefix("detector/").unwrap_or(evaluator);
        let name = clean(&format!("{evaluator}: {label}"));
        *self.places.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            self.names.len() - 1
        })
    }
}

/// One run by sample.
struct Side<'a> {
    samples: BTreeMap<&'a str, &'a Sample>,
    /// Spans with the places of their labels.
    evidence: BTreeMap<&'a str, Vec<(&'a Span, usize)>>,
    /// Metric and value.
    scores: BTreeMap<&'a str, BTreeMap<usize, f64>>,
    failures: BTreeMap<&'a str, Vec<String>>,
}

impl<'a> Side<'a> {
    fn new(run: &Run<'a>, names: &BTreeMap<&str, usize>, labels: &mut Labels) -> Self {
        let mut side = Self {
            samples: run.samples.iter().map(|sample| (sample.id.as_str(), sample)).collect(),
            evidence: BTreeMap::new(),
            scores: BTreeMap::new(),
            failures: BTreeMap::new(),
        };
        for cell in run.cells {
            match &cell.outcome {
                Outcome::Scored { spans, .. } => {
                    let found = spans.iter().map(|span| (span, labels.place(&cell.evaluator, &span.label)));
                    side.evidence.entry(&cell.sample).or_default().extend(found);
                }
                Outcome::Failed(failure) => {
                    let what =
                        clean(&format!("{} failed: {}: {}", cell.evaluator, failure.code, failure.message));
                    side.failures.entry(&cell.sample).or_default().push(what);
                }
                Outcome::NotApplicable(_) => {}
            }
        }
        for item in &run.record.items {
            if let Some(metric) = names.get(item.metric.as_str()) {
                side.scores.entry(&item.item).or_default().insert(*metric, item.value);
            }
        }
        side
    }
}

fn shown<'a>(id: &str, sides: &[Side<'a>]) -> Shown<'a> {
    let samples: Vec<Option<&'a Sample>> = sides.iter().map(|side| side.samples.get(id).copied()).collect();
    let any = samples.iter().flatten().next();
    let metrics: BTreeSet<usize> =
        sides.iter().filter_map(|side| side.scores.get(id)).flat_map(BTreeMap::keys).copied().collect();
    let score = |side: &Side<'_>, metric| side.scores.get(id).and_then(|scores| scores.get(metric)).copied();
    let scores = metrics.iter().map(|metric| match sides {
        [one] => Score::One(*metric, score(one, metric)),
        [one, other, ..] => Score::Two(*metric, score(one, metric), score(other, metric)),
        [] => Score::One(*metric, None),
    });
    let response = |(index, sample): (usize, Option<&Sample>)| {
        let sample = sample?;
        let other = samples.iter().enumerate().find(|(place, _)| *place != index);
        let other = other.and_then(|(_, sample)| sample.map(|sample| sample.response.as_str()));
        let side = &sides[index];
        let evidence = side.evidence.get(id).map_or(&[][..], Vec::as_slice);
        let mut notes: Vec<String> = side.failures.get(id).cloned().unwrap_or_default();
        if sample.finish == Finish::Length {
            notes.insert(0, "cut at the token limit".into());
        }
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Some(Response { text: parts(&sample.response, evidence, other), note })
    };
    Shown {
        id: clean(id),
        kind: any.map_or(NO_TEXT, |sample| sample.kind.as_str()),
        prompt: any.map_or_else(Vec::new, |sample| {
            sample.prompt.iter().map(|message| (clean(&message.role), clean(&message.content))).collect()
        }),
        scores: scores.collect(),
        sides: if any.is_some() {
            samples.iter().copied().enumerate().map(response).collect()
        } else {
            Vec::new()
        },
    }
}
