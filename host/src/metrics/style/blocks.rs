//! Blocks of responses: which samples are pooled together.

use std::collections::BTreeMap;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

use crate::stats::bootstrap;

/// Responses in a block.
pub const BLOCK: usize = 4;

/// Blocks of 4 samples of the same kind, as indices into `samples`, which are (sample id, kind) pairs.
///
/// Depends on the seed and on the set of samples, not on their order: within a kind, samples are ordered by id,
/// shuffled (Fisher and Yates) by a stream per kind and cut into blocks. What is left over is in no block.
#[must_use]
pub fn plan_blocks(samples: &[(&str, &str)], seed: u64) -> Vec<Vec<usize>> {
    let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (_, kind)) in samples.iter().enumerate() {
        kinds.entry(kind).or_default().push(index);
    }
    let mut blocks = Vec::new();
    for (stream, mut members) in kinds.into_values().enumerate() {
        members.sort_by_key(|index| samples[*index].0);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        for last in (1..members.len()).rev() {
            members.swap(last, bootstrap::below(&mut rng, last + 1));
        }
        blocks.extend(members.chunks_exact(BLOCK).map(<[usize]>::to_vec));
    }
    blocks
}
