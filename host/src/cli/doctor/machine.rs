//! What doctor says of the machine: whether it was measured, and which variables of the seeds are set.

use std::ffi::OsString;

use super::{Check, State, check};
use crate::{
    hardware::{
        environment::{Standing, VARIABLES, Variable},
        file::Calibrations,
        machine::Machine,
    },
    settings::Settings,
};

/// Whether this machine was measured, and when.
pub(super) fn calibration(settings: &Settings) -> Check {
    let path = settings.home.calibration();
    let warning = |found: String| Check {
        what: "calibration".into(),
        state: State::Warning,
        found,
        fix: Some("realign calibrate".into()),
    };
    match Calibrations::read_or_new(&path) {
        Ok(file) => match file.of_machine(&Machine::here()).last() {
            Some(found) => check("calibration", format!("of {}, model {}", found.measured, found.model.name)),
            None if file.calibrations.is_empty() => {
                warning("none: workers are chosen by cores and memory".into())
            }
            None => warning("none of this machine".into()),
        },
        Err(error) => warning(error.to_string()),
    }
}

/// The variables that the seeds name. `value` gives what one is set to.
pub(super) fn variables(value: &dyn Fn(&str) -> Option<OsString>) -> Vec<Check> {
    VARIABLES.iter().map(|variable| one(variable, value(variable.name))).collect()
}

fn one(variable: &Variable, value: Option<OsString>) -> Check {
    let set = value.map_or_else(|| "not set".into(), |value| format!("set to {}", value.display()));
    // One that is not set does no harm, whatever the seeds say.
    let harms = set != "not set" && variable.standing != Standing::OfAnother;
    Check {
        what: variable.name.into(),
        state: if harms { State::Warning } else { State::Ok },
        found: format!("{set}; {}", variable.says),
        fix: variable.advice.filter(|_| harms).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(checks: &[Check]) -> String {
        let line = |check: &Check| {
            format!(
                "{}: {:?}: {}: {}",
                check.what,
                check.state,
                check.found,
                check.fix.as_deref().unwrap_or("-")
            )
        };
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn variables_of_the_seeds_are_listed_with_what_mlx_says() {
        insta::assert_snapshot!(shown(&variables(&|_| None)));
    }

    #[test]
    fn those_that_do_nothing_or_harm_are_warned_of_where_they_are_set() {
        insta::assert_snapshot!(shown(&variables(&|name| Some(
            if name.starts_with("MLX") { "1" } else { "false" }.into()
        ))));
    }
}
