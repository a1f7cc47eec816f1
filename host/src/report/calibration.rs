//! What was measured of a machine: numbers with their intervals, and sweeps as bars.

use std::fmt::Write as _;

use comfy_table::Table;

use super::{number, table};
use crate::hardware::{
    calibration::{Calibration, Measured, Task},
    figure::Figure,
    sweep::{Stop, Sweep},
};

/// Characters of the longest bar.
const BAR: f64 = 24.0;

/// The whole report.
#[must_use]
pub fn render(calibration: &Calibration) -> String {
    let machine = &calibration.machine;
    let of_engine = |key: &str| calibration.engine.get(key).map_or("unknown", String::as_str);
    let mut text = format!(
        "{}, {} cores, {}\n{} {} on {}, model {} ({} parameters), measured {}{}\n",
        machine.processor,
        machine.cores,
        number::bytes(machine.memory_bytes),
        of_engine("backend"),
        of_engine("version"),
        of_engine("device"),
        calibration.model.name,
        number::short_count(calibration.model.parameters),
        calibration.measured,
        if calibration.quick { ", quick" } else { "" },
    );
    if let Some(load) = calibration.disturbance() {
        let _ =
            writeln!(text, "the machine was busy: load {load:.1} when it began; a quiet machine is faster");
    }
    let _ = write!(text, "\n{}\n", table::text(&figures(calibration)));
    for task in Task::ALL {
        let measured = calibration.task(task);
        let _ = write!(text, "\n{}, rows of {} tokens\n", task.name(), measured.row_tokens);
        text += &sweep("rows", &measured.batch);
        text += &sweep("workers", &measured.workers);
    }
    text +=
        "\nIntervals are two-sided 95 % over the repeats. * is the smallest size within 5 % of the fastest.";
    text
}

fn figures(calibration: &Calibration) -> Table {
    let mut table = table::new(&["what", "unit", "mean", "95 % interval", "sd", "n"], &[2, 3, 4, 5]);
    let mut add = |what: &str, unit: &str, figure: &Figure| {
        table.add_row([
            what,
            unit,
            &number::rate(figure.mean),
            &rates(figure),
            &number::rate(figure.deviation),
            &figure.n.to_string(),
        ]);
    };
    add("matrix product", "GFLOP/s", &calibration.gflops);
    add("memory copy", "GB/s", &calibration.memory_gbs);
    for task in Task::ALL {
        let Measured { workers, .. } = calibration.task(task);
        let best = workers.best();
        let what = format!("{}, {} worker{}", task.name(), best.size, if best.size == 1 { "" } else { "s" });
        add(&what, "tok/s", &best.rate);
    }
    table
}

/// One sweep: a line for each size.
fn sweep(what: &str, sweep: &Sweep) -> String {
    let fastest = sweep.points.iter().map(|point| point.rate.mean).fold(0.0, f64::max);
    let best = sweep.best().size;
    let mut text = String::new();
    for point in &sweep.points {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to the longest bar"
        )]
        let length = (BAR * point.rate.mean / fastest).round() as usize;
        let memory = point.peak_bytes.map_or_else(|| "-".into(), number::bytes);
        let line = format!(
            "  {what:7} {:>5} {} {:24} {:>6} tok/s ({}), {memory}",
            point.size,
            if point.size == best { '*' } else { ' ' },
            "▇".repeat(length),
            number::rate(point.rate.mean),
            rates(&point.rate),
        );
        text += &(line + "\n");
    }
    let _ = writeln!(text, "{:17} {}", "", ended(sweep.stop));
    text
}

/// Why there is no larger size, in words.
fn ended(stop: Stop) -> &'static str {
    match stop {
        Stop::Plateau => "ended: two sizes in a row brought less than 5 %",
        Stop::Memory => "ended: the next size would need more than 0.6 of the free memory",
        Stop::Patience => "ended: the next size would take too long",
        Stop::Largest => "ended: the largest size",
    }
}

/// The interval of a rate.
pub(super) fn rates(figure: &Figure) -> String {
    format!("{} to {}", number::rate(figure.low), number::rate(figure.high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::samples::small;

    #[test]
    fn a_machine_that_was_busy_is_said_to_have_been() {
        let busy = Calibration { load: Some(7.61), ..small() };
        let said = "the machine was busy: load 7.6 when it began; a quiet machine is faster";
        assert!(render(&busy).contains(said));
        assert!(!render(&small()).contains("busy"));
    }

    #[test]
    fn a_calibration_is_shown_within_100_columns() {
        let text = render(&small());
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }
}
