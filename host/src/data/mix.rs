//! Persona and general rows in one file, to an exact share.
//!
//! - Without a number of rows every persona row is used once, and as many general rows as make its share.
//! - Where there are too few rows, all of them are taken as often as they fit, and the rest is drawn. A copy has an id of
//!   its own, `ID~2`.
//! - Families stay whole: the situations of one family are in the file together or not at all. Among all choices of whole
//!   families the count that was asked for is met where that is possible, else the largest below it; the seed decides which
//!   families these are. Rows without a family are families of one.
//! - The order is drawn with the same seed. Rows are written as they were.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    ids::{Digest, Seed},
    train::data::Found,
};

/// Share of persona rows, unless something else is asked for: the seeds' 70 to 30.
pub const SHARE: f64 = 0.7;

/// Most copies of a row: more would be a mistake in `rows`.
const MOST_COPIES: usize = 1_000;

/// What is to be mixed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Share of persona rows, from 0 to 1.
    pub share: f64,
    /// Rows in all.
    pub rows: Option<usize>,
    /// Where random numbers start.
    pub seed: Seed,
}

/// What was mixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// Share of persona rows that was asked for.
    pub share: f64,
    /// Where random numbers started.
    pub seed: Seed,
    /// Rows of the persona.
    pub persona: Part,
    /// Rows of everything else.
    pub general: Part,
}

/// One kind of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Rows that there were.
    pub available: usize,
    /// Rows that were asked for.
    pub asked: usize,
    /// Rows that were written, copies included.
    pub written: usize,
    /// Families among them.
    pub families: usize,
    /// 1-based lines of rows that were left out.
    pub left_out: Vec<usize>,
    /// 1-based lines of rows that were written more than once.
    pub repeated: Vec<usize>,
}

/// Draws and orders rows.
///
/// # Errors
/// A usage error where the share cannot be had: 0 or 1 without a number of rows, or more copies than anybody wants.
pub fn mix(persona: &[Found], general: &[Found], plan: Plan) -> Result<(Vec<u8>, Mixture)> {
    let (wanted, others) = counts(persona.len(), plan)?;
    let mut drawn = Vec::new();
    let persona = draw("persona", persona, wanted, plan.seed, &mut drawn)?;
    let general = draw("general", general, others, plan.seed, &mut drawn)?;
    drawn.sort_by_cached_key(|row| rank(plan.seed, "order", &row.key));
    let lines = written(&drawn);
    Ok((lines.concat().into_bytes(), Mixture { share: plan.share, seed: plan.seed, persona, general }))
}

/// Rows of the persona and others. The share is met to within half a row.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of rows, not negative")]
fn counts(persona: usize, plan: Plan) -> Result<(usize, usize)> {
    match plan.rows {
        Some(rows) => {
            let wanted = (rows as f64 * plan.share).round() as usize;
            Ok((wanted, rows - wanted))
        }
        None if plan.share > 0.0 => {
            Ok((persona, (persona as f64 * (1.0 - plan.share) / plan.share).round() as usize))
        }
        None => {
            Err(Error::usage("share: 0 of persona rows leaves the number of rows open").hint("give --rows"))
        }
    }
}

/// A row that goes into the file.
struct Drawn<'a> {
    found: &'a Found,
    /// What its place in the file hangs on.
    key: String,
}

fn draw<'a>(
    kind: &str,
    rows: &'a [Found],
    wanted: usize,
    seed: Seed,
    drawn: &mut Vec<Drawn<'a>>,
) -> Result<Part> {
    let rounds = wanted / rows.len();
    if rounds > MOST_COPIES {
        let message =
            format!("{wanted} {kind} rows of {} are more than {MOST_COPIES} copies of each", rows.len());
        return Err(Error::usage(message).hint("ask for fewer rows"));
    }
    let rest = wanted - rounds * rows.len();
    let mut families: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    for found in rows {
        let family = found.row.family.as_deref().unwrap_or(&found.row.place);
        families.entry(family).or_default().push(found);
    }
    let mut order: Vec<(&str, Vec<&Found>)> = families.into_iter().collect();
    order.sort_by_cached_key(|(family, _)| rank(seed, kind, family));
    let sizes: Vec<usize> = order.iter().map(|(_, rows)| rows.len()).collect();
    let taken = whole(&sizes, rest);

    let mut part = Part {
        available: rows.len(),
        asked: wanted,
        written: 0,
        families: 0,
        left_out: Vec::new(),
        repeated: Vec::new(),
    };
    for ((_, rows), taken) in order.iter().zip(taken) {
        let times = rounds + usize::from(taken);
        part.families += usize::from(times > 0);
        for found in rows {
            part.written += times;
            match times {
                0 => part.left_out.push(found.line),
                1 => {}
                _ => part.repeated.push(found.line),
            }
            for copy in 0..times {
                drawn.push(Drawn { found, key: format!("{kind}/{}/{copy}", found.line) });
            }
        }
    }
    part.left_out.sort_unstable();
    part.repeated.sort_unstable();
    Ok(part)
}

