//! Records of contract 0.1 to and from the types of this crate. Nothing is checked here.

use super::wire;
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

pub(super) fn rows(rows: &[Row]) -> Vec<wire::Row> {
    rows.iter().map(|Row { id, body }| wire::Row { id: id.clone(), body: body.clone() }).collect()
}

pub(super) fn answers(answers: &[Answer]) -> Vec<wire::Answer> {
    answers.iter().map(|Answer { id, body }| wire::Answer { id: id.clone(), body: body.clone() }).collect()
}

pub(super) fn samples(samples: &[Sample]) -> Vec<wire::Sample> {
    let sample = |sample: &Sample| wire::Sample {
        id: sample.id.clone(),
        group: sample.family.clone(),
        context: sample.kind.clone(),
        prompt: messages(&sample.prompt),
        response: sample.response.clone(),
        notes: vec![wire::Note { key: FINISH.to_owned(), value: finish(sample.finish).to_owned() }],
    };
    samples.iter().map(sample).collect()
}

pub(super) fn items(items: &[Item]) -> Vec<wire::Item> {
    let prompt = |prompt: &Prompt| match prompt {
        Prompt::Raw(text) => wire::Prompt::Raw(text.clone()),
        Prompt::Messages(list) => wire::Prompt::Messages(messages(list)),
    };
    let item = |item: &Item| wire::Item {
        id: item.id.clone(),
        group: item.group.clone(),
        prompt: prompt(&item.prompt),
        body: item.body.clone(),
    };
    items.iter().map(item).collect()
}

fn messages(messages: &[ChatMessage]) -> Vec<wire::Message> {
    let message = |message: &ChatMessage| wire::Message {
        role: message.role.clone(),
        content: message.content.clone(),
    };
    messages.iter().map(message).collect()
}

const fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::End => "end",
        Finish::Stop => "stop",
        Finish::Length => "length",
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

impl From<wire::Item> for Item {
    fn from(item: wire::Item) -> Self {
        let wire::Item { id, group, prompt, body } = item;
        let message = |wire::Message { role, content }| ChatMessage { role, content };
        let prompt = match prompt {
            wire::Prompt::Raw(text) => Prompt::Raw(text),
            wire::Prompt::Messages(messages) => Prompt::Messages(messages.into_iter().map(message).collect()),
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
                notes: notes.into_iter().map(|wire::Note { key, value }| Note { key, value }).collect(),
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
