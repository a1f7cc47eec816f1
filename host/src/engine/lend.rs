//! A process of a group that lends itself to rank 0, as the relay of a worker of its own.

use std::{
    env,
    fs::File,
    io::{ErrorKind, Read as _},
    net::Shutdown,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use realign_engine_abi::frame;

use super::{
    launch::Launch,
    lent::{ALIVE, ENDED, Greeting, TOGETHER, socket},
    member::Member,
    relay,
};
use crate::{
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
};

/// How long rank 0, which speaks every second, may say nothing.
const SILENCE: Duration = Duration::from_secs(20);
/// How long rank 0 has to say how training ended after the worker of this rank has.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How often it is looked whether that is so.
const LOOK: Duration = Duration::from_millis(500);

/// Serves rank 0 until it says how training ended, with a worker that `launch` starts. `home` is a folder of the user's own.
///
/// # Errors
/// Exit 21 where rank 0 does not come, is gone or silent, or the worker here has ended.
pub fn lend(member: &Member, home: &Path, command: &Digest, launch: Launch, library: &Path) -> Result<Exit> {
    let here = |error: Error| error.within(format!("rank {}", member.rank));
    let path = socket(member, home)?;
    let patience = launch.patience.min(TOGETHER);
    // Both are there before rank 0 can refuse one of them.
    let (line, pulse) = (connect(&path, patience).map_err(here)?, connect(&path, patience).map_err(here)?);
    for (line, frames) in [(&line, true), (&pulse, false)] {
        greet(line, member, command, frames);
    }
    let lost = |error: std::io::Error| here(Error::engine(format!("the line to rank 0 is lost: {error}")));
    let own = || line.try_clone().map(|line| File::from(OwnedFd::from(line)));
    let (input, output) = (own().map_err(lost)?, own().map_err(lost)?);
    let library = library.to_owned();
    let closing = line.try_clone().map_err(lost)?;
    let relay = thread::spawn(move || {
        let served = relay::serve(input, output, &launch, &library);
        // A thread of the relay may still hold the line.
        let _ = closing.shutdown(Shutdown::Both);
        served
    });
    pulse.set_read_timeout(Some(LOOK)).map_err(lost)?;
    let told = heed(&pulse, &relay);
    let _ = line.shutdown(Shutdown::Both);
    let served = relay.join().unwrap_or_else(|_| Err(Error::engine("the relay broke"))).map_err(here);
    match told {
        // Why rank 0 gave up may be known here alone.
        Heard::End(Exit::Engine) | Heard::Nothing if served.is_err() => served.map(|()| Exit::Engine),
        Heard::End(exit) => Ok(exit),
        Heard::Nothing | Heard::Gone => {
            Err(here(Error::engine("rank 0 is gone, or stands still")).hint(
                "look at what it said; the same command, started by all ranks again, goes on from the last checkpoint",
            ))
        }
    }
}

/// What rank 0 says at last.
enum Heard {
    /// How training ended.
    End(Exit),
    /// Nothing, after the relay here has ended.
    Nothing,
    /// Its line is closed, or silent.
    Gone,
}

/// Connects as soon as rank 0 is there.
fn connect(path: &Path, patience: Duration) -> Result<UnixStream> {
    let deadline = Instant::now() + patience;
    loop {
        match UnixStream::connect(path) {
            Ok(line) => return Ok(line),
            Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
            Err(_) => {
                let time = patience.as_secs_f64();
                return Err(Error::engine(format!("rank 0 did not come within {time} s")).hint(
                    "start every rank of the host file with the same command, and look at what rank 0 said",
                ));
            }
        }
    }
}

/// Says who this is; where rank 0 is gone, reading finds out.
fn greet(mut line: &UnixStream, member: &Member, command: &Digest, frames: bool) {
    let greeting = Greeting {
        rank: member.rank,
        version: env!("CARGO_PKG_VERSION").into(),
        command: command.clone(),
        pid: i32::try_from(std::process::id()).unwrap_or(0),
        frames,
    };
    let _ = frame::encode(&greeting, &[]).and_then(|body| frame::write(&mut line, &body));
}

/// Listens to rank 0 until it says how training ended, or will not.
fn heed(mut pulse: &UnixStream, relay: &JoinHandle<Result<()>>) -> Heard {
    let (mut heard, mut ended) = (Instant::now(), None);
    loop {
        let mut byte = [0];
        match pulse.read(&mut byte) {
            Ok(1..) if byte[0] == ALIVE => heard = Instant::now(),
            Ok(1..) if byte[0] == ENDED => {
                let exit = pulse.read_exact(&mut byte).ok().and_then(|()| Exit::of(byte[0]));
                return exit.map_or(Heard::Gone, Heard::End);
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            _ => return Heard::Gone,
        }
        let since = relay.is_finished().then(|| *ended.get_or_insert_with(Instant::now));
        if since.is_some_and(|since: Instant| since.elapsed() > LAST_WORDS) {
            return Heard::Nothing;
        }
        if heard.elapsed() > SILENCE {
            return Heard::Gone;
        }
    }
}
