//! `data`: preference data, one file per tool.

mod convert;
mod decontaminate;
mod ifd;
mod mix;
mod pairs;
mod pii;
mod validate;

use super::args;
use crate::{error::Result, exit::Exit, model::Verdict, settings::Settings};

/// Runs what was asked for.
pub(super) fn run(settings: &Settings, verb: &args::Data) -> Result<Exit> {
    match verb {
        args::Data::Pairs(arguments) => pairs::run(settings, arguments),
        args::Data::Decontaminate(arguments) => decontaminate::run(settings, arguments),
        args::Data::Validate(arguments) => validate::run(settings, arguments),
        args::Data::Convert(arguments) => convert::run(settings, arguments),
        args::Data::Mix(arguments) => mix::run(settings, arguments),
        args::Data::Ifd(arguments) => ifd::run(settings, arguments),
        args::Data::Pii(arguments) => pii::run(settings, arguments),
    }
}

/// How a command ends whose gates came to a verdict, or that has none.
fn exit(verdict: Option<Verdict>) -> Exit {
    match verdict {
        None | Some(Verdict::Pass) => Exit::Done,
        Some(Verdict::Fail) => Exit::Failed,
        Some(_) => Exit::Inconclusive,
    }
}
