//! How many workers fit on this machine.

use std::{fs, num::NonZero, thread};

use crate::error::{Error, Result};

/// Share of the available memory that workers may plan to use.
pub(crate) const MEMORY_SHARE: f64 = 0.6;
/// Peak of a worker over the size of its weights: activations, caches and the file while it loads.
pub(crate) const PEAK_OVER_WEIGHTS: f64 = 1.6;
/// Workers compute in f32.
pub(crate) const BYTES_PER_WEIGHT: f64 = 4.0;

/// min(cores, 0.6 x available memory / (4 bytes x parameters x 1.6)), at least one. A GPU takes one worker.
///
/// Where the available memory cannot be read, cores decide.
#[must_use]
pub fn workers_that_fit(parameters: u64, device: &str) -> usize {
    if device == "gpu" {
        return 1;
    }
    fitting(thread::available_parallelism().map_or(1, NonZero::get), available_memory(), parameters)
}

fn fitting(cores: usize, memory: Option<u64>, parameters: u64) -> usize {
    let peak = parameters.max(1) as f64 * BYTES_PER_WEIGHT * PEAK_OVER_WEIGHTS;
    let fit = memory.map_or(cores, |memory| {
        let workers = (memory as f64 * MEMORY_SHARE / peak).floor().min(cores as f64);
        // Truncation is exact: the value is a whole number between 0 and `cores`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, 0..=cores")]
        let workers = workers as usize;
        workers
    });
    fit.clamp(1, cores.max(1))
}

/// Refuses `more` workers whose weights alone are larger than the memory that is left.
///
/// # Errors
/// A usage error with both sizes.
pub fn check_room(more: usize, parameters: u64) -> Result<()> {
    room(more, parameters, available_memory())
}

fn room(more: usize, parameters: u64, memory: Option<u64>) -> Result<()> {
    let needed = more as f64 * parameters as f64 * BYTES_PER_WEIGHT;
    match memory {
        Some(memory) if needed > memory as f64 => Err(Error::usage(format!(
            "{more} more workers need {:.1} GB for their weights, {:.1} GB of memory are left",
            needed / 1e9,
            memory as f64 / 1e9
        ))
        .hint("use fewer")),
        _ => Ok(()),
    }
}

/// Available memory in bytes: what the kernel says, and no more than the control group's limit.
pub(crate) fn available_memory() -> Option<u64> {
    let free = fs::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo_available(&text))?;
    let limit =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(limit.map_or(free, |limit: u64| free.min(limit)))
}

fn meminfo_available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL_MODEL: u64 = 134_515_008;

    #[test]
    fn memory_limits_workers_before_cores_do() {
        assert_eq!(fitting(8, Some(4 << 30), SMALL_MODEL), 2);
        assert_eq!(fitting(2, Some(64 << 30), SMALL_MODEL), 2);
    }

    #[test]
    fn workers_whose_weights_cannot_be_held_are_refused() {
        assert!(room(2, SMALL_MODEL, Some(2 << 30)).is_ok());
        assert!(room(255, SMALL_MODEL, None).is_ok());
        let error = room(255, SMALL_MODEL, Some(16 << 30)).unwrap_err();
        insta::assert_snapshot!(error, @"255 more workers need 137.2 GB for their weights, 17.2 GB of memory are left");
    }

    #[test]
    fn there_is_always_one_worker() {
        assert_eq!(fitting(8, Some(0), SMALL_MODEL), 1);
        assert_eq!(fitting(4, None, SMALL_MODEL), 4);
        assert_eq!(workers_that_fit(SMALL_MODEL, "gpu"), 1);
    }

    #[test]
    fn available_memory_is_read_in_bytes() {
        assert_eq!(meminfo_available("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2 << 20));
        assert_eq!(meminfo_available("MemTotal: 9 kB\n"), None);
    }
}
