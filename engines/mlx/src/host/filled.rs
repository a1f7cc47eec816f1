//! New arrays from loops that write every number.
//!
//! MLX copies what it is given, so a loop needs room only until then. The same room serves every loop of a thread: fresh
//! memory would be cleared by the system, cleared again by us and then overwritten. It stays as large as the largest
//! array that was made.

use std::cell::RefCell;

use mlx_rs::Array;

use crate::{error::Result, llama::weights::dimensions};

thread_local! {
    static ROOM: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// An array of a shape. `fill` gets its numbers, which hold whatever was there before, and writes all of them.
///
/// # Errors
/// A request error if a dimension or the product does not fit MLX's 32-bit shapes.
pub fn filled(shape: &[usize], fill: impl FnOnce(&mut [f32])) -> Result<Array> {
    let [array] = filled_each(shape, |[numbers]| fill(numbers))?;
    Ok(array)
}

/// Several arrays of one shape that one loop fills; see [`filled`].
///
/// # Errors
/// As for [`filled`].
pub fn filled_each<const N: usize>(
    shape: &[usize],
    fill: impl FnOnce([&mut [f32]; N]),
) -> Result<[Array; N]> {
    let (size, shape) = (shape.iter().product::<usize>(), dimensions(shape)?);
    ROOM.with_borrow_mut(|room| {
        if room.len() < size * N {
            room.resize(size * N, 0.0);
        }
        let mut rest = &mut room[..size * N];
        fill(std::array::from_fn(|_| {
            let (part, others) = std::mem::take(&mut rest).split_at_mut(size);
            rest = others;
            part
        }));
        Ok(std::array::from_fn(|number| Array::from_slice(&room[number * size..][..size], &shape)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_one_loop_do_not_overlap_and_survive_the_next() {
        let [left, right] = filled_each(&[2], |[left, right]| {
            left.copy_from_slice(&[1.0, 2.0]);
            right.copy_from_slice(&[3.0, 4.0]);
        })
        .unwrap();
        filled(&[4], |numbers| numbers.fill(9.0)).unwrap();
        assert_eq!(left.as_slice::<f32>(), [1.0, 2.0]);
        assert_eq!(right.as_slice::<f32>(), [3.0, 4.0]);
    }
}
