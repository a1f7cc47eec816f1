//! One word in a frame: a verdict. The word says it; the colour only repeats it.

use maud::{Markup, html};

use crate::{compare::Change, model::Verdict, report::record::word};

/// How good the news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It holds.
    Good,
    /// It does not.
    Bad,
    /// It is not decided.
    Open,
    /// It is no news.
    Plain,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "badge good",
            Self::Bad => "badge bad",
            Self::Open => "badge open",
            Self::Plain => "badge plain",
        }
    }
}

/// A word in a frame.
#[must_use]
pub fn badge(tone: Tone, word: &str) -> Markup {
    html! { span class=(tone.class()) { (word) } }
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail => Self::Bad,
            Verdict::Inconclusive | Verdict::Insufficient | Verdict::NoHeadroom => Self::Open,
            Verdict::NotReached => Self::Plain,
        }
    }
}

/// How good the news of a change is.
#[must_use]
pub const fn change_tone(change: Change) -> Tone {
    match change {
        Change::Regressed => Tone::Bad,
        Change::Improved | Change::Equivalent => Tone::Good,
        Change::CannotTell => Tone::Open,
        Change::Changed => Tone::Plain,
    }
}

/// A gate's verdict.
#[must_use]
pub fn verdict(verdict: Verdict) -> Markup {
    badge(verdict.into(), word(verdict))
}
