//! The next token from a row of logits.
//!
//! Temperature 0 takes the first of the most probable tokens. Otherwise the inverse of the cumulative
//! distribution is taken at a uniform number that is a function of the row's seed and the token's index alone
//! (`ChaCha8`, the index choosing the stream), so neither the batch nor the worker changes what is drawn.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::host::exp::{exp, maximum};

/// Draws a token from `logits / temperature`.
///
/// # Panics
/// If `logits` is empty; a model has a vocabulary.
#[must_use]
pub fn sample(logits: &[f32], temperature: f32, seed: u64, index: u64) -> u32 {
    let best = maximum(logits);
    let first_best =
        || logits.iter().position(|&logit| logit >= best).expect("a maximum is one of its numbers");
    let chosen = if temperature == 0.0 {
        first_best()
    } else {
        let inverse = 1.0 / temperature;
        let weights: Vec<f32> = logits.iter().map(|&logit| exp((logit - best) * inverse)).collect();
        let sum: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let mut left = uniform(seed, index) * sum;
        let crossed = |&weight: &f32| {
            left -= f64::from(weight);
            left < 0.0
        };
        // Rounding can leave a little over at the end; the most probable token takes it.
        weights.iter().position(crossed).unwrap_or_else(first_best)
    };
    u32::try_from(chosen).expect("a vocabulary has fewer than 2^32 tokens")
}

/// A uniform number in [0, 1) of 53 bits.
fn uniform(seed: u64, index: u64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(index);
    (random.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperature_zero_takes_the_first_of_the_best() {
        assert_eq!(sample(&[1.0, 3.0, 3.0, 2.0], 0.0, 1, 1), 1);
    }

    #[test]
    fn draws_follow_the_distribution() {
        // Weights 1 : 2 : 4 : 1 at temperature 2.
        let logits = [0.0, 2.0 * 2.0_f32.ln(), 2.0 * 4.0_f32.ln(), 0.0];
        let mut counts = [0_u32; 4];
        for index in 0..8000 {
            counts[sample(&logits, 2.0, 7, index) as usize] += 1;
        }
        for (count, expected) in counts.iter().zip([1000.0, 2000.0, 4000.0, 1000.0]) {
            // Five standard deviations of a binomial count.
            let spread = 5.0 * (expected * (1.0 - expected / 8000.0_f64)).sqrt();
            assert!((f64::from(*count) - expected).abs() < spread, "{counts:?}");
        }
    }

    #[test]
    fn a_draw_depends_on_seed_and_index() {
        let logits = vec![0.0; 1000];
        assert_eq!(sample(&logits, 1.0, 3, 5), sample(&logits, 1.0, 3, 5));
        assert_ne!(sample(&logits, 1.0, 3, 5), sample(&logits, 1.0, 3, 6));
        assert_ne!(sample(&logits, 1.0, 3, 5), sample(&logits, 1.0, 4, 5));
    }
}
