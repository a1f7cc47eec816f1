//! The command line: [`args`] says what may be typed, one file per verb says what it does.

mod adapter;
pub mod args;
mod calibrate;
mod compare;
mod data;
mod doctor;
mod eval;
mod generate;
mod history;
mod init;
mod interrupt;
mod leaderboard;
mod model;
mod monitor;
mod outputs;
mod persona;
mod plan;
mod plugin;
mod report;
mod run;
mod runs;
mod score;
mod stored;
mod terminal;
mod train;
mod validate;
mod verify;
mod worker;

use std::process::ExitCode;

use clap::Parser as _;

use self::args::{Arguments, Verb};
use crate::{error::Result, exit::Exit, settings::Settings};

/// Runs the command line and gives its exit code.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not errors; clap prints each to where it belongs.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let printed = terminal::unless_closed(error.print());
            return if printed.is_ok() { exit.into() } else { Exit::Unwritable.into() };
        }
    };
    match dispatch(arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            terminal::report(&error);
            error.exit().into()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<Exit> {
    match &arguments.verb {
        Verb::Worker(worker) => return worker::run(worker),
        Verb::Relay(worker) => return worker::relay(worker),
        _ => {}
    }
    let settings = Settings::new(&arguments)?;
    match arguments.verb {
        Verb::Doctor => doctor::run(&settings),
        Verb::Score(verb) => score::run(&settings, &verb),
        Verb::Generate(verb) => generate::run(&settings, &verb),
        Verb::Eval(verb) => eval::run(&settings, &verb),
        Verb::Compare(verb) => compare::run(&settings, &verb),
        Verb::Init(verb) => init::run(&settings, &verb),
        Verb::Run(verb) => run::run(&settings, &verb),
        Verb::Resume(verb) => run::resume(&settings, &verb),
        Verb::Status(verb) => run::status(&settings, &verb),
        Verb::Monitor(verb) => monitor::run(&settings, &verb),
        Verb::Leaderboard(verb) => leaderboard::run(&settings, &verb),
        Verb::History(verb) => history::run(&settings, &verb),
        Verb::Report(verb) => report::run(&settings, &verb),
        Verb::Validate(verb) => validate::run(&settings, &verb),
        Verb::Verify(verb) => verify::run(&settings, &verb),
        Verb::Runs => runs::run(&settings),
        Verb::Data(verb) => data::run(&settings, &verb),
        Verb::Persona(verb) => persona::run(&settings, &verb),
        Verb::Train(verb) => train::run(&settings, &verb),
        Verb::Adapter(verb) => adapter::run(&settings, &verb),
        Verb::Plugin(verb) => plugin::run(&settings, &verb),
        Verb::Calibrate(verb) => calibrate::run(&settings, &verb),
        Verb::Plan(verb) => plan::run(&settings, &verb),
        Verb::Worker(_) | Verb::Relay(_) => Ok(Exit::Done),
    }
}

/// Appends a value as one JSON line.
fn push_json_line<T: serde::Serialize>(bytes: &mut Vec<u8>, value: &T) {
    bytes.extend(serde_json::to_vec(value).expect("output lines serialise to JSON"));
    bytes.push(b'\n');
}
