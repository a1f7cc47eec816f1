//! Which token of a batch lies where.
//!
//! Rows of a batch have different lengths. Everything but attention works on single tokens, so the new tokens of
//! all rows are **packed** one after another and no padding is ever multiplied by a weight. Attention works on a
//! **grid** `[rows, longest row]`, right-padded; its keys are the columns of the cache followed by the grid's.
//!
//! A row is a **trunk** and any number of **branches**. A branch follows the trunk as if the other branches were
//! not there: it sees the trunk and itself, and its positions start where the trunk ends. So all continuations
//! of one context cost one pass and no copy of its keys. Columns that later tokens of a row must not see
//! (padding, branches) are that row's **gaps**.
//!
//! Without a cache rows may have a **lead**: leading tokens that all of them begin with, packed once, with the first row.
//! On the grid every row has their keys and values; the first row alone has their queries.

use std::ops::Range;

use mlx_rs::Array;

use crate::{
    error::{Error, Result},
    llama::weights::dimensions,
};

/// The new tokens of one row.
#[derive(Debug, Clone, Default)]
pub struct Row<'a> {
    /// What follows the cache.
    pub trunk: &'a [u32],
    /// What follows the trunk, each on its own.
    pub branches: Vec<&'a [u32]>,
}

impl<'a> Row<'a> {
    /// A row without branches.
    #[must_use]
    pub const fn trunk(trunk: &'a [u32]) -> Self {
        Self { trunk, branches: Vec::new() }
    }

    /// The tokens in the order in which they are packed.
    pub fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.trunk.iter().chain(self.branches.iter().copied().flatten()).copied()
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trunk.len() + self.branches.iter().map(|branch| branch.len()).sum::<usize>()
    }

    /// Whether there are no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of the longest sequence that the row makes.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.trunk.len() + self.branches.iter().map(|branch| branch.len()).max().unwrap_or(0)
    }
}

/// Lengths and places of one row.
#[derive(Debug)]
struct Place {
    trunk: usize,
    length: usize,
    /// First packed token behind the lead.
    start: usize,
    /// For each token after the trunk, the index in the row at which its branch starts.
    branch_starts: Vec<usize>,
    /// Columns of the cache that the row does not see, in order and disjoint.
    gaps: Vec<Range<usize>>,
}

/// Where the new tokens of one forward pass lie.
#[derive(Debug)]
pub struct Layout {
    places: Vec<Place>,
    past: usize,
    longest: usize,
    packed: usize,
    /// Leading tokens that all rows have in common.
    lead: usize,
}

impl Layout {
    /// A layout for new rows after `past` columns with `gaps`, one list per row.
    #[must_use]
    pub fn new(rows: &[Row<'_>], past: usize, gaps: &[Vec<Range<usize>>]) -> Self {
        Self::with_lead(rows, past, gaps, 0)
    }

    /// A layout for rows without a cache whose trunks begin with the same `lead` tokens.
    #[must_use]
    pub fn behind(rows: &[Row<'_>], lead: usize) -> Self {
        Self::with_lead(rows, 0, &vec![Vec::new(); rows.len()], lead)
    }

    fn with_lead(rows: &[Row<'_>], past: usize, gaps: &[Vec<Range<usize>>], lead: usize) -> Self {
        let mut packed = lead;
        let mut places = Vec::with_capacity(rows.len());
        for (row, gaps) in rows.iter().zip(gaps) {
            let mut branch_starts = Vec::new();
            for branch in &row.branches {
                let start = row.trunk.len() + branch_starts.len();
                branch_starts.resize(branch_starts.len() + branch.len(), start);
            }
            let (trunk, length, gaps) = (row.trunk.len(), row.len(), gaps.clone());
            places.push(Place { trunk, length, start: packed, branch_starts, gaps });
            packed += length - lead;
        }
        let longest = places.iter().map(|place| place.length).max().unwrap_or(0);
        Self { places, past, longest, packed, lead }
    }

    /// Rows of the grid.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// Columns of the grid: new tokens of the longest row.
    #[must_use]
    pub const fn longest(&self) -> usize {
        self.longest
    }

    /// Columns in the cache before these tokens.
    #[must_use]
    pub const fn past(&self) -> usize {
        self.past
    }

    /// Columns of cache and grid together.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.past + self.longest
    }

    /// Packed tokens in all.
    #[must_use]
    pub const fn packed(&self) -> usize {
        self.packed
    }

    /// New tokens of a row.
    #[must_use]
    pub fn length(&self, row: usize) -> usize {
        self.places[row].length
    }

    /// The packed index of a row's new token `index`.
    #[must_use]
    pub fn token(&self, row: usize, index: usize) -> usize {
        index.checked_sub(self.lead).map_or(index, |own| self.places[row].start + own)
    }

    /// The first of a row's new tokens that is packed with it; those before are packed with the first row.
    #[must_use]
    pub const fn first(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.lead }
    }

    /// Tokens of a row that the cache holds.
    #[must_use]
    pub fn seen(&self, row: usize) -> usize {
        self.past - self.places[row].gaps.iter().map(Range::len).sum::<usize>()
    }

    /// Position in its sequence of a row's new token `index`.
    #[must_use]
    pub fn position(&self, row: usize, index: usize) -> usize {
        let (place, seen) = (&self.places[row], self.seen(row));
        match index.checked_sub(place.trunk) {
            None => seen + index,
            Some(beyond) => seen + place.trunk + index - place.branch_starts[beyond],
        }
    }

    /// The columns that a row's new token `index` sees: what came before it and itself.
    pub fn visible(&self, row: usize, index: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let place = &self.places[row];
        let (trunk_end, own) = match index.checked_sub(place.trunk) {
            None => (self.past + index + 1, 0..0),
            Some(beyond) => {
                let start = self.past + place.branch_starts[beyond];
                (self.past + place.trunk, start..self.past + index + 1)
            }
        };
        let starts = std::iter::once(0).chain(place.gaps.iter().map(|gap| gap.end));
        let ends = place.gaps.iter().map(|gap| gap.start).chain(std::iter::once(trunk_end));
        let seen = starts.zip(ends).map(|(start, end)| start..end);
        seen.chain(std::iter::once(own)).filter(|range| !range.is_empty())
    }

    /// The gaps of each row once these tokens are in the cache.
    #[must_use]
    pub fn gaps_after(&self) -> Vec<Vec<Range<usize>>> {
        let with_rest = |place: &Place| {
            let mut gaps = place.gaps.clone();
            if place.trunk < self.longest {
                gaps.push(self.past + place.trunk..self.columns());
            }
            gaps
        };
        self.places.iter().map(with_rest).collect()
    }

    /// Whether grid and packing are the same: no padding.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.packed == self.rows() * self.longest
    }

