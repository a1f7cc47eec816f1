//! `calibrate`: measures this machine and keeps what it found.

use super::{args, terminal};
use crate::{
    engine::model_ref::ModelRef,
    error::Result,
    exit::Exit,
    hardware::{
        calibrate::{Setting, calibrate},
        file::Calibrations,
    },
    opening, report,
    settings::Settings,
    write::Output,
};

/// Measures, stores, reports.
pub(super) fn run(settings: &Settings, arguments: &args::Calibrate) -> Result<Exit> {
    let model = ModelRef::parse(&arguments.model, &settings.home)?;
    let launch = opening::launch(settings)?;
    let path = settings.home.calibration();
    let output = Output::create(&path)?;
    let setting = Setting { launch: &launch, model: &model, name: &arguments.model, quick: arguments.quick };
    let bar = terminal::bar("calibrating");
    let calibration = calibrate(&setting, &mut |what, done, total| {
        bar.set_prefix(what);
        terminal::advance(&bar, done, total);
    })?;
    bar.finish_and_clear();

    // Read only now: another calibration may have ended meanwhile. A file that cannot be read is of no use to anyone.
    let mut file = Calibrations::read_or_new(&path).unwrap_or_else(|error| {
        terminal::note(&format!("the old calibration is replaced: {error}"));
        Calibrations::default()
    });
    file.put(calibration.clone());
    file.write(output)?;
    if settings.json {
        terminal::print_json(&calibration)?;
    } else {
        terminal::print(&report::calibration::render(&calibration))?;
        terminal::note(&format!("kept in {}", path.display()));
    }
    Ok(Exit::Done)
}
