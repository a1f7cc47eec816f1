//! Set-up, demo, tests and checks of realign.
//!
//! Few dependencies on purpose: this is the first thing that a fresh clone compiles.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks to its terminal")]

mod check;
mod demo;
mod guests;
mod repo;
mod setup;
mod step;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

  demo     set up what is missing, then bring a real model into character: the seven stages
           (--eval-only: only judge it with the example suite, in minutes)
  test     set up what is missing, then run every test
  check    formatting, lints, documentation and dependency rules
  setup    only set up: native libraries, engine, small model
  guests   rebuild the built-in evaluators into plugins/dist (guests NAME...: only these)

Set-up state lives in $REALIGN_HOME (default: your data folder) and is shared by clones.
";

/// What a task gives back: an exit code, or a message for the terminal.
type Outcome = Result<ExitCode, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["demo"] => demo::pipeline(),
        ["demo", "--eval-only"] => demo::evaluations(),
        ["test", rest @ ..] => test::run(rest),
        ["check"] => check::run(),
        ["setup"] => setup::engine().map(|_| ExitCode::SUCCESS),
        ["guests", named @ ..] => guests::run_task(named),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprint!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    };
    outcome.unwrap_or_else(|message| {
        eprintln!("error: {message}");
        ExitCode::FAILURE
    })
}
