//! What other rooms may ask about this machine.

use realign_engine_abi::place::Home;

use super::{calibration::Calibration, file::Calibrations, machine::Machine};
use crate::engine::backend::Identity;

/// What a calibration of this machine, engine and model says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// Workers for scoring. Changes no result.
    pub score_workers: usize,
    /// Workers for generation. Changes no result.
    pub generate_workers: usize,
    /// Padded tokens of a training batch. **Changes results**: a plan that takes it must record the number, and a
    /// run that goes on must use the recorded one instead of asking again.
    pub train_batch_tokens: usize,
    /// Training workers, each with a batch of its own. Gradients that have to be exchanged are not in it.
    pub train_workers: usize,
}

/// What is known of this machine for an engine and a model.
///
/// `subject` and `engine` are the two parts of a run's identity that an open model gives
/// ([`Backend::subject`](crate::engine::backend::Backend::subject) and
/// [`Backend::engine`](crate::engine::backend::Backend::engine)). The answer is that of the newest calibration in
/// `home` with the same machine, the same model file and an equal engine; a calibration of anything else is no
/// evidence. No clock is read and nothing is measured.
///
/// `None` where there is none, or where the file cannot be read: advice makes things faster, and a command must not
/// end for want of it. `realign doctor` says what is wrong with the file.
#[must_use]
pub fn advice(home: &Home, subject: &Identity, engine: &Identity) -> Option<Advice> {
    let file = Calibrations::read(&home.calibration()).ok()?;
    let digest = subject.get("model-digest")?;
    let here = Machine::here();
    let found = file.calibrations.iter().rev().find(|found| found.is_of(&here, engine, digest))?;
    Some(Advice::from(found))
}

impl From<&Calibration> for Advice {
    fn from(calibration: &Calibration) -> Self {
        Self {
            score_workers: calibration.score.workers.best().size,
            generate_workers: calibration.generate.workers.best().size,
            train_batch_tokens: calibration.train.batch.best().tokens,
            train_workers: calibration.train.workers.best().size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hardware::samples::small, write::Output};

    /// A home with a calibration of this very machine.
    fn home() -> (tempfile::TempDir, Home, Calibration) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let calibration = Calibration { machine: Machine::here(), ..small() };
        let mut file = Calibrations::default();
        file.put(calibration.clone());
        file.write(Output::create(&home.calibration()).unwrap()).unwrap();
        (folder, home, calibration)
    }

    fn subject(digest: &str) -> Identity {
        [("model-digest".to_owned(), digest.to_owned())].into()
    }

    #[test]
    fn advice_is_for_the_same_machine_engine_and_model() {
        let (_folder, home, calibration) = home();
        let found = advice(&home, &subject(&calibration.model.digest), &calibration.engine).unwrap();
        assert_eq!(
            found,
            Advice { score_workers: 2, generate_workers: 1, train_batch_tokens: 512, train_workers: 2 }
        );
        assert_eq!(advice(&home, &subject("another"), &calibration.engine), None);
        assert_eq!(advice(&home, &subject(&calibration.model.digest), &Identity::new()), None);
        assert_eq!(advice(&home, &Identity::new(), &calibration.engine), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_gives_no_advice_and_ends_nothing() {
        let (_folder, home, calibration) = home();
        std::fs::write(home.calibration(), "{").unwrap();
        assert_eq!(advice(&home, &subject(&calibration.model.digest), &calibration.engine), None);
    }
}
