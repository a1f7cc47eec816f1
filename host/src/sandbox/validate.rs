//! Untrusted to trusted: what a guest hands back is opened here and nowhere else.
//!
//! A check compares with what the guest itself described and with the sample that it was given. A message names the
//! thing, the value and the limit, and shows text of the guest only where that text has passed a check.

mod ask;
mod description;
mod item;
mod outcome;
mod text;

use super::{
    outcome::{code, failure},
    types::Ask,
};
use crate::model::{Failure, Outcome};

pub(super) use self::{
    ask::asks,
    description::description,
    item::items,
    outcome::{Subject, outcomes},
};

/// A value from a guest that nobody has looked at. There is no way to look but the functions of this module.
#[derive(Debug)]
pub(super) struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks a value that has just left a guest.
    pub(super) const fn new(value: T) -> Self {
        Self(value)
    }
}

/// Either more questions, or one outcome per subject.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Progress {
    Asks(Vec<Ask>),
    Done(Vec<Outcome>),
}

/// Which way a step went; both ways are still unchecked.
pub(super) enum Fork {
    Asks(Untrusted<Vec<Ask>>),
    Done(Untrusted<Vec<Outcome>>),
}

/// Tells questions from outcomes.
pub(super) fn fork(Untrusted(progress): Untrusted<Progress>) -> Fork {
    match progress {
        Progress::Asks(asks) => Fork::Asks(Untrusted(asks)),
        Progress::Done(outcomes) => Fork::Done(Untrusted(outcomes)),
    }
}

/// A state: any bytes will do, their number was limited on the way out.
pub(super) fn state(Untrusted(state): Untrusted<Vec<u8>>) -> Vec<u8> {
    state
}

/// A failure that the guest reports about itself or about a sample.
pub(super) fn guest_failure(Untrusted(reported): Untrusted<Failure>) -> Failure {
    checked_failure(reported).unwrap_or_else(broken)
}

fn checked_failure(Failure { code, message }: Failure) -> Result<Failure, String> {
    if !code::GUEST.contains(&code.as_str()) {
        return Err(format!("failure has an unknown code, known are {}", code::GUEST.join(", ")));
    }
    text::within("failure message", &message, text::MESSAGE_BYTES)?;
    Ok(Failure { code, message })
}

/// A breach of the contract.
fn broken(message: impl Into<String>) -> Failure {
    failure(code::CONTRACT, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_cannot_pass_its_failure_off_as_the_hosts() {
        let reported = Failure { code: "fuel".into(), message: String::new() };
        insta::assert_debug_snapshot!(guest_failure(Untrusted(reported)), @r#"
        Failure {
            code: "contract",
            message: "failure has an unknown code, known are config, profile, data, sample, answer, internal",
        }
        "#);
        let reported = Failure { code: "sample".into(), message: "no words".into() };
        assert_eq!(guest_failure(Untrusted(reported.clone())), reported);
    }

    #[test]
    fn endless_failure_message_is_a_breach_itself() {
        let reported = Failure { code: "internal".into(), message: "x".repeat(5000) };
        insta::assert_debug_snapshot!(guest_failure(Untrusted(reported)), @r#"
        Failure {
            code: "contract",
            message: "failure message has 5000 bytes, 1024 are allowed",
        }
        "#);
    }
}
