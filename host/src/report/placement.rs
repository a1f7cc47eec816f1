//! Where a job goes, and when it is done.

use std::fmt::Write as _;

use super::{calibration::rates, number, table, text::wrapped};
use crate::hardware::{
    decide::Kind,
    placement::{Placement, Span},
};

/// The whole report.
#[must_use]
pub fn render(placement: &Placement) -> String {
    let mut text = format!(
        "{} of {} tokens, {} parameters: {}\n{}\n",
        placement.task.name(),
        placement.tokens,
        number::short_count(placement.parameters),
        match placement.placement {
            Kind::Sharded => "sharded",
            Kind::Separate => "separate",
        },
        wrapped(&placement.reason),
    );
    let header = ["machine", "processor", "workers", "tok/s", "95 % interval", "share", "tokens", "done in"];
    let mut table = table::new(&header, &[2, 3, 4, 5, 6, 7]);
    for share in &placement.machines {
        table.add_row([
            share.machine.clone(),
            share.processor.clone(),
            share.workers.to_string(),
            number::rate(share.rate.mean),
            rates(&share.rate),
            number::value(share.share, "share"),
            share.tokens.to_string(),
            share.finish.map_or_else(
                || share.note.clone().unwrap_or_else(|| "-".into()),
                |finish| number::duration(finish.seconds),
            ),
        ]);
    }
    let _ = write!(text, "\n{}\n\ndone in {}\n", table::text(&table), span(&placement.finish));
    if placement.parameters != placement.measured_parameters {
        let measured = number::short_count(placement.measured_parameters);
        let note = format!(
            "measured with {measured} parameters; time per token and memory were taken in proportion to the size"
        );
        let _ = writeln!(text, "{note}");
    }
    text += "the interval covers the spread of the repeats when the machines were measured, nothing else";
    text
}

fn span(span: &Span) -> String {
    let high = span.high.map_or_else(|| "no limit".into(), number::duration);
    format!("{} ({} to {high})", number::duration(span.seconds), number::duration(span.low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::{
        calibration::{Calibration, Task},
        placement::{Candidate, GIGABIT, Job, place},
        samples::{other, small},
    };

    fn shown(job: &Job, machines: &[(&str, Calibration)]) -> String {
        let candidates: Vec<_> =
            machines.iter().map(|(name, calibration)| Candidate { name, calibration }).collect();
        let text = render(&place(job, &candidates).unwrap());
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        text
    }

    fn job(task: Task) -> Job {
        Job { task, tokens: 2_000_000, parameters: None, link: GIGABIT }
    }

    #[test]
    fn scoring_over_two_machines() {
        let fast = other("Another Processor", 2.0, 32 << 30);
        insta::assert_snapshot!(shown(&job(Task::Score), &[("here.json", small()), ("there.json", fast)]));
    }

    #[test]
    fn training_over_a_slow_link() {
        let fast = other("Another Processor", 2.0, 32 << 30);
        let job = Job { link: GIGABIT / 100.0, ..job(Task::Train) };
        insta::assert_snapshot!(shown(&job, &[("here.json", small()), ("there.json", fast)]));
    }

    #[test]
    fn a_larger_model_that_does_not_fit_everywhere() {
        let parameters = Some(8 * small().model.parameters);
        let tight = other("Tight", 2.0, 4 << 30);
        let job = Job { parameters, ..job(Task::Generate) };
        insta::assert_snapshot!(shown(&job, &[("here.json", small()), ("tight.json", tight)]));
    }
}
