//! A worker from outside: one child process that answers one call at a time.
//!
//! Frames travel on a socket pair whose other end is the child's descriptor 0. The child's standard output and
//! standard error are one pipe, of which the last 4 KiB are kept to explain a death. Dropping a worker kills it. Where the
//! child is `ssh`, the socket is its standard output, too, and the worker is another machine's: `relayed`.
//!
//! A worker that hangs without dying counts as dead after [`Launch::patience`] without an event or a reply. While a call
//! runs, its process also says every second that it is running, whatever the engine does: where [`Launch::stall`] is
//! given, one that says nothing at all for so long is dead, too. Then it is killed; and so it is where an interrupt is due.

use std::{
    collections::VecDeque,
    io::{BufReader, ErrorKind, Read},
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{
            net::UnixStream,
            process::{CommandExt as _, ExitStatusExt},
        },
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use realign_engine_abi::{
    ffi::ABI_VERSION,
    frame::{self, FrameError},
    message::{Body, Call, Event, Hello, Message, Reply, Request},
};

use super::{interrupt::Interrupt, launch::Launch, progress::Progress};
use crate::error::{Error, Result};

mod relayed;

/// How much of what a worker prints is kept.
const KEPT_OUTPUT: usize = 4 << 10;
/// A worker that has not said hello by then never will: it only has to start.
const HELLO_PATIENCE: Duration = Duration::from_mins(1);
/// How long to wait for the rest of a dead worker's output; a grandchild may hold the pipe open for ever.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(500);

/// A running worker.
#[derive(Debug)]
pub struct WorkerProcess {
    /// None where the process is nobody's child here, but has lent its line.
    child: Option<Child>,
    socket: BufReader<UnixStream>,
    output: Output,
    next_id: u64,
    /// How long the worker may make no progress before it is taken for dead.
    patience: Duration,
    /// How long nothing at all may come from it, nor anything be taken by it.
    stall: Duration,
    /// What ends it in the middle of a call.
    interrupt: Interrupt,
    /// Whether it is a relay that carries the frames of another machine's worker.
    relayed: bool,
}

/// The host's end of the line to a worker.
pub type Line = UnixStream;

/// A worker that ended, or stopped speaking the protocol and was killed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// Exit status or signal, and the last line that it printed, control characters removed.
    pub cause: String,
    /// Whether it was ended because somebody wanted everything to end.
    pub interrupted: bool,
}

/// Why a worker's answer did not come.
#[derive(Debug)]
enum Broken {
    Frames(FrameError),
    /// Nothing was heard for so long.
    Silent(Duration),
    /// Somebody wants everything to end.
    Interrupted,
}

impl From<FrameError> for Broken {
    fn from(error: FrameError) -> Self {
        Self::Frames(error)
    }
}

impl WorkerProcess {
    /// Starts a worker and waits for its hello.
    ///
    /// # Errors
    /// The program cannot be started, ends before its hello, or speaks another version of the protocol.
    pub fn spawn(launch: &Launch) -> Result<Self> {
        let cannot = |why: String| {
            Error::engine(format!("cannot start engine worker {}: {why}", launch.program.display()))
                .hint("run: realign doctor")
        };
        let mut worker = Self::open(launch).map_err(|error| cannot(error.to_string()))?;
        let stall = launch.stall.unwrap_or(launch.patience);
        let hello = worker.greeting(stall).map_err(|error| cannot(worker.bury(&error).cause))?;
        if hello.abi == ABI_VERSION {
            Ok(worker)
        } else {
            Err(cannot(format!("it speaks version {} of the protocol, not {ABI_VERSION}", hello.abi)))
        }
    }

    /// Starts the program; nothing was heard of it yet.
    fn open(launch: &Launch) -> std::io::Result<Self> {
        let (child, socket, output) = start(launch)?;
        Ok(Self::of(Some(child), socket, output, launch))
    }

    /// A relay that has lent its line.
    fn over(line: UnixStream, launch: &Launch) -> Self {
        let launch = Launch { relayed: true, ..launch.clone() };
        Self::of(None, line, Output::follow(std::io::empty()), &launch)
    }

    fn of(child: Option<Child>, socket: UnixStream, output: Output, launch: &Launch) -> Self {
        Self {
            child,
            socket: BufReader::new(socket),
            output,
            next_id: 0,
            patience: launch.patience,
            stall: HELLO_PATIENCE,
            interrupt: launch.interrupt.clone(),
            relayed: launch.relayed,
        }
    }

