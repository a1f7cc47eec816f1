//! Lines that show what to say rather than what.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;

use super::{
    Content, Faults, Line, Row, check_conversation, read_lines, refuse_one_class, turns::Turns, with_system,
};
use crate::{
    error::{Error, Result},
    model::ChatMessage,
    train::config::Role,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    id: Option<String>,
    family: Option<String>,
    system: Option<String>,
    prompt: Option<Turns>,
    chosen: Option<Turns>,
    rejected: Option<Turns>,
    scenario: Option<Turns>,
    consistent_response: Option<Turns>,
    inconsistent_response: Option<Turns>,
    #[serde(rename = "trait")]
    _trait: Option<String>,
    notes: Option<serde_json::Value>,
}

/// Reads rows of pairs.
///
/// # Errors
/// Bad input naming file, line and field: an unreadable row, a row of no form or of two, an empty answer, answers that
/// are equal, conversations that differ before the last turn, one side that is the same text in every row, an id twice.
pub fn read_pairs(path: &Path, role: Role) -> Result<Vec<Row>> {
    let rows = read_lines::<Pair>(path, role)?;
    refuse_one_class(path, &rows)?;
    Ok(rows)
}

impl Line for Pair {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "family",
        "system",
        "prompt",
        "chosen",
        "rejected",
        "scenario",
        "consistent_response",
        "inconsistent_response",
        "trait",
        "notes",
    ];

    /// `notes.chosen_by`, as `data pairs` writes it.
    fn chosen_by(&self) -> BTreeSet<String> {
        let chosen_by = self.notes.as_ref().and_then(|notes| notes.get("chosen_by")?.as_array());
        let names = chosen_by.into_iter().flatten().filter_map(|name| name.as_str());
        names.map(str::to_owned).collect()
    }

    fn parts(self, faults: Faults) -> Result<(Option<String>, Option<String>, Content)> {
        let Self { id, family, system, .. } = self;
        let (prompt, chosen, rejected) = match (
            (self.prompt, self.chosen, self.rejected),
            (self.scenario, self.consistent_response, self.inconsistent_response),
        ) {
            ((prompt, Some(chosen), Some(rejected)), (None, None, None)) => (prompt, chosen, rejected),
            ((None, None, None), (Some(scenario), Some(consistent), Some(inconsistent))) => {
                (Some(scenario), consistent, inconsistent)
            }
            _ => {
                return Err(Error::bad_input(
                    "`chosen` with `rejected`, or `scenario` with `consistent_response` and `inconsistent_response`, is needed",
                )
                .hint("conversations without a counterpart are for: realign train sft"));
            }
        };
        let prompt = match (prompt, &chosen) {
            (Some(prompt), _) => {
                prompt.check("prompt", faults)?;
                prompt.messages("user")
            }
            (None, Turns::Messages(_)) => Vec::new(),
            (None, Turns::Text(_)) => {
                return Err(Error::bad_input("prompt: missing")
                    .hint("without a prompt, chosen and rejected must be whole conversations"));
            }
        };
        let side = |field: &str, answer: Turns| -> Result<Vec<ChatMessage>> {
            answer.check(field, faults)?;
            let mut messages = prompt.clone();
            messages.extend(answer.messages("assistant"));
            let messages = with_system(field, system.as_deref(), messages)?;
            check_conversation(field, &messages, faults)?;
            Ok(messages)
        };
        let (chosen, rejected) = (side("chosen", chosen)?, side("rejected", rejected)?);
        check_sides(&chosen, &rejected, faults)?;
        Ok((id, family, Content::Pair { chosen, rejected }))
    }
}

/// Both sides have the same conversation before a last turn that differs.
fn check_sides(chosen: &[ChatMessage], rejected: &[ChatMessage], faults: Faults) -> Result<()> {
    let ([before @ .., preferred], [other_before @ .., other]) = (chosen, rejected) else {
        return Err(Error::bad_input("chosen or rejected: empty"));
    };
    if before != other_before {
        return Err(Error::bad_input("chosen and rejected differ before their last turn")
            .hint("only the last turn may differ; split the row"));
    }
    if !before.iter().any(|message| message.role == "user") {
        return Err(Error::bad_input("no turn of the user comes before the answers"));
    }
    if faults == Faults::Refused && preferred.content.trim() == other.content.trim() {
        return Err(Error::bad_input("chosen and rejected are the same text").hint("remove the row"));
    }
    Ok(())
}
