//! A relay from outside: what is said to it before, and beside, the calls that it carries.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use realign_engine_abi::{
    ffi::ABI_VERSION,
    frame::{self, FrameError},
    message::{Body, Message},
};

use super::{Broken, Death, Launch, WorkerProcess};
use crate::engine::relay::{ForRelay, GREETING, Hello, Order, Report};

/// What a login shell may print before the relay speaks.
const CHATTER: usize = 256 << 10;
/// How much of a file goes into a frame.
const PIECE: usize = 4 << 20;

impl WorkerProcess {
    /// Starts a relay and waits until it has said who it is.
    ///
    /// # Errors
    /// The program cannot be started, ends before, or is no relay.
    pub(in crate::engine) fn relay(launch: &Launch) -> Result<(Self, Hello), Death> {
        let died = |error: std::io::Error| Death { cause: error.to_string(), interrupted: false };
        Self::open(launch).map_err(died)?.introduced(launch)
    }

    /// The same of a relay that is there and has lent its line.
    ///
    /// # Errors
    /// It ends before, or is no relay.
    pub(in crate::engine) fn lent(line: UnixStream, launch: &Launch) -> Result<(Self, Hello), Death> {
        Self::over(line, launch).introduced(launch)
    }

    fn introduced(self, launch: &Launch) -> Result<(Self, Hello), Death> {
        let died = |error: std::io::Error| Death { cause: error.to_string(), interrupted: false };
        let mut relay = self;
        let limited = relay.socket.get_ref().set_read_timeout(Some(relay.stall));
        limited.map_err(died)?;
        let hello: Result<Hello, Broken> =
            relay.past_chatter().and_then(|()| Ok(frame::decode(&relay.read()?)?.0));
        let hello = hello.map_err(|error| relay.bury(&error))?;
        // Reading a large model takes its time.
        relay.stall = launch.patience;
        relay.socket.get_ref().set_read_timeout(Some(relay.stall)).map_err(died)?;
        Ok((relay, hello))
    }

    fn past_chatter(&mut self) -> Result<(), Broken> {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(GREETING) {
            if seen.len() == CHATTER {
                return Err(FrameError::TooLong { length: CHATTER + 1, limit: CHATTER }.into());
            }
            match self.socket.read(&mut byte) {
                Ok(0) => return Err(FrameError::Closed.into()),
                Ok(_) => seen.push(byte[0]),
                Err(error) => return Err(self.broken(error.into())),
            }
        }
        Ok(())
    }

    /// Gives an order and waits for the report.
    ///
    /// # Errors
    /// The relay is gone or was silent for too long.
    pub(in crate::engine) fn order(&mut self, order: Order) -> Result<Report, Death> {
        let report = self.send(order, &[]).and_then(|()| self.report());
        report.map_err(|error| self.bury(&error))
    }

    /// Has the relay start its worker and waits for the worker's hello.
    ///
    /// # Errors
    /// As [`Self::order`]; the worker speaks another version of the protocol.
    pub(in crate::engine) fn start_relayed(&mut self, order: Order, launch: &Launch) -> Result<(), Death> {
        let stall = launch.stall.unwrap_or(launch.patience);
        let hello = self.send(order, &[]).and_then(|()| self.greeting(stall));
        match hello {
            Ok(hello) if hello.abi == ABI_VERSION => Ok(()),
            Ok(_) => Err(self.bury(&FrameError::Closed.into())),
            Err(error) => Err(self.bury(&error)),
        }
    }

    /// Leaves a relay's ports to its worker; a worker of this machine has none.
    ///
    /// # Errors
    /// The relay is gone.
    pub(in crate::engine) fn free_ports(&mut self) -> Result<(), Death> {
        if self.relayed { self.send(Order::Free, &[]).map_err(|error| self.bury(&error)) } else { Ok(()) }
    }

    /// Brings the files of a folder to where the worker can read them; the answer is their folder there.
    ///
    /// # Errors
    /// A file cannot be read, or the relay is gone or cannot write.
    pub(in crate::engine) fn carry(&mut self, folder: &Path) -> Result<PathBuf, Death> {
        if !self.relayed {
            return Ok(folder.to_owned());
        }
        let cannot = |cause: String| Death { cause, interrupted: false };
        let files = files(folder).map_err(|error| cannot(format!("{}: {error}", folder.display())))?;
        let report = self.send_files(&files).and_then(|()| self.report());
        match report.map_err(|error| self.bury(&error))? {
            Report::Kept(folder) => Ok(folder),
            Report::Failed(why) => Err(cannot(why)),
            other => Err(cannot(format!("it answered a file with {other:?}"))),
        }
    }

    fn send_files(&mut self, files: &[PathBuf]) -> Result<(), Broken> {
        let mut begins = true;
        for (index, path) in files.iter().enumerate() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut file = File::open(path).map_err(FrameError::from)?;
            loop {
                let mut piece = Vec::new();
                file.by_ref().take(PIECE as u64).read_to_end(&mut piece).map_err(FrameError::from)?;
                let ends = piece.len() < PIECE;
                let last = ends && index + 1 == files.len();
                self.send(Order::Piece { file: name.clone(), begins, last }, &piece)?;
                begins = false;
                if ends {
                    break;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, order: Order, tail: &[u8]) -> Result<(), Broken> {
        let body = frame::encode(&ForRelay { relay: order }, tail)?;
        frame::write(self.socket.get_mut(), &body).map_err(|error| self.broken(error))
    }

    fn report(&mut self) -> Result<Report, Broken> {
        loop {
            let body = self.read()?;
            // A beat that was late belongs to no call.
            let beat = frame::decode::<Message>(&body).is_ok_and(|(message, _)| message.body == Body::Beat);
            if !beat {
                return Ok(frame::decode::<ForRelay<Report>>(&body)?.0.relay);
            }
        }
    }
}

/// The files of a folder, by name.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}
