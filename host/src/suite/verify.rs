//! Every score of a stored run computed again from what the model said, and compared byte by byte.
//!
//! Nothing is asked of a model: responses and answers to evaluators' questions are the kept ones. Evaluators run again, in the
//! sandbox, and every number is aggregated again. The first thing that differs is named: a sample, a cell or a number, with
//! the byte of its stored form.

use serde::Serialize;

use super::{record::Record, run::Measured};
use crate::{
    compare::{Identity, identity_differences},
    error::{Error, Result},
    exit::Exit,
    model::Sample,
    store::CellRecord,
};

/// What a stored run holds.
#[derive(Debug)]
pub struct StoredRun {
    /// Its numbers.
    pub record: Record,
    /// Its responses, by id.
    pub samples: Vec<Sample>,
    /// What evaluators made of them, by evaluator and sample.
    pub cells: Vec<CellRecord>,
}

/// What was found to be equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Responses.
    pub samples: usize,
    /// Outcomes of evaluators.
    pub cells: usize,
    /// Values per item.
    pub items: usize,
    /// Numbers with their intervals and verdicts.
    pub metrics: usize,
}

/// Refuses what is no longer what the run was made with.
///
/// # Errors
/// Exit 12 naming the keys that differ.
pub fn same_instrument(stored: &Identity, now: &Identity) -> Result<()> {
    let differences = identity_differences(stored, now);
    let parts = [&differences.instrument, &differences.engine, &differences.subject];
    let keys: Vec<&str> = parts.iter().flat_map(|part| part.iter()).map(|key| key.key.as_str()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let message = format!("the run cannot be computed again: {} changed since it was made", keys.join(", "));
    Err(Error::new(Exit::NotComparable, message)
        .hint("restore the files that the run was made with, or evaluate again under another --name"))
}

/// Compares what is stored with what was computed now.
///
/// # Errors
/// Exit 10 naming the first sample, cell or number that differs, with the place of its first differing byte.
pub fn verify(stored: &StoredRun, now: &Measured) -> Result<Verified> {
    let mut samples: Vec<&Sample> = now.samples.iter().collect();
    samples.sort_by(|a, b| a.id.cmp(&b.id));
    let mut cells: Vec<&CellRecord> = now.cells.iter().collect();
    cells.sort_by(|a, b| (&a.evaluator, &a.sample).cmp(&(&b.evaluator, &b.sample)));
    same("sample", stored.samples.iter(), samples.into_iter(), |sample| sample.id.clone())?;
    same("cell", stored.cells.iter(), cells.into_iter(), |cell| {
        format!("{} of {}", cell.evaluator, cell.sample)
    })?;
    let Record { items, metrics, .. } = &stored.record;
    same("value", items.iter(), now.items.iter(), |item| format!("{} of {}", item.metric, item.item))?;
    same("number", metrics.iter(), now.metrics.iter(), |metric| metric.name.clone())?;
    Ok(Verified {
        samples: stored.samples.len(),
        cells: stored.cells.len(),
        items: items.len(),
        metrics: metrics.len(),
    })
}

/// Compares two lists in their order.
fn same<'a, T: Serialize + 'a>(
    what: &str,
    stored: impl Iterator<Item = &'a T>,
    now: impl Iterator<Item = &'a T>,
    name: impl Fn(&T) -> String,
) -> Result<()> {
    let differs = |message: String| {
        Err(Error::new(Exit::Failed, message)
            .hint("the store was changed, or an evaluator or this program computes something else here"))
    };
    let (mut stored, mut now) = (stored, now);
    loop {
        match (stored.next(), now.next()) {
            (None, None) => return Ok(()),
            (Some(stored), None) => {
                return differs(format!("{what} {:?} is stored and was not computed", name(stored)));
            }
            (None, Some(now)) => {
                return differs(format!("{what} {:?} was computed and is not stored", name(now)));
            }
            (Some(stored), Some(now)) => {
                let (before, after) = (json(stored), json(now));
                if before != after {
                    let byte = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
                    return differs(format!(
                        "{what} {:?} differs at byte {byte}: stored {:?}, computed {:?}",
                        name(stored),
                        around(&before, byte),
                        around(&after, byte)
                    ));
                }
            }
        }
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("results serialise to JSON")
}

/// What stands at a byte: a few characters from the beginning of the character that holds it.
fn around(text: &str, byte: usize) -> String {
    let start = (0..=byte.min(text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    text[start..].chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_is_named() {
        let compared = |stored: &[&str], now: &[&str]| {
            same("sample", stored.iter(), now.iter(), |text| (*text).to_owned())
                .expect_err("they differ")
                .to_string()
        };
        insta::assert_snapshot!(
            compared(&["same", "thanks ä lot"], &["same", "thanks ö lot"]),
            @r#"sample "thanks ä lot" differs at byte 9: stored "ä lot\"", computed "ö lot\"""#
        );
        insta::assert_snapshot!(compared(&["a"], &[]), @r#"sample "a" is stored and was not computed"#);
        insta::assert_snapshot!(compared(&[], &["b"]), @r#"sample "b" was computed and is not stored"#);
    }

    #[test]
    fn another_detector_is_named_and_the_same_one_is_fine() {
        let one = Identity {
            instrument: [("detector/a".to_owned(), "1".to_owned())].into(),
            ..Identity::default()
        };
        let other = Identity {
            instrument: [("detector/a".to_owned(), "2".to_owned())].into(),
            ..Identity::default()
        };
        assert!(same_instrument(&one, &one).is_ok());
        insta::assert_snapshot!(same_instrument(&one, &other).expect_err("another one"), @"the run cannot be computed again: detector/a changed since it was made");
    }
}