    /// For each cell of the grid, the packed token that lies there; cells of padding name token 0.
    ///
    /// # Errors
    /// A request error if the grid is too large for MLX.
    pub fn grid_index(&self) -> Result<Array> {
        let cell = |row, column| if column < self.length(row) { self.token(row, column) } else { 0 };
        index((0..self.rows()).flat_map(|row| (0..self.longest).map(move |column| cell(row, column))))
    }

    /// For each packed token, its cell of the grid.
    ///
    /// # Errors
    /// A request error if the grid is too large for MLX.
    pub fn packed_index(&self) -> Result<Array> {
        let cells = |row| {
            let start = row * self.longest;
            start + self.first(row)..start + self.length(row)
        };
        index((0..self.rows()).flat_map(cells))
    }
}

/// Indices as an MLX array.
///
/// # Errors
/// A request error if there are too many for MLX.
pub(crate) fn index(indices: impl Iterator<Item = usize>) -> Result<Array> {
    let numbers: Vec<i32> = indices
        .map(i32::try_from)
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::request("a batch has more than 2^31 tokens").hint("ask for smaller batches"))?;
    let shape = dimensions(&[numbers.len()])?;
    Ok(Array::from_slice(&numbers, &shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(layout: &Layout, row: usize, index: usize) -> Vec<usize> {
        layout.visible(row, index).flatten().collect()
    }

    #[test]
    fn a_row_sees_what_came_before_it_and_never_padding() {
        let rows = [Row::trunk(&[1, 2, 3]), Row::trunk(&[1])];
        let first = Layout::new(&rows, 2, &[vec![], vec![]]);
        assert_eq!(visible(&first, 0, 1), [0, 1, 2, 3]);
        assert_eq!(visible(&first, 1, 0), [0, 1, 2]);
        let rows = [Row::trunk(&[1]), Row::trunk(&[1])];
        let second = Layout::new(&rows, first.columns(), &first.gaps_after());
        assert_eq!(visible(&second, 0, 0), [0, 1, 2, 3, 4, 5]);
        assert_eq!(visible(&second, 1, 0), [0, 1, 2, 5]);
        assert_eq!((second.position(0, 0), second.position(1, 0)), (5, 3));
    }

    #[test]
    fn a_lead_is_packed_once_and_seen_by_every_row() {
        let rows = [Row::trunk(&[1, 2, 3]), Row { trunk: &[1, 2], branches: vec![&[4], &[5, 6]] }];
        let layout = Layout::behind(&rows, 2);
        // Packed: 1 2 3 | 4 5 6.
        assert_eq!((layout.packed(), layout.is_full()), (6, false));
        let tokens: Vec<usize> = (0..layout.length(1)).map(|index| layout.token(1, index)).collect();
        assert_eq!(tokens, [0, 1, 3, 4, 5]);
        assert_eq!(visible(&layout, 1, 4), [0, 1, 3, 4]);
        assert_eq!((layout.position(1, 2), layout.position(1, 4)), (2, 3));
        let cells = layout.packed_index().unwrap();
        assert_eq!(cells.as_slice::<i32>(), [0, 1, 2, 5 + 2, 5 + 3, 5 + 4]);
    }

    #[test]
    fn a_branch_sees_the_trunk_and_itself_and_no_other_branch() {
        let row = Row { trunk: &[1, 2], branches: vec![&[3, 4], &[5, 6, 7]] };
        let layout = Layout::new(&[row], 1, &[vec![]]);
        assert_eq!(visible(&layout, 0, 1), [0, 1, 2]);
        assert_eq!(visible(&layout, 0, 3), [0, 1, 2, 3, 4]);
        assert_eq!(visible(&layout, 0, 4), [0, 1, 2, 5]);
        assert_eq!(visible(&layout, 0, 6), [0, 1, 2, 5, 6, 7]);
        let positions: Vec<usize> = (0..7).map(|index| layout.position(0, index)).collect();
        assert_eq!(positions, [1, 2, 3, 4, 3, 4, 5]);
        assert_eq!(
            layout.gaps_after(),
            [std::iter::once(3..8).collect::<Vec<_>>()],
            "branches are gone for whatever comes later"
        );
    }
}