/// Which families are taken, so that their sizes sum to `wanted` or come as close from below as they can; earlier ones
/// first.
fn whole(sizes: &[usize], wanted: usize) -> Vec<bool> {
    // Taking what fits, in order, meets the count wherever there are small families enough.
    let mut sum = 0;
    let mut fitting = Vec::with_capacity(sizes.len());
    for size in sizes {
        let fits = sum + size <= wanted;
        sum += if fits { *size } else { 0 };
        fitting.push(fits);
    }
    if sum == wanted { fitting } else { closest(sizes, wanted) }
}

/// The same where it takes a search: every sum that can be reached, one family after the other.
fn closest(sizes: &[usize], wanted: usize) -> Vec<bool> {
    // After how many families a sum could first be reached: walking back from it uses the earliest families that do.
    let mut first: Vec<Option<usize>> = vec![None; wanted + 1];
    first[0] = Some(0);
    for (index, size) in sizes.iter().enumerate() {
        for sum in (*size..=wanted).rev() {
            // Sums are walked downwards, so that no family is counted twice.
            if first[sum].is_none() && first[sum - size].is_some() {
                first[sum] = Some(index + 1);
            }
        }
    }
    let mut taken = vec![false; sizes.len()];
    let mut sum = (0..=wanted).rev().find(|sum| first[*sum].is_some()).unwrap_or(0);
    while let Some(family) = first[sum].and_then(|after| after.checked_sub(1)) {
        taken[family] = true;
        sum -= sizes[family];
    }
    taken
}

/// Lines as they were, but for ids that would stand twice.
fn written(drawn: &[Drawn<'_>]) -> Vec<String> {
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines = Vec::with_capacity(drawn.len());
    for row in drawn {
        let Some(id) = &row.found.id else {
            lines.push(format!("{}\n", row.found.raw));
            continue;
        };
        let count = ids.entry(id).or_default();
        *count += 1;
        lines.push(if *count == 1 { format!("{}\n", row.found.raw) } else { renamed(row.found, id, *count) });
    }
    lines
}

fn renamed(found: &Found, id: &str, copy: usize) -> String {
    let mut fields: serde_json::Map<String, Value> =
        serde_json::from_str(&found.raw).expect("the line was read as an object");
    fields.insert("id".into(), Value::String(format!("{id}~{copy}")));
    format!("{}\n", Value::Object(fields))
}

fn rank(seed: Seed, what: &str, key: &str) -> Digest {
    Digest::of(format!("{}/{what}/{key}", seed.0).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_families_meet_the_count_where_any_choice_does() {
        assert_eq!(whole(&[4, 4, 3], 7), [true, false, true]);
        assert_eq!(whole(&[4, 4, 3], 6), [true, false, false]);
        assert_eq!(whole(&[2, 2, 2], 4), [true, true, false], "earlier ones first");
        assert_eq!(whole(&[5], 4), [false]);
        assert_eq!(whole(&[5], 0), [false]);
    }

    proptest! {
        #[test]
        fn no_other_choice_of_families_comes_closer(sizes in prop::collection::vec(1_usize..6, 0..9), wanted in 0_usize..25) {
            let sum_of = |taken: &[bool]| -> usize {
                sizes.iter().zip(taken).filter(|(_, taken)| **taken).map(|(size, _)| size).sum()
            };
            let found = sum_of(&whole(&sizes, wanted));
            let best = (0_u32..1 << sizes.len())
                .map(|mask| sum_of(&(0..sizes.len()).map(|i| mask >> i & 1 == 1).collect::<Vec<_>>()))
                .filter(|sum| *sum <= wanted)
                .max();
            prop_assert_eq!(Some(found), best);
        }
    }
}
