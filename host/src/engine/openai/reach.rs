//! What a server cannot score, told from its identity alone: so the answers that are kept of it say the same as the server.

use super::echo;
use crate::engine::{
    backend::Identity,
    query::{Prompt, ScoreQuery},
};

/// The part of the identity that holds what was found out.
pub(super) const LIKELIHOODS: &str = "log-likelihoods";
/// Its value where there are none that can be used.
pub(super) const NONE: &str = "no";
/// Its end where the first token of a text has no log-probability.
pub(super) const NO_FIRST: &str = "first token not scored";

/// Why one of the queries can never be scored by the model of this identity, whatever its text; nothing where it is no server.
#[must_use]
pub fn beyond(engine: &Identity, queries: &[ScoreQuery]) -> Option<&'static str> {
    let found = engine.get(LIKELIHOODS)?;
    queries.iter().find_map(|query| match &query.context {
        _ if found == NONE => Some("the server gives no log-likelihoods that can be used"),
        Prompt::Messages(_) => Some("the server gives no log-likelihoods behind messages"),
        Prompt::Raw(context) if echo::boundary(context) == 0 && found.ends_with(NO_FIRST) => {
            Some("the server gives no log-probability of a text's first token")
        }
        Prompt::Raw(_) => None,
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
        assert_eq!(found(&engine(&format!("echo, nothing in front, {NO_FIRST}"))), [true, false, false]);
        assert_eq!(found(&engine("echo, nothing in front, first token scored")), [true, true, false]);
        assert_eq!(found(&Identity::new()), [true, true, true]);
        assert_eq!(beyond(&engine(NONE), &[]), None);
    }
}
