//! Instruction-following difficulty of rows.
//!
//! An answer is asked of the model twice: as the assistant's turn behind its conversation, and as the first turn of all, behind
//! nothing but what the model's template opens a turn with. That opening is the neutral prefix; in models without a template of
//! that kind it cannot be had, and the engine says so. The tokens of the answer are the same both times, without the token that
//! ends the turn. What the numbers mean: [`crate::metrics::ifd`].
//!
//! A row that is longer than the model's window is an error: the difficulty of a cut answer is that of another one.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    passage::cluster,
    score::{Asked, score},
};
use crate::{
    engine::backend::{Backend, Progress},
    error::{Error, Result},
    metrics::{
        aggregate::mean_evidence,
        ifd::{FORMULA, Ifd, quantile},
    },
    model::{Direction, Estimate},
    stats::by_cluster,
    store::Store,
    suite::{persona_run::plain, record::Metric},
    train::data::{Content, Found},
};

/// Version of the report; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// Shares of rows that lie below the quantiles of the report.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Which ratio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Ratio {
    /// Of mean negative log-probabilities.
    #[default]
    Nll,
    /// Of perplexities.
    Perplexity,
}

/// Difficulty of every row, and of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difficulty {
    /// [`FORMAT`].
    pub format: u32,
    /// The file, as it was named.
    pub file: String,
    /// The model that was asked.
    pub subject: BTreeMap<String, String>,
    /// The engine that answered.
    pub engine: BTreeMap<String, String>,
    /// Ratio of mean NLLs over all rows.
    pub nll: Summary,
    /// Ratio of perplexities over all rows.
    pub perplexity: Summary,
    /// Share of rows whose instruction hurts.
    pub above_one: Metric,
    /// In the order of the file.
    pub rows: Vec<RowIfd>,
    /// What was kept, where something was asked for.
    pub kept: Option<Kept>,
}

/// One ratio over all rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The mean.
    pub mean: Metric,
    /// Quantiles, from low to high.
    pub quantiles: Vec<Quantile>,
}

/// A quantile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Share of rows below it.
    pub share: f64,
    /// The value; absent with fewer than two clusters.
    pub estimate: Option<Estimate>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowIfd {
    /// 1-based line.
    pub line: usize,
    /// Id, or file name and line.
    pub id: String,
    /// Both ratios.
    #[serde(flatten)]
    pub ifd: Ifd,
}

/// Rows that were kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Share of all rows that was asked for.
    pub share: f64,
    /// By which ratio.
    pub by: Ratio,
    /// 1-based lines, ascending.
    pub lines: Vec<usize>,
    /// How many more would have been kept if their instruction did not hurt.
    pub missing: usize,
}

/// Asks a model for both log-probabilities of every row's answer.
///
/// # Errors
/// Bad input naming the line of a row without an instruction, with an empty answer, too long for the model, or whose answer
/// is certain without its instruction; what engine and store report.
pub fn ifd(
    path: &Path,
    rows: &[Found],
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Difficulty> {
    let mut all = Vec::with_capacity(rows.len());
    for found in rows {
        let (Content::Conversation(messages) | Content::Pair { chosen: messages, .. }) = &found.row.content
        else {
            return Err(Error::bad_input(format!("{}: a raw text has no instruction", found.row.place))
                .hint("give rows with messages, prompt and completion, or instruction and response"));
        };
        let Some((answer, asked)) = messages.split_last() else { continue };
        if answer.content.trim().is_empty() {
            return Err(Error::bad_input(format!("{}: the answer is empty", found.row.place)));
        }
        all.push(Asked {
            line: found.line,
            place: &found.row.place,
            behind: [asked.to_vec(), Vec::new()],
            answer: &answer.content,
        });
    }
    let answers = score(&all, backend, store, progress)?;
    let mut measured = Vec::with_capacity(rows.len());
    for (found, [given, alone]) in rows.iter().zip(&answers) {
        let ifd = Ifd::new(given.logprob[0], alone.logprob[0], alone.tokens[0]).ok_or_else(|| {
            Error::bad_input(format!("{}: the answer is certain without its instruction", found.row.place))
                .hint("leave the row out: no ratio is defined for it")
        })?;
        measured.push(RowIfd { line: found.line, id: found.row.id.clone(), ifd });
    }
    let clusters: Vec<String> = rows.iter().map(|found| cluster(&found.row)).collect();
    let summary = |name: &str, of: fn(&Ifd) -> f64| {
        let values = clusters.iter().zip(&measured).map(|(cluster, row)| (cluster.as_str(), of(&row.ifd)));
        let clusters = by_cluster(values);
        let mut mean = plain(name.into(), FORMULA, mean_evidence(&clusters, None));
        (mean.unit, mean.range, mean.direction) = ("ratio".into(), None, Some(Direction::Higher));
        let quantiles =
            QUANTILES.map(|share| Quantile { share, estimate: quantile(&clusters, share) }).to_vec();
        Summary { mean, quantiles }
    };
    let hurts = clusters
        .iter()
        .zip(&measured)
        .map(|(cluster, row)| (cluster.as_str(), f64::from(u8::from(row.ifd.hurts()))));
    let above_one = plain("above-one".into(), FORMULA, mean_evidence(&by_cluster(hurts), None));
    Ok(Difficulty {
        format: FORMAT,
        file: path.display().to_string(),
        subject: backend.subject(),
        engine: backend.engine(),
        nll: summary("nll-ratio", |ifd| ifd.nll_ratio),
        perplexity: summary("perplexity-ratio", |ifd| ifd.perplexity_ratio),
        above_one: Metric { direction: Some(Direction::Lower), ..above_one },
        rows: measured,
        kept: None,
    })
}

/// The rows with the highest ratio that is not above 1, a share of all rows at most; of equals the earlier ones.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the number of rows")]
pub fn keep(rows: &[RowIfd], share: f64, by: Ratio) -> Kept {
    let wanted = (rows.len() as f64 * share).round() as usize;
    let ratio = |row: &&RowIfd| match by {
        Ratio::Nll => row.ifd.nll_ratio,
        Ratio::Perplexity => row.ifd.perplexity_ratio,
    };
    let mut helped: Vec<&RowIfd> = rows.iter().filter(|row| !row.ifd.hurts()).collect();
    helped.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    helped.truncate(wanted);
    let mut lines: Vec<usize> = helped.into_iter().map(|row| row.line).collect();
    lines.sort_unstable();
    Kept { share, by, missing: wanted - lines.len(), lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardest_rows_are_kept_whose_instruction_helps() {
        let row = |line: usize, given: f64, alone: f64| RowIfd {
            line,
            id: line.to_string(),
            ifd: Ifd::new(given, alone, 1).expect("defined"),
        };
        // Ratios of NLLs 0.9, 0.5, 1.5, 0.8; of perplexities exp(-1), exp(-0.1), exp(1), exp(-0.2).
        let rows = [row(1, -9.0, -10.0), row(2, -0.1, -0.2), row(3, -3.0, -2.0), row(4, -0.8, -1.0)];
        assert_eq!(keep(&rows, 0.5, Ratio::Nll).lines, [1, 4]);
        assert_eq!(keep(&rows, 0.5, Ratio::Perplexity).lines, [2, 4]);
        let all = keep(&rows, 1.0, Ratio::Nll);
        assert_eq!((all.lines, all.missing), (vec![1, 2, 4], 1));
    }
}
