//! Many requests to one server, as many at a time as it bears.
//!
//! What a request brings does not depend on which others are under way, and every answer goes to the place of its request, so the
//! window changes no result. Each request runs on a thread of its own; where everything is to end, nobody waits for them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    client::{Client, Failure},
    window::Window,
};
use crate::{
    engine::interrupt::{Interrupt, interrupted},
    error::{Error, Result},
};

/// Longest wait that a server may ask for; more is told to the user instead.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// Wait before the first repetition; doubled with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait of our own choice.
const LONGEST_OWN_WAIT: Duration = Duration::from_secs(30);
/// How often a busy server is asked again.
const BUSY_TRIES: u32 = 8;
/// How often a server that failed is asked again, as a dead worker's batch is tried once more.
const FAILED_TRIES: u32 = 1;
/// How often interrupts are looked for.
const TICK: Duration = Duration::from_millis(100);

/// One thing to ask.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Behind the base URL.
    pub endpoint: &'static str,
    /// JSON.
    pub body: Value,
}

/// Told of each answer when it comes, with its place.
pub(super) type Sink<'a> = dyn FnMut(usize, Vec<u8>) -> Result<()> + 'a;

/// Asks one thing.
///
/// # Errors
/// The inner one where the server refuses it or breaks the rules; the outer one where it cannot be reached or everything is to
/// end.
pub(super) fn one(
    client: &Arc<Client>,
    request: &Request,
    interrupt: &Interrupt,
) -> Result<Result<Vec<u8>, Failure>> {
    let mut found = None;
    let mut refused = None;
    let mut sink = |_, body| {
        found = Some(body);
        Ok(())
    };
    let asked = Dispatch { client, window: Window::new(1), interrupt }.run(
        std::slice::from_ref(request),
        &mut sink,
        &mut |failure| refused = Some(failure.clone()),
    );
    match (asked, found, refused) {
        (_, Some(body), _) => Ok(Ok(body)),
        (_, None, Some(failure)) => Ok(Err(failure)),
        (asked, None, None) => Err(asked.err().unwrap_or_else(|| Error::engine("no answer"))),
    }
}

/// A server and how it is asked.
pub(super) struct Dispatch<'a> {
    pub client: &'a Arc<Client>,
    pub window: Window,
    pub interrupt: &'a Interrupt,
}

struct Flight {
    round: u64,
    /// Taken where it has been joined.
    thread: Option<JoinHandle<()>>,
}

struct Waiting {
    index: usize,
    tries: u32,
}

impl Dispatch<'_> {
    /// Asks everything. `refused` is told of the failure that ends it, where that is about one request.
    ///
    /// # Errors
    /// The first failure that repetition does not mend; interrupts.
    pub(super) fn run(
        mut self,
        requests: &[Request],
        sink: &mut Sink<'_>,
        refused: &mut dyn FnMut(&Failure),
    ) -> Result<()> {
        let mut queue: VecDeque<Waiting> =
            (0..requests.len()).map(|index| Waiting { index, tries: 0 }).collect();
        let mut flights: BTreeMap<usize, (Flight, u32)> = BTreeMap::new();
        let mut not_before = Instant::now();
        let (sender, arrivals) = mpsc::channel();
        while !(queue.is_empty() && flights.is_empty()) {
            if self.interrupt.is_due() {
                return Err(interrupted());
            }
            while flights.len() < self.window.limit() && Instant::now() >= not_before {
                let Some(Waiting { index, tries }) = queue.pop_front() else { break };
                let thread = self.send(index, requests[index].clone(), sender.clone())?;
                flights.insert(index, (Flight { round: self.window.round(), thread: Some(thread) }, tries));
            }
            let Ok((index, answer)) = arrivals.recv_timeout(TICK) else {
                lost(&mut flights);
                continue;
            };
            let Some((flight, tries)) = flights.remove(&index) else { continue };
            match answer {
                Ok(body) => {
                    self.window.succeeded();
                    sink(index, body)?;
                }
                Err(failure) => {
                    let wait = self.wait(&failure, tries, flight.round).inspect_err(|_| refused(&failure))?;
                    not_before = not_before.max(Instant::now() + wait);
                    queue.push_front(Waiting { index, tries: tries + 1 });
                }
            }
        }
        Ok(())
    }

    fn send(
        &self,
        index: usize,
        request: Request,
        sender: mpsc::Sender<(usize, Result<Vec<u8>, Failure>)>,
    ) -> Result<JoinHandle<()>> {
        let client = Arc::clone(self.client);
        let ask = move || {
            let answer = client.post(request.endpoint, &request.body);
            // Nobody listens any more where everything has ended.
            let _ = sender.send((index, answer));
        };
        thread::Builder::new()
            .spawn(ask)
            .map_err(|error| Error::engine(format!("cannot start a thread: {error}")))
    }

    /// How long to wait before a request is sent again.
    fn wait(&mut self, failure: &Failure, tries: u32, round: u64) -> Result<Duration> {
        let own = || (FIRST_WAIT * 2_u32.pow(tries.min(16))).min(LONGEST_OWN_WAIT);
        match failure {
            Failure::Busy { wait: Some(wait), .. } if *wait > LONGEST_WAIT => Err(self.error(failure)),
            Failure::Busy { wait, .. } if tries < BUSY_TRIES => {
                self.window.pushed_back(round);
                Ok(wait.unwrap_or_else(own))
            }
            Failure::Failed { .. } if tries < FAILED_TRIES => {
                self.window.pushed_back(round);
                Ok(own())
            }
            _ => Err(self.error(failure)),
        }
    }

    fn error(&self, failure: &Failure) -> Error {
        error(self.client, failure)
    }
}

/// A failure in words: exit 21, or 2 where the user named the wrong thing.
pub(super) fn error(client: &Client, failure: &Failure) -> Error {
    let server = client.address().base();
    match failure {
        Failure::Refused { status: status @ (401 | 403), message } => {
            Error::usage(format!("{server}: not allowed: {status}{message}"))
                .hint("put the server's key into $REALIGN_OPENAI_KEY")
        }
        Failure::Refused { status, message } => {
            Error::engine(format!("{server}: refused: {status}{message}"))
                .hint("look at the URL, at the model's name behind #, and at the length of the texts")
        }
        Failure::Busy { status, wait: Some(wait) } if *wait > LONGEST_WAIT => {
            let (wait, limit) = (wait.as_secs(), LONGEST_WAIT.as_secs());
            Error::engine(format!("{server}: {status}, and asks to wait {wait} s; the limit is {limit} s"))
                .hint("the same command goes on later with what was finished")
        }
        Failure::Busy { status, .. } => {
            let message = format!("{server}: {status}, after {BUSY_TRIES} more tries");
            Error::engine(message).hint(
                "the same command goes on later with what was finished; --workers 1 asks one thing at a time",
            )
        }
        Failure::Failed { message, .. } => Error::engine(format!("{server}: {message}, and so once more"))
            .hint("look whether it runs; --patience SECONDS gives a slow one more time"),
        Failure::Broken(message) => Error::engine(format!("{server}: {message}"))
            .hint("look at the URL; such an answer is never made a score"),
    }
}

/// A thread that panicked sends nothing, which would be waited for: it is a bug of ours, and goes on here.
fn lost(flights: &mut BTreeMap<usize, (Flight, u32)>) {
    for (flight, _) in flights.values_mut() {
        if let Some(thread) = flight.thread.take_if(|thread| thread.is_finished())
            && let Err(panic) = thread.join()
        {
            std::panic::resume_unwind(panic);
        }
    }
}
