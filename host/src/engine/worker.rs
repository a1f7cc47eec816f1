//! A worker from inside: the body of the hidden verb.
//!
//! Descriptor 0 is one end of a socket pair that carries frames both ways. The worker takes it away before
//! anything else runs, so that native code that reads standard input finds it empty; the host has already tied
//! standard output to standard error, so that native code may print.
//!
//! The engine is called from the thread that made it. A second thread reads requests, and it is also what
//! notices that the host is gone: the socket ends, and a worker that is busy kills itself. This works on every
//! Unix, whichever thread of the host started the worker; Linux's parent-death signal would fire when that
//! thread ends. A third thread tells the host every second of a call that the process is running. It knows nothing of
//! the engine: a long computation does not stop it, and what stops the process does.

use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use realign_engine_abi::{
    ffi::{ABI_VERSION, Flow},
    frame::{self, FrameError},
    message::{BEAT, Body, Call, EngineError, EngineOptions, Event, Hello, Message, Reply, Request},
};

use super::library::{Engine, EngineLibrary};
use crate::error::{Error, Result};

/// What answers a request; it may tell of progress on the way and is told whether to go on.
pub(super) type Answer<'a> = dyn FnMut(&Request, &mut dyn FnMut(Event) -> Flow) -> Reply + 'a;

/// Serves an engine library to the host that started this process, until the host is gone.
///
/// A library that cannot be opened is not an error here: every call is answered with the reason, which reaches
/// the host with its hint.
///
/// # Errors
/// Descriptor 0 is not the host's socket, or the host sent something that is not a call.
pub fn run_worker(library: &Path) -> Result<()> {
    let line = Line::open(take_socket()?)?;
    let library = EngineLibrary::open(library);
    match &library {
        Ok(library) => match library.create(&EngineOptions {}) {
            Ok(engine) => serve_engine(line, engine),
            Err(error) => serve_refusal(line, &error),
        },
        Err(error) => serve_refusal(line, error),
    }
}

fn serve_engine(line: Line, mut engine: Engine<'_>) -> Result<()> {
    line.serve(&mut |request, on_event| engine.call(request, on_event))
}

fn serve_refusal(line: Line, error: &EngineError) -> Result<()> {
    line.serve(&mut |_, _| Reply::Error(error.clone()))
}

/// Moves the host's socket from descriptor 0 to a private one that children do not inherit.
pub(super) fn take_socket() -> Result<UnixStream> {
    let not_a_worker = |error: io::Error| {
        Error::usage(format!("cannot take the host's socket: {error}"))
            .hint("realign starts this verb itself")
    };
    let private = io::stdin().as_fd().try_clone_to_owned().map_err(not_a_worker)?;
    let nothing = File::open("/dev/null").map_err(not_a_worker)?;
    rustix::stdio::dup2_stdin(&nothing).map_err(|error| not_a_worker(error.into()))?;
    let socket = UnixStream::from(private);
    socket.peer_addr().map_err(not_a_worker)?;
    Ok(socket)
}

/// The worker's end of the socket, with the threads that read calls and tell that the process is running.
pub(super) struct Line {
    out: Arc<Mutex<UnixStream>>,
    busy: Arc<AtomicBool>,
    calls: mpsc::Receiver<Result<Call, FrameError>>,
}

impl Line {
    /// Sends the first frame: versions. From now on calls are read, if not yet answered.
    pub(super) fn open(socket: UnixStream) -> Result<Self> {
        let hello = Hello { abi: ABI_VERSION, version: env!("CARGO_PKG_VERSION").to_owned() };
        send(&socket, &hello).map_err(|error| broken(&error))?;
        let busy = Arc::new(AtomicBool::new(false));
        let calls = read_calls(&socket, Arc::clone(&busy))?;
        let out = Arc::new(Mutex::new(socket));
        beat(Arc::clone(&out), Arc::clone(&busy));
        Ok(Self { out, busy, calls })
    }

    /// Answers calls with `answer`, one at a time, until the host closes the socket.
    pub(super) fn serve(self, answer: &mut Answer<'_>) -> Result<()> {
        let tell = |id, body| send(&locked(&self.out), &Message { id, body });
        while let Ok(call) = self.calls.recv() {
            let Call { id, request } = call.map_err(|error| broken(&error))?;
            let reply = answer(&request, &mut |event| match tell(id, Body::Event(event)) {
                Ok(()) => Flow::Continue,
                Err(_) => Flow::Stop,
            });
            self.busy.store(false, Ordering::SeqCst);
            tell(id, Body::Reply(reply)).map_err(|error| broken(&error))?;
        }
        Ok(())
    }
}

/// Tells the host that the process is running, as long as it is busy. The thread ends with the process, or when the
/// host is gone.
fn beat(out: Arc<Mutex<UnixStream>>, busy: Arc<AtomicBool>) {
    thread::spawn(move || {
        loop {
            thread::sleep(BEAT);
            let out = locked(&out);
            // A beat belongs to no call, so one that is late does no harm.
            if busy.load(Ordering::SeqCst) && send(&out, &Message { id: 0, body: Body::Beat }).is_err() {
                return;
            }
        }
    });
}

/// The socket for one whole frame.
fn locked(out: &Mutex<UnixStream>) -> std::sync::MutexGuard<'_, UnixStream> {
    out.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads calls on a thread of their own. When the host is gone, an idle worker sees the channel end and a busy
/// one dies: native code cannot be interrupted in any other way.
fn read_calls(
    socket: &UnixStream,
    busy: Arc<AtomicBool>,
) -> Result<mpsc::Receiver<Result<Call, FrameError>>> {
    let mut socket = socket.try_clone().map_err(|error| broken(&error.into()))?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let call = frame::read(&mut socket).and_then(|body| Ok(frame::decode(&body)?.0));
            match call {
                Err(FrameError::Closed | FrameError::Io(_)) => break,
                call => {
                    busy.store(true, Ordering::SeqCst);
                    if sender.send(call).is_err() {
                        return;
                    }
                }
            }
        }
        if busy.load(Ordering::SeqCst) {
            // The result is of no interest: the process does not survive the call.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    });
    Ok(receiver)
}

fn send<T: serde::Serialize>(mut socket: &UnixStream, value: &T) -> Result<(), FrameError> {
    frame::write(&mut socket, &frame::encode(value, &[])?)
}

fn broken(error: &FrameError) -> Error {
    Error::engine(format!("a worker lost its host: {error}"))
}
