//! What people read: errors, notes, progress. The only file that writes to the standard streams.
//!
//! Results go to standard output; everything else to standard error, so that a pipe sees results alone. Control
//! characters in model, evaluator or file text never reach a terminal.
#![expect(clippy::print_stderr, reason = "the one place where the command talks to people")]

use std::{
    io::{self, ErrorKind, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    report::text::clean,
    train::log::Line,
};

/// Prints an error and its hint.
pub(super) fn report(error: &Error) {
    eprintln!("error: {}", clean(&error.to_string()));
    if let Some(hint) = error.advice() {
        eprintln!(" hint: {}", clean(hint));
    }
}

/// Tells something on the way.
pub(super) fn note(text: &str) {
    eprintln!("{}", clean(text));
}

/// Prints a result for people.
///
/// # Errors
/// Exit 23 where standard output cannot be written: a result that is lost is no success.
pub(super) fn print(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output
        .write_all(clean(text).as_bytes())
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush());
    unless_closed(written).map_err(|error| Error::unprintable(&error))
}

/// A reader that has closed the pipe, as `head` does, has what it wanted: nothing is lost and the verdict stands.
///
/// # Errors
/// Every other error.
pub(super) fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Prints a result as one JSON document.
///
/// # Errors
/// As [`print`].
///
/// # Panics
/// If the value does not serialise, which is a bug in its type.
pub(super) fn print_json<T: Serialize>(value: &T) -> Result<()> {
    print(&serde_json::to_string_pretty(value).expect("results serialise to JSON"))
}

/// A progress bar on standard error; invisible where that is no terminal.
pub(super) fn bar(label: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix:>14} {bar:32} {pos}/{len} {elapsed}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_prefix(label);
    // Whole batches arrive at once, so the clock is what shows that work goes on.
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Shows how far work has come.
pub(super) fn advance(bar: &ProgressBar, done: usize, total: usize) {
    bar.set_length(total as u64);
    bar.set_position(done as u64);
}

/// A progress bar of training: one unit is a step, so that the time that is left can be told.
pub(super) fn training_bar() -> ProgressBar {
    let bar = bar("");
    let style = ProgressStyle::with_template("{prefix:>14} {bar:20} {pos}/{len} {elapsed} left {eta} {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// Shows a step.
pub(super) fn show_step(bar: &ProgressBar, line: &Line, total: usize) {
    use std::fmt::Write as _;

    let mut message = format!("loss {:.3} {:.0} tok/s", line.loss, line.tokens_per_second);
    let kl = line.policy_kl.or(line.anchor_kl);
    for (name, value) in [("KL", kl), ("margin", line.margin)] {
        if let Some(value) = value {
            let _ = write!(message, " {name} {value:.3}");
        }
    }
    bar.set_prefix("training");
    bar.set_message(message);
    advance(bar, line.step as usize, total);
}
