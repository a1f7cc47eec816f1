//! Which queries a model can take at all.
//!
//! A query of ours that does not fit is an error of the command. One that an evaluator thought up costs its sample
//! only, so it has to be found before it is sent with the others.

use realign_engine_abi::message::{TokenizeInput, Tokenized};

use super::{
    WorkerBackend,
    rows::{self, GenerateRows, ScoreRows},
};
use crate::{
    engine::query::{GenerateQuery, ScoreQuery},
    error::{Error, Result},
    exit::Exit,
};

/// Queries as texts to be tokenized.
type Texts<'a, Q> = dyn Fn(&[Q]) -> Result<Vec<TokenizeInput>> + 'a;

/// Whether queries fit, given their tokens.
type Check<'a, Q> = dyn Fn(&[Q], Vec<Tokenized>) -> Result<()> + 'a;

impl WorkerBackend {
    /// For each query why it can never be scored, if so.
    ///
    /// # Errors
    /// The engine failed twice.
    pub fn score_misfits(&mut self, queries: &[ScoreQuery]) -> Result<Vec<Option<Error>>> {
        let window = self.context_length();
        self.misfits(queries, &rows::score_texts, &|query, tokens| {
            ScoreRows::build(query, tokens, window).map(drop)
        })
    }

    /// For each query why it can never be continued, if so.
    ///
    /// # Errors
    /// The engine failed twice.
    pub fn generate_misfits(&mut self, queries: &[GenerateQuery]) -> Result<Vec<Option<Error>>> {
        let window = self.context_length();
        self.misfits(queries, &rows::prompt_texts, &|query, tokens| {
            GenerateRows::build(query, tokens, window).map(drop)
        })
    }

    fn misfits<Q>(
        &mut self,
        queries: &[Q],
        texts: &Texts<'_, Q>,
        check: &Check<'_, Q>,
    ) -> Result<Vec<Option<Error>>> {
        let whole =
            texts(queries).and_then(|texts| self.tokenize(texts)).and_then(|tokens| check(queries, tokens));
        match whole {
            Ok(()) => Ok(queries.iter().map(|_| None).collect()),
            Err(error) if error.exit() != Exit::BadInput => Err(error),
            Err(error) => match queries {
                [_] => Ok(vec![Some(error)]),
                queries => {
                    let (left, right) = queries.split_at(queries.len() / 2);
                    let mut misfits = self.misfits(left, texts, check)?;
                    misfits.extend(self.misfits(right, texts, check)?);
                    Ok(misfits)
                }
            },
        }
    }
}
