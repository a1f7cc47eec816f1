//! How far a plan has come, batches under way included.

use std::collections::BTreeMap;

use crate::engine::backend::Progress;

/// Rows that are answered, and those that batches under way are worth so far. For the eye only: what is kept are whole
/// batches.
pub(super) struct Course<'a, 'p> {
    /// Rows of finished batches.
    pub(super) done: usize,
    /// Rows that each batch under way is worth.
    pub(super) under_way: BTreeMap<usize, usize>,
    /// Rows in all.
    pub(super) total: usize,
    /// Who is told.
    pub(super) progress: &'a mut Progress<'p>,
}

impl Course<'_, '_> {
    /// A batch of `rows` is answered and kept.
    pub(super) fn finished(&mut self, batch: usize, rows: usize) {
        self.under_way.remove(&batch);
        self.done += rows;
        self.tell();
    }

    /// A batch of `rows` has come to `done` units of `total`; told on only where it makes a row.
    pub(super) fn reached(&mut self, batch: usize, rows: usize, done: u64, total: u64) {
        let share = if total == 0 { 0.0 } else { (done as f64 / total as f64).clamp(0.0, 1.0) };
        // Truncation is exact: the value is a whole number between 0 and `rows`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, 0..=rows")]
        let worth = (rows as f64 * share).floor() as usize;
        if self.under_way.insert(batch, worth) != Some(worth) {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let under_way: usize = self.under_way.values().sum();
        (self.progress)(self.done + under_way, self.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_under_way_count_in_whole_rows_and_never_twice() {
        let mut told = Vec::new();
        let mut progress = |done, total| told.push((done, total));
        let mut course = Course { done: 3, under_way: BTreeMap::new(), total: 11, progress: &mut progress };
        course.reached(0, 4, 0, 100);
        course.reached(0, 4, 30, 100);
        course.reached(0, 4, 40, 100);
        course.reached(1, 4, 50, 100);
        course.finished(0, 4);
        // It is tried again after a death.
        course.reached(1, 4, 0, 100);
        course.finished(1, 4);
        assert_eq!(told, [(3, 11), (4, 11), (6, 11), (9, 11), (7, 11), (11, 11)]);
    }

    #[test]
    fn units_that_make_no_sense_stay_within_the_batch() {
        let mut told = Vec::new();
        let mut progress = |done, total| told.push((done, total));
        let mut course = Course { done: 0, under_way: BTreeMap::new(), total: 4, progress: &mut progress };
        course.reached(0, 4, 1, 0);
        course.reached(0, 4, 9, 3);
        assert_eq!(told, [(0, 4), (4, 4)]);
    }
}
