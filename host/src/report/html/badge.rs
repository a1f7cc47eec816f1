//! One word in a frame: a verdict. The word says it; the colour only repeats it.

use maud::{Markup, html};

use crate::{model::Verdict, report::record::word};

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

/// A gate's verdict.
#[must_use]
pub fn verdict(verdict: Verdict) -> Markup {
    badge(verdict.into(), word(verdict))
}
