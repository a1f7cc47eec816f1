//! A worker of another machine, seen from there: `realign engine-relay`, which the supervisor starts through ssh. Processes of
//! one machine that somebody else has started lend themselves in the same way, see [`super::lend`].
//!
//! A relay says who it is, looks at model and addresses, and starts a worker of its own machine. From then on it carries
//! frames between the supervisor, on its standard input and output, and the worker. A worker that dies ends its relay
//! and is named in the last line that ssh shows; when the supervisor is gone the worker ends.
//!
//! Orders to the relay itself are frames whose header is `{"relay": ...}`; every other frame is the worker's. An empty
//! frame only says that the supervisor is there: it sends one for each beat of a worker. A relay that carries beats
//! and hears nothing for `ABANDONED` has lost its supervisor behind a network that does not tell.
//!
//! What a login shell prints comes first on the way back, so the supervisor reads on until `GREETING`.

use std::{
    fs::File,
    io::{self, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use realign_engine_abi::{
    ffi::ABI_VERSION,
    frame::{self, FrameError},
    message::Load,
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{
    launch::Launch,
    model_digest::{adapter_digest, file_digest, model_digest},
    process::{Output, describe_status, start},
    ring::{Ring, listen, private_folder},
};
use crate::{
    error::{Error, Result},
    ids::Digest,
};

/// What stands before the first frame on the way back.
pub(super) const GREETING: &[u8] = b"\x00realign-relay\x00";
/// How long a neighbour may take to answer.
const REACH: Duration = Duration::from_secs(10);
/// How long a relay whose worker is busy waits for a sign of its supervisor.
const ABANDONED: Duration = Duration::from_secs(30);

/// What a relay says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Version of the program.
    pub version: String,
    /// [`ABI_VERSION`].
    pub abi: u32,
    /// Digest of the engine library; an error where there is none.
    pub engine: Result<Digest, String>,
}

impl Hello {
    /// Who this program is.
    pub(super) fn of(library: &Path) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            abi: ABI_VERSION,
            engine: file_digest(library).map_err(|error| error.to_string()),
        }
    }
}

/// The header of an order or a report.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForRelay<T> {
    pub relay: T,
}

/// What a relay is to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// Look at the model and hold a port on each address; answered with [`Report::Found`].
    Look { load: Load, ips: Vec<IpAddr> },
    /// Connect to a neighbour's held ports; answered with [`Report::Reached`].
    Reach(Vec<SocketAddr>),
    /// Start the worker, with the addresses of all ranks; the worker's own hello follows.
    Start { rank: usize, addresses: Vec<Vec<SocketAddr>> },
    /// The next piece of a file, as the frame's tail; the last piece of the last file is answered with [`Report::Kept`].
    Piece { file: String, begins: bool, last: bool },
    /// Leave the ports to the worker.
    Free,
}

/// What became of an order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Report {
    /// Digests of the model and of its adapters, and the held ports.
    Found { digests: Vec<Digest>, addresses: Vec<SocketAddr> },
    /// All of them answered.
    Reached,
    /// The folder that holds the files.
    Kept(PathBuf),
    /// Why not.
    Failed(String),
}

/// Digests of the model and of each adapter.
pub(super) fn digests(load: &Load) -> Result<Vec<Digest>> {
    let adapters = load.adapters.iter().map(adapter_digest);
    std::iter::once(model_digest(&load.model)).chain(adapters).collect()
}

/// Whether every address answers.
///
/// # Errors
/// Exit 21 naming the first that does not.
pub(super) fn reach(addresses: &[SocketAddr]) -> Result<()> {
    for address in addresses {
        TcpStream::connect_timeout(address, REACH)
            .map_err(|error| Error::engine(format!("cannot reach {address}: {error}")))?;
    }
    Ok(())
}

