//! After the release: do new transcripts still look like it?
//!
//! The transcripts' last replies are judged by the release's own evaluators, and each trait and the style match is held
//! against what the release showed on its test scenarios: a permutation test over conversations and scenario families
//! ([`crate::stats::two_sample`]), with Holm's correction over all of them. Where nothing changed, drift is raised in at
//! most the stated share of checks (5 %). Users ask other things than test scenarios do, so drift is a reason to look, not
//! a verdict on the model.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    compare::ItemValue,
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
    metrics::CellState,
    model::{Finish, Sample},
    stats::{bootstrap::Bootstrap, by_cluster, multiplicity::holm, two_sample},
    suite::{
        evaluators::Evaluators,
        identity,
        judge::Judge,
        load::Suite,
        persona_run::{self, style},
        record::Record,
        run::{Means, Observer},
    },
    train::{
        config::Role,
        data::{self, Content},
    },
};

/// Chance of raising drift where nothing changed.
pub const FALSE_ALARMS: f64 = 0.05;
/// Fewest conversations that are worth a test.
pub const LEAST: usize = 8;
const REPLICATES: usize = 10_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The stored run of the release.
    pub release: String,
    /// Digest of the transcripts.
    pub transcripts: Digest,
    /// Conversations.
    pub conversations: usize,
    /// Chance of raising drift where nothing changed, over all numbers together.
    pub false_alarms: f64,
    /// Traits and style match.
    pub numbers: Vec<DriftNumber>,
}

/// One number, then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftNumber {
    /// `trait/<id>` or `style-match`.
    pub name: String,
    /// On the release's test scenarios, families weighing the same.
    pub release: Option<f64>,
    /// In the transcripts, conversations weighing the same.
    pub now: Option<f64>,
    /// Scenario families and conversations behind them.
    pub clusters: (usize, usize),
    /// After Holm's correction.
    pub p: f64,
    /// Whether it has moved.
    pub drifted: bool,
}

impl Drift {
    /// Whether anything has moved.
    #[must_use]
    pub fn drifted(&self) -> bool {
        self.numbers.iter().any(|number| number.drifted)
    }
}

/// Judges transcripts, rows with `messages` that end with a reply, against a release.
///
/// # Errors
/// Exit 12 where the suite measures with other evaluators than the release was measured with; bad input for transcripts;
/// those of evaluators.
pub fn monitor(
    suite: &Suite,
    release: &Record,
    path: &Path,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Drift> {
    let evaluators =
        Evaluators::prepare(suite, means.sandbox).map_err(|error| error.within(suite.path.display()))?;
    same_instrument(suite, &evaluators, release, means)?;
    let samples = transcripts(path)?;
    let judge = &mut Judge { means, seed: suite.file.seed, observer };
    let now = values(suite, &evaluators, &samples, judge)?;
    Ok(Drift {
        release: release.name.clone(),
        transcripts: Digest::of_json(&samples),
        conversations: samples.len(),
        false_alarms: FALSE_ALARMS,
        numbers: numbers(&release.items, &now, suite.file.seed.derive("monitor").0),
    })
}

/// Detectors, style scorer and formulas have to be those of the release; what they are asked about may be anything.
fn same_instrument(
    suite: &Suite,
    evaluators: &Evaluators,
    release: &Record,
    means: &Means<'_>,
) -> Result<()> {
    let now = identity::instrument(suite, evaluators, means.sandbox.limits());
    let judges =
        |name: &&String| name.starts_with("detector/") || ["style", "formulas"].contains(&name.as_str());
    let changed =
        now.keys().filter(judges).find(|name| release.identity.instrument.get(*name) != now.get(*name));
    match changed {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Exit::NotComparable,
            format!("{name} is not what run {} was measured with", release.name),
        )
        .hint("use the suite and the components of the release")),
    }
}

