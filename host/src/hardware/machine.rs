//! Which machine this is.

use std::{fs, num::NonZero, process::Command, thread};

use serde::{Deserialize, Serialize};

/// Memory that may differ between two looks at one machine: what the kernel keeps for itself.
const MEMORY_TOLERANCE: f64 = 0.02;

/// What tells one machine from another, as far as speed is concerned. No name and no address: a calibration can be
/// given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The processor's own name, or `unknown`.
    pub processor: String,
    /// Cores that a program may use.
    pub cores: usize,
    /// Memory in bytes; 0 where it is not known.
    pub memory_bytes: u64,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let (processor, memory) = if cfg!(target_os = "macos") {
            (sysctl("machdep.cpu.brand_string"), sysctl("hw.memsize").and_then(|text| text.parse().ok()))
        } else {
            let read = |path| fs::read_to_string(path).unwrap_or_default();
            (processor(&read("/proc/cpuinfo")), total_memory(&read("/proc/meminfo")))
        };
        Self {
            processor: processor.unwrap_or_else(|| "unknown".into()),
            cores: thread::available_parallelism().map_or(1, NonZero::get),
            memory_bytes: memory.unwrap_or(0),
        }
    }

    /// Whether both are one machine, or two of one kind.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.memory_bytes as f64, other.memory_bytes as f64);
        self.processor == other.processor
            && self.cores == other.cores
            && (ours - theirs).abs() <= MEMORY_TOLERANCE * ours.max(theirs)
    }
}

fn sysctl(name: &str) -> Option<String> {
    let output = Command::new("/usr/sbin/sysctl").args(["-n", name]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// From the text of `/proc/cpuinfo`: the model's name, or the part numbers where an Arm machine has no name.
fn processor(text: &str) -> Option<String> {
    let field = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        let value = line.split_once(':')?.1.trim();
        (!value.is_empty()).then(|| value.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    field("model name").or_else(|| {
        Some(format!("Arm implementer {} part {}", field("CPU implementer")?, field("CPU part")?))
    })
}

/// From the text of `/proc/meminfo`, in bytes.
fn total_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The most memory that a process has held so far, in bytes; `None` where the system does not say.
#[must_use]
pub fn peak_memory(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    peak(&text)
}

/// How many programs wanted to compute at once, averaged over the last minute; `None` where the system does not say.
#[must_use]
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

fn peak(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Size of the largest processor cache in bytes; `None` where the system does not say.
#[must_use]
pub fn largest_cache() -> Option<usize> {
    let caches = fs::read_dir("/sys/devices/system/cpu/cpu0/cache").ok()?;
    caches
        .filter_map(|cache| fs::read_to_string(cache.ok()?.path().join("size")).ok())
        .filter_map(|size| size.trim().strip_suffix('K')?.parse::<usize>().ok()?.checked_mul(1024))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_as_it_names_itself() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some  Processor 9 \n";
        assert_eq!(processor(text).unwrap(), "Some Processor 9");
        let arm = "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(processor(arm).unwrap(), "Arm implementer 0x41 part 0xd0c");
        assert_eq!(processor(""), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(total_memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(peak("VmPeak: 9 kB\nVmHWM:\t    1024 kB\n"), Some(1 << 20));
        assert_eq!(peak(""), None);
    }

    #[test]
    fn a_kernel_that_keeps_a_little_more_memory_makes_no_other_machine() {
        let machine = |memory_bytes| Machine { processor: "P".into(), cores: 2, memory_bytes };
        assert!(machine(24_000).is_same(&machine(23_900)));
        assert!(!machine(24_000).is_same(&machine(16_000)));
        assert!(!machine(24_000).is_same(&Machine { cores: 4, ..machine(24_000) }));
    }
}
