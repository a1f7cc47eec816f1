//! What all rows of a batch have in common is computed once.

use crate::{
    error::Result,
    llama::{cache::Cache, forward::Llama, layout::Row},
};

/// Fewest tokens that sharing must save; below it a pass of its own costs more than it saves.
const WORTHWHILE: usize = 32;

/// How many leading tokens the rows share and compute once; every row keeps at least one token of its own.
#[must_use]
pub fn shared(rows: &[&[u32]]) -> usize {
    let Some((first, rest)) = rows.split_first() else {
        return 0;
    };
    let keep = rows.iter().map(|row| row.len().saturating_sub(1)).min().unwrap_or(0);
    let common = rest.iter().map(|row| common(first, row)).min().unwrap_or(0).min(keep);
    if common * rest.len() >= WORTHWHILE { common } else { 0 }
}

/// Length of the common start of two sequences.
#[must_use]
pub fn common(left: &[u32], right: &[u32]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

/// A cache for `rows` rows that holds `prefix` in each, with room for `more` columns.
///
/// # Errors
/// A request error if the prefix does not fit the model.
pub fn cache(model: &Llama, prefix: &[u32], rows: usize, more: usize) -> Result<Cache> {
    if prefix.is_empty() {
        return Cache::new(&model.config, rows, more);
    }
    let mut once = Cache::new(&model.config, 1, prefix.len())?;
    model.forward(&[Row::trunk(prefix)], &mut once)?;
    once.select(&vec![0; rows], more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_shared_only_where_it_pays_and_never_takes_a_whole_row() {
        let long: Vec<u32> = (0..40).collect();
        assert_eq!(shared(&[&long, &long]), 39);
        assert_eq!(shared(&[&long]), 0, "a single row shares with nobody");
        assert_eq!(shared(&[&long[..10], &long]), 0, "nine tokens once do not pay");
        assert_eq!(shared(&[&long[..10], &long, &long, &long, &long]), 9);
        assert_eq!(shared(&[]), 0);
    }
}
