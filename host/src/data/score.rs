//! Log-probabilities of rows, with errors that name the row.

use crate::{
    engine::{
        backend::{Backend, Progress},
        query::{ScoreAnswer, ScoreQuery},
    },
    error::{Error, Result},
    store::Store,
};

/// Scores queries, each of the row at the place beside it. Nothing is cut: a row that does not fit the model is an error.
///
/// # Errors
/// Bad input naming the first row that does not fit the model; what engine and store report.
pub fn score(
    queries: &[ScoreQuery],
    places: &[&str],
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<ScoreAnswer>> {
    let misfits = backend.score_misfits(queries)?;
    if let Some((place, misfit)) =
        places.iter().zip(misfits).find_map(|(place, misfit)| Some((place, misfit?)))
    {
        return Err(Error::bad_input(misfit.to_string())
            .within(place)
            .hint("shorten the row or leave it out: a number over part of it would not be its number"));
    }
    backend.score(queries, Some(store), progress)
}