/// Serves the supervisor on standard input and output until it is gone, with workers that `launch` starts.
///
/// # Errors
/// The worker cannot be started or ended, the supervisor broke the protocol or was not heard of any more.
pub fn run_relay(launch: &Launch, library: &Path) -> Result<()> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().map(File::from);
    let input = own(io::stdin().as_fd()).map_err(|error| lost(&error.into()))?;
    let output = own(io::stdout().as_fd()).map_err(|error| lost(&error.into()))?;
    serve(input, output, launch, library)
}

/// The same on any line.
///
/// # Errors
/// As for [`run_relay`].
pub(super) fn serve(input: File, mut output: File, launch: &Launch, library: &Path) -> Result<()> {
    output.write_all(GREETING).map_err(|error| lost(&error.into()))?;
    tell(&output, &Hello::of(library))?;
    let mut relay = Relay { ring: None, ports: Vec::new(), kept: None };
    let Some((child, line, printed)) = relay.until_started(&input, &output, launch)? else { return Ok(()) };
    relay.carry(input, output, (child, line, printed))
}

struct Relay {
    ring: Option<Ring>,
    ports: Vec<TcpListener>,
    /// Files that were sent.
    kept: Option<TempDir>,
}

type Started = (Child, UnixStream, Output);

impl Relay {
    /// Follows orders until one starts the worker; `None` where the supervisor is gone before.
    fn until_started(&mut self, mut input: &File, output: &File, launch: &Launch) -> Result<Option<Started>> {
        loop {
            let body = match frame::read(&mut input) {
                Ok(body) => body,
                Err(FrameError::Closed) => return Ok(None),
                Err(error) => return Err(lost(&error)),
            };
            let (ForRelay { relay: order }, tail) = frame::decode(&body).map_err(|error| lost(&error))?;
            let Order::Start { rank, addresses } = order else {
                self.follow(order, tail, output)?;
                continue;
            };
            let ring = Ring::over(std::mem::take(&mut self.ports), &addresses)?;
            let launch = ring.launch(launch, rank);
            self.ring = Some(ring);
            let cannot = |error: io::Error| {
                Error::engine(format!("cannot start engine worker {}: {error}", launch.program.display()))
            };
            return start(&launch).map(Some).map_err(cannot);
        }
    }

    /// Does what is ordered and reports.
    fn follow(&mut self, order: Order, tail: &[u8], output: &File) -> Result<()> {
        let done = match order {
            Order::Look { load, ips } => self.look(&load, &ips).map(Some),
            Order::Reach(addresses) => reach(&addresses).map(|()| Some(Report::Reached)),
            Order::Piece { file, begins, last } => self.keep(&file, (begins, last), tail),
            Order::Free => {
                if let Some(ring) = &mut self.ring {
                    ring.free();
                }
                Ok(None)
            }
            Order::Start { .. } => Err(Error::engine("a worker was started already")),
        };
        let report = done.unwrap_or_else(|error| Some(Report::Failed(error.to_string())));
        report.map_or(Ok(()), |relay| tell(output, &ForRelay { relay }))
    }

    fn look(&mut self, load: &Load, ips: &[IpAddr]) -> Result<Report> {
        let digests = digests(load)?;
        self.ports = listen(ips)?;
        let addresses = self.ports.iter().map(TcpListener::local_addr).collect::<io::Result<_>>();
        let addresses = addresses.map_err(|error| Error::engine(format!("a held port is lost: {error}")))?;
        Ok(Report::Found { digests, addresses })
    }

    /// Adds to a file, in a folder that replaces the one before where a transfer begins.
    fn keep(&mut self, file: &str, (begins, last): (bool, bool), piece: &[u8]) -> Result<Option<Report>> {
        if Path::new(file).file_name().is_none_or(|name| name != file) {
            return Err(Error::engine(format!("`{file}` is no file name")));
        }
        if begins || self.kept.is_none() {
            self.kept = Some(private_folder("realign-relay-")?);
        }
        let Some(folder) = &self.kept else { return Ok(None) };
        let path = folder.path().join(file);
        let written = File::options().append(true).create(true).open(&path);
        written
            .and_then(|mut file| file.write_all(piece))
            .map_err(|error| Error::unwritable(&path, &error))?;
        Ok(last.then(|| Report::Kept(folder.path().to_owned())))
    }

