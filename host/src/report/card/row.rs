//! Rows of a card's tables, for the terminal and the page alike.

use super::{
    BenchmarkNumbers, Card, Confusion, DetectorNumbers, Numbers, Separation, StyleNumbers, number, pair,
};
use crate::{
    gates::Evidence,
    metrics::card::{Contrast, Label, detector::AtThreshold},
    plugins::card::Mistake,
    report::record,
};

/// Against, texts, area with interval, length alone, lead with interval.
pub(super) fn contrasts(separation: &Separation) -> Vec<Vec<String>> {
    let row = |found: &Contrast| {
        let [area, area_interval] = pair(found.auc.as_ref(), "");
        let [length, _] = pair(found.length.as_ref(), "");
        let [lead, lead_interval] = pair(found.lead.as_ref(), "");
        let texts = format!("{} + {}", found.right, found.others);
        vec![found.against.clone(), texts, area, area_interval, length, lead, lead_interval]
    };
    separation.contrasts.iter().map(row).collect()
}

/// The thresholds with their names.
fn named(numbers: &DetectorNumbers) -> impl Iterator<Item = (String, &AtThreshold)> {
    let given = numbers.at_given.as_ref().map(|at| (format!("{} given", short(at.threshold)), at));
    let folds = numbers.folds;
    let calibrated = numbers
        .at_calibrated
        .as_ref()
        .map(move |at| (format!("{} calibrated, {folds} folds", short(at.threshold)), at));
    given.into_iter().chain(calibrated)
}

/// Threshold, which share, value, interval, texts that it is a share of.
pub(super) fn thresholds(numbers: &DetectorNumbers) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (name, AtThreshold { operating, .. }) in named(numbers) {
        let shares = [
            ("accuracy", &operating.accuracy),
            ("sensitivity", &operating.sensitivity),
            ("false alarm", &operating.false_alarm),
        ];
        for (what, share) in shares {
            let [value, interval] = pair(share.as_ref(), "share");
            let n = share.as_ref().map_or_else(|| "-".into(), |share| share.estimate.n.to_string());
            rows.push(vec![name.clone(), what.into(), value, interval, n]);
        }
    }
    rows
}

/// Which text was taken for what, by threshold.
pub(super) fn confusions(numbers: &DetectorNumbers) -> Vec<(String, Confusion)> {
    named(numbers).map(|(name, at)| (name, at.operating.confusion)).collect()
}

/// A confusion as cells: threshold, right taken and refused, others taken and refused.
pub(super) fn confusion((name, found): (String, Confusion)) -> Vec<String> {
    let Confusion { right_taken, right_refused, other_taken, other_refused } = found;
    let counts = [right_taken, right_refused, other_taken, other_refused];
    std::iter::once(name).chain(counts.map(|count| count.to_string())).collect()
}

/// What else there is to say of a style scorer or a benchmark.
pub(super) fn facts(card: &Card) -> Vec<(&'static str, String)> {
    let value = |found: Option<f64>| found.map_or_else(|| "-".to_owned(), |found| format!("{found:.3}"));
    match &card.numbers {
        Numbers::Detector(numbers) => {
            let Some(at) = numbers.at_given.as_ref().or(numbers.at_calibrated.as_ref()) else {
                return Vec::new();
            };
            let fact = |(label, found): (&Label, &Evidence)| {
                let [share, interval] = pair(Some(found), "share");
                let name = match label {
                    Label::Wrong => "false alarm on wrong personas",
                    Label::Right | Label::None => "false alarm without a persona",
                };
                (name, format!("{share} ({interval}) at {}, n {}", short(at.threshold), found.estimate.n))
            };
            at.operating.false_alarm_by_label.iter().map(fact).collect()
        }
        Numbers::Style(numbers) => {
            let StyleNumbers { mean_right, mean_others, own_variation, gate, .. } = numbers.as_ref();
            let own = own_variation.map_or_else(|| "-".into(), |own| number::value(own, "share"));
            vec![
                ("mean match of right texts", value(*mean_right)),
                ("mean match of others", value(*mean_others)),
                (
                    "own variation in blocks of 4",
                    format!("{own}, the gate is below {}", number::value(*gate, "share")),
                ),
            ]
        }
        Numbers::Benchmark(numbers) => {
            let BenchmarkNumbers {
                metric, direction, items, groups, chance, guessing, baseline, needed, ..
            } = numbers.as_ref();
            let measured = |found: &Option<_>| {
                let [shown, interval] = pair(found.as_ref(), "");
                if found.is_some() { format!("{shown} ({interval})") } else { shown }
            };
            let mut rows = vec![
                ("metric", metric.clone()),
                ("items", format!("{items} in {groups} groups")),
                ("chance, as the component says", value(*chance)),
                ("chance, measured by guessing", measured(guessing)),
                ("the model", measured(baseline)),
            ];
            rows.extend(direction.map(|_| ("needed for headroom", value(*needed))));
            rows
        }
    }
}

/// Id, label, score and beginning of a text.
pub(super) fn mistake(mistake: &Mistake) -> [String; 4] {
    let label = match mistake.label {
        Label::Right => "right",
        Label::Wrong => "wrong",
        Label::None => "none",
    };
    [mistake.id.clone(), label.into(), format!("{:.3}", mistake.score), mistake.text.clone()]
}

/// The digests that say which evaluator it is.
pub(super) fn identity(card: &Card) -> Vec<(&'static str, String)> {
    let evaluator = &card.evaluator;
    [
        ("component", &evaluator.component),
        ("config", &evaluator.config),
        ("state", &evaluator.state),
        ("data", &evaluator.data),
    ]
    .map(|(name, digest)| (name, digest.to_string()))
    .to_vec()
}

/// One line of many: name, area with interval, length alone, sensitivity, false alarm, verdict.
pub(super) fn summary(card: &Card) -> Vec<String> {
    let none = || "-".to_owned();
    let (separation, at) = match &card.numbers {
        Numbers::Detector(numbers) => {
            (Some(&numbers.separation), numbers.at_given.as_ref().or(numbers.at_calibrated.as_ref()))
        }
        Numbers::Style(numbers) => (Some(&numbers.separation), None),
        Numbers::Benchmark(_) => (None, None),
    };
    let against = separation.map(|found| &found.contrasts[0]);
    let [area, interval] = pair(against.and_then(|against| against.auc.as_ref()), "");
    let [length, _] = pair(against.and_then(|against| against.length.as_ref()), "");
    let share =
        |found: Option<&Option<_>>| found.map_or_else(none, |found| pair(found.as_ref(), "share")[0].clone());
    vec![
        card.name.clone(),
        area,
        interval,
        length,
        share(at.map(|at| &at.operating.sensitivity)),
        share(at.map(|at| &at.operating.false_alarm)),
        record::word(card.decision().verdict).to_owned(),
    ]
}

/// A threshold without needless digits.
fn short(value: f64) -> String {
    format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
}
