//! How a worker process is started.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{hosts::Remote, interrupt::Interrupt};

/// The hidden verb of the `realign` binary whose body is [`super::worker::run_worker`]; its one argument is the
/// engine library.
pub const WORKER_VERB: &str = "engine-worker";

/// The hidden verb whose body is [`super::relay::run_relay`]; its one argument is the engine library.
pub const RELAY_VERB: &str = "engine-relay";

/// Settings of native code that must not differ between workers: one BLAS thread each, because two workers with
/// one thread beat one with two and the order of additions stays the same; no kernels compiled at run time.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("MLX_DISABLE_COMPILE", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("TOKENIZERS_PARALLELISM", "false"),
];

/// Names the kernels to an OpenBLAS that is older than the processor.
///
/// A version that does not know a processor falls back to kernels of 256 bits, whatever the processor can do: 0.3.21
/// does so on AMD's Zen 4 and 5, which costs half of their speed. Newer versions take these kernels there themselves,
/// and on Intel's processors with the same instructions every version does, or takes others with the same products
/// of 32-bit floats.
const KERNELS: &str = "OPENBLAS_CORETYPE";

/// How long a worker may be silent in the middle of a call. Engines tell of every step and every tensor, which take
/// seconds at most; ten minutes is for a machine that swaps, not for a slow model.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// How long a worker among several that wait for one another may give no sign at all: twenty of the beats that its
/// process sends whatever it computes.
pub const STALL: Duration = Duration::from_secs(20);

/// A program that speaks the worker's side of the frames on descriptor 0.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables set on top of the host's own environment.
    pub environment: BTreeMap<String, String>,
    /// How long it may make no progress in the middle of a call before it counts as dead: [`PATIENCE`], if nobody says
    /// otherwise.
    pub patience: Duration,
    /// How long its process may stand still, if that is to be found out earlier.
    pub stall: Option<Duration>,
    /// What ends it in the middle of a call.
    pub interrupt: Interrupt,
    /// Whether the program carries the frames of a worker of another machine, on standard input and output.
    pub relayed: bool,
    /// Where the other ranks of a group are, if not here.
    pub remote: Option<Arc<Remote>>,
}

impl Launch {
    /// Starts `realign` as a worker with an engine library.
    #[must_use]
    pub fn engine(realign: &Path, library: &Path) -> Self {
        let mut environment: BTreeMap<_, _> =
            ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        // Whoever has chosen kernels keeps them.
        if let Some(kernels) = kernels().filter(|_| env::var_os(KERNELS).is_none()) {
            environment.insert(KERNELS.to_owned(), kernels.to_owned());
        }
        Self {
            program: realign.to_owned(),
            arguments: vec![WORKER_VERB.into(), library.as_os_str().to_owned()],
            environment,
            patience: PATIENCE,
            stall: None,
            interrupt: Interrupt::default(),
            relayed: false,
            remote: None,
        }
    }
}

/// The kernels with registers of 512 bits, where the processor has every instruction that they use.
#[cfg(target_arch = "x86_64")]
fn kernels() -> Option<&'static str> {
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    wide.then_some("SkylakeX")
}

#[cfg(not(target_arch = "x86_64"))]
const fn kernels() -> Option<&'static str> {
    None
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    #[test]
    fn wide_kernels_are_named_where_the_system_lists_every_instruction_that_they_use() {
        let about = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = about.lines().find(|line| line.starts_with("flags")).unwrap();
        let has = |wanted: &str| flags.split_whitespace().any(|flag| flag == wanted);
        let all = ["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"].into_iter().all(has);
        assert_eq!(super::kernels(), all.then_some("SkylakeX"));
    }
}
