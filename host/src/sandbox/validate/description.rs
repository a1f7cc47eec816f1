//! What an evaluator says about itself.

use std::collections::BTreeSet;

use super::{Untrusted, text};
use crate::sandbox::types::{Aggregation, Description, Kind, Metric};

const SUMMARY_BYTES: usize = 512;
const SCHEMA_BYTES: usize = 64 << 10;
const UNIT_BYTES: usize = 32;
const METRICS: usize = 16;
const ASKS: usize = 16;

/// Checks a description; the error is a line for people.
pub(in crate::sandbox) fn description(
    Untrusted(description): Untrusted<Description>,
    kind: Kind,
) -> Result<Description, String> {
    text::name("id", &description.id)?;
    text::version(&description.version)?;
    text::line("summary", &description.summary, SUMMARY_BYTES)?;
    text::json_object("config-schema", &description.config_schema, SCHEMA_BYTES)?;
    count("metrics", description.metrics.len(), METRICS)?;
    count("asks", description.asks.len(), ASKS)?;
    let mut names = BTreeSet::new();
    for described in &description.metrics {
        metric(described)?;
        if !names.insert(&described.name) {
            return Err(format!("metric {} is described twice", described.name));
        }
    }
    first(kind, description.metrics.first().ok_or("it describes no metric, at least 1 is needed")?)?;
    description.asks.iter().try_for_each(|ask| text::name("ask kind", ask))?;
    Ok(description)
}

fn count(what: &str, count: usize, limit: usize) -> Result<(), String> {
    if count > limit { Err(format!("it describes {count} {what}, {limit} are allowed")) } else { Ok(()) }
}

fn metric(metric: &Metric) -> Result<(), String> {
    let Metric { name, unit, low, high, chance, aggregation, .. } = metric;
    text::name("metric name", name)?;
    text::within("metric unit", unit, UNIT_BYTES)?;
    for (what, bound) in [("low", low), ("high", high), ("chance", chance)] {
        if bound.is_some_and(|bound| !bound.is_finite()) {
            return Err(format!("metric {name}: {what} is not a finite number"));
        }
    }
    if let (Some(low), Some(high)) = (low, high)
        && low >= high
    {
        return Err(format!("metric {name}: low {low} is not below high {high}"));
    }
    if let Some(chance) = chance
        && (low.is_some_and(|low| *chance < low) || high.is_some_and(|high| *chance > high))
    {
        return Err(format!("metric {name}: chance {chance} is out of its range"));
    }
    if *aggregation == Aggregation::Geometric && low.is_none_or(|low| low < 0.0) {
        return Err(format!("metric {name}: a geometric mean needs low to be at least 0"));
    }
    Ok(())
}

/// Verdicts are made of the first metric, so its meaning is fixed by the kind.
fn first(kind: Kind, metric: &Metric) -> Result<(), String> {
    let wanted = match kind {
        Kind::TraitDetector => "presence",
        Kind::StyleScorer => "match",
        Kind::Benchmark => return Ok(()),
    };
    if metric.name != wanted {
        return Err(format!("the first metric of a {kind} is {wanted}, not {}", metric.name));
    }
    if kind == Kind::TraitDetector && (metric.low, metric.high) != (Some(0.0), Some(1.0)) {
        return Err("metric presence must range from 0 to 1".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::types::Direction;

    fn presence() -> Metric {
        Metric {
            name: "presence".into(),
            unit: String::new(),
            direction: Direction::Higher,
            low: Some(0.0),
            high: Some(1.0),
            chance: None,
            aggregation: Aggregation::Mean,
        }
    }

    fn check(kind: Kind, change: impl FnOnce(&mut Description)) -> String {
        let mut valid = Description {
            id: "example".into(),
            version: "0.1.0".into(),
            summary: "Finds examples.".into(),
            config_schema: "{}".into(),
            metrics: vec![presence()],
            asks: BTreeSet::new(),
        };
        change(&mut valid);
        description(Untrusted(valid), kind).map_or_else(|message| message, |_| "valid".to_owned())
    }

    #[test]
    fn descriptions_are_checked_field_by_field() {
        let detector = |change: fn(&mut Description)| check(Kind::TraitDetector, change);
        let lines = [
            detector(|_| ()),
            detector(|d| d.id = "Example".into()),
            detector(|d| d.version = "one".into()),
            detector(|d| d.summary = "two\nlines".into()),
            detector(|d| d.config_schema = "[]".into()),
            detector(|d| d.metrics.clear()),
            detector(|d| d.metrics.push(presence())),
            detector(|d| d.metrics = vec![presence(); 17]),
            detector(|d| d.asks = BTreeSet::from(["Shell".into()])),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        valid
        id has other characters than a-z, 0-9 and -
        version is not MAJOR.MINOR.PATCH
        summary has control characters
        config-schema is not a JSON object
        it describes no metric, at least 1 is needed
        metric presence is described twice
        it describes 17 metrics, 16 are allowed
        ask kind has other characters than a-z, 0-9 and -
        ");
    }

    #[test]
    fn metrics_are_checked_for_their_numbers() {
        let presence = |change: fn(&mut Metric)| check(Kind::TraitDetector, |d| change(&mut d.metrics[0]));
        let lines = [
            presence(|m| m.low = Some(f64::NAN)),
            presence(|m| m.high = Some(0.0)),
            presence(|m| m.high = Some(2.0)),
            presence(|m| m.chance = Some(1.5)),
            presence(|m| m.name = "match".into()),
            check(Kind::StyleScorer, |_| ()),
            check(Kind::Benchmark, |_| ()),
            check(Kind::Benchmark, |d| {
                d.metrics[0].aggregation = Aggregation::Geometric;
                d.metrics[0].low = None;
            }),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        metric presence: low is not a finite number
        metric presence: low 0 is not below high 0
        metric presence must range from 0 to 1
        metric presence: chance 1.5 is out of its range
        the first metric of a trait-detector is presence, not match
        the first metric of a style-scorer is match, not presence
        valid
        metric presence: a geometric mean needs low to be at least 0
        ");
    }
}
