//! Which rows share a batch, decided from token ids before the first call.
//!
//! A row's numbers may depend in their last bits on the batch that it shares: padding changes the shapes of
//! matrix products. So batches are planned once, from the set of rows alone, and always computed whole. The
//! number of workers and the order of the input play no part.
//!
//! # The rule
//!
//! 1. Rows that begin with the same [`PREFIX`] tokens form a group, because an engine computes what a batch has
//!    in common once. Rows that are shorter, or too few with their beginning, form one group together.
//! 2. Within a group rows are sorted by work (most first), then by id.
//! 3. Rows are taken in that order. A batch ends before the row that would exceed its number of rows, or its
//!    padded tokens: the group's common beginning once, plus rows times the widest row's remaining tokens. A
//!    row that is too large alone is a batch of its own. The number of rows is the group's divided by [`PARTS`], within
//!    the limits: a few rows must not become a single batch that one worker computes while the others wait.
//! 4. Batches are ordered by padded tokens (most first), so that workers finish together.

use std::collections::BTreeMap;

/// Version of the rule, part of the engine's identity.
pub const VERSION: &str = "2";

/// Tokens that rows must have in common to be a group.
pub const PREFIX: usize = 64;

/// Batches into which a group is divided at least, where they are not too small for it.
pub const PARTS: usize = 8;

/// What a batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows with a common beginning that are worth batches of their own.
    pub group: usize,
    /// Rows that a batch may have however few there are in all.
    pub few: usize,
    /// Rows that it may have however many there are.
    pub rows: usize,
    /// Padded tokens.
    pub tokens: usize,
}

/// Scoring holds activations of every token at once; beyond this, larger batches are not faster on a CPU.
pub const SCORE: Limits = Limits { group: 2, few: 64, rows: 64, tokens: 2_048 };
/// Generation reads all weights once per step, so a step of 64 rows takes little more than twice as long as one of 16;
/// tokens bound the memory of keys and values. A few samples of one prompt must not become a batch: every step would read
/// all weights for them alone.
pub const GENERATE: Limits = Limits { group: 16, few: 16, rows: 64, tokens: 12_288 };

/// What planning needs to know of one row.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Decides the order of rows with equal work; rows of one id keep the order in which they come.
    pub id: &'a str,
    /// Tokens that may be shared with other rows: a context or a prompt.
    pub tokens: &'a [u32],
    /// Tokens that are never shared: continuations, or the most that may be generated.
    pub extra: usize,
}

impl Shape<'_> {
    fn work(&self) -> usize {
        self.tokens.len() + self.extra
    }
}