/// The last reply of each conversation.
fn transcripts(path: &Path) -> Result<Vec<Sample>> {
    let rows = data::read_supervised(path, Role::Persona)?;
    let sample = |row: data::Row| {
        let Content::Conversation(mut prompt) = row.content else {
            return Err(Error::bad_input(format!("{}: a transcript needs `messages`", row.place)));
        };
        let reply = prompt.pop().map(|message| message.content).unwrap_or_default();
        Ok(Sample {
            family: row.family.unwrap_or_else(|| row.id.clone()),
            id: row.id,
            kind: "transcript".into(),
            prompt,
            response: reply,
            finish: Finish::End,
        })
    };
    rows.into_iter().map(sample).collect()
}

/// Values per trait and of the style match, as a run's items have them.
fn values(
    suite: &Suite,
    evaluators: &Evaluators,
    samples: &[Sample],
    judge: &mut Judge<'_, '_, '_>,
) -> Result<Vec<ItemValue>> {
    let cells = persona_run::trait_cells(&evaluators.detectors, samples, &mut Vec::new(), judge)?;
    let mut values: Vec<ItemValue> = cells
        .iter()
        .filter_map(|cell| {
            let value = match cell.state {
                CellState::Hit => 1.0,
                CellState::Miss => 0.0,
                CellState::Failed | CellState::NotApplicable => return None,
            };
            Some(ItemValue {
                metric: format!("trait/{}", cell.trait_id),
                item: cell.sample_id.clone(),
                cluster: cell.family.clone(),
                value,
            })
        })
        .collect();
    if let Some(prepared) = &evaluators.style {
        let outcomes = judge.outcomes(prepared, "style", samples)?;
        let (voice, other) = style::anchors(suite, prepared, judge)?;
        let scores = samples.iter().zip(&outcomes).filter_map(|(sample, outcome)| {
            Some((sample.id.as_str(), sample.family.as_str(), style::score(outcome)?))
        });
        values.extend(style::placed("style-match", scores, &voice, &other));
    }
    Ok(values)
}

/// Values, cluster by cluster.
type Clusters = Vec<Vec<f64>>;

/// Every number that both sides have.
fn numbers(release: &[ItemValue], now: &[ItemValue], seed: u64) -> Vec<DriftNumber> {
    fn tables(items: &[ItemValue]) -> BTreeMap<&str, Clusters> {
        let mut metrics: BTreeMap<&str, Vec<(&str, f64)>> = BTreeMap::new();
        for item in items {
            metrics.entry(&item.metric).or_default().push((&item.cluster, item.value));
        }
        metrics.into_iter().map(|(name, values)| (name, by_cluster(values))).collect()
    }
    let (before, after) = (tables(release), tables(now));
    let shared: Vec<(&str, &Clusters, &Clusters)> =
        after.iter().filter_map(|(name, now)| Some((*name, before.get(name)?, now))).collect();
    let bootstrap = Bootstrap { replicates: REPLICATES, seed };
    let p_values: Vec<f64> =
        shared.iter().map(|(_, before, now)| two_sample::permutation(before, now, bootstrap)).collect();
    shared
        .iter()
        .zip(holm(&p_values))
        .map(|((name, before, now), p)| DriftNumber {
            name: (*name).to_owned(),
            release: two_sample::mean_of_means(before),
            now: two_sample::mean_of_means(now),
            clusters: (before.len(), now.len()),
            p,
            drifted: p <= FALSE_ALARMS,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(metric: &str, count: usize, hits: usize) -> Vec<ItemValue> {
        (0..count)
            .map(|index| ItemValue {
                metric: metric.into(),
                item: index.to_string(),
                cluster: index.to_string(),
                value: f64::from(u8::from(index < hits)),
            })
            .collect()
    }

    #[test]
    fn a_trait_that_is_lost_is_drift_and_the_others_are_not() {
        let both =
            |thanks, brief| [items("trait/thanks", 40, thanks), items("trait/brief", 40, brief)].concat();
        let found = numbers(&both(39, 38), &both(20, 37), 1);
        let drifted: Vec<(&str, bool)> =
            found.iter().map(|number| (number.name.as_str(), number.drifted)).collect();
        assert_eq!(drifted, [("trait/brief", false), ("trait/thanks", true)]);
    }

    #[test]
    fn what_the_release_did_not_measure_is_not_compared() {
        assert!(numbers(&items("trait/thanks", 9, 9), &items("trait/other", 9, 0), 1).is_empty());
    }
}
