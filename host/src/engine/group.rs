//! Workers that train together: they live and die as one.
//!
//! Several workers are the ranks of MLX's ring over the loopback interface. In the middle of a step each waits for the
//! others, and a ring does not notice that one of them stands still. So the first one that dies, or gives no sign for
//! [`STALL`], ends all; then the group is of no use and has to be dropped. Ranks that have nothing to do while others work
//! are asked every few seconds whether they are there. A group of one is a worker and nothing else. Where hosts were named,
//! each rank is on a machine of its own, the first on this one; where processes have lent themselves, each is behind one.

use std::{
    net::Shutdown,
    panic::resume_unwind,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use realign_engine_abi::{
    message::{EngineInfo, Load, ModelInfo, Reply, Request},
    train::TrainBegin,
};

use super::{
    capacity::check_room,
    hosts::{Host, Remote, Way},
    launch::{Launch, STALL},
    pool::{check_same, describe, start_worker},
    process::{Death, Line, WorkerProcess},
    progress::Progress,
    remote::Team,
    ring::Ring,
};
use crate::error::{Error, Result};

/// How often a rank that has nothing to do is asked whether it is there.
const ROUND: Duration = Duration::from_secs(5);

/// Workers that train together.
#[derive(Debug)]
pub struct Group {
    workers: Vec<WorkerProcess>,
    /// How messages call the ranks.
    names: Vec<String>,
    lines: Vec<Line>,
    /// Until the ranks have found each other.
    ring: Option<Ring>,
    /// How long ranks may keep others waiting.
    stall: Duration,
}

impl Group {
    /// Starts the workers of a group and loads one model into each.
    ///
    /// # Errors
    /// A worker does not start, the engine refuses the model, memory cannot hold it so often, or no port is free.
    pub fn start(launch: &Launch, load: &Load, ranks: usize) -> Result<(Self, ModelInfo)> {
        if let Some(remote) = launch.remote.as_ref().filter(|_| ranks > 1) {
            return Self::start_over(launch, load, remote);
        }
        let ring = if ranks > 1 { Some(Ring::new(ranks)?) } else { None };
        let start = |rank| match &ring {
            Some(ring) => start_worker(&ring.launch(launch, rank), load),
            None => start_worker(launch, load),
        };
        let (first, model) = start(0)?;
        check_room(ranks.saturating_sub(1), model.parameters)?;
        let others = thread::scope(|scope| {
            let threads: Vec<_> = (1..ranks).map(|rank| scope.spawn(move || start(rank))).collect();
            threads.into_iter().map(joined).collect::<Result<Vec<_>>>()
        })?;
        others.iter().try_for_each(|(_, loaded)| check_same(load, loaded, &model))?;
        let names = (0..ranks).map(|rank| format!("rank {rank}")).collect();
        let others = others.into_iter().map(|(worker, _)| worker);
        let group = Self::of(std::iter::once(first).chain(others).collect(), names, ring, launch)?;
        Ok((group, model))
    }

    /// The same with a rank on each of several machines, the first of which is this one.
    fn start_over(launch: &Launch, load: &Load, remote: &Arc<Remote>) -> Result<(Self, ModelInfo)> {
        let (ring, team) = Team::gather(launch, remote, load)?;
        let own = ring.launch(launch, 0);
        let (first, model) = start_worker(&own, load)?;
        if let Way::Lent(_) = remote.way {
            check_room(remote.hosts.ranks() - 1, model.parameters)?;
        }
        let mut workers = vec![first];
        for (worker, loaded) in team.start(&own, load)? {
            check_same(load, &loaded, &model)?;
            workers.push(worker);
        }
        let name = |(rank, host): (usize, &Host)| match remote.way {
            Way::Ssh { .. } => format!("rank {rank} on {}", host.ssh),
            Way::Lent(_) => format!("rank {rank}"),
        };
        let names = remote.hosts.all().iter().enumerate().map(name).collect();
        Ok((Self::of(workers, names, Some(ring), launch)?, model))
    }

    fn of(
        workers: Vec<WorkerProcess>,
        names: Vec<String>,
        ring: Option<Ring>,
        launch: &Launch,
    ) -> Result<Self> {
        let lines = workers.iter().map(WorkerProcess::line).collect::<std::io::Result<_>>();
        let lines = lines.map_err(|error| Error::engine(format!("cannot watch the workers: {error}")))?;
        Ok(Self { workers, names, lines, ring, stall: launch.stall.unwrap_or(STALL) })
    }

    /// What the engine is.
    ///
    /// # Errors
    /// The first worker died or does not say.
    pub fn describe(&mut self) -> Result<EngineInfo> {
        describe(&mut self.workers[0])
    }

    /// Puts an adapter on every rank's model. The first time the ranks find each other.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub fn begin(&mut self, begin: &TrainBegin) -> Result<Vec<Reply>, Death> {
        if let Some(ring) = &mut self.ring {
            ring.free();
        }
        let requests = self.begins(begin)?;
        let replies = self.ask(&requests);
        self.ring = None;
        replies
    }

    /// A checkpoint goes to where each rank can read it, and so the ranks are asked for the same in different words.
    fn begins(&mut self, begin: &TrainBegin) -> Result<Vec<Request>, Death> {
        let mut requests = Vec::new();
        for (worker, name) in self.workers.iter_mut().zip(&self.names) {
            let named = |death: Death| Death { cause: format!("{name}: {}", death.cause), ..death };
            let resume = begin.resume.as_ref().map(|folder| worker.carry(folder)).transpose();
            let resume = resume.map_err(named)?;
            worker.free_ports().map_err(named)?;
            requests.push(Request::TrainBegin(TrainBegin { resume, ..begin.clone() }));
        }
        Ok(requests)
    }

    /// Asks the first ranks, each its own; the replies are in their order. The others only have to be there.
    ///
    /// # Errors
    /// A rank died.
    pub fn ask(&mut self, requests: &[Request]) -> Result<Vec<Reply>, Death> {
        let (alarm, progress, done) =
            (Alarm::new(&self.lines, &self.names), Progress::begin(), AtomicBool::new(false));
        let stall = self.stall;
        let (asked, idle) = self.workers.split_at_mut(requests.len());
        let replies: Vec<Option<Reply>> = thread::scope(|scope| {
            let (alarm, progress, done) = (&alarm, &progress, &done);
            let ask = |(rank, (worker, request)): (usize, (&mut WorkerProcess, &Request))| {
                let reply = alarm.heed(rank, worker.call_among(request, progress, &mut |_| {}));
                // The others hear of a failure in their next exchange; a rank that could not even take part in it
                // would keep them waiting.
                if let Some(Reply::Error(_)) = reply {
                    progress.hurry(stall);
                }
                reply
            };
            let watched: Vec<_> = (requests.len()..)
                .zip(idle)
                .map(|(rank, worker)| scope.spawn(move || watch(alarm, rank, worker, done)))
                .collect();
            let asked = asked.iter_mut().zip(requests).enumerate();
            let threads: Vec<_> = asked.map(|asked| scope.spawn(move || ask(asked))).collect();
            let replies = threads.into_iter().map(joined).collect();
            done.store(true, Ordering::SeqCst);
            for watcher in watched {
                watcher.thread().unpark();
            }
            replies
        });
        if alarm.is_silent() {
            return Ok(replies.into_iter().flatten().collect());
        }
        let mut death = alarm.death();
        // It may be what the others died of.
        for (rank, reply) in replies.iter().enumerate() {
            if let Some(Reply::Error(error)) = reply {
                death.cause = format!("{}; {}: {error}", death.cause, self.names[rank]);
            }
        }
        Err(death)
    }
}

