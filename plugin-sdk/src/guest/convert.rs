//! Our types to the generated ones and back; nothing is decided here.

use crate::{
    ask::{Answer, Ask},
    bindings::detector::realign::evaluator::types as wire,
    contract::{
        Aggregation, Description, Direction, Failure, Item, Message, Metric, Note, Outcome, Prompt, Row,
        Sample, Scored, Span, Value,
    },
    kind::Progress,
};

/// Converts every element.
pub(super) fn all<A: Into<B>, B>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(Into::into).collect()
}

/// Records with the same fields on both sides: `from => to { same names; lists of records }`.
macro_rules! records {
    ($($from:ty => $to:ty { $($field:ident)* $(; $($list:ident)*)? })*) => {
        $(impl From<$from> for $to {
            fn from(value: $from) -> Self {
                Self { $($field: value.$field.into(),)* $($($list: all(value.$list),)*)? }
            }
        })*
    };
}

records! {
    wire::Message => Message { role content }
    Message => wire::Message { role content }
    wire::Note => Note { key value }
    Note => wire::Note { key value }
    wire::Row => Row { id body }
    wire::Answer => Answer { id body }
    wire::Sample => Sample { id group context response; prompt notes }
    wire::Item => Item { id group prompt body }
    Item => wire::Item { id group prompt body }
    Ask => wire::Ask { id kind body }
    Failure => wire::Failure { code message }
    Span => wire::Span { start end label }
    Value => wire::Value { metric numerator denominator }
    Scored => wire::Scored { ; values spans notes }
    Metric => wire::Metric { name unit direction low high chance aggregation }
}

impl From<wire::Prompt> for Prompt {
    fn from(prompt: wire::Prompt) -> Self {
        match prompt {
            wire::Prompt::Raw(text) => Self::Raw(text),
            wire::Prompt::Messages(messages) => Self::Messages { messages: all(messages) },
        }
    }
}

impl From<Prompt> for wire::Prompt {
    fn from(prompt: Prompt) -> Self {
        match prompt {
            Prompt::Raw(text) => Self::Raw(text),
            Prompt::Messages { messages } => Self::Messages(all(messages)),
        }
    }
}

impl From<Outcome> for wire::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Scored(scored) => Self::Scored(scored.into()),
            Outcome::NotApplicable(reason) => Self::NotApplicable(reason),
            Outcome::Cannot(failure) => Self::Cannot(failure.into()),
        }
    }
}

impl From<Progress> for wire::Progress {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Asks(asks) => Self::Asks(all(asks)),
            Progress::Done(outcomes) => Self::Done(all(outcomes)),
        }
    }
}

impl From<Direction> for wire::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Higher => Self::HigherIsBetter,
            Direction::Lower => Self::LowerIsBetter,
        }
    }
}

impl From<Aggregation> for wire::Aggregation {
    fn from(aggregation: Aggregation) -> Self {
        match aggregation {
            Aggregation::Mean => Self::Mean,
            Aggregation::RatioOfSums => Self::RatioOfSums,
            Aggregation::Geometric => Self::Geometric,
        }
    }
}

impl From<Description> for wire::Description {
    fn from(Description { about, metrics, asks }: Description) -> Self {
        Self {
            id: about.id.to_owned(),
            version: about.version.to_owned(),
            summary: about.summary.to_owned(),
            config_schema: about.config_schema.to_owned(),
            metrics: all(metrics),
            asks: all(asks),
        }
    }
}