/// Batches as indices into `rows`; every row is in exactly one.
#[must_use]
pub fn plan(rows: &[Shape<'_>], limits: Limits) -> Vec<Vec<usize>> {
    let mut batches: Vec<(usize, Vec<usize>)> =
        groups(rows, limits.group).into_iter().flat_map(|group| split(rows, group, limits)).collect();
    batches.sort_by(|(cost, batch), (other_cost, other)| {
        other_cost.cmp(cost).then_with(|| rows[batch[0]].id.cmp(rows[other[0]].id))
    });
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// Rule 1.
fn groups(rows: &[Shape<'_>], least: usize) -> Vec<Vec<usize>> {
    let mut by_beginning: BTreeMap<&[u32], Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let beginning = row.tokens.get(..PREFIX).unwrap_or_default();
        by_beginning.entry(beginning).or_default().push(index);
    }
    let (mut groups, alone): (Vec<_>, Vec<_>) =
        by_beginning.into_iter().partition(|(beginning, rows)| !beginning.is_empty() && rows.len() >= least);
    groups.push((&[], alone.into_iter().flat_map(|(_, rows)| rows).collect()));
    groups.into_iter().map(|(_, rows)| rows).collect()
}

/// Rules 2 and 3: batches of one group with their padded tokens.
fn split(rows: &[Shape<'_>], mut group: Vec<usize>, limits: Limits) -> Vec<(usize, Vec<usize>)> {
    group.sort_by(|&a, &b| rows[b].work().cmp(&rows[a].work()).then_with(|| rows[a].id.cmp(rows[b].id)));
    let shared = common_beginning(rows, &group);
    let most = group.len().div_ceil(PARTS).clamp(limits.few, limits.rows);
    // Rows come widest first, so the first row of a batch fixes its width.
    let padded = |batch: &[usize], count: usize| shared + count * (rows[batch[0]].work() - shared);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for index in group {
        match batches.last_mut() {
            Some(batch) if batch.len() < most && padded(batch, batch.len() + 1) <= limits.tokens => {
                batch.push(index);
            }
            _ => batches.push(vec![index]),
        }
    }
    batches.into_iter().map(|batch| (padded(&batch, batch.len()), batch)).collect()
}

/// How many tokens all rows of a group begin with.
fn common_beginning(rows: &[Shape<'_>], group: &[usize]) -> usize {
    let Some((&first, others)) = group.split_first() else {
        return 0;
    };
    let first = rows[first].tokens;
    others.iter().fold(first.len(), |shared, &other| {
        first.iter().zip(rows[other].tokens).take(shared).take_while(|(a, b)| a == b).count()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shapes(rows: &[(String, Vec<u32>, usize)]) -> Vec<Shape<'_>> {
        rows.iter().map(|(id, tokens, extra)| Shape { id, tokens, extra: *extra }).collect()
    }

    fn as_ids(rows: &[Shape<'_>], batches: &[Vec<usize>]) -> Vec<Vec<String>> {
        batches.iter().map(|batch| batch.iter().map(|&row| rows[row].id.to_owned()).collect()).collect()
    }

    prop_compose! {
        fn some_rows()(rows in prop::collection::vec((0_u32..3, 0_usize..150, 1_usize..40), 0..60))
            -> Vec<(String, Vec<u32>, usize)> {
            rows.into_iter().enumerate()
                .map(|(index, (first, length, extra))| (format!("row-{index}"), vec![first; length], extra))
                .collect()
        }
    }

    proptest! {
        #[test]
        fn every_row_is_in_exactly_one_batch(rows in some_rows()) {
            let rows = shapes(&rows);
            let mut planned: Vec<usize> = plan(&rows, SCORE).concat();
            planned.sort_unstable();
            prop_assert_eq!(planned, (0..rows.len()).collect::<Vec<_>>());
        }

        #[test]
        fn the_order_of_the_input_plays_no_part(rows in some_rows(), rotation in 0_usize..60) {
            let shapes_before = shapes(&rows);
            let before = as_ids(&shapes_before, &plan(&shapes_before, SCORE));
            let mut rotated = rows.clone();
            rotated.rotate_left(rotation.min(rows.len()));
            rotated.reverse();
            let shapes_after = shapes(&rotated);
            prop_assert_eq!(before, as_ids(&shapes_after, &plan(&shapes_after, SCORE)));
        }

        #[test]
        fn limits_hold_for_every_batch_of_more_than_one_row(rows in some_rows()) {
            let limits = Limits { group: 2, few: 7, rows: 7, tokens: 300 };
            let rows = shapes(&rows);
            for batch in plan(&rows, limits) {
                let shared = common_beginning(&rows, &batch);
                let widest = batch.iter().map(|&row| rows[row].work()).max().unwrap();
                prop_assert!(batch.len() <= 7);
                prop_assert!(batch.len() == 1 || shared + batch.len() * (widest - shared) <= 300);
            }
        }
    }

    #[test]
    fn rows_with_a_long_common_beginning_stay_together() {
        let few_shot = |id: &str, shot: u32| (id.to_owned(), vec![shot; 100], 1);
        let rows = [few_shot("a", 1), few_shot("b", 2), few_shot("c", 1), few_shot("d", 2)];
        let rows = shapes(&rows);
        assert_eq!(plan(&rows, SCORE), [vec![0, 2], vec![1, 3]]);
    }

    #[test]
    fn a_few_samples_of_one_long_prompt_share_a_batch_with_others() {
        let rows: Vec<_> =
            (0..16).map(|index| (format!("row-{index:02}"), vec![index / 4; 80], 100)).collect();
        assert_eq!(plan(&shapes(&rows), GENERATE).len(), 1);
        assert_eq!(plan(&shapes(&rows), SCORE).len(), 4, "scoring runs what they share once");
    }

    #[test]
    fn what_is_shared_is_counted_once() {
        let mut rows: Vec<_> = (0..30).map(|index| (format!("row-{index:02}"), vec![5; 1_000], 1)).collect();
        for (index, row) in rows.iter_mut().enumerate() {
            row.1.push(u32::try_from(index).unwrap());
        }
        assert_eq!(plan(&shapes(&rows), SCORE).len(), 1);
    }

    #[test]
    fn few_rows_become_several_batches_and_many_rows_large_ones() {
        let rows: Vec<_> = (0..800).map(|index| (format!("row-{index:03}"), vec![5; 20], 100)).collect();
        let sizes = |count: usize| -> Vec<usize> {
            plan(&shapes(&rows[..count]), GENERATE).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(40), [16, 16, 8]);
        assert_eq!(sizes(160), [20; 8]);
        assert_eq!(sizes(800), [&[64; 12][..], &[32]].concat());
    }

    #[test]
    fn nothing_to_do_is_no_batch() {
        assert!(plan(&[], GENERATE).is_empty());
    }
}
