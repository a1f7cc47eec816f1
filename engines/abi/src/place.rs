//! Where set-up puts things and where the host looks for them.
//!
//! Both sides use this file, so they cannot disagree. Everything lies under one folder, `$REALIGN_HOME`, by
//! default the user's data folder; clones share it. Libraries are loaded by absolute path from there only.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The folder that holds engine, models and caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// `$REALIGN_HOME`, else the user's data folder; `None` where neither is known.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data = if cfg!(target_os = "macos") {
            set("HOME").map(|home| home.join("Library/Application Support"))
        } else if cfg!(windows) {
            set("LOCALAPPDATA")
        } else {
            set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))
        };
        let home = set("REALIGN_HOME").or_else(|| data.map(|data| data.join("realign")))?;
        Some(Self(std::path::absolute(home).ok()?))
    }

    /// A home at a known place.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The MLX engine library.
    #[must_use]
    pub fn engine(&self) -> PathBuf {
        let name = if cfg!(target_os = "macos") {
            "librealign_engine_mlx.dylib"
        } else {
            "librealign_engine_mlx.so"
        };
        self.0.join("engine").join(name)
    }

    /// The small model that set-up provides under the name `smollm2`.
    #[must_use]
    pub fn small_model(&self) -> PathBuf {
        self.0.join("models/SmolLM2-135M-Instruct.Q4_1.gguf")
    }

    /// What was measured of this machine; written by `realign calibrate`.
    #[must_use]
    pub fn calibration(&self) -> PathBuf {
        self.0.join("calibration.json")
    }

    /// Compiled evaluators; written by the host alone.
    #[must_use]
    pub fn artefacts(&self) -> PathBuf {
        self.0.join("artefacts")
    }
}
