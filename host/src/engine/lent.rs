//! Processes of this machine that lend themselves as ranks, seen from rank 0.
//!
//! `mlx.launch` or a scheduler has started them, all with the same command line. Rank 0 listens on a Unix socket in a folder
//! that only the user may enter, until every other rank has come; then the socket is gone. Each brings two lines: one for the
//! frames of a relay, see [`super::relay`], and one on which rank 0 says every second that it is there, and at last how
//! training ended. Whoever loses a line ends. Nobody is started again: that is for whoever started the processes.

use std::{
    fs::{self, Permissions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use realign_engine_abi::frame;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::member::Member;
use crate::{
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
};

/// How long processes that were started together wait for one another.
pub(super) const TOGETHER: Duration = Duration::from_mins(1);
/// How often rank 0 says that it is there.
const PULSE: Duration = Duration::from_secs(1);
/// How long a rank may take to say who it is, and to end when training has.
const PATIENCE: Duration = Duration::from_secs(5);
/// What rank 0 says: that it is there; that training ended, with the exit code in the next byte.
pub(super) const ALIVE: u8 = 0;
pub(super) const ENDED: u8 = 1;
/// Longest path of a socket on every system.
const LONGEST: usize = 103;

/// Who comes on a line, and what for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Greeting {
    pub rank: usize,
    /// Version of the program.
    pub version: String,
    /// Of its command line and the folder that it was started in.
    pub command: Digest,
    pub pid: i32,
    /// Whether the line is for frames; otherwise rank 0 says on it that it is there.
    pub frames: bool,
}

/// Ranks that have come.
#[derive(Debug)]
pub struct Lent {
    /// Of ranks from 1; each is taken once.
    frames: Mutex<Vec<Option<UnixStream>>>,
    pulses: Arc<Mutex<Vec<(UnixStream, i32)>>>,
    over: Arc<AtomicBool>,
}

impl Lent {
    /// Waits for all ranks but the first, which is this process, at most for `patience` or a minute. `home` is a folder of the
    /// user's own.
    ///
    /// # Errors
    /// Exit 21 naming the rank that did not come; a usage error where one came with another command line, program or twice;
    /// exit 23 where the socket cannot be made.
    pub fn gather(member: &Member, home: &Path, command: &Digest, patience: Duration) -> Result<Self> {
        let patience = patience.min(TOGETHER);
        let path = socket(member, home)?;
        if UnixStream::connect(&path).is_ok() {
            return Err(Error::usage("another training with this host file is waiting for its ranks")
                .hint("give each training a host file of its own; with mlx.launch: --starting-port"));
        }
        // Left behind by a process that was killed.
        let _ = fs::remove_file(&path);
        let unwritable = |error: std::io::Error| Error::unwritable(&path, &error);
        let listener = UnixListener::bind(&path).map_err(unwritable)?;
        let come = listener.set_nonblocking(true).map_err(unwritable).and_then(|()| {
            let mut come: Vec<[Option<(UnixStream, i32)>; 2]> =
                member.ips.iter().skip(1).map(|_| [None, None]).collect();
            let deadline = Instant::now() + patience;
            while let Some(missing) = come.iter().position(|lines| lines.iter().any(Option::is_none)) {
                accept(&listener, &mut come, command)?;
                if Instant::now() > deadline {
                    return Err(absent(missing + 1, patience));
                }
            }
            Ok(come)
        });
        let _ = fs::remove_file(&path);
        let (mut frames, mut pulses) = (Vec::new(), Vec::new());
        for [line, pulse] in come? {
            frames.push(line.map(|(line, _)| line));
            pulses.extend(pulse);
        }
        let (pulses, over) = (Arc::new(Mutex::new(pulses)), Arc::new(AtomicBool::new(false)));
        let beating = (Arc::clone(&pulses), Arc::clone(&over));
        thread::spawn(move || {
            let (pulses, over) = beating;
            while !over.load(Ordering::SeqCst) {
                for (line, _) in pulses.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
                    // Whoever is gone is missed where it was asked.
                    let _ = line.write_all(&[ALIVE]);
                }
                thread::sleep(PULSE);
            }
        });
        Ok(Self { frames: Mutex::new(frames), pulses, over })
    }

    /// The line for frames of a rank from 1 up.
    ///
    /// # Errors
    /// Exit 21 where it was taken before: the rank has ended.
    pub(super) fn line(&self, rank: usize) -> Result<UnixStream> {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let line = rank.checked_sub(1).and_then(|place| frames.get_mut(place)).and_then(Option::take);
        line.ok_or_else(|| Error::engine(format!("rank {rank} has ended and nobody here can start it again")))
    }

    /// Tells every rank how training ended and waits for its end. One that has been stopped cannot end, and is killed.
    pub fn end(&self, exit: Exit) {
        self.over.store(true, Ordering::SeqCst);
        let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        for (line, _) in pulses.iter_mut() {
            let _ = line.write_all(&[ENDED, exit.code()]);
        }
        for (mut line, pid) in pulses.drain(..) {
            let waited = line.set_read_timeout(Some(PATIENCE)).and_then(|()| line.read(&mut [0]));
            let hangs = waited
                .is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
            // Its line is open, so the number is still its own.
            if let Some(pid) = Pid::from_raw(pid).filter(|_| hangs) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Where the ranks of a group meet.
///
/// # Errors
/// The folder cannot be made the user's own, or its name is too long for a socket.
pub(super) fn socket(member: &Member, home: &Path) -> Result<PathBuf> {
    let folder = home.join("ranks");
    let path = folder.join(format!("{}.sock", member.group.short()));
    if path.as_os_str().len() > LONGEST {
        let length = path.as_os_str().len();
        return Err(Error::usage(format!(
            "{}: {length} bytes, a socket's name may have {LONGEST}",
            path.display()
        ))
        .hint("set REALIGN_HOME to a folder with a shorter name"));
    }
    // Only its owner may do this.
    fs::create_dir_all(&folder)
        .and_then(|()| fs::set_permissions(&folder, Permissions::from_mode(0o700)))
        .map_err(|error| Error::unwritable(&folder, &error))?;
    Ok(path)
}

/// Takes a line, if one has come.
fn accept(
    listener: &UnixListener,
    come: &mut [[Option<(UnixStream, i32)>; 2]],
    command: &Digest,
) -> Result<()> {
    let Ok((line, _)) = listener.accept() else {
        thread::sleep(Duration::from_millis(20));
        return Ok(());
    };
    // Whoever says nothing that makes sense is none of ours.
    let Some(greeting) = greeted(&line) else { return Ok(()) };
    let Greeting { rank, version, command: theirs, pid, frames } = greeting;
    if version != env!("CARGO_PKG_VERSION") {
        let ours = env!("CARGO_PKG_VERSION");
        return Err(Error::usage(format!("rank {rank} is realign {version}, rank 0 is {ours}")));
    }
    if theirs != *command {
        return Err(Error::usage(format!(
            "rank {rank} was started with another command line, or in another folder"
        ))
        .hint("start every process with the same command, in the same folder"));
    }
    let place = rank.checked_sub(1).and_then(|place| come.get_mut(place));
    let free = place.map(|lines| &mut lines[usize::from(!frames)]).filter(|line| line.is_none());
    let Some(free) = free else {
        return Err(
            Error::usage(format!("rank {rank} came twice")).hint("give each process its own MLX_RANK")
        );
    };
    *free = Some((line, pid));
    Ok(())
}

fn greeted(mut line: &UnixStream) -> Option<Greeting> {
    line.set_nonblocking(false).and_then(|()| line.set_read_timeout(Some(PATIENCE))).ok()?;
    let greeting = frame::decode(&frame::read(&mut line).ok()?).ok()?.0;
    line.set_read_timeout(None).ok()?;
    Some(greeting)
}

fn absent(rank: usize, patience: Duration) -> Error {
    Error::engine(format!("rank {rank} did not come within {} s", patience.as_secs_f64()))
        .hint("start every rank of the host file with the same command, and look at what it said")
}
