//! Log-probabilities of rows' answers behind one context and behind another, with errors that name the row.

use crate::{
    engine::{
        backend::{Backend, Progress},
        query::{Prompt, ScoreAnswer, ScoreQuery},
    },
    error::{Error, Result},
    model::ChatMessage,
    store::Store,
};

/// A row's answer, and the two conversations that it is asked behind.
pub struct Asked<'a> {
    /// 1-based line.
    pub line: usize,
    /// File and line, for errors.
    pub place: &'a str,
    /// The conversations.
    pub behind: [Vec<ChatMessage>; 2],
    /// The answer.
    pub answer: &'a str,
}

/// The answers' log-probabilities, behind the first and behind the second conversation. Nothing is cut: a row that does not fit
/// the model is an error.
///
/// All first ones are asked, then all second ones. So what several measurements of the same rows have in common, which is the
/// answer behind the row's own conversation, is asked in the same batches, and the store has it the second time.
///
/// # Errors
/// Bad input naming the first row that does not fit the model; what engine and store report.
pub fn score(
    rows: &[Asked<'_>],
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<[ScoreAnswer; 2]>> {
    let [first, second] = [0, 1].map(|side| queries(rows, side));
    for queries in [&first, &second] {
        let misfits = backend.score_misfits(queries)?;
        if let Some((row, misfit)) = rows.iter().zip(misfits).find_map(|(row, misfit)| Some((row, misfit?))) {
            return Err(Error::bad_input(misfit.to_string())
                .within(row.place)
                .hint("shorten the row or leave it out: a number over part of it would not be its number"));
        }
    }
    let all = 2 * rows.len();
    let first = backend.score(&first, Some(store), &mut |done, _| progress(done, all))?;
    let second = backend.score(&second, Some(store), &mut |done, _| progress(rows.len() + done, all))?;
    Ok(first.into_iter().zip(second).map(|(first, second)| [first, second]).collect())
}

fn queries(rows: &[Asked<'_>], side: usize) -> Vec<ScoreQuery> {
    let query = |row: &Asked<'_>| ScoreQuery {
        id: row.line.to_string(),
        context: Prompt::Messages(row.behind[side].clone()),
        continuations: vec![row.answer.to_owned()],
    };
    rows.iter().map(query).collect()
}

#[cfg(test)]
mod tests {
    use realign_engine_abi::message::Load;

    use super::*;
    use crate::engine::{testing::launch, workers::WorkerBackend};

    #[test]
    fn what_two_measurements_of_a_row_have_in_common_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        std::fs::write(&model, "test model").unwrap();
        let load = Load { model, adapters: Vec::new() };
        let mut backend = Backend::Workers(Box::new(WorkerBackend::open(&load, launch(), Some(1)).unwrap()));
        let path = folder.path().join("store");
        let store = Store::open(&path).unwrap();
        let told = |role: &str, text: &str| ChatMessage { role: role.into(), content: text.into() };
        let plain = vec![told("user", "Hello?")];
        let mut asked = |other: Vec<ChatMessage>| {
            let behind = [plain.clone(), other];
            let rows = [Asked { line: 1, place: "a", behind, answer: "We can." }];
            let found = score(&rows, &mut backend, &store, &mut |_, _| {}).unwrap();
            let kept = rusqlite::Connection::open(&path).unwrap();
            let batches: u32 =
                kept.query_row("SELECT count(*) FROM generations", (), |row| row.get(0)).unwrap();
            (found[0][0].logprob[0], batches)
        };
        let (first, two) = asked(vec![told("system", "Be brief."), told("user", "Hello?")]);
        assert_eq!(two, 2);
        let (again, three) = asked(vec![told("user", "Hi.")]);
        assert_eq!((again, three), (first, 3), "only what is behind the other conversation is new");
    }
}
