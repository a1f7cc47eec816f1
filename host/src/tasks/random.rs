//! The random numbers of Python, as far as lm-eval draws examples with them.
//!
//! `random.Random(seed).sample(rows, n)`: a Mersenne Twister (MT19937) seeded by key, numbers below a bound by rejection of
//! as many high bits as the bound has, and either swapping in a pool or drawing until the place is new, whichever Python
//! takes for these sizes. The same seed gives the same examples as there; a test holds the draws against Python's own.

use std::collections::BTreeSet;

use rand_mt::Mt;

/// A generator in the state that Python's has after the same calls.
pub struct Random(Mt);

impl Random {
    /// As `random.Random(seed)`.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(Mt::new_with_key([seed]))
    }

    /// Places of `count` of `length` things, in the order drawn; `None` where there are not so many.
    pub fn sample(&mut self, length: usize, count: usize) -> Option<Vec<usize>> {
        if count > length {
            return None;
        }
        if length <= pool_limit(count) {
            let mut pool: Vec<usize> = (0..length).collect();
            let mut drawn = Vec::with_capacity(count);
            for done in 0..count {
                let left = length - done;
                let place = self.below(left)?;
                drawn.push(pool[place]);
                pool[place] = pool[left - 1];
            }
            return Some(drawn);
        }
        let (mut seen, mut drawn) = (BTreeSet::new(), Vec::with_capacity(count));
        while drawn.len() < count {
            let place = self.below(length)?;
            if seen.insert(place) {
                drawn.push(place);
            }
        }
        Some(drawn)
    }

    /// A number below `bound`; `None` at 0 or beyond 32 bits, which no number of rows reaches.
    fn below(&mut self, bound: usize) -> Option<usize> {
        let bound = u32::try_from(bound).ok().filter(|bound| *bound > 0)?;
        let spare = bound.leading_zeros();
        loop {
            let number = self.0.next_u32() >> spare;
            if number < bound {
                return Some(number as usize);
            }
        }
    }
}

/// Up to how many things Python copies them all instead of remembering what was drawn.
fn pool_limit(count: usize) -> usize {
    if count <= 5 {
        return 21;
    }
    let mut power = 1_usize;
    while power < count.saturating_mul(3) {
        power = power.saturating_mul(4);
    }
    power.saturating_add(21)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values printed by `CPython` 3.11: `r = random.Random(1234)`, then each `r.sample(range(length), count)` in turn.
    #[test]
    fn the_draws_are_those_of_python() {
        let mut random = Random::new(1234);
        let mut draw = |length, count| random.sample(length, count).expect("enough");
        assert_eq!(draw(10, 3), [7, 1, 0]);
        assert_eq!(draw(21, 5), [2, 18, 1, 20, 3]);
        assert_eq!(draw(22, 5), [11, 7, 0, 20, 19]);
        assert_eq!(draw(100, 8), [61, 78, 59, 19, 11, 23, 91, 14]);
        assert_eq!(draw(5, 5), [0, 3, 4, 2, 1]);
        assert_eq!(
            draw(1000, 20),
            [70, 615, 691, 91, 527, 592, 47, 276, 844, 569, 64, 660, 309, 492, 870, 363, 272, 255, 671, 955]
        );
        assert_eq!(draw(85, 20), [25, 58, 67, 2, 65, 9, 0, 42, 18, 60, 48, 21, 6, 79, 63, 20, 71, 27, 76, 3]);
    }

    #[test]
    fn more_than_there_is_cannot_be_drawn() {
        assert_eq!(Random::new(1).sample(2, 3), None);
        assert_eq!(Random::new(1).sample(0, 0), Some(Vec::new()));
    }
}