    /// Process id, for supervision from outside; none where the process is not this one's child.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The host's end of the line, to be cut from another thread: a call that is under way then ends with a death.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn line(&self) -> std::io::Result<Line> {
        self.socket.get_ref().try_clone()
    }

    /// Sends a request and waits for its reply; `on_event` is told of progress on the way. An engine's own
    /// error is a reply like any other.
    ///
    /// # Errors
    /// The worker died, was silent for too long or broke the protocol; it must be replaced.
    pub fn call(&mut self, request: &Request, on_event: &mut dyn FnMut(&Event)) -> Result<Reply, Death> {
        self.call_among(request, &Progress::begin(), on_event)
    }

    /// The same where several workers wait for one another: as long as one of them makes progress, none has hung.
    ///
    /// # Errors
    /// As for [`Self::call`].
    pub fn call_among(
        &mut self,
        request: &Request,
        progress: &Progress,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Reply, Death> {
        let id = self.next_id;
        self.next_id += 1;
        let call = Call { id, request: request.clone() };
        self.exchange(&call, progress, on_event).map_err(|broken| self.bury(&broken))
    }

    fn exchange(
        &mut self,
        call: &Call,
        progress: &Progress,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Reply, Broken> {
        if self.interrupt.is_due() {
            return Err(Broken::Interrupted);
        }
        let body = frame::encode(call, &[])?;
        frame::write(self.socket.get_mut(), &body).map_err(|error| self.broken(error))?;
        loop {
            let (message, _) = frame::decode::<Message>(&self.read()?)?;
            match message.body {
                Body::Beat | Body::Event(_) if self.interrupt.is_due() => return Err(Broken::Interrupted),
                Body::Beat => {
                    self.answer_beat()?;
                    if let Some(time) = progress.expired(self.patience) {
                        return Err(Broken::Silent(time));
                    }
                }
                // Left over from nothing that this side can have sent: the peer has lost count.
                _ if message.id != call.id => return Err(FrameError::Closed.into()),
                Body::Event(event) => {
                    progress.made();
                    on_event(&event);
                }
                Body::Reply(reply) => return Ok(reply),
            }
        }
    }

    /// Tells a relay that somebody is there.
    fn answer_beat(&mut self) -> Result<(), Broken> {
        if self.relayed {
            frame::write(self.socket.get_mut(), &[]).map_err(|error| self.broken(error))?;
        }
        Ok(())
    }

    /// Waits for the hello with the patience of the start, then goes over to that of calls.
    fn greeting(&mut self, stall: Duration) -> Result<Hello, Broken> {
        self.socket.get_ref().set_read_timeout(Some(self.stall)).map_err(FrameError::from)?;
        let hello = frame::decode(&self.read()?)?.0;
        self.stall = stall;
        let socket = self.socket.get_ref();
        let limited =
            socket.set_read_timeout(Some(stall)).and_then(|()| socket.set_write_timeout(Some(stall)));
        limited.map_err(FrameError::from)?;
        Ok(hello)
    }

    fn read(&mut self) -> Result<Vec<u8>, Broken> {
        frame::read(&mut self.socket).map_err(|error| self.broken(error))
    }

    fn broken(&self, error: FrameError) -> Broken {
        match error {
            // What the system says when the time for one read or write is over.
            FrameError::Io(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Broken::Silent(self.stall)
            }
            error => Broken::Frames(error),
        }
    }

    /// Ends a worker after an error and says what became of it. A process that had already ended keeps its own
    /// status: its socket closes only after the status is fixed, and a later kill does not change it.
    fn bury(&mut self, broken: &Broken) -> Death {
        let status = self.finish();
        let how = match broken {
            Broken::Interrupted => "interrupted".to_owned(),
            Broken::Silent(time) => format!("no sign of life for {} s", time.as_secs_f64()),
            Broken::Frames(FrameError::Closed | FrameError::Io(_)) => status.map_or_else(
                |error| error.to_string(),
                |status| status.map_or_else(|| "its process closed the line".to_owned(), describe_status),
            ),
            Broken::Frames(error @ (FrameError::TooLong { .. } | FrameError::Header(_))) => {
                format!("it broke the protocol: {error}")
            }
            Broken::Frames(error) => error.to_string(),
        };
        let cause = match self.output.last_line() {
            Some(line) => format!("{how}; it last said: {line}"),
            None => how,
        };
        Death { cause, interrupted: matches!(broken, Broken::Interrupted) }
    }

    /// Ends the process, or the line where it is not this one's child.
    fn finish(&mut self) -> std::io::Result<Option<ExitStatus>> {
        let Some(child) = &mut self.child else {
            let _ = self.socket.get_ref().shutdown(Shutdown::Both);
            return Ok(None);
        };
        // Failing to kill means that it has ended already; either way it must be waited for.
        let _ = child.kill();
        child.wait().map(Some)
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

pub(super) fn start(launch: &Launch) -> std::io::Result<(Child, UnixStream, Output)> {
    let (ours, theirs) = UnixStream::pair()?;
    let (printed, print) = std::io::pipe()?;
    // ssh speaks on standard output.
    let spoken: Stdio =
        if launch.relayed { OwnedFd::from(theirs.try_clone()?).into() } else { print.try_clone()?.into() };
    // The command holds the child's ends; it is dropped here, so that only the child keeps the pipe open.
    let child = Command::new(&launch.program)
        .args(&launch.arguments)
        .envs(&launch.environment)
        // Ctrl-C is for the host, which finishes what is under way; a worker ends with it.
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(spoken)
        .stderr(print)
        .spawn()?;
    Ok((child, ours, Output::follow(printed)))
}

pub(super) fn describe_status(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}{}", signal_name(signal)),
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => status.to_string(),
    }
}

/// The signals that native code dies of.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        8 => " (arithmetic)",
        9 => " (kill; often out of memory)",
        11 => " (segmentation fault)",
        _ => "",
    }
}

/// The end of what a worker prints, collected on a thread.
#[derive(Debug)]
pub(super) struct Output {
    kept: Arc<Mutex<VecDeque<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Output {
    fn follow(mut pipe: impl Read + Send + 'static) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let (end, ended) = mpsc::channel();
        let shared = Arc::clone(&kept);
        thread::spawn(move || {
            let mut chunk = [0; 1024];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&chunk[..count]);
                let surplus = kept.len().saturating_sub(KEPT_OUTPUT);
                kept.drain(..surplus);
            }
            // Nobody listening means that nobody wants to know.
            let _ = end.send(());
        });
        Self { kept, ended }
    }

    /// The last line that is not empty, fit for a terminal. For workers that have ended.
    pub(super) fn last_line(&self) -> Option<String> {
        let _ = self.ended.recv_timeout(OUTPUT_PATIENCE);
        let kept: Vec<u8> =
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let text = String::from_utf8_lossy(&kept);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        Some(line.chars().filter(|c| !c.is_control()).collect())
    }
}

#[cfg(test)]
mod tests;
