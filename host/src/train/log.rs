//! Every step as a line of `steps.jsonl`, and as TensorBoard scalars.
//!
//! The only file of this room with a clock. A run that goes on from a checkpoint drops the lines of the steps that it takes
//! again; a run that went back because of its divergence keeps them: they are told apart by `attempt`.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{folder::Folder, tensorboard::Events};
use crate::{
    error::{Error, Result},
    read,
};

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// How often the run had gone back before.
    pub attempt: u32,
    /// Counted from 1.
    pub step: u32,
    /// Counted from 0.
    pub epoch: u32,
    /// Mean loss before the update.
    pub loss: f64,
    /// Learning rate.
    pub rate: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Tokens that ran through the model.
    pub tokens: u64,
    /// Tokens that were learned.
    pub scored_tokens: u64,
    /// Of pairs: mean reward of the chosen answer over the rejected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Of pairs: share where it is positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward_accuracy: Option<f64>,
    /// Divergence per anchor token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor_kl: Option<f64>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl_weight: Option<f64>,
    /// Divergence per token of the model's own responses, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_kl: Option<f64>,
    /// Its one-sided 95 % upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_kl_upper: Option<f64>,
    /// Validation loss, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Where the guard sent the run: the step itself with half the rate, or an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_to: Option<u32>,
    /// Seconds that the step took.
    pub seconds: f64,
    /// Tokens per second.
    pub tokens_per_second: f64,
    /// When it ended, seconds since 1970, UTC.
    pub time: f64,
}

/// The log of a run.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    events: Events,
}

impl Log {
    /// Opens the log behind the lines up to a step; later ones are dropped, and so is a line that was cut short.
    ///
    /// # Errors
    /// The log cannot be read or written.
    pub fn open(folder: &Folder, attempt: u32, step: u32) -> Result<Self> {
        let path = folder.path("steps.jsonl");
        let failed = |error| Error::unwritable(&path, &error);
        let text = if path.exists() { read::text(&path)? } else { String::new() };
        let lines = text.lines().map_while(|line| Some((line, serde_json::from_str::<Line>(line).ok()?)));
        let kept: Vec<(&str, Line)> =
            lines.filter(|(_, line)| (line.attempt, line.step) <= (attempt, step)).collect();
        let whole: String = kept.iter().flat_map(|(line, _)| [line, "\n"]).collect();
        fs::write(&path, whole).map_err(failed)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
        let mut events = Events::create(&folder.path("tensorboard"))?;
        for (_, line) in &kept {
            events.write(line)?;
        }
        Ok(Self { path, file, events })
    }

    /// Adds a line; its times are filled in.
    ///
    /// # Errors
    /// The log cannot be written.
    ///
    /// # Panics
    /// If a line does not serialise, which is a bug in its type.
    pub fn push(&mut self, line: &mut Line, took: Duration) -> Result<()> {
        line.seconds = took.as_secs_f64();
        line.tokens_per_second = line.tokens as f64 / line.seconds.max(1e-9);
        line.time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let mut text = serde_json::to_string(line).expect("a line is JSON");
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(|error| Error::unwritable(&self.path, &error))?;
        self.events.write(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(folder: &Folder) -> Vec<(u32, u32)> {
        let lines: Vec<Line> = read::jsonl(&folder.path("steps.jsonl")).unwrap();
        lines.iter().map(|line| (line.attempt, line.step)).collect()
    }

    fn push(log: &mut Log, attempt: u32, step: u32) {
        let mut line = Line { attempt, step, ..Line::default() };
        log.push(&mut line, Duration::from_millis(5)).unwrap();
    }

    #[test]
    fn steps_that_are_taken_again_stand_once_and_steps_that_were_given_up_stay() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), &serde_json::json!({})).unwrap();
        let mut log = Log::open(&folder, 0, 0).unwrap();
        for step in 1..=4 {
            push(&mut log, 0, step);
        }
        let mut log = Log::open(&folder, 0, 2).unwrap();
        push(&mut log, 0, 3);
        let mut log = Log::open(&folder, 1, 1).unwrap();
        push(&mut log, 1, 2);
        assert_eq!(steps(&folder), [(0, 1), (0, 2), (0, 3), (1, 2)]);
    }

    #[test]
    fn a_line_that_was_cut_short_is_dropped() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), &serde_json::json!({})).unwrap();
        push(&mut Log::open(&folder, 0, 0).unwrap(), 0, 1);
        let whole = fs::read_to_string(folder.path("steps.jsonl")).unwrap();
        fs::write(folder.path("steps.jsonl"), format!("{whole}{}", &whole[..whole.len() / 2])).unwrap();
        push(&mut Log::open(&folder, 0, 1).unwrap(), 0, 2);
        assert_eq!(steps(&folder), [(0, 1), (0, 2)]);
    }
}
