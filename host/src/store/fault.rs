//! What an error of the database means to a person.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::{error::Error, exit::Exit};

/// An error with the file's name, the right exit code and what to do.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> Error {
    let file = path.display();
    let unwritable = |why: &str| Error::new(Exit::Unwritable, format!("cannot write {file}: {why}"));
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            unwritable("the disk is full").hint("free some space and run it again; finished batches are kept")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            unwritable("another process is writing to it")
                .hint("wait until it has ended, or use another --store")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            unwritable("it cannot be opened for writing")
                .hint("check its permissions, or use another --store")
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => damaged(path, &error.to_string()),
        _ => unwritable(&error.to_string()).hint("check the disk, or use another --store"),
    }
}

/// A file that does not hold what a store holds.
pub(super) fn damaged(path: &Path, why: &str) -> Error {
    Error::bad_input(format!("{} is damaged or not a run store: {why}", path.display()))
        .hint("restore it from a backup, or move it away and run again")
}
