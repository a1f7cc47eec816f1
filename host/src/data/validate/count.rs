//! Checks that count: what makes pairs useless whatever they are about.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Check, Finding};
use crate::{
    data::near::Near,
    metrics::overlap::{shingles, words},
    model::{ChatMessage, Verdict},
};

/// Least resemblance of pairs that are nearly the same.
const NEAR: f64 = 0.9;

/// One pair.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) line: usize,
    /// What is answered, system message included.
    pub(super) asked: &'a [ChatMessage],
    pub(super) chosen: &'a str,
    pub(super) rejected: &'a str,
}

/// Every counting check.
pub(super) fn checks(pairs: &[Pair<'_>], least: usize) -> Vec<Check> {
    let lines = |fits: &dyn Fn(&Pair<'_>) -> bool| -> Vec<usize> {
        pairs.iter().filter(|pair| fits(pair)).map(|pair| pair.line).collect()
    };
    let blank = |text: &str| text.trim().is_empty();
    let empty = lines(&|pair| {
        let asked = pair.asked.iter().any(|message| blank(&message.content));
        asked || blank(pair.chosen) || blank(pair.rejected)
    });
    let identical = lines(&|pair| !blank(pair.chosen) && pair.chosen.trim() == pair.rejected.trim());
    let (same, near) = repeats(pairs);
    let of = pairs.len();
    vec![
        enough(of, least),
        Check::none_of("empty", empty, of, "a prompt or an answer has no text: remove the pairs"),
        Check::none_of("identical", identical, of, "both answers are the same text: remove the pairs"),
        one_class(pairs),
        Check::none_of("duplicates", same, of, "they repeat an earlier pair word for word: remove them"),
        Check {
            name: "near-duplicates".into(),
            found: Finding::Count { count: near.len(), of, limit: None },
            verdict: None,
            reason: if near.is_empty() {
                String::new()
            } else {
                format!("they resemble an earlier pair by {NEAR} or more: such pairs count twice")
            },
            lines: near,
        },
    ]
}

fn enough(count: usize, least: usize) -> Check {
    let (verdict, reason) = if count >= least {
        (Verdict::Pass, String::new())
    } else {
        (Verdict::Fail, format!("{} more are needed", least - count))
    };
    let found = Finding::Count { count, of: count, limit: Some(least) };
    Check { name: "pairs".into(), found, verdict: Some(verdict), reason, lines: Vec::new() }
}

/// One side that never changes teaches one text, not a preference.
fn one_class(pairs: &[Pair<'_>]) -> Check {
    let mut sides = Vec::new();
    let chosen: BTreeSet<&str> = pairs.iter().map(|pair| pair.chosen.trim()).collect();
    let rejected: BTreeSet<&str> = pairs.iter().map(|pair| pair.rejected.trim()).collect();
    for (side, texts) in [("chosen", chosen), ("rejected", rejected)] {
        if pairs.len() > 1 && texts.len() == 1 {
            sides.push(side);
        }
    }
    let found = Finding::Count { count: sides.len(), of: 2, limit: Some(0) };
    let (verdict, reason) = match sides.as_slice() {
        [] => (Verdict::Pass, String::new()),
        sides => {
            (Verdict::Fail, format!("{} is the same text in every pair: add others", sides.join(" and ")))
        }
    };
    Check { name: "one-class".into(), found, verdict: Some(verdict), reason, lines: Vec::new() }
}

/// Lines of pairs that have the words of an earlier one, and of those that resemble one.
fn repeats(pairs: &[Pair<'_>]) -> (Vec<usize>, Vec<usize>) {
    let spelt: Vec<Vec<Vec<String>>> = pairs
        .iter()
        .map(|pair| {
            let asked = pair.asked.iter().map(|message| message.content.as_str());
            asked.chain([pair.chosen, pair.rejected]).map(words).collect()
        })
        .collect();
    let mut first: BTreeMap<&Vec<Vec<String>>, usize> = BTreeMap::new();
    let mut same = Vec::new();
    for (place, texts) in spelt.iter().enumerate() {
        if *first.entry(texts).or_insert(place) != place {
            same.push(pairs[place].line);
        }
    }
    let whole = spelt.iter().map(|texts| shingles(&texts.concat())).collect();
    let near = Near::new(whole).repeats(NEAR);
    let near = pairs.iter().zip(near).filter(|(_, near)| near.is_some()).map(|(pair, _)| pair.line);
    let near = near.filter(|line| same.binary_search(line).is_err()).collect();
    (same, near)
}
