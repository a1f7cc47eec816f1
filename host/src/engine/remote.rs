//! The ranks of other machines, from here: reached, checked, started.
//!
//! Each is a relay behind `ssh`, or in a process of this machine that was lent, see [`super::relay`]. Before a worker is started anywhere, every machine has shown that it
//! has the same program, engine and model, that its addresses are its own, and that it reaches the next machine of the ring.
//! Realign, its home and the model lie at the same places everywhere, which is what `mlx.launch` expects, too.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, thread};

use realign_engine_abi::message::{Load, ModelInfo};

use super::{
    hosts::{Remote, Way},
    launch::Launch,
    pool::load_model,
    process::{Death, WorkerProcess},
    relay::{Hello, Order, Report, digests, reach},
    ring::{Ring, listen},
};
use crate::{
    error::{Error, Result},
    ids::Digest,
};

/// What every machine must agree on, and where its ranks listen.
type Found = (WorkerProcess, Vec<SocketAddr>);

/// Machines that were checked; no worker is started yet.
#[derive(Debug)]
pub(super) struct Team {
    remote: Arc<Remote>,
    relays: Vec<WorkerProcess>,
    addresses: Vec<Vec<SocketAddr>>,
}

impl Team {
    /// Reaches and checks every machine.
    ///
    /// # Errors
    /// Exit 21 naming the machine that cannot be reached, has another program, engine or model, or does not reach its
    /// neighbour; what this machine's own files and addresses report.
    pub(super) fn gather(launch: &Launch, remote: &Arc<Remote>, load: &Load) -> Result<(Ring, Self)> {
        let hosts = &remote.hosts;
        let here =
            |error: Error| error.within(remote.name(0)).hint("start training on the first host of the file");
        let ports = listen(&hosts.all()[0].ips).map_err(here)?;
        let own = ports.iter().map(std::net::TcpListener::local_addr).collect::<std::io::Result<_>>();
        let own: Vec<SocketAddr> =
            own.map_err(|error| Error::engine(format!("a held port is lost: {error}")))?;
        let expected = (Hello::of(&remote.library), digests(load)?);
        let found = every(1..hosts.ranks(), |rank| look(launch, remote, rank, load, &expected))?;
        let (mut relays, others): (Vec<WorkerProcess>, Vec<Vec<SocketAddr>>) = found.into_iter().unzip();
        let addresses: Vec<Vec<SocketAddr>> = std::iter::once(own).chain(others).collect();
        let unreached = |rank: usize, why: &str| {
            let next = (rank + 1) % hosts.ranks();
            Error::engine(format!("{}: {why}, an address of {}", remote.name(rank), remote.name(next))).hint(
                "each host has to reach the next one and the last the first: look at routes and firewalls",
            )
        };
        reach(&addresses[1]).map_err(|error| unreached(0, &error.to_string()))?;
        for (rank, relay) in (1..).zip(&mut relays) {
            let next = addresses[(rank + 1) % hosts.ranks()].clone();
            let report = relay.order(Order::Reach(next)).map_err(|death| lost(remote, rank, &death))?;
            if let Report::Failed(why) = report {
                return Err(unreached(rank, &why));
            }
        }
        Ok((Ring::over(ports, &addresses)?, Self { remote: Arc::clone(remote), relays, addresses }))
    }

    /// Starts the worker of every machine but this one and loads the model.
    ///
    /// # Errors
    /// As those of a worker of this machine, naming the host.
    pub(super) fn start(self, launch: &Launch, load: &Load) -> Result<Vec<(WorkerProcess, ModelInfo)>> {
        let Self { remote, relays, addresses } = self;
        let (remote, addresses) = (&remote, &addresses);
        let start = |(rank, mut relay): (usize, WorkerProcess)| {
            let order = Order::Start { rank, addresses: addresses.clone() };
            relay.start_relayed(order, launch).map_err(|death| lost(remote, rank, &death))?;
            load_model(relay, load).map_err(|error| error.within(remote.name(rank)))
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (1..).zip(relays).map(|relay| scope.spawn(move || start(relay))).collect();
            threads.into_iter().map(super::group::joined).collect()
        })
    }
}

