//! How fast one core moves memory.

use super::{clock::timed, figure::Figure, machine::largest_cache};
use crate::engine::capacity::available_memory;

/// Smallest buffer in bytes: far beyond the caches of most machines.
const SMALLEST: usize = 128 << 20;
/// The buffer is at least so many times the largest cache.
const TIMES_CACHE: usize = 4;
/// Both buffers together take at most this share of the available memory.
const MEMORY_SHARE: u64 = 8;

/// 10^9 bytes per second of copying a buffer that no cache holds, read and written bytes both counted, as
/// STREAM counts its `copy`. `repeats` is at least 2.
#[must_use]
pub fn measure(repeats: usize) -> Option<Figure> {
    let most = available_memory()
        .map_or(usize::MAX, |free| usize::try_from(free / MEMORY_SHARE / 2).unwrap_or(usize::MAX));
    copies(buffer(largest_cache(), most), repeats)
}

/// Bytes of one of the two buffers.
fn buffer(cache: Option<usize>, most: usize) -> usize {
    cache.map_or(SMALLEST, |cache| cache.saturating_mul(TIMES_CACHE).max(SMALLEST)).min(most).max(1)
}

fn copies(bytes: usize, repeats: usize) -> Option<Figure> {
    // Values that are not 0, so that no page is shared with the system's page of zeros.
    let from = vec![1_u8; bytes];
    let mut to = vec![2_u8; bytes];
    let rates: Vec<f64> = (0..repeats)
        .map(|_| {
            // The optimiser must not see that every copy is the same.
            let from = std::hint::black_box(&from);
            let ((), seconds) = timed(|| to.copy_from_slice(from));
            std::hint::black_box(&to);
            2.0 * bytes as f64 / seconds / 1e9
        })
        .collect();
    Figure::of(&rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_beyond_every_cache_but_within_memory() {
        assert_eq!(buffer(None, usize::MAX), SMALLEST);
        assert_eq!(buffer(Some(96 << 20), usize::MAX), 384 << 20);
        assert_eq!(buffer(Some(96 << 20), 1 << 20), 1 << 20);
    }

    #[test]
    fn a_measurement_is_a_rate() {
        assert!(copies(1 << 16, 3).unwrap().is_sound());
    }
}
