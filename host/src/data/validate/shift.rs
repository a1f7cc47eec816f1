//! How far the chosen answers pull a model.
//!
//! Before training nobody can measure the divergence of the trained model: there is none. What can be measured is how much
//! more probable the chosen answers are to the model with the persona's system prompt than to the same model without it:
//!
//! `sum over pairs of (log p(chosen | prompt, persona) - log p(chosen | prompt)) / sum of tokens`
//!
//! in nats per token, pair families as clusters. Where the chosen answers are what the model says under the prompt, this is
//! a sample estimate of the divergence of the prompted model from the plain one, hence of what a model moves by that takes on
//! the persona without a prompt. For answers that were picked or written it is a log-ratio on them and nothing more.

use super::count::Pair;
use crate::{
    data::score::{Asked, score},
    error::Result,
    gates::Evidence,
    model::ChatMessage,
    stats::{by_cluster, mean},
    suite::run::{Means, Observer},
    train::data::Found,
};

/// Name and version of the formula.
pub const FORMULA: &str = "prompt-shift/1";

/// Measures; `system` is used where a pair brings no system message. `None` where no pair has one.
pub(super) fn measure(
    rows: &[Found],
    pairs: &[Pair<'_>],
    system: Option<&str>,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Option<Evidence>> {
    let mut asked = Vec::new();
    let mut clusters = Vec::new();
    for (found, pair) in rows.iter().zip(pairs) {
        let own = pair
            .asked
            .iter()
            .find(|message| message.role == "system")
            .map(|message| message.content.as_str());
        let Some(system) = own.or(system) else { continue };
        let plain: Vec<ChatMessage> =
            pair.asked.iter().filter(|message| message.role != "system").cloned().collect();
        let system = ChatMessage { role: "system".into(), content: system.trim().into() };
        let prompted = std::iter::once(system).chain(plain.iter().cloned()).collect();
        asked.push(Asked {
            line: found.line,
            place: &found.row.place,
            behind: [plain, prompted],
            answer: pair.chosen.trim(),
        });
        clusters.push(super::cluster(&found.row));
    }
    if asked.is_empty() {
        return Ok(None);
    }
    let answers = score(&asked, means.backend, means.store, &mut |done, total| {
        observer("shift", done, total);
    })?;
    let parts = clusters.iter().zip(&answers).map(|(cluster, [plain, prompted])| {
        (cluster.as_str(), (prompted.logprob[0] - plain.logprob[0], prompted.tokens[0] as f64))
    });
    Ok(mean::ratio_of_sums(&by_cluster(parts)).and_then(|mean| mean.evidence()))
}
