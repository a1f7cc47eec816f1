//! A folder to work in, the binary to run there, and what it said.
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

pub(crate) mod disk;
pub(crate) mod loopback;
pub(crate) mod mini;
pub(crate) mod tiny;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use realign_engine_abi::place::Home;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// Says on the terminal that a test has nothing to run on. Around libtest, which keeps what a passing test prints to itself: a
/// test that looks passed and ran nothing would be a lie.
pub(crate) fn skipped(reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    // A terminal that is gone is no reason to fail.
    drop(writeln!(io::stderr().lock(), "skipped {name}: {reason}"));
}

/// A line of each.
pub(crate) fn lines<T: std::fmt::Display>(rows: impl IntoIterator<Item = T>) -> String {
    rows.into_iter().fold(String::new(), |text, row| text + &row.to_string() + "\n")
}

/// A folder of its own.
pub(crate) struct Project {
    folder: TempDir,
    home: PathBuf,
}

/// What one command said.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit code; -1 where a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Project {
    /// An empty folder and an empty home: nothing is set up.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let home = folder.path().join("home");
        Self { folder, home }
    }

    /// An empty folder, with the home that set-up made; `None`, said aloud, where there is none.
    pub(crate) fn with_engine() -> Option<Self> {
        let home = Home::from_environment().map(|home| home.folder().to_owned());
        let Some(home) = home.filter(|home| home.join("engine").is_dir()) else {
            println!("skipped: no engine is set up; cargo xtask test sets it up");
            return None;
        };
        Some(Self { home, ..Self::new() })
    }

    /// Where engine and models lie.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("made");
        fs::write(path, content).expect("written");
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("readable")
    }

    /// The small model's file in the home.
    pub(crate) fn small_model(&self) -> PathBuf {
        self.home.join("models/SmolLM2-135M-Instruct.Q4_1.gguf")
    }

    /// Everything that the runs in a store left behind: records, responses, what every evaluator made of them.
    pub(crate) fn results(&self, store: &str) -> Vec<String> {
        let store = Connection::open_with_flags(self.path(store), OpenFlags::SQLITE_OPEN_READ_ONLY);
        let store = store.expect("a store");
        let mut rows = Vec::new();
        for sql in [
            "SELECT run, '', json FROM records ORDER BY run",
            "SELECT run, id, json FROM samples ORDER BY run, id",
            "SELECT run, evaluator || ' ' || sample, json FROM cells ORDER BY run, evaluator, sample",
        ] {
            let mut statement = store.prepare(sql).expect("a table of the store");
            let row = |row: &rusqlite::Row<'_>| {
                let [run, place, json]: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
                Ok(format!("{run} {place} {json}"))
            };
            rows.extend(statement.query_map([], row).expect("rows").map(|row| row.expect("text")));
        }
        rows
    }

    /// How many finished batches a store keeps; 0 where there is no store yet.
    pub(crate) fn batches(&self, store: &str) -> usize {
        let read = || {
            let store = Connection::open_with_flags(self.path(store), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            store.query_row("SELECT count(*) FROM generations", [], |row| row.get::<_, u32>(0))
        };
        read().map_or(0, |count| count as usize)
    }

    /// The binary with arguments, in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_realign"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("REALIGN_HOME", &self.home)
            .env_remove("REALIGN_STORE")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn realign(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().expect("the binary starts");
        let text = |bytes: Vec<u8>| {
            String::from_utf8_lossy(&bytes).replace(&self.folder.path().display().to_string(), "[project]")
        };
        Run { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    /// Exit code and what was said, for a snapshot.
    pub(crate) fn shown(&self) -> String {
        format!("exit {}\n{}{}", self.code, self.out, self.err).trim_end().to_owned()
    }

    /// Asserts the exit code, showing what was said if it is another.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.shown());
        self
    }
}

/// The folder with the golden results; `None`, said aloud, where there is none.
pub(crate) fn golden() -> Option<PathBuf> {
    let folder = std::env::var_os("REALIGN_SHARED").map(|shared| Path::new(&shared).join("golden/lm-eval"));
    let folder = folder.filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: REALIGN_SHARED names no folder with golden results");
    }
    folder
}
