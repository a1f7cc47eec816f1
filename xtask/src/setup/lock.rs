//! One set-up at a time on one home.
//!
//! Clones share the home, and two of them may be set up at once. Each step of set-up removes and makes whole folders, so
//! the second one waits and then finds everything done. The system frees the lock when its holder ends, however it ends.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

/// Held until it is dropped.
#[derive(Debug)]
pub(crate) struct SetupLock {
    _file: File,
}

impl SetupLock {
    /// Takes the lock in `folder`; `waiting` is called once if someone else has it.
    pub(crate) fn take(folder: &Path, waiting: impl FnOnce()) -> Result<Self, String> {
        let path = folder.join("lock");
        let failed = |error: std::io::Error| format!("cannot lock {}: {error}", path.display());
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process, sync::mpsc, thread};

    use super::*;

    #[test]
    fn the_second_set_up_says_that_it_waits_and_begins_when_the_first_has_ended() {
        let folder = env::temp_dir().join(format!("realign-lock-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let first = SetupLock::take(&folder, || panic!("nobody else has it")).unwrap();
        let (tell, told) = mpsc::channel();
        let second = {
            let (folder, tell) = (folder.clone(), tell.clone());
            thread::spawn(move || {
                let lock = SetupLock::take(&folder, || tell.send("waits").unwrap()).unwrap();
                tell.send("begins").unwrap();
                drop(lock);
            })
        };
        assert_eq!(told.recv().unwrap(), "waits");
        tell.send("first has ended").unwrap();
        drop(first);
        second.join().unwrap();
        assert_eq!(told.recv().unwrap(), "first has ended", "the second began beside the first");
        assert_eq!(told.recv().unwrap(), "begins");
        // A process that another test starts has every open file until it becomes its program, this one too: it may take a
        // moment until the lock is given back.
        SetupLock::take(&folder, || ()).unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }
}
