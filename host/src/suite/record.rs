//! What a run leaves behind: numbers with what stands behind them, and the items that `compare` pairs.
//!
//! A record holds no clock and no path, so the same evaluation gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    compare::{Identity, ItemValue, MetricInfo, Side},
    ids::Digest,
    model::{Direction, Estimate, Verdict},
    stats::{Evidence, Interval},
};

/// Version of the record; raised when an old reader would misread a new record.
pub const FORMAT: u32 = 1;

/// A finished evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// Id of the run.
    pub id: String,
    /// Name of the run.
    pub name: String,
    /// Name of the suite or task.
    pub suite: String,
    /// What the numbers depend on.
    pub identity: Identity,
    /// The numbers, in the order in which reports show them.
    pub metrics: Vec<Metric>,
    /// What the numbers were computed from, in a fixed order.
    pub items: Vec<ItemValue>,
    /// Evaluator failures by evaluator and code.
    pub failures: BTreeMap<String, usize>,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// `adherence`, `trait/<id>`, `consistency`, `style-variance`, `<benchmark>/<metric>`.
    pub name: String,
    /// What it counts in.
    pub unit: String,
    /// Which way is better; absent where no way is: a part of a profile.
    pub direction: Option<Direction>,
    /// What one item's value cannot leave, where that is known.
    pub range: Option<Interval>,
    /// Name and version of the formula.
    pub formula: String,
    /// Value, interval and counts; absent where too little was measured.
    pub estimate: Option<Estimate>,
    /// Both one-sided 95 % bounds, where there are any; runs that were stored before they were kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Interval>,
    /// The one-sided 95 % bound that the gate looked at.
    pub bound: Option<f64>,
    /// What the gate asks for.
    pub threshold: Option<f64>,
    /// What the gate concluded; absent where there is no gate.
    pub verdict: Option<Verdict>,
    /// Why, in a sentence; empty where there is nothing to say.
    pub reason: String,
    /// Whether its interval misses more often than it says, because the values have a long tail in few clusters; see
    /// [`crate::stats::mean::Mean::has_long_tail`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub long_tail: bool,
    /// Numbers that belong beside it: controls, agreement, chance.
    pub beside: BTreeMap<String, f64>,
}

/// Name under which what guessing gives stands beside a number.
pub const CHANCE: &str = "chance";

impl Metric {
    /// What a gate may look at. Without stored bounds the two-sided ends stand for them, which are a little wider.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        let estimate = self.estimate?;
        let Interval { low: lower, high: upper } =
            self.bounds.unwrap_or(Interval { low: estimate.low, high: estimate.high });
        Some(Evidence { estimate, lower, upper, effective_n: None, long_tail: self.long_tail })
    }

    /// Whether it measures a capability: metrics of benchmarks are named after them, and the persona's parts are not.
    #[must_use]
    pub fn is_benchmark(&self) -> bool {
        let part = self.name.split_once('/').map(|(part, _)| part);
        part.is_some_and(|part| part != "trait" && part != "consistency")
    }
}

impl Record {
    /// Digest of everything in the record.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The verdict of the run: the worst of its gates, `None` where it has none.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        worst(&self.metrics)
    }

    /// What a comparison takes of it.
    #[must_use]
    pub fn side(&self) -> Side<'_> {
        let reported = self.metrics.iter().map(|metric| (metric.name.as_str(), metric.evidence())).collect();
        Side { identity: &self.identity, values: &self.items, reported }
    }

    /// Per metric what a comparison has to know. Of several numbers of one benchmark or task the first that has items is
    /// the capability: counted twice, one benchmark could stand for the two that retention asks for.
    #[must_use]
    pub fn directions(&self) -> BTreeMap<String, MetricInfo> {
        let compared: BTreeSet<&str> = self.items.iter().map(|item| item.metric.as_str()).collect();
        let mut seen = BTreeSet::new();
        let info = |metric: &Metric| {
            let name = metric.name.as_str();
            let part = name.rsplit_once('/').map_or(name, |(part, _)| part).to_owned();
            let benchmark = metric.is_benchmark() && compared.contains(name) && seen.insert(part);
            let chance = metric.beside.get(CHANCE).copied();
            (
                name.to_owned(),
                MetricInfo { direction: metric.direction, range: metric.range, chance, benchmark },
            )
        };
        self.metrics.iter().map(info).collect()
    }
}

/// The worst verdict of all gates, `None` where there is none.
#[must_use]
pub fn worst(metrics: &[Metric]) -> Option<Verdict> {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::Inconclusive => 1,
        Verdict::Insufficient => 2,
        Verdict::NoHeadroom => 3,
        Verdict::NotReached => 4,
        Verdict::Pass => 5,
    };
    metrics.iter().filter_map(|metric| metric.verdict).min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::persona_run::plain;

    #[test]
    fn a_task_with_two_numbers_is_one_capability() {
        let item = |metric: &str| ItemValue {
            metric: metric.into(),
            item: "1".into(),
            cluster: "1".into(),
            value: 1.0,
        };
        let names = ["adherence", "words/word_perplexity", "arc/acc", "arc/acc_norm", "trait/brief"];
        let record = Record {
            format: FORMAT,
            id: String::new(),
            name: String::new(),
            suite: String::new(),
            identity: Identity::default(),
            metrics: names.iter().map(|name| plain((*name).into(), "", None)).collect(),
            items: ["adherence", "arc/acc", "arc/acc_norm", "trait/brief"].map(item).into(),
            failures: BTreeMap::new(),
        };
        let directions = record.directions();
        let kept: Vec<&String> =
            directions.iter().filter(|(_, info)| info.benchmark).map(|(name, _)| name).collect();
        assert_eq!(kept, ["arc/acc"]);
    }
}
