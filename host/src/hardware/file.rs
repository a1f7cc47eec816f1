//! Calibrations on disk: one file in the home folder, replaced whole.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{calibration::Calibration, machine::Machine};
use crate::{
    error::{Error, Result},
    read,
    write::Output,
};

/// Version of the file.
pub const FORMAT: u32 = 1;

/// What the file holds: at most one calibration of each machine, engine and model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrations {
    /// [`FORMAT`].
    pub format: u32,
    /// The oldest first.
    pub calibrations: Vec<Calibration>,
}

/// What every version of the file says first.
#[derive(Debug, Deserialize)]
struct Header {
    format: u32,
}

impl Default for Calibrations {
    fn default() -> Self {
        Self { format: FORMAT, calibrations: Vec::new() }
    }
}

impl Calibrations {
    /// Reads a file.
    ///
    /// # Errors
    /// Bad input naming the file: it is missing, is no calibration file, has another format, or holds numbers that
    /// no measurement gives.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read::text(path)?;
        let refused = |error: &serde_json::Error| {
            Error::bad_input(format!("{}: no calibration file: {error}", path.display()))
                .hint("measure again: realign calibrate")
        };
        let Header { format } = serde_json::from_str(&text).map_err(|error| refused(&error))?;
        if format != FORMAT {
            let message = format!("{}: format {format}, this realign reads {FORMAT}", path.display());
            return Err(Error::bad_input(message).hint("measure again: realign calibrate"));
        }
        let file: Self = serde_json::from_str(&text).map_err(|error| refused(&error))?;
        for (index, calibration) in file.calibrations.iter().enumerate() {
            let place = format!("{}: calibrations[{index}]", path.display());
            calibration
                .check()
                .map_err(|error| error.within(place).hint("measure again: realign calibrate"))?;
        }
        Ok(file)
    }

    /// Reads a file, or starts one where there is none.
    ///
    /// # Errors
    /// As [`Self::read`], a missing file excepted.
    pub fn read_or_new(path: &Path) -> Result<Self> {
        if path.exists() { Self::read(path) } else { Ok(Self::default()) }
    }

    /// Adds a calibration in place of an older one of the same machine, engine and model.
    pub fn put(&mut self, new: Calibration) {
        self.calibrations.retain(|old| !old.is_of(&new.machine, &new.engine, &new.model.digest));
        self.calibrations.push(new);
    }

    /// Calibrations of one machine, the oldest first.
    pub fn of_machine<'a>(&'a self, machine: &'a Machine) -> impl Iterator<Item = &'a Calibration> {
        self.calibrations.iter().filter(|calibration| calibration.machine.is_same(machine))
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// Exit 23 naming the file.
    ///
    /// # Panics
    /// If a calibration does not serialise, which is a bug in its type.
    pub fn write(&self, output: Output) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("calibrations serialise to JSON");
        bytes.push(b'\n');
        output.commit(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::hardware::samples::small;

    fn refusal(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        fs::write(&path, text).unwrap();
        let error = Calibrations::read(&path).unwrap_err();
        error.to_string().replace(&folder.path().display().to_string(), "[folder]")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        let mut file = Calibrations::read_or_new(&path).unwrap();
        file.put(small());
        file.write(Output::create(&path).unwrap()).unwrap();
        assert_eq!(Calibrations::read(&path).unwrap(), file);
    }

    #[test]
    fn a_file_of_format_1_is_read_for_ever() {
        let file: Calibrations =
            serde_json::from_str(include_str!("../../../tests/it/hardware/calibration-1.json")).unwrap();
        assert_eq!(file, Calibrations { format: 1, calibrations: vec![small()] });
    }

    #[test]
    fn a_new_calibration_replaces_that_of_the_same_machine_engine_and_model_only() {
        let mut file = Calibrations::default();
        file.put(small());
        let mut other = small();
        other.model.digest = "other".into();
        file.put(other);
        let mut again = small();
        again.measured = "later".into();
        file.put(again);
        let dates: Vec<_> = file.calibrations.iter().map(|found| found.measured.as_str()).collect();
        assert_eq!(dates, ["2026-11-25T10:45:00Z", "later"]);
    }

    #[test]
    fn files_that_cannot_be_trusted_are_refused_by_name() {
        insta::assert_snapshot!(refusal("{"), @"[folder]/calibration.json: no calibration file: EOF while parsing an object at line 1 column 1");
        insta::assert_snapshot!(refusal("{\"format\":7,\"new\":[]}"), @"[folder]/calibration.json: format 7, this realign reads 1");
        insta::assert_snapshot!(refusal("{\"format\":1,\"calibrations\":[],\"x\":1}"), @"[folder]/calibration.json: no calibration file: unknown field `x`, expected `format` or `calibrations` at line 1 column 33");
        let with = |change: fn(&mut Calibration)| {
            let mut calibration = small();
            change(&mut calibration);
            let file = Calibrations { format: FORMAT, calibrations: vec![calibration] };
            refusal(&serde_json::to_string(&file).unwrap())
        };
        insta::assert_snapshot!(with(|found| found.gflops.mean = -1.0), @"[folder]/calibration.json: calibrations[0]: gflops: not the mean of measured rates within its interval");
        insta::assert_snapshot!(with(|found| found.train.workers.points.clear()), @"[folder]/calibration.json: calibrations[0]: train.workers: no points, at least 1 is needed");
        insta::assert_snapshot!(with(|found| found.score.batch.points[0].rate.low = 1e9), @"[folder]/calibration.json: calibrations[0]: score.batch: a rate is not the mean of measured rates within its interval");
        insta::assert_snapshot!(with(|found| found.generate.batch.points.reverse()), @"[folder]/calibration.json: calibrations[0]: generate.batch: sizes do not ascend from 1");
    }
}