/// Asks an idle rank whether it is there until the others are done.
fn watch(alarm: &Alarm<'_>, rank: usize, worker: &mut WorkerProcess, done: &AtomicBool) {
    while !done.load(Ordering::SeqCst) && alarm.heed(rank, worker.call(&Request::Info, &mut |_| {})).is_some()
    {
        thread::park_timeout(ROUND);
    }
}

pub(super) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Ends every rank when one has died, and remembers which was the first.
struct Alarm<'a> {
    lines: &'a [Line],
    names: &'a [String],
    first: Mutex<Option<Death>>,
}

impl<'a> Alarm<'a> {
    const fn new(lines: &'a [Line], names: &'a [String]) -> Self {
        Self { lines, names, first: Mutex::new(None) }
    }

    /// The reply; `None` where the rank died.
    fn heed(&self, rank: usize, answer: Result<Reply, Death>) -> Option<Reply> {
        let death = match answer {
            Ok(reply) => return Some(reply),
            Err(death) if self.lines.len() == 1 => death,
            Err(death) => Death { cause: format!("{}: {}", self.names[rank], death.cause), ..death },
        };
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(death);
        for line in self.lines {
            // A worker that is gone has no line.
            let _ = line.shutdown(Shutdown::Both);
        }
        None
    }

    fn is_silent(&self) -> bool {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn death(self) -> Death {
        let first = self.first.into_inner().unwrap_or_else(PoisonError::into_inner);
        first.unwrap_or_else(|| Death { cause: "a rank was not asked".to_owned(), interrupted: false })
    }
}

#[cfg(test)]
mod tests;
