//! From packed tokens to the grid of heads, rotated by position on the way, and back.
//!
//! A rotation's gradient is the rotation by the opposite angle, padding has none, and what is copied to several rows gets
//! the sum of theirs; so each of the two functions is the other's gradient.

use mlx_rs::Array;

use crate::{
    error::Result,
    host::filled::filled,
    llama::{layout::Layout, rope::Rope, weights::extent},
};

/// Spreads packed rows `[tokens, heads x head]` over `[rows, heads, longest, head]`; padding is 0, and every row has the
/// tokens that rows have in common.
///
/// With a table each head is rotated by its token's position: queries and keys are, values are not.
///
/// # Errors
/// An internal error if the array cannot be read.
pub fn spread(packed: &Array, layout: &Layout, head: usize, rope: Option<&Rope>) -> Result<Array> {
    let packed = packed.contiguous()?;
    let numbers = packed.try_as_slice::<f32>()?;
    let width = numbers.len() / layout.packed();
    let (heads, longest) = (width / head, layout.longest());
    filled(&[layout.rows(), heads, longest, head], |grid| {
        if !layout.is_full() {
            grid.fill(0.0);
        }
        for row in 0..layout.rows() {
            for column in 0..layout.length(row) {
                let token = &numbers[layout.token(row, column) * width..][..width];
                let turn = rope.map(|rope| rope.at(layout.position(row, column)));
                for (number, source) in token.chunks_exact(head).enumerate() {
                    let start = ((row * heads + number) * longest + column) * head;
                    turned(&mut grid[start..start + head], source, turn, 1.0, |to, number| *to = number);
                }
            }
        }
    })
}

/// Packs the grid `[rows, heads, longest, head]` into rows `[tokens, heads x head]`; padding is left out, and what rows
/// have of a token that they have in common is added.
///
/// With a table each head is rotated by the opposite of its token's position.
///
/// # Errors
/// An internal error if the array cannot be read.
pub fn gather(grid: &Array, layout: &Layout, rope: Option<&Rope>) -> Result<Array> {
    let grid = grid.contiguous()?;
    let numbers = grid.try_as_slice::<f32>()?;
    let (longest, head) = (layout.longest(), extent(&grid, 3));
    let heads = extent(&grid, 1);
    let width = heads * head;
    filled(&[layout.packed(), width], |packed| {
        for row in 0..layout.rows() {
            for column in 0..layout.length(row) {
                let token = &mut packed[layout.token(row, column) * width..][..width];
                let own = column >= layout.first(row);
                let turn = rope.map(|rope| rope.at(layout.position(row, column)));
                for (number, target) in token.chunks_exact_mut(head).enumerate() {
                    let start = ((row * heads + number) * longest + column) * head;
                    let source = &numbers[start..start + head];
                    if own {
                        turned(target, source, turn, -1.0, |to, number| *to = number);
                    } else {
                        turned(target, source, turn, -1.0, |to, number| *to += number);
                    }
                }
            }
        }
    })
}

/// Puts a head, rotated by the angles of `turn` times `direction`, which is 1 or -1, into another.
fn turned(
    target: &mut [f32],
    source: &[f32],
    turn: Option<(&[f32], &[f32])>,
    direction: f32,
    put: impl Fn(&mut f32, f32),
) {
    let Some((cosines, sines)) = turn else {
        target.iter_mut().zip(source).for_each(|(to, &number)| put(to, number));
        return;
    };
    let half = source.len() / 2;
    let ((left, right), (first, second)) = (target.split_at_mut(half), source.split_at(half));
    for pair in 0..half {
        let sine = sines[pair] * direction;
        put(&mut left[pair], first[pair] * cosines[pair] - second[pair] * sine);
        put(&mut right[pair], second[pair] * cosines[pair] + first[pair] * sine);
    }
}