    /// Carries frames both ways until the worker or the supervisor is gone.
    fn carry(self, input: File, output: File, (mut child, line, printed): Started) -> Result<()> {
        let relay = Arc::new(Mutex::new(self));
        let heard = Arc::new(Mutex::new(Instant::now()));
        let output = Arc::new(output);
        // A frame of the worker and a report of the relay must not mix.
        let writing = Arc::new(Mutex::new(()));
        let to_worker = line.try_clone().map_err(|error| lost(&error.into()))?;
        let forth = {
            let (relay, heard) = (Arc::clone(&relay), Arc::clone(&heard));
            let (output, writing) = (Arc::clone(&output), Arc::clone(&writing));
            thread::spawn(move || {
                let result = forth(&relay, &input, &to_worker, &heard, (&output, &writing));
                // The other direction ends with the worker.
                let _ = to_worker.shutdown(std::net::Shutdown::Both);
                result
            })
        };
        let back = back(&line, &output, &heard, &writing);
        let _ = child.kill();
        let status = child.wait();
        // The other direction may wait for the supervisor until the process ends, and would leave folders behind.
        locked(&relay).clear();
        match back {
            Err(error) => Err(error),
            // The supervisor closed the line.
            Ok(()) if forth.is_finished() => forth.join().unwrap_or(Ok(())),
            Ok(()) => Err(ended(status, &printed)),
        }
    }

    /// Gives up ports and folders.
    fn clear(&mut self) {
        (self.ring, self.kept) = (None, None);
        self.ports.clear();
    }
}

/// From the supervisor to the worker.
fn forth(
    relay: &Mutex<Relay>,
    mut input: &File,
    mut worker: &UnixStream,
    heard: &Mutex<Instant>,
    (output, writing): (&File, &Mutex<()>),
) -> Result<()> {
    loop {
        let body = match frame::read(&mut input) {
            Ok(body) => body,
            Err(FrameError::Closed) => return Ok(()),
            Err(error) => return Err(lost(&error)),
        };
        *locked(heard) = Instant::now();
        if body.is_empty() {
            continue;
        }
        if let Ok((ForRelay { relay: order }, tail)) = frame::decode(&body) {
            let _one = locked(writing);
            locked(relay).follow(order, tail, output)?;
        } else if frame::write(&mut worker, &body).is_err() {
            // The other direction knows why.
            return Ok(());
        }
    }
}

/// From the worker to the supervisor, until the worker is gone.
fn back(
    mut worker: &UnixStream,
    mut output: &File,
    heard: &Mutex<Instant>,
    writing: &Mutex<()>,
) -> Result<()> {
    while let Ok(body) = frame::read(&mut worker) {
        // A worker that says something is busy, and so the supervisor has answered its last beat.
        if locked(heard).elapsed() > ABANDONED {
            let time = ABANDONED.as_secs();
            return Err(Error::engine(format!("nothing was heard of the supervisor for {time} s")));
        }
        let _one = locked(writing);
        frame::write(&mut output, &body).map_err(|error| lost(&error))?;
    }
    Ok(())
}

fn tell<T: Serialize>(mut output: &File, value: &T) -> Result<()> {
    frame::encode(value, &[]).and_then(|body| frame::write(&mut output, &body)).map_err(|error| lost(&error))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended(status: io::Result<ExitStatus>, printed: &Output) -> Error {
    let how = status.map_or_else(|error| error.to_string(), describe_status);
    let said = printed.last_line().map(|line| format!("; it last said: {line}")).unwrap_or_default();
    Error::engine(format!("the worker ended: {how}{said}"))
}

fn lost(error: &FrameError) -> Error {
    Error::engine(format!("a relay lost its supervisor: {error}"))
}
