//! The `realign` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    realign::cli::run()
}
