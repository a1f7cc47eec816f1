//! Records of contract 0.1 to and from the types of this crate. Nothing is checked here.

use super::{Subjects, wire};
use crate::{
    model::{ChatMessage, Failure, Finish, Note, Outcome, Sample, Span, Value},
    sandbox::{
        log::Level,
        types::{Aggregation, Answer, Ask, Description, Direction, Item, Metric, Prompt, Row},
        validate::Progress,
    },
};

/// Key of the note that tells why the response ended: `end`, `stop` or `length`.
const FINISH: &str = "finish";

pub(super) fn rows(rows: &[Row]) -> Vec<wire::Row<'_>> {
    rows.iter().map(|Row { id, body }| wire::Row { id, body }).collect()
}

pub(super) fn answers(answers: &[Answer]) -> Vec<wire::Answer<'_>> {
    answers.iter().map(|Answer { id, body }| wire::Answer { id, body }).collect()
}

/// The messages of each subject, for [`samples`] and [`items`] to borrow.
pub(super) fn messages(subjects: Subjects<'_>) -> Vec<Vec<wire::MessageParam<'_>>> {
    match subjects {
        Subjects::Samples(samples) => samples.iter().map(|sample| borrowed(&sample.prompt)).collect(),
        Subjects::Items(items) => items
            .iter()
            .map(|item| match &item.prompt {
                Prompt::Raw(_) => Vec::new(),
                Prompt::Messages(messages) => borrowed(messages),
            })
            .collect(),
    }
}

fn borrowed(messages: &[ChatMessage]) -> Vec<wire::MessageParam<'_>> {
    messages.iter().map(|ChatMessage { role, content }| wire::MessageParam { role, content }).collect()
}

pub(super) fn samples<'a>(
    samples: &'a [Sample],
    messages: &'a [Vec<wire::MessageParam<'a>>],
) -> Vec<wire::Sample<'a>> {
    let sample = |(sample, prompt): (&'a Sample, &'a Vec<_>)| wire::Sample {
        id: &sample.id,
        group: &sample.family,
        context: &sample.kind,
        prompt,
        response: &sample.response,
        notes: notes(sample.finish),
    };
    samples.iter().zip(messages).map(sample).collect()
}

pub(super) fn items<'a>(
    items: &'a [Item],
    messages: &'a [Vec<wire::MessageParam<'a>>],
) -> Vec<wire::ItemParam<'a>> {
    let item = |(item, messages): (&'a Item, &'a Vec<_>)| wire::ItemParam {
        id: &item.id,
        group: &item.group,
        prompt: match &item.prompt {
            Prompt::Raw(text) => wire::PromptParam::Raw(text),
            Prompt::Messages(_) => wire::PromptParam::Messages(messages),
        },
        body: &item.body,
    };
    items.iter().zip(messages).map(item).collect()
}

const fn notes(finish: Finish) -> &'static [wire::NoteParam<'static>] {
    match finish {
        Finish::End => &[wire::NoteParam { key: FINISH, value: "end" }],
        Finish::Stop => &[wire::NoteParam { key: FINISH, value: "stop" }],
        Finish::Length => &[wire::NoteParam { key: FINISH, value: "length" }],
    }
}

impl From<super::Level> for Level {
    fn from(level: super::Level) -> Self {
        match level {
            super::Level::Debug => Self::Debug,
            super::Level::Info => Self::Info,
            super::Level::Warn => Self::Warn,
            super::Level::Error => Self::Error,
        }
    }
}

impl From<wire::Description> for Description {
    fn from(description: wire::Description) -> Self {
        let wire::Description { id, version, summary, config_schema, metrics, asks } = description;
        let metrics = metrics.into_iter().map(Into::into).collect();
        Self { id, version, summary, config_schema, metrics, asks: asks.into_iter().collect() }
    }
}

impl From<wire::Metric> for Metric {
    fn from(metric: wire::Metric) -> Self {
        let wire::Metric { name, unit, direction, low, high, chance, aggregation } = metric;
        let direction = match direction {
            wire::Direction::HigherIsBetter => Direction::Higher,
            wire::Direction::LowerIsBetter => Direction::Lower,
        };
        let aggregation = match aggregation {
            wire::Aggregation::Mean => Aggregation::Mean,
            wire::Aggregation::RatioOfSums => Aggregation::RatioOfSums,
            wire::Aggregation::Geometric => Aggregation::Geometric,
        };
        Self { name, unit, direction, low, high, chance, aggregation }
    }
}

impl From<wire::ItemResult> for Item {
    fn from(item: wire::ItemResult) -> Self {
        let wire::ItemResult { id, group, prompt, body } = item;
        let message = |wire::MessageResult { role, content }| ChatMessage { role, content };
        let prompt = match prompt {
            wire::PromptResult::Raw(text) => Prompt::Raw(text),
            wire::PromptResult::Messages(messages) => {
                Prompt::Messages(messages.into_iter().map(message).collect())
            }
        };
        Self { id, group, prompt, body }
    }
}

impl From<wire::Progress> for Progress {
    fn from(progress: wire::Progress) -> Self {
        let ask = |wire::Ask { id, kind, body }| Ask { id, kind, body };
        match progress {
            wire::Progress::Asks(asks) => Self::Asks(asks.into_iter().map(ask).collect()),
            wire::Progress::Done(outcomes) => Self::Done(outcomes.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<wire::Outcome> for Outcome {
    fn from(outcome: wire::Outcome) -> Self {
        match outcome {
            wire::Outcome::Scored(wire::Scored { values, spans, notes }) => Self::Scored {
                values: values.into_iter().map(Into::into).collect(),
                spans: spans.into_iter().map(Into::into).collect(),
                notes: notes.into_iter().map(|wire::NoteResult { key, value }| Note { key, value }).collect(),
            },
            wire::Outcome::NotApplicable(reason) => Self::NotApplicable(reason),
            wire::Outcome::Cannot(failure) => Self::Failed(failure.into()),
        }
    }
}

impl From<wire::Value> for Value {
    fn from(wire::Value { metric, numerator, denominator }: wire::Value) -> Self {
        Self { metric, numerator, denominator }
    }
}

impl From<wire::Span> for Span {
    fn from(wire::Span { start, end, label }: wire::Span) -> Self {
        Self { start, end, label }
    }
}

impl From<wire::Failure> for Failure {
    fn from(wire::Failure { code, message }: wire::Failure) -> Self {
        Self { code, message }
    }
}
