//! Seeded random numbers of resampling tests, and quantiles of sorted values.
//!
//! Replicate r draws from stream r of `ChaCha8` under the caller's seed, so a result does not depend on the
//! number of threads, on the order of replicates or on how many there are after it.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use serde::{Deserialize, Serialize};

/// How many replicates, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Replicates.
    pub replicates: usize,
    /// Seed of all streams.
    pub seed: u64,
}

/// The generator of one replicate: stream `replicate` under `seed`.
#[must_use]
pub fn replicate_rng(seed: u64, replicate: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(replicate as u64);
    rng
}

/// A whole number below `limit`, uniform to within `limit / 2^64`. `limit` is at least 1.
#[expect(clippy::cast_possible_truncation, reason = "a product scaled by 2^64 is below the limit")]
#[must_use]
pub fn below(rng: &mut ChaCha8Rng, limit: usize) -> usize {
    ((u128::from(rng.next_u64()) * limit as u128) >> 64) as usize
}

/// Quantile of sorted values, of which there is one at least, linear between neighbours (Hyndman and Fan, type 7).
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position lies between 0 and the length of the list"
)]
pub fn at(sorted: &[f64], p: f64) -> f64 {
    let position = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let index = position.floor() as usize;
    let next = (index + 1).min(sorted.len() - 1);
    sorted[index] + (sorted[next] - sorted[index]) * (position - index as f64)
}

#[cfg(test)]
mod tests;
