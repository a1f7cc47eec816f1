//! The environment variables that the project's seeds call required, and what MLX says of each today.
//!
//! What MLX says was read in its source and documentation at 0.32.2 (August 2026).

use serde::Serialize;

/// What there is to know of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What the seeds set it to.
    pub seeds: &'static str,
    /// What reads it, if anything.
    pub standing: Standing,
    /// The same in words.
    pub says: &'static str,
    /// What to do where it is set.
    pub advice: Option<&'static str>,
}

/// What MLX says of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// MLX never reads it.
    NotRead,
    /// MLX reads it and documents why to leave it alone.
    AdvisedAgainst,
    /// Another library reads it.
    OfAnother,
}

/// The variables, in the order in which the seeds name them.
pub const VARIABLES: [Variable; 3] = [
    Variable {
        name: "MLX_METAL_PREALLOCATE",
        seeds: "1",
        standing: Standing::NotRead,
        says: "not read by MLX: it is in no version of its source",
        advice: Some("unset it: it does nothing"),
    },
    Variable {
        name: "MLX_METAL_FAST_SYNCH",
        seeds: "1",
        standing: Standing::AdvisedAgainst,
        says: "documented by MLX and advised against: it can deadlock and wedge the GPU until a restart",
        advice: Some("unset it: MLX calls it best left unset"),
    },
    Variable {
        name: "TOKENIZERS_PARALLELISM",
        seeds: "false",
        standing: Standing::OfAnother,
        says: "not read by MLX; workers are always started with `false`",
        advice: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mlx_does_not_read_or_advises_against_has_advice() {
        for variable in VARIABLES {
            assert_eq!(
                variable.advice.is_some(),
                variable.standing != Standing::OfAnother,
                "{}",
                variable.name
            );
        }
    }
}
