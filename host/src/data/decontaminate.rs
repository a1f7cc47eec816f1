//! Rows held against what the model will be measured with.
//!
//! A row that repeats an item of a benchmark, or a scenario of the dev and test families, teaches the answer to the question that
//! is asked later. Four ways of finding it ([`index`] has the rules): the same words, runs of 13 words, an item inside the row, and
//! resemblance. Every text of a row is asked for by itself, so a long answer cannot dilute a copied question.
//!
//! The score is `1 - contaminated / rows`. What is contaminated is listed with both places, because a person has to decide
//! whether it is a copy or a figure of speech.

pub mod index;
pub mod source;

use std::path::Path;

use serde::{Deserialize, Serialize};

use self::{
    index::{Index, Kind},
    source::{Against, Item, Place},
};
use super::{
    measured::gated,
    passage::{cluster, passages},
};
use crate::{metrics::overlap, model::Verdict, suite::record::Metric, train::data::Found};

/// Version of the report; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// Least share of clean rows, unless something else is asked for.
pub const THRESHOLD: f64 = 0.9;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decontamination {
    /// [`FORMAT`].
    pub format: u32,
    /// The file of rows, as it was named.
    pub file: String,
    /// What it was held against, as it was named.
    pub against: Vec<String>,
    /// Items that the rows were held against.
    pub items: usize,
    /// `clean`: the share of rows without a hit, with its gate.
    pub clean: Metric,
    /// One per contaminated row, in the order of the rows.
    pub hits: Vec<Hit>,
}

/// A contaminated row, with the passage and the item that match best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// 1-based line of the row.
    pub line: usize,
    /// Which of its texts.
    pub part: String,
    /// How it was found.
    pub kind: Kind,
    /// 1, a share of runs of words, or a Jaccard index.
    pub score: f64,
    /// Where the item stands.
    pub item: Place,
    /// Further items that the row matches.
    pub others: usize,
    /// How the passage begins.
    pub text: String,
}

impl Decontamination {
    /// Whether enough rows are clean.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.clean.verdict
    }

    /// Whether a line was found.
    #[must_use]
    pub fn is_contaminated(&self, line: usize) -> bool {
        self.hits.binary_search_by_key(&line, |hit| hit.line).is_ok()
    }
}

/// Holds the rows of a file against items. `threshold` is the least share of clean rows; `progress` is told how many rows
/// are done.
#[must_use]
pub fn decontaminate(
    path: &Path,
    rows: &[Found],
    against: &Against,
    threshold: f64,
    progress: &mut dyn FnMut(usize, usize),
) -> Decontamination {
    let Against { names, items } = against;
    let index = Index::new(items);
    let mut hits = Vec::new();
    for (done, found) in rows.iter().enumerate() {
        hits.extend(hit(found, &index, items));
        progress(done + 1, rows.len());
    }
    let clusters: Vec<String> = rows.iter().map(|found| cluster(&found.row)).collect();
    let flags = clusters.iter().zip(rows).map(|(cluster, found)| {
        (cluster.as_str(), hits.binary_search_by_key(&found.line, |hit: &Hit| hit.line).is_ok())
    });
    let clean = gated("clean", overlap::FORMULA, overlap::clean(flags), &overlap::clean_rule(threshold));
    Decontamination {
        format: FORMAT,
        file: path.display().to_string(),
        against: names.clone(),
        items: items.len(),
        clean,
        hits,
    }
}

/// The best match of a row: the surest kind, then the highest score, then the first passage and item.
fn hit(found: &Found, index: &Index, items: &[Item]) -> Option<Hit> {
    let mut best: Option<Hit> = None;
    let mut matched = std::collections::BTreeSet::new();
    for passage in passages(&found.row.content) {
        for (item, matching) in index.find(passage.text) {
            matched.insert(item);
            let key = |kind: Kind, score: f64| (kind, -score);
            let better = best
                .as_ref()
                .is_none_or(|known| key(matching.kind, matching.score) < key(known.kind, known.score));
            if better {
                best = Some(Hit {
                    line: found.line,
                    part: passage.part.clone(),
                    kind: matching.kind,
                    score: matching.score,
                    item: items[item].place.clone(),
                    others: 0,
                    text: beginning(passage.text),
                });
            }
        }
    }
    best.map(|hit| Hit { others: matched.len() - 1, ..hit })
}

/// The first characters of a text, on one line.
fn beginning(text: &str) -> String {
    const MOST: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        None => line,
        Some((end, _)) => format!("{}...", &line[..end]),
    }
}
