//! `plan`: places a job on measured machines.

use std::{collections::BTreeSet, path::PathBuf};

use super::{args, terminal};
use crate::{
    error::{Error, Result},
    exit::Exit,
    hardware::{
        calibration::Calibration,
        choice::{Found, choose},
        file::Calibrations,
        machine::Machine,
        placement::{Candidate, GIGABIT, Job, place},
        reported::reported,
    },
    report,
    settings::Settings,
};

/// Reads the calibrations, places the job, reports.
pub(super) fn run(settings: &Settings, arguments: &args::Plan) -> Result<Exit> {
    if !(arguments.link.is_finite() && arguments.link > 0.0) {
        return Err(Error::usage(format!("--link: {}, it must be more than 0", arguments.link)));
    }
    let files = files(settings, arguments)?;
    let chosen = choose(&files, arguments.model.as_deref())?;
    let candidates: Vec<Candidate<'_>> = files
        .iter()
        .zip(chosen)
        .map(|(found, calibration)| Candidate { name: &found.place, calibration })
        .collect();
    let job = Job {
        task: arguments.task,
        tokens: arguments.tokens,
        parameters: arguments.parameters,
        link: arguments.link * GIGABIT,
    };
    let placement = place(&job, &candidates)?;
    if settings.json {
        terminal::print_json(&placement)?;
    } else {
        terminal::print(&report::placement::render(&placement))?;
    }
    Ok(Exit::Done)
}

/// What was measured of each machine.
fn files(settings: &Settings, arguments: &args::Plan) -> Result<Vec<Found>> {
    if arguments.machine.is_empty() {
        return here(settings).map(|found| vec![found]);
    }
    let mut seen = BTreeSet::new();
    let read = |path: &PathBuf| {
        let place = path.display().to_string();
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            return Err(
                Error::usage(format!("--machine {place}: named twice")).hint("name each machine once")
            );
        }
        let calibrations = Calibrations::read(path)?.calibrations;
        if calibrations.is_empty() {
            let message = format!("{place}: no calibration in it");
            return Err(Error::bad_input(message).hint("measure that machine: realign calibrate"));
        }
        Ok(Found { place, calibrations })
    };
    arguments.machine.iter().map(read).collect()
}

/// What was measured of this machine. Where nothing was, people are shown what the seeds report.
fn here(settings: &Settings) -> Result<Found> {
    let path = settings.home.calibration();
    let here = Machine::here();
    let calibrations: Vec<Calibration> =
        Calibrations::read_or_new(&path)?.of_machine(&here).cloned().collect();
    if !calibrations.is_empty() {
        return Ok(Found { place: "this machine".to_owned(), calibrations });
    }
    if !settings.json {
        terminal::note(&report::reported::render(&reported()));
    }
    Err(Error::usage("this machine was never measured, so nothing can be planned on it")
        .hint("run: realign calibrate, or name the file of a measured machine with --machine"))
}
