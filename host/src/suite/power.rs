//! What a suite can see, said before anything runs.
//!
//! For shares of right-or-wrong items the spread of a paired difference follows from the share of items that change: with a
//! share `c` of them, the standard error is at most `sqrt(c / n)`. How far items of one cluster change together is not known
//! before, so two numbers are given: `n` as many as items (each changes by itself) and as many as clusters (all of a cluster
//! change together). The truth lies between. Other values have no spread that could be known before a run.
//!
//! Retention asks more of clusters: of a benchmark in which nothing changes few of them prove little, because one that was not drawn may
//! be lost whole ([`gaffke`]). What they prove stands beside.
//!
//! A group's number is a mean over the documents of its tasks, or over the tasks: then a document of a short task counts for more,
//! `sqrt(sum_t c w_t^2 / n_t)` with the weights of the tasks.

use serde::Serialize;

use super::{
    load::Suite,
    task_run::{self, GroupNumber},
};
use crate::{
    sandbox::Item,
    stats::{ONE_SIDED_ALPHA, by_cluster, gaffke, power},
    tasks::{metric::Metric, set::TaskSet},
};

/// Share of items that change between two versions of a model, in plans (domain research: 10 % to 20 %).
const CHANGING: f64 = 0.10;

/// What one metric can see.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sight {
    /// Metric.
    pub metric: String,
    /// Items.
    pub items: usize,
    /// Clusters.
    pub clusters: usize,
    /// Smallest difference that shows with 80 % power if every item changes by itself; absent where the spread is not known.
    pub least: Option<f64>,
    /// The same if the items of a cluster change together.
    pub most: Option<f64>,
    /// Of a benchmark that is right or wrong: the share that is proven to be kept if no item changes, since whole clusters might.
    pub unlost: Option<f64>,
}

/// What every metric that is compared can see.
#[must_use]
pub fn sights(suite: &Suite, items: &[Vec<Item>], right_or_wrong: &[bool]) -> Vec<Sight> {
    let mut sights = Vec::new();
    let families = distinct(suite.scenarios.iter().map(|scenario| scenario.family.as_str()));
    let (responses, traits) = (suite.scenarios.len(), suite.file.detector.len());
    if traits > 0 {
        sights.push(sight("adherence".into(), responses * traits, families, true));
        let of_trait = |id: &str| sight(format!("trait/{id}"), responses, families, true);
        sights.extend(suite.file.detector.iter().map(|detector| of_trait(&detector.trait_id)));
    }
    if suite.file.style.is_some() {
        sights.push(sight("style-match".into(), responses, families, false));
    }
    for ((spec, items), shares) in suite.file.benchmark.iter().zip(items).zip(right_or_wrong) {
        let clusters = distinct(items.iter().map(|item| item.group.as_str()));
        let unlost = shares.then(|| unlost(items.iter().map(|item| item.group.as_str())));
        let seen = sight(format!("{}/{}", spec.id, spec.metric), items.len(), clusters, *shares);
        sights.push(Sight { unlost, ..seen });
    }
    for task in suite.tasks.iter().flat_map(|set| &set.tasks) {
        let documents = task.documents.len();
        let alone = gaffke::unlost(std::iter::repeat_n(1, documents), ONE_SIDED_ALPHA);
        let of = |(name, metric): (String, &Metric)| {
            let unlost = metric.is_share().then_some(alone);
            Sight { unlost, ..sight(name, documents, documents, metric.is_share()) }
        };
        sights.extend(task_run::compared(task).map(of));
    }
    for set in &suite.tasks {
        sights.extend(task_run::group_numbers(set).iter().map(|number| of_group(set, number)));
    }
    sights
}

