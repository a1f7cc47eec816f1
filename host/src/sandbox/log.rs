//! What guests say: the one thing that they can do besides computing.
//!
//! A log is for authors. It is capped in lines and in bytes, what goes over is counted and dropped, and every byte
//! costs fuel, so a guest that floods it runs out of fuel like any other that does not stop.

use serde::Serialize;

/// How important a line is to its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// For the author's own eyes.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// The reason of a failure.
    Error,
}

/// One line that a guest logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// As the guest gave it.
    pub level: Level,
    /// The start of the message; untrusted text that may hold control characters.
    pub text: String,
}

/// Lines of one evaluator, in order.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Vec<LogLine>,
    dropped: u64,
}

impl Log {
    /// Keeps a line, cut to `bytes`, unless there are `lines` already.
    pub(super) fn push(&mut self, level: Level, text: &str, lines: usize, bytes: usize) {
        if self.lines.len() < lines {
            self.lines.push(LogLine { level, text: text[..text.floor_char_boundary(bytes)].to_owned() });
        } else {
            self.dropped += 1;
        }
    }

    /// Appends what one call logged.
    pub(super) fn append(&mut self, other: Self, lines: usize) {
        for line in other.lines {
            self.push(line.level, &line.text, lines, usize::MAX);
        }
        self.dropped += other.dropped;
    }

    /// Everything so far, with a last line that counts what was dropped.
    pub(super) fn take(&mut self) -> Vec<LogLine> {
        let Self { mut lines, dropped } = std::mem::take(self);
        if dropped > 0 {
            lines.push(LogLine { level: Level::Warn, text: format!("{dropped} more lines were dropped") });
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_cap_are_counted_not_kept() {
        let mut log = Log::default();
        for text in ["näh", "b", "c"] {
            log.push(Level::Info, text, 1, 2);
        }
        let lines: Vec<_> = log.take().into_iter().map(|line| line.text).collect();
        assert_eq!(lines, ["n", "2 more lines were dropped"]);
        assert_eq!(log.take(), []);
    }
}
