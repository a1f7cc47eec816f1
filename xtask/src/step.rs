//! One step of set-up: skipped if its stamp says that nothing changed, otherwise run with its output in a log.
//!
//! A stamp is the text of everything that the step depends on, written after the step succeeded. A step that
//! was interrupted has no stamp and runs again, so set-up resumes where it stopped.

use std::{
    fs::{self, File},
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a step may stay silent where no terminal shows its progress.
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);

/// Runs steps and remembers in `folder` which are done.
pub(crate) struct Steps {
    folder: PathBuf,
}

impl Steps {
    /// Steps whose stamps and logs lie in `folder`.
    pub(crate) fn in_folder(folder: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        Ok(Self { folder })
    }

    /// Runs `work` unless `inputs` are those of the last success and every output exists.
    pub(crate) fn once(
        &self,
        name: &str,
        inputs: &str,
        outputs: &[&Path],
        work: impl FnOnce(&Log) -> Result<(), String>,
    ) -> Result<(), String> {
        let stamp = self.folder.join(format!("{name}.stamp"));
        let done = fs::read_to_string(&stamp).is_ok_and(|text| text == inputs);
        if done && outputs.iter().all(|output| output.exists()) {
            return Ok(());
        }
        let _ = fs::remove_file(&stamp);
        self.always(name, work)?;
        if let Some(missing) = outputs.iter().find(|output| !output.exists()) {
            return Err(format!("step `{name}` ended without making {}", missing.display()));
        }
        fs::write(&stamp, inputs).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
    }

    /// Runs `work` whatever happened before.
    pub(crate) fn always(
        &self,
        name: &str,
        work: impl FnOnce(&Log) -> Result<(), String>,
    ) -> Result<(), String> {
        let path = self.folder.join(format!("{name}.log"));
        File::create(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        work(&Log { name: name.into(), path })
    }
}

/// Where the commands of one step print.
pub(crate) struct Log {
    name: String,
    path: PathBuf,
}

impl Log {
    /// Runs a command with its output in the log, showing that it is alive.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(), String> {
        let shown = format!("{command:?}");
        let mut log =
            File::options().append(true).open(&self.path).map_err(|error| self.unwritable(&error))?;
        writeln!(log, "$ {shown}").map_err(|error| self.unwritable(&error))?;
        let errors = log.try_clone().map_err(|error| self.unwritable(&error))?;
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", command.get_program().display()))?;
        let mut shown_at = Instant::now();
        self.show(started, "");
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                break status;
            }
            thread::sleep(Duration::from_millis(100));
            let pause = if terminal() { Duration::from_millis(500) } else { SIGN_OF_LIFE };
            if shown_at.elapsed() >= pause {
                shown_at = Instant::now();
                self.show(started, "");
            }
        };
        if status.success() {
            self.show(started, " done\n");
            return Ok(());
        }
        self.show(started, " failed\n");
        Err(format!("{shown} ended with {status}\n{}\nthe whole log: {}", self.tail(), self.path.display()))
    }

    fn show(&self, started: Instant, ending: &str) {
        let seconds = started.elapsed().as_secs();
        if terminal() {
            eprint!("\r  {:<24} {seconds:>4} s{ending}", self.name);
        } else {
            eprintln!("  {:<24} {seconds:>4} s{}", self.name, ending.trim_end());
        }
    }

    fn unwritable(&self, error: &std::io::Error) -> String {
        format!("cannot write {}: {error}", self.path.display())
    }

    /// The last lines of the log: what a reader needs first.
    fn tail(&self) -> String {
        let text = String::from_utf8_lossy(&fs::read(&self.path).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

fn terminal() -> bool {
    std::io::stderr().is_terminal()
}
