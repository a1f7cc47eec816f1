//! Which of the calibrations in several files a plan goes by.

use std::collections::BTreeSet;

use super::calibration::Calibration;
use crate::error::{Error, Result};

/// What was measured of one machine.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it stands: a file, or what the machine is called.
    pub place: String,
    /// The oldest first; at least one.
    pub calibrations: Vec<Calibration>,
}

/// One calibration of each machine, in their order: the newest with the model that is named, or with the only model
/// that all of them have. Where they have none in common, the newest of each: placing a job refuses them by name.
///
/// # Errors
/// Bad input where a machine has no calibration with the named model; usage where several models remain.
pub fn choose<'a>(found: &'a [Found], named: Option<&str>) -> Result<Vec<&'a Calibration>> {
    let is_named = |calibration: &&Calibration| {
        named.is_none_or(|name| calibration.model.name == name || calibration.model.digest.starts_with(name))
    };
    let models = |machine: &'a Found| -> BTreeSet<&'a str> {
        machine.calibrations.iter().filter(is_named).map(|found| found.model.digest.as_str()).collect()
    };
    let mut common = found.first().map(models).unwrap_or_default();
    for machine in found {
        let models = models(machine);
        if models.is_empty() {
            let name = named.unwrap_or_default();
            let message = format!("{}: nothing was measured with model {name}", machine.place);
            return Err(Error::bad_input(message).hint("measure it there: realign calibrate --model"));
        }
        common.retain(|digest| models.contains(digest));
    }
    if common.len() > 1 {
        let message = format!("the machines were measured with {} models, one is needed", common.len());
        return Err(
            Error::usage(message).hint("say which one counts: --model NAME, or the beginning of its digest")
        );
    }
    let digest = common.first();
    let counts = |calibration: &&Calibration| digest.is_none_or(|digest| calibration.model.digest == *digest);
    let newest = |machine: &'a Found| machine.calibrations.iter().rev().filter(is_named).find(counts);
    Ok(found.iter().filter_map(newest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::samples::small;

    /// A machine that was measured with some models.
    fn machine(place: &str, models: &[&str]) -> Found {
        let measured = |digest: &&str| {
            let mut calibration = small();
            calibration.model.digest = (*digest).to_owned();
            calibration.model.name = format!("{digest}.gguf");
            calibration
        };
        Found { place: place.to_owned(), calibrations: models.iter().map(measured).collect() }
    }

    fn digests(found: &[Found], named: Option<&str>) -> Result<Vec<String>> {
        Ok(choose(found, named)?.into_iter().map(|calibration| calibration.model.digest.clone()).collect())
    }

    #[test]
    fn the_only_model_that_all_machines_have_counts() {
        let found = [machine("one", &["aa", "bb"]), machine("two", &["bb", "cc"])];
        assert_eq!(digests(&found, None).unwrap(), ["bb", "bb"]);
    }

    #[test]
    fn a_model_is_named_by_its_name_or_by_the_beginning_of_its_digest() {
        let found = [machine("one", &["aa", "bb"]), machine("two", &["bb", "aa"])];
        assert_eq!(digests(&found, Some("aa.gguf")).unwrap(), ["aa", "aa"]);
        assert_eq!(digests(&found, Some("b")).unwrap(), ["bb", "bb"]);
        insta::assert_snapshot!(digests(&found, None).unwrap_err(), @"the machines were measured with 2 models, one is needed");
        insta::assert_snapshot!(digests(&found, Some("dd")).unwrap_err(), @"one: nothing was measured with model dd");
    }

    #[test]
    fn of_several_engines_the_newest_counts() {
        let mut machine = machine("one", &["aa", "aa"]);
        machine.calibrations[1].measured = "later".into();
        assert_eq!(choose(&[machine], None).unwrap()[0].measured, "later");
    }

    #[test]
    fn without_a_common_model_each_keeps_its_own() {
        let found = [machine("one", &["aa"]), machine("two", &["bb"])];
        assert_eq!(digests(&found, None).unwrap(), ["aa", "bb"]);
    }
}
