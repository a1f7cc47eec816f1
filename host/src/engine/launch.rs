//! How a worker process is started.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

/// The hidden verb of the `realign` binary whose body is [`super::worker::run_worker`]; its one argument is the
/// engine library.
pub const WORKER_VERB: &str = "engine-worker";

/// Settings of native code that must not differ between workers: one BLAS thread each, because two workers with
/// one thread beat one with two and the order of additions stays the same; no kernels compiled at run time.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("MLX_DISABLE_COMPILE", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("TOKENIZERS_PARALLELISM", "false"),
];

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
}

impl Launch {
    /// Starts `realign` as a worker with an engine library.
    #[must_use]
    pub fn engine(realign: &Path, library: &Path) -> Self {
        Self {
            program: realign.to_owned(),
            arguments: vec![WORKER_VERB.into(), library.as_os_str().to_owned()],
            environment: ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            patience: PATIENCE,
            stall: None,
        }
    }
}
