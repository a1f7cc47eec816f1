//! What a server cannot score, told from its identity alone: so the answers that are kept of it say the same as the server.

use super::{echo, unusable::Kind};
use crate::engine::{
    backend::Identity,
    query::{Prompt, ScoreQuery},
};

/// The part of the identity that holds what was found out.
pub(super) const LIKELIHOODS: &str = "log-likelihoods";
/// Begins its value where there are none that can be used; behind a colon stands what was found. Runs from before that was kept have
/// this alone.
const NONE: &str = "no";
/// Its end where the first token of a text has no log-probability.
pub(super) const NO_FIRST: &str = "first token not scored";

/// What cannot be scored, and what would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// One lower-case sentence.
    pub why: String,
    /// Advice.
    pub way_out: &'static str,
}

/// The identity's part where nothing can be scored.
pub(super) fn none(kind: Kind) -> String {
    format!("{NONE}: {}", kind.word())
}

/// Why one of the queries can never be scored by the model of this identity, whatever its text; nothing where it is no server.
#[must_use]
pub fn beyond(engine: &Identity, queries: &[ScoreQuery]) -> Option<Beyond> {
    let found = engine.get(LIKELIHOODS)?;
    let unusable = found.strip_prefix(NONE);
    let beyond = |why: &str, way_out| Some(Beyond { why: why.into(), way_out });
    queries.iter().find_map(|query| match (unusable, &query.context) {
        (Some(found), _) => {
            let kind = found.strip_prefix(": ").and_then(Kind::of_word).unwrap_or(Kind::Malformed);
            beyond(&format!("the server gives no log-likelihoods that can be used{found}"), kind.way_out())
        }
        (None, Prompt::Messages(_)) => beyond(
            "the server gives no log-likelihoods behind messages, because the chat template is its own",
            "ask with raw text, or use the weights (a GGUF file or a folder)",
        ),
        (None, Prompt::Raw(context)) if echo::boundary(context) == 0 && found.ends_with(NO_FIRST) => beyond(
            "the server gives no log-probability of a text's first token",
            "give every text a context, or use the weights (a GGUF file or a folder)",
        ),
        (None, Prompt::Raw(_)) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChatMessage;

    #[test]
    fn a_server_is_asked_only_what_it_can_answer_and_a_model_of_our_own_anything() {
        let engine = |found: &str| Identity::from([(LIKELIHOODS.to_owned(), found.to_owned())]);
        let query = |context| [ScoreQuery { id: "a".into(), context, continuations: vec![" b".into()] }];
        let behind = query(Prompt::Raw("The".into()));
        let whole = query(Prompt::Raw(String::new()));
        let message = ChatMessage { role: "user".into(), content: "Hi".into() };
        let chat = query(Prompt::Messages(vec![message]));
        let found =
            |engine: &Identity| [&behind, &whole, &chat].map(|queries| beyond(engine, queries).is_none());
        assert_eq!(found(&engine(NONE)), [false, false, false]);
        assert_eq!(found(&engine(&none(Kind::Shifted))), [false, false, false]);
        assert_eq!(found(&engine(&format!("echo, nothing in front, {NO_FIRST}"))), [true, false, false]);
        assert_eq!(found(&engine("echo, nothing in front, first token scored")), [true, true, false]);
        assert_eq!(found(&Identity::new()), [true, true, true]);
        assert_eq!(beyond(&engine(NONE), &[]), None);
        let why = |found: &str| beyond(&engine(found), &behind).expect("beyond it");
        assert_eq!(why(NONE).why, "the server gives no log-likelihoods that can be used");
        let shifted = why(&none(Kind::Shifted));
        assert_eq!(
            shifted.why,
            "the server gives no log-likelihoods that can be used: values do not belong to their tokens"
        );
        assert!(shifted.way_out.contains("BOS"), "{shifted:?}");
    }
}
