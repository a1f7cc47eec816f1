//! A finished training as people read it.

use std::fmt::Write as _;

use super::{comparison, number, record, table};
use crate::train::{
    outcome::Outcome,
    state::Why,
    watch::{Number, Watched},
};

/// The whole report of a training whose folder is `folder`.
#[must_use]
pub fn render(outcome: &Outcome, folder: &str) -> String {
    let kind = match outcome.kind {
        crate::train::config::Kind::Sft => "sft",
        crate::train::config::Kind::Preference => "preference",
    };
    let mut text = format!("{}  ({kind}, {} steps, run {})\n\n", outcome.name, outcome.steps, outcome.id);
    let mut table = table::new(&["number", "value", "95 % interval", "n", "gate", "verdict"], &[1, 2, 3]);
    let none = || "-".to_owned();
    let plain = |name: &str, value: String| [name.to_owned(), value, none(), none(), none(), none()];
    if let Some(loss) = outcome.last_loss {
        table.add_row(plain("loss of the last step", number::value(loss, "nats")));
    }
    if let Some(found) = outcome.validated.iter().find(|found| found.step == outcome.exported_step) {
        table.add_row(plain("validation loss", number::value(found.loss, "nats")));
        if let Some((margin, accuracy)) = found.reward {
            table.add_row(plain("validation margin", number::value(margin, "nats")));
            table.add_row(plain("validation accuracy", number::value(accuracy, "share")));
        }
    }
    for metric in &outcome.metrics {
        let estimate = metric.estimate.as_ref();
        table.add_row([
            metric.name.clone(),
            estimate.map_or_else(none, |estimate| number::value(estimate.value, &metric.unit)),
            estimate.map_or_else(none, |estimate| number::interval(estimate, &metric.unit)),
            estimate.map_or_else(none, |estimate| estimate.n.to_string()),
            metric.threshold.map_or_else(none, |limit| format!("<= {}", number::value(limit, &metric.unit))),
            metric.verdict.map_or_else(none, |verdict| record::word(verdict).to_owned()),
        ]);
    }
    text += &table::text(&table);
    text.push('\n');
    for metric in &outcome.metrics {
        let _ = write!(text, "\n{}: {}", metric.name, record::notes(metric));
    }
    if let (Some(before), Some(after)) = (outcome.watched.first(), &outcome.exported) {
        text += "\n\ndev families, before training and with the adapter that came out\n\n";
        text += &watched(before, after);
        text.push('\n');
    }
    let steps = outcome.watched.iter().map(|watched| (format!("step {}", watched.step), watched));
    let exported = outcome.exported.iter().map(|watched| ("what came out".to_owned(), watched));
    for (place, watched) in steps.chain(exported) {
        for warning in &watched.warnings {
            let _ = write!(text, "\n{place}: {warning}");
        }
    }
    for guarded in &outcome.guarded {
        let what = if guarded.to == guarded.step {
            "half the rate from there on".to_owned()
        } else {
            format!("back to step {} with half the rate", guarded.to)
        };
        let _ = write!(text, "\nstep {}: divergence over the limit, {what}", guarded.step);
    }
    if outcome.metrics.is_empty() {
        text += "\nno divergence was measured: name prompts in [kl] to hold it under a limit";
    }
    for line in verdict(outcome) {
        let _ = write!(text, "\n{line}");
    }
    let _ = write!(
        text,
        "\nstep {}, scale x {:.3}: {folder}/{}",
        outcome.exported_step, outcome.factor, outcome.adapter
    );
    text
}

/// Why this step came out, where it is not simply the last one, and what speaks against it.
fn verdict(outcome: &Outcome) -> Vec<String> {
    let step = outcome.exported_step;
    let why = match outcome.why {
        Why::Last => None,
        Why::LowestLoss => {
            Some(format!("step {step} came out: the lowest validation loss without a warning"))
        }
        Why::LatestWithoutWarning => {
            Some(format!("step {step} came out: the latest that the suite saw without a warning"))
        }
        Why::EveryStepWarned => {
            Some(format!("step {step} came out, the last one: every step that the suite saw has a warning"))
        }
    };
    let warnings: Vec<String> = outcome.warnings().iter().map(ToString::to_string).collect();
    let against =
        (!warnings.is_empty()).then(|| format!("what came out has not passed: {}", warnings.join("; ")));
    why.into_iter().chain(against).collect()
}

