//! How well a model expects rows that nothing was trained on.
//!
//! `perplexity = exp(sum of -ln p / number of tokens)` over the tokens that the assistant has to produce, end of turn
//! included. Rows of a family are a cluster; a row without one is its own. The interval is that of the linearised ratio,
//! mapped by exp.

use std::path::Path;

use super::{
    config::Role,
    data::{self, Row},
    job,
    reference::{self, Done},
    session::Session,
};
use crate::{
    error::Result,
    stats::{Evidence, by_cluster, mean},
    store::Store,
};

/// Name and version of the formula.
pub const FORMULA: &str = "perplexity/1";

/// Perplexity of the session's model on a file of rows for `train sft`. `None` where fewer than two clusters were read.
///
/// # Errors
/// A row that cannot be read or does not fit the model; the engine or the store fails.
pub fn perplexity(
    session: &mut Session,
    path: &Path,
    store: &Store,
    done: &mut Done<'_>,
) -> Result<Option<Evidence>> {
    let rows = data::read_supervised(path, Role::Persona)?;
    let limit = session.model().context_length as usize;
    let items = job::tokenize(session, &rows, limit)?;
    let sums = reference::log_probs(session, &items, store, done)?;
    let scored = |item: &super::examples::Item| {
        let marks = item.example.answers.iter().flat_map(|answer| &answer.scored);
        marks.filter(|scored| **scored).count()
    };
    let found: Vec<(String, f64, usize)> = rows
        .iter()
        .zip(&items)
        .zip(sums)
        .map(|((row, item), sums)| (cluster(row), -sums.iter().sum::<f64>(), scored(item)))
        .collect();
    Ok(of(&found))
}

fn cluster(row: &Row) -> String {
    row.family.clone().unwrap_or_else(|| row.id.clone())
}

/// Perplexity of rows, each its cluster, its negative log-probability in nats and its tokens.
#[must_use]
pub fn of(rows: &[(String, f64, usize)]) -> Option<Evidence> {
    let clusters =
        by_cluster(rows.iter().map(|(cluster, nats, tokens)| (cluster.as_str(), (*nats, *tokens as f64))));
    mean::ratio_of_sums(&clusters)?.evidence()?.map_increasing(f64::exp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cluster: &str, nats: f64, tokens: usize) -> (String, f64, usize) {
        (cluster.into(), nats, tokens)
    }

    #[test]
    fn every_token_weighs_the_same() {
        // (2 + 7) nats over (1 + 2) tokens: exp(3), and not a mean of exp(2) and exp(3.5).
        let found = of(&[row("a", 2.0, 1), row("b", 7.0, 2)]).unwrap();
        assert!((found.estimate.value - 3.0_f64.exp()).abs() < 1e-9);
        assert!(found.lower <= found.estimate.value && found.estimate.value <= found.upper);
    }

    #[test]
    fn one_family_has_no_interval_and_so_no_perplexity() {
        assert_eq!(of(&[row("a", 2.0, 1), row("a", 7.0, 2)]), None);
        assert_eq!(of(&[]), None);
    }
}
