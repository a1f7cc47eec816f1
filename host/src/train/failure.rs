//! How a training ends early: named by step, batch and rows, at its last checkpoint.

use super::loss_guard;
use crate::error::Error;

/// Rows that are named; the rest is only counted.
const SHOWN: usize = 8;

/// What is wrong with a loss, if anything is.
#[must_use]
pub fn exploded(recent: &[f64], loss: f64) -> Option<String> {
    if !loss.is_finite() {
        return Some("a loss that is not finite".into());
    }
    let limit = loss_guard::limit(recent).filter(|limit| loss > *limit)?;
    Some(format!("a loss of {loss:.3}, the limit is {limit:.3}"))
}

/// The error that ends training at the checkpoint of step `kept`. `ids` are the rows of the step, batch by batch, of
/// which one may be known to be at fault.
#[must_use]
pub fn stopped(step: u32, what: &str, ids: &[Vec<&str>], batch: Option<usize>, kept: u32) -> Error {
    let (place, rows) = match batch.and_then(|batch| Some((batch, ids.get(batch)?))) {
        Some((batch, rows)) => (format!(", batch {}", batch + 1), rows.clone()),
        None => (String::new(), ids.concat()),
    };
    let shown: Vec<&str> = rows.iter().take(SHOWN).copied().collect();
    let more = match rows.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Error::engine(format!(
        "step {step}{place}: {what} (rows {}{more}); training stops at the checkpoint of step {kept}",
        shown.join(", ")
    ))
    .hint("look at these rows, or lower optimiser.rate, and train into another --output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_batch_at_fault_or_else_every_row_up_to_eight() {
        let ids = [vec!["a", "b"], vec!["c"], vec!["d"; 7]];
        insta::assert_snapshot!(stopped(7, "loss is not finite", &ids, Some(1), 5), @"step 7, batch 2: loss is not finite (rows c); training stops at the checkpoint of step 5");
        insta::assert_snapshot!(stopped(7, "gradient is not finite", &ids, None, 5), @"step 7: gradient is not finite (rows a, b, c, d, d, d, d, d and 2 more); training stops at the checkpoint of step 5");
    }

    #[test]
    fn a_loss_is_held_against_the_ones_before_it() {
        assert_eq!(exploded(&[1.0; 5], 4.0), None);
        assert_eq!(exploded(&[1.0; 5], 4.01).as_deref(), Some("a loss of 4.010, the limit is 4.000"));
        assert_eq!(exploded(&[], f64::NAN).as_deref(), Some("a loss that is not finite"));
    }
}