/// Documents are clusters of their own, and a group's numbers are of right or wrong ones.
fn of_group(set: &TaskSet, number: &GroupNumber<'_>) -> Sight {
    let parts: Vec<(f64, f64)> = number
        .tasks
        .iter()
        .map(|(place, count)| (set.tasks[*place].documents.len() as f64, *count as f64))
        .collect();
    let weight = |(documents, count): &(f64, f64)| {
        if number.aggregate.weight_by_size { documents * count } else { *count }
    };
    let whole: f64 = parts.iter().map(weight).sum();
    let variance: f64 = parts.iter().map(|part| CHANGING * (weight(part) / whole).powi(2) / part.0).sum();
    let items = number.tasks.keys().map(|place| set.tasks[*place].documents.len()).sum();
    let detectable = power::minimum_detectable_difference(variance.sqrt(), items);
    let metric = format!("{}/{}", number.group.name, number.name);
    Sight { metric, items, clusters: items, least: detectable, most: detectable, unlost: None }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.collect::<std::collections::BTreeSet<_>>().len()
}

fn sight(metric: String, items: usize, clusters: usize, right_or_wrong: bool) -> Sight {
    let detectable = |n: usize| {
        let standard_error = (CHANGING / n.max(1) as f64).sqrt();
        power::minimum_detectable_difference(standard_error, clusters).filter(|_| right_or_wrong)
    };
    Sight { metric, items, clusters, least: detectable(items), most: detectable(clusters), unlost: None }
}

/// What items of these groups prove to be kept if none changes.
fn unlost<'a>(groups: impl Iterator<Item = &'a str>) -> f64 {
    gaffke::unlost(by_cluster(groups.map(|group| (group, ()))).iter().map(Vec::len), ONE_SIDED_ALPHA)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{stats::quantile, tasks::task::Options};

    #[test]
    fn clusters_see_less_than_items_and_more_items_see_more() {
        let few = sight("m".into(), 100, 20, true);
        let many = sight("m".into(), 400, 80, true);
        let (least, most) = (few.least.expect("shares"), few.most.expect("shares"));
        assert!(least < most && many.least.expect("shares") < least);
        // (t + t) sqrt(0.1 / 20) with 19 degrees of freedom.
        assert!((most - (2.093_024 + 0.860_951) * (0.1_f64 / 20.0).sqrt()).abs() < 1e-5, "{most}");
    }

    #[test]
    fn what_has_no_known_spread_promises_nothing() {
        assert_eq!(sight("m".into(), 100, 20, false).least, None);
        assert_eq!(sight("m".into(), 100, 1, true).least, None);
    }

    #[test]
    fn a_group_has_a_line_by_how_it_weighs_its_tasks() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tasks/fine/group.yaml");
        let set = TaskSet::read(path.as_ref(), &Options::default()).expect("a group");
        let sights: Vec<Sight> =
            task_run::group_numbers(&set).iter().map(|number| of_group(&set, number)).collect();
        let names: Vec<&str> = sights.iter().map(|sight| sight.metric.as_str()).collect();
        assert_eq!(names, ["zoo/acc", "zoo/acc_norm", "zoo::inner/acc_norm"]);
        for (sight, number) in sights.iter().zip(task_run::group_numbers(&set)) {
            let sizes: Vec<(f64, f64)> = number
                .tasks
                .iter()
                .map(|(place, count)| (set.tasks[*place].documents.len() as f64, *count as f64))
                .collect();
            let items: f64 = sizes.iter().map(|(documents, _)| documents).sum();
            // Each document's weight in the mean, squared.
            let counts: f64 = sizes.iter().map(|(_, count)| count).sum();
            let entries: f64 = sizes.iter().map(|(documents, count)| documents * count).sum();
            let squares: f64 = sizes
                .iter()
                .map(|(documents, count)| {
                    let weight =
                        if sight.metric == "zoo/acc" { count / entries } else { count / counts / documents };
                    documents * weight * weight
                })
                .sum();
            let t = quantile::t_upper(0.025, items - 1.0) + quantile::t_upper(0.2, items - 1.0);
            let expected = t * (CHANGING * squares).sqrt();
            assert!((sight.least.expect("shares") - expected).abs() < 1e-9, "{sight:?}, expected {expected}");
        }
    }
}
