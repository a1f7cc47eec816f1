//! The files that reports go to, for the verbs that write them: a page, a `JUnit` file, a summary.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::terminal;
use crate::{
    error::{Error, Result},
    exit::Exit,
    model::Verdict,
    report::{
        checks::{Check, sentence, worst},
        junit::junit,
        summary::markdown,
    },
    write::Output,
};

/// A place for one file, reserved before anything is computed.
pub(super) struct Reserved {
    path: PathBuf,
    output: Output,
}

impl Reserved {
    /// Reserves it, if it is wanted.
    ///
    /// # Errors
    /// Exit 23 naming the file that cannot be written.
    pub(super) fn create(path: Option<&Path>) -> Result<Option<Self>> {
        path.map(|path| Output::create(path).map(|output| Self { path: path.to_owned(), output })).transpose()
    }

    /// Writes the file and says so.
    ///
    /// # Errors
    /// Exit 23 naming the file that cannot be written.
    pub(super) fn write(self, text: &str) -> Result<()> {
        self.output.commit(text.as_bytes())?;
        terminal::note(&format!("written: {}", self.path.display()));
        Ok(())
    }
}

/// Places for all of them, reserved before anything is computed.
pub(super) struct Outputs {
    html: Option<Reserved>,
    junit: Option<Reserved>,
    summary: Option<PathBuf>,
}

impl Outputs {
    /// Reserves what is wanted.
    ///
    /// # Errors
    /// Exit 23 naming the file that cannot be written.
    pub(super) fn create(html: Option<&Path>, junit: Option<&Path>, summary: Option<&Path>) -> Result<Self> {
        let (html, junit) = (Reserved::create(html)?, Reserved::create(junit)?);
        Ok(Self { html, junit, summary: summary.map(Path::to_owned) })
    }

    /// Writes all of them and tells people in one line how it stands. `title` is what was checked, `suite` by what.
    ///
    /// # Errors
    /// Exit 23 naming the file that cannot be written.
    pub(super) fn write(
        self,
        suite: &str,
        title: &str,
        checks: &[Check],
        page: impl FnOnce() -> Result<String>,
    ) -> Result<()> {
        if let Some(file) = self.html {
            file.write(&page()?)?;
        }
        if let Some(file) = self.junit {
            file.write(&junit(suite, title, checks))?;
        }
        if let Some(path) = self.summary {
            append(&path, &markdown(title, checks)).map_err(|error| Error::unwritable(&path, &error))?;
            terminal::note(&format!("written: {}", path.display()));
        }
        terminal::note(&format!("{title}: {}", sentence(checks)));
        Ok(())
    }
}

/// A build server's summary belongs to several steps: each appends.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The exit code of checks.
pub(super) fn exit(checks: &[Check]) -> Exit {
    match worst(checks) {
        None | Some(Verdict::Pass) => Exit::Done,
        Some(Verdict::Fail) => Exit::Failed,
        Some(_) => Exit::Inconclusive,
    }
}