/// The numbers that were estimated on both sides: those that are compared item by item, and those that sum others up.
fn watched(before: &Watched, after: &Watched) -> String {
    let mut table = table::new(
        &["metric", "before", "95 % interval", "after", "95 % interval", "n", "change"],
        &[1, 2, 3, 4, 5],
    );
    for (name, was) in &before.numbers {
        let Some(is) = after.numbers.get(name) else { continue };
        let change = after.changes.get(name);
        // A part of another number, or a second form of it, is for `compare` and the record.
        if change.is_none() && name.contains('/') {
            continue;
        }
        let change = change.map_or("-", |change| comparison::word(*change));
        let shown = |number: &Number| number::value(number.estimate.value, &number.unit);
        let spread = |number: &Number| number::interval(&number.estimate, &number.unit);
        table.add_row([
            name.clone(),
            shown(was),
            spread(was),
            shown(is),
            spread(is),
            is.estimate.n.to_string(),
            change.to_owned(),
        ]);
    }
    table::text(&table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::Change,
        model::Estimate,
        train::watch::{Number, Warning, Watched},
    };

    fn seen(step: u32, shift: f64, change: Change) -> Watched {
        let number = |name: &str, unit: &str, value: f64| {
            let value = value + shift;
            let estimate = Estimate { value, low: value - 0.11, high: value + 0.11, n: 320, clusters: 10 };
            (name.to_owned(), Number { unit: unit.to_owned(), estimate })
        };
        let numbers = [
            number("adherence", "share", 0.366),
            number("consistency", "share", 0.458),
            number("consistency/paraphrase", "share", 0.458),
            number("minimal-pairs/accuracy-normalised", "share", 0.783),
            number("trait/acknowledges-first", "share", 0.225),
            number("style-match", "m'", -0.338),
        ];
        let changes =
            ["adherence", "style-match", "trait/acknowledges-first"].map(|name| (name.to_owned(), change));
        Watched {
            step,
            run: "run".into(),
            numbers: numbers.into(),
            changes: changes.into(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn both_sides_of_a_watch_fit_100_columns_without_a_broken_line() {
        let text = watched(&seen(0, 0.0, Change::CannotTell), &seen(24, 0.09, Change::Improved));
        assert_eq!(text.lines().count(), 5, "{text}");
        insta::assert_snapshot!(text, @r"
        metric                    before     95 % interval   after     95 % interval    n  change
        adherence                 36.6 %    25.6 to 47.6 %  45.6 %    34.6 to 56.6 %  320  improved
        consistency               45.8 %    34.8 to 56.8 %  54.8 %    43.8 to 65.8 %  320  -
        style-match               -0.338  -0.448 to -0.228  -0.248  -0.358 to -0.138  320  improved
        trait/acknowledges-first  22.5 %    11.5 to 33.5 %  31.5 %    20.5 to 42.5 %  320  improved
        ");
    }

    #[test]
    fn why_a_step_came_out_and_what_speaks_against_it_is_said() {
        let mut outcome: Outcome = serde_json::from_value(serde_json::json!({
            "format": 1, "id": "0123456789ab", "name": "sft", "kind": "sft", "adapter": "adapter", "steps": 24,
            "exported_step": 24, "why": "every-step-warned", "factor": 1.0, "last_loss": null, "validated": [],
            "measured": [], "guarded": [], "metrics": [], "digests": {}, "subject": {}, "engine": {}, "plan": {},
        }))
        .unwrap();
        assert!(outcome.passed());
        let warning = |metric: &str| Warning::HeldOutLost(metric.into());
        let watched = seen(24, 0.0, Change::Regressed);
        outcome.watched = vec![Watched { warnings: vec![warning("style-match")], ..watched.clone() }];
        let again = vec![warning("style-match"), Warning::CapabilityLost("facts/accuracy".into())];
        outcome.exported = Some(Watched { warnings: again, ..watched });
        assert!(!outcome.passed());
        insta::assert_snapshot!(verdict(&outcome).join("\n"), @r"
        step 24 came out, the last one: every step that the suite saw has a warning
        what came out has not passed: style-match, held out, sees less of the persona; facts/accuracy is worse than before training
        ");
        (outcome.exported_step, outcome.why) = (12, Why::LatestWithoutWarning);
        outcome.exported = None;
        assert!(outcome.passed(), "the warning is another step's");
        insta::assert_snapshot!(verdict(&outcome).join("\n"), @"step 12 came out: the latest that the suite saw without a warning");
    }
}
