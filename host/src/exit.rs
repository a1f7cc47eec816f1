//! Exit codes that scripts rely on. Changing one is a breaking change.

use std::process::ExitCode;

/// How a command ended, as its caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done and, where there is a gate, passed.
    Done,
    /// A bug in realign.
    Bug,
    /// Wrong usage or configuration.
    Usage,
    /// A gate failed, or a comparison regressed.
    Failed,
    /// The evidence does not decide.
    Inconclusive,
    /// The two sides measure different things.
    NotComparable,
    /// More evaluator failures than the suite allows, or a component that was refused.
    Evaluator,
    /// The engine failed and so did the retry.
    Engine,
    /// Input data that cannot be used.
    BadInput,
    /// Results could not be written.
    Unwritable,
    /// Interrupted from the keyboard, with everything kept that is needed to go on.
    Interrupted,
}

impl Exit {
    /// The number that the operating system sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Failed => 10,
            Self::Inconclusive => 11,
            Self::NotComparable => 12,
            Self::Evaluator => 20,
            Self::Engine => 21,
            Self::BadInput => 22,
            Self::Unwritable => 23,
            Self::Interrupted => 130,
        }
    }
}

impl Exit {
    /// The exit with this number.
    #[must_use]
    pub fn of(code: u8) -> Option<Self> {
        let all = [
            Self::Done,
            Self::Bug,
            Self::Usage,
            Self::Failed,
            Self::Inconclusive,
            Self::NotComparable,
            Self::Evaluator,
            Self::Engine,
            Self::BadInput,
            Self::Unwritable,
            Self::Interrupted,
        ];
        all.into_iter().find(|exit| exit.code() == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
