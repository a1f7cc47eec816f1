//! Prompts that the model is measured on: scenarios, or rows with `messages`.
//!
//! A scenario file keeps families apart; of one that does, only the dev families are used here: the test split is read
//! once, at the very end of the pipeline. A prompt of an anchor file may end with a reply of its own.

use std::path::Path;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde::Deserialize;

use super::plan::shuffle;
use crate::{
    error::{Error, Result},
    ids::Seed,
    model::ChatMessage,
    persona::{neutral::NeutralTask, scenarios::Split},
    read,
};

/// A prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Unique in its file.
    pub id: String,
    /// What prompts of one situation share; the unit of every interval.
    pub family: String,
    /// Context kind, where it has one.
    pub kind: Option<String>,
    /// The conversation; it ends with the user, or with a reply.
    pub messages: Vec<ChatMessage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    family: Option<String>,
    split: Option<Split>,
    kind: Option<String>,
    #[serde(rename = "category")]
    _category: Option<String>,
    #[serde(rename = "notes")]
    _notes: Option<serde_json::Value>,
    messages: Vec<ChatMessage>,
}

/// Reads prompts, `system` in front of each.
///
/// # Errors
/// Bad input naming file, line and field: an unreadable row, an id twice, a conversation that does not end with the user
/// (or with a reply, where `replies` are allowed), no row of the dev split.
pub fn read(path: &Path, system: Option<&str>, replies: bool) -> Result<Vec<Prompt>> {
    let lines: Vec<Line> = read::jsonl(path)?;
    read::unique_ids(path, lines.iter().map(|line| line.id.as_str()))?;
    let mut prompts = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let Line { id, family, split, kind, mut messages, .. } = line;
        if split.is_some_and(|split| split != Split::Dev) {
            continue;
        }
        let place = format!("{} line {}", path.display(), index + 1);
        if let Some(system) = system
            && messages.first().is_none_or(|first| first.role != "system")
        {
            messages.insert(0, ChatMessage { role: "system".into(), content: system.into() });
        }
        check(&messages, replies).map_err(|error| error.within(place))?;
        prompts.push(Prompt { family: family.unwrap_or_else(|| id.clone()), id, kind, messages });
    }
    if prompts.is_empty() {
        return Err(Error::bad_input(format!("{}: no row of the dev split", path.display())));
    }
    Ok(prompts)
}

/// Neutral tasks as prompts, each a family of its own.
#[must_use]
pub fn neutral(tasks: Vec<NeutralTask>, system: Option<&str>) -> Vec<Prompt> {
    let message = |role: &str, content: String| ChatMessage { role: role.into(), content };
    let prompt = |task: NeutralTask| {
        let system = system.map(|system| message("system", system.to_owned()));
        let messages = system.into_iter().chain([message("user", task.prompt)]).collect();
        Prompt { family: task.id.clone(), id: task.id, kind: None, messages }
    };
    tasks.into_iter().map(prompt).collect()
}

fn check(messages: &[ChatMessage], replies: bool) -> Result<()> {
    if let Some(index) = messages.iter().position(|message| message.content.trim().is_empty()) {
        return Err(Error::bad_input(format!("messages[{index}].content: empty")));
    }
    let last = messages.last().map_or("", |message| message.role.as_str());
    if last == "user" || (replies && last == "assistant") {
        return Ok(());
    }
    Err(Error::bad_input(format!("messages: the last is `{last}`, the user's is expected")))
}

/// Prompts for the search, and those that only the confirmation reads: a seeded choice of whole families, at most
/// `most` of them in all.
///
/// # Errors
/// Bad input where one of both would have fewer than two families, which give no interval.
pub fn halves(
    prompts: &[Prompt],
    most: Option<u32>,
    confirm_share: f64,
    seed: Seed,
) -> Result<(Vec<Prompt>, Vec<Prompt>)> {
    let mut families: Vec<String> = prompts.iter().map(|prompt| prompt.family.clone()).collect();
    families.sort();
    families.dedup();
    shuffle(&mut families, &mut ChaCha8Rng::seed_from_u64(seed.derive("confirmation").0));
    families.truncate(most.map_or(usize::MAX, |most| most as usize));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of families"
    )]
    let kept = (families.len() as f64 * confirm_share).round() as usize;
    if kept < 2 || families.len() - kept < 2 {
        return Err(Error::bad_input(format!(
            "{} families of prompts, of which {kept} are kept for the confirmation: each side needs 2",
            families.len()
        ))
        .hint("add prompts of other families"));
    }
    let (kept, searched) = families.split_at(kept);
    let of = |families: &[String]| {
        prompts.iter().filter(|prompt| families.contains(&prompt.family)).cloned().collect::<Vec<Prompt>>()
    };
    Ok((of(searched), of(kept)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(lines: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.jsonl");
        fs::write(&path, lines).unwrap();
        (folder, path)
    }

    fn line(id: &str, split: &str, role: &str) -> String {
        let messages = [ChatMessage { role: role.into(), content: "Hi".into() }];
        serde_json::json!({ "id": id, "family": id, "split": split, "messages": messages }).to_string() + "\n"
    }

    #[test]
    fn of_a_scenario_file_only_the_dev_families_are_used() {
        let (_folder, path) =
            file(&(line("a", "train", "user") + &line("b", "dev", "user") + &line("c", "test", "user")));
        let prompts = read(&path, Some("Be kind."), false).unwrap();
        assert_eq!(prompts.len(), 1);
        assert_eq!((prompts[0].id.as_str(), prompts[0].messages[0].role.as_str()), ("b", "system"));
        let (_folder, path) = file(&line("a", "test", "user"));
        assert!(read(&path, None, false).unwrap_err().to_string().ends_with("no row of the dev split"));
    }

    #[test]
    fn only_anchors_may_end_with_a_reply() {
        let (_folder, path) = file(&line("a", "dev", "assistant"));
        assert!(read(&path, None, true).is_ok());
        let error = read(&path, None, false).unwrap_err().to_string();
        assert!(
            error.ends_with("line 1: messages: the last is `assistant`, the user's is expected"),
            "{error}"
        );
    }

    #[test]
    fn families_are_halved_whole_and_the_same_way_every_time() {
        let prompt = |family: usize, kind: usize| Prompt {
            id: format!("{family}/{kind}"),
            family: family.to_string(),
            kind: None,
            messages: Vec::new(),
        };
        let prompts: Vec<Prompt> =
            (0..10).flat_map(|family| (0..3).map(move |kind| prompt(family, kind))).collect();
        let (search, confirm) = halves(&prompts, None, 0.3, Seed(5)).unwrap();
        assert_eq!((search.len(), confirm.len()), (21, 9));
        assert!(search.iter().all(|prompt| confirm.iter().all(|other| other.family != prompt.family)));
        assert_eq!(halves(&prompts, None, 0.3, Seed(5)).unwrap(), (search, confirm));
        let (search, confirm) = halves(&prompts, Some(4), 0.5, Seed(5)).unwrap();
        assert_eq!((search.len(), confirm.len()), (6, 6));
        insta::assert_snapshot!(
            halves(&prompts[..6], None, 0.5, Seed(5)).unwrap_err(),
            @"2 families of prompts, of which 1 are kept for the confirmation: each side needs 2"
        );
    }
}
