//! A worker from outside: one child process that answers one call at a time.
//!
//! Frames travel on a socket pair whose other end is the child's descriptor 0. The child's standard output and
//! standard error are one pipe, of which the last 4 KiB are kept to explain a death. Dropping a worker kills it.

use std::{
    collections::VecDeque,
    io::{BufReader, Read},
    os::{
        fd::OwnedFd,
        unix::{
            net::UnixStream,
            process::{CommandExt as _, ExitStatusExt},
        },
    },
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use realign_engine_abi::{
    ffi::ABI_VERSION,
    frame::{self, FrameError},
    message::{Body, Call, Event, Hello, Message, Reply, Request},
};

use super::launch::Launch;
use crate::error::{Error, Result};

/// How much of what a worker prints is kept.
const KEPT_OUTPUT: usize = 4 << 10;
/// A worker that has not said hello by then never will: it only has to start.
const HELLO_PATIENCE: Duration = Duration::from_mins(1);
/// How long to wait for the rest of a dead worker's output; a grandchild may hold the pipe open for ever.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(500);

/// A running worker.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    socket: BufReader<UnixStream>,
    output: Output,
    next_id: u64,
}

/// A worker that ended, or stopped speaking the protocol and was killed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// Exit status or signal, and the last line that it printed, control characters removed.
    pub cause: String,
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
        let (child, socket, output) = start(launch).map_err(|error| cannot(error.to_string()))?;
        let mut worker = Self { child, socket: BufReader::new(socket), output, next_id: 0 };
        let hello = worker.greeting().map_err(|error| cannot(worker.bury(&error).cause))?;
        if hello.abi == ABI_VERSION {
            Ok(worker)
        } else {
            Err(cannot(format!("it speaks version {} of the protocol, not {ABI_VERSION}", hello.abi)))
        }
    }

    /// Process id, for supervision from outside.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request and waits for its reply; `on_event` is told of progress on the way. An engine's own
    /// error is a reply like any other.
    ///
    /// # Errors
    /// The worker died or broke the protocol; it must be replaced.
    pub fn call(&mut self, request: &Request, on_event: &mut dyn FnMut(&Event)) -> Result<Reply, Death> {
        let id = self.next_id;
        self.next_id += 1;
        let call = Call { id, request: request.clone() };
        self.exchange(&call, on_event).map_err(|error| self.bury(&error))
    }

    fn exchange(&mut self, call: &Call, on_event: &mut dyn FnMut(&Event)) -> Result<Reply, FrameError> {
        frame::write(self.socket.get_mut(), &frame::encode(call, &[])?)?;
        loop {
            let body = frame::read(&mut self.socket)?;
            let (message, _) = frame::decode::<Message>(&body)?;
            match message.body {
                // Left over from nothing that this side can have sent: the peer has lost count.
                _ if message.id != call.id => return Err(FrameError::Closed),
                Body::Event(event) => on_event(&event),
                Body::Reply(reply) => return Ok(reply),
            }
        }
    }

    fn greeting(&mut self) -> Result<Hello, FrameError> {
        self.socket.get_ref().set_read_timeout(Some(HELLO_PATIENCE))?;
        let hello = frame::decode(&frame::read(&mut self.socket)?)?.0;
        self.socket.get_ref().set_read_timeout(None)?;
        Ok(hello)
    }

    /// Ends a worker after an error and says what became of it. A process that had already ended keeps its own
    /// status: its socket closes only after the status is fixed, and a later kill does not change it.
    fn bury(&mut self, error: &FrameError) -> Death {
        let _ = self.child.kill();
        let status = self.child.wait();
        let how = match error {
            FrameError::Closed | FrameError::Io(_) => {
                status.map_or_else(|error| error.to_string(), describe_status)
            }
            FrameError::TooLong { .. } | FrameError::Header(_) => format!("it broke the protocol: {error}"),
            _ => error.to_string(),
        };
        let cause = match self.output.last_line() {
            Some(line) => format!("{how}; it last said: {line}"),
            None => how,
        };
        Death { cause }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // Failing to kill means that it has ended already; either way it must be waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(launch: &Launch) -> std::io::Result<(Child, UnixStream, Output)> {
    let (ours, theirs) = UnixStream::pair()?;
    let (printed, print) = std::io::pipe()?;
    // The command holds the child's ends; it is dropped here, so that only the child keeps the pipe open.
    let child = Command::new(&launch.program)
        .args(&launch.arguments)
        .envs(&launch.environment)
        // Ctrl-C is for the host, which finishes what is under way; a worker ends with it.
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(print.try_clone()?)
        .stderr(print)
        .spawn()?;
    Ok((child, ours, Output::follow(printed)))
}

fn describe_status(status: ExitStatus) -> String {
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
struct Output {
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
    fn last_line(&self) -> Option<String> {
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