/// Reaches a machine and compares what it has with what is here.
fn look(
    launch: &Launch,
    remote: &Remote,
    rank: usize,
    load: &Load,
    (program, model): &(Hello, Vec<Digest>),
) -> Result<Found> {
    let name = remote.name(rank);
    let host = &remote.hosts.all()[rank];
    let (mut relay, hello) = open(launch, remote, rank)?;
    same(program, &hello).map_err(|error| error.within(&name))?;
    let order = Order::Look { load: load.clone(), ips: host.ips.clone() };
    match relay.order(order).map_err(|death| lost(remote, rank, &death))? {
        Report::Found { digests, addresses } if digests == *model => Ok((relay, addresses)),
        Report::Found { digests, .. } => {
            let other = digests.iter().zip(model).position(|(theirs, ours)| theirs != ours).unwrap_or(0);
            let (what, path): (_, PathBuf) = match other.checked_sub(1) {
                None => ("model", load.model.clone()),
                Some(adapter) => ("adapter", load.adapters[adapter].folder.clone()),
            };
            Err(Error::engine(format!(
                "{name}: the {what} {} is another one there: digest {}, here {}",
                path.display(),
                digests.get(other).map_or("none", |digest| digest.short()),
                model[other].short()
            ))
            .hint("copy it from this machine"))
        }
        Report::Failed(why) => Err(Error::engine(format!("{name}: {why}"))),
        other => Err(Error::engine(format!("{name}: it answered with {other:?}"))),
    }
}

/// Starts a relay on another machine, or takes the one that was lent.
fn open(launch: &Launch, remote: &Remote, rank: usize) -> Result<(WorkerProcess, Hello)> {
    let (ssh, command) = match &remote.way {
        Way::Ssh { ssh, command } => (ssh, command),
        Way::Lent(lent) => {
            let opened = WorkerProcess::lent(lent.line(rank)?, launch);
            return opened.map_err(|death| lost(remote, rank, &death));
        }
    };
    let host = &remote.hosts.all()[rank].ssh;
    WorkerProcess::relay(&through_ssh(launch, (ssh, command), host)).map_err(|death| {
        if death.interrupted {
            return super::interrupt::interrupted();
        }
        let name = remote.name(rank);
        Error::engine(format!("{name}: cannot start a relay there: {}", death.cause)).hint(format!(
            "try: {} {host} true; realign, its home and the model have to lie at the same places as here",
            ssh.join(" "),
        ))
    })
}

/// Refuses another program, protocol or engine.
fn same(here: &Hello, there: &Hello) -> Result<()> {
    let differ = |what: &str, theirs: &str, ours: &str| {
        Error::engine(format!("{what} {theirs}, here {ours}"))
            .hint("every machine needs the same build: copy realign and its home, or run `cargo xtask setup` on both")
    };
    if here.version != there.version {
        return Err(differ("realign", &there.version, &here.version));
    }
    if here.abi != there.abi {
        return Err(differ("protocol", &there.abi.to_string(), &here.abi.to_string()));
    }
    match (&here.engine, &there.engine) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Ok(()),
        (Ok(ours), Ok(theirs)) => Err(differ("engine with digest", theirs.short(), ours.short())),
        (Err(why), _) | (_, Err(why)) => Err(Error::engine(why.clone()).hint("run there: realign doctor")),
    }
}

/// How the relay of a machine is started: no questions are asked, and a connection that died is noticed.
fn through_ssh(launch: &Launch, (ssh, command): (&[String], &[String]), host: &str) -> Launch {
    let mut ssh = ssh.iter();
    let program = ssh.next().map_or_else(|| "ssh".into(), PathBuf::from);
    let options = ["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3"];
    let options = options.into_iter().flat_map(|option| ["-o".to_owned(), option.to_owned()]);
    let command = command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let arguments = ssh.cloned().chain(options).chain(["--".into(), host.into(), command]);
    Launch { program, arguments: arguments.map(Into::into).collect(), relayed: true, ..launch.clone() }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn lost(remote: &Remote, rank: usize, death: &Death) -> Error {
    if death.interrupted {
        return super::interrupt::interrupted();
    }
    Error::engine(format!("{}: {}", remote.name(rank), death.cause))
}

/// One after the other in the order of ranks, all at the same time.
fn every<T: Send>(ranks: std::ops::Range<usize>, each: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let each = &each;
        let threads: Vec<_> = ranks.map(|rank| scope.spawn(move || each(rank))).collect();
        threads.into_iter().map(super::group::joined).collect()
    })
}

#[cfg(test)]
mod tests;
