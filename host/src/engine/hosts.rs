//! The machines of a training, in the format of `mlx.launch`: a JSON array with an entry for each rank.
//!
//! ```json
//! [{"ssh": "red", "ips": ["10.0.0.1"]}, {"ssh": "blue", "ips": ["10.0.0.2"]}]
//! ```
//!
//! `ssh` is the name by which a machine is reached, `ips` are its own addresses, on which the ranks find each other. The
//! first entry is the machine on which training is started.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::Value;

use super::lent::Lent;
use crate::{
    error::{Error, Result},
    read,
};

/// Most ranks: as many as `ranks` takes.
const MOST: usize = 256;
/// Longest name of a machine in the system of names.
const LONGEST: usize = 255;

/// The machines of a training, by rank; at least two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<Host>);

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// What `ssh` takes.
    pub ssh: String,
    /// Its own addresses; the ring is made over each of them.
    pub ips: Vec<IpAddr>,
    /// What MLX's other back end needs.
    #[serde(default, rename = "rdma")]
    _rdma: Value,
}

impl Hosts {
    /// Reads and checks a host file.
    ///
    /// # Errors
    /// A usage error naming file, entry and field.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read::text(path)?;
        let form = |error: Error| {
            error.within(path.display()).hint(
                "one entry for each rank, as mlx.launch reads it: [{\"ssh\": \"red\", \"ips\": [\"10.0.0.1\"]}, ...]",
            )
        };
        let entries: Vec<Value> =
            serde_json::from_str(&text).map_err(|error| form(Error::usage(error.to_string())))?;
        let host = |(place, entry): (usize, Value)| {
            let wrong = |what: &str| form(Error::usage(format!("host {}: {what}", place + 1)));
            if !entry.is_object() {
                return Err(wrong("not an object"));
            }
            serde_json::from_value(entry).map_err(|error| wrong(&error.to_string()))
        };
        let hosts = Self(entries.into_iter().enumerate().map(host).collect::<Result<_>>()?);
        hosts.check().map_err(|error| error.within(path.display()))?;
        Ok(hosts)
    }

    /// Ranks of this machine with these addresses.
    #[must_use]
    pub fn here(ips: Vec<Vec<IpAddr>>) -> Self {
        Self(ips.into_iter().map(|ips| Host { ssh: "localhost".into(), ips, _rdma: Value::Null }).collect())
    }

    fn check(&self) -> Result<()> {
        let count = self.0.len();
        if !(2..=MOST).contains(&count) {
            return Err(Error::usage(format!("{count} hosts, from 2 to {MOST} can train together"))
                .hint("on one machine give --ranks N instead of --hostfile"));
        }
        let mut known: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for (rank, host) in self.0.iter().enumerate() {
            let wrong = |what: String| Error::usage(format!("{}: {what}", Named(rank, host)));
            let odd = |character: char| character.is_whitespace() || character.is_control();
            // A name that begins with a dash would be an option of ssh.
            if host.ssh.is_empty() || host.ssh.starts_with('-') || host.ssh.contains(odd) {
                return Err(wrong("ssh: not the name of a machine".into()));
            }
            if host.ssh.len() > LONGEST {
                return Err(wrong(format!("ssh: {} bytes, the limit is {LONGEST}", host.ssh.len())));
            }
            if host.ips.is_empty() {
                return Err(
                    wrong("ips: empty".into()).hint("name the address on which the other ranks reach it")
                );
            }
            for &ip in &host.ips {
                if ip.is_unspecified() || ip.is_multicast() {
                    return Err(wrong(format!("ips: {ip} is no machine's address")));
                }
                if let Some(other) = known.insert(ip, rank) {
                    return Err(wrong(format!("ips: {ip} is an address of host {} too", other + 1)));
                }
            }
        }
        Ok(())
    }

    /// How many ranks there are.
    #[must_use]
    pub fn ranks(&self) -> usize {
        self.0.len()
    }

    /// The machines, by rank.
    #[must_use]
    pub fn all(&self) -> &[Host] {
        &self.0
    }

    /// How errors call a machine.
    #[must_use]
    pub fn name(&self, rank: usize) -> String {
        self.0.get(rank).map_or_else(|| format!("host {}", rank + 1), |host| Named(rank, host).to_string())
    }
}

/// A machine by its place in the file, from 1, and its name.
struct Named<'a>(usize, &'a Host);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host {} ({})", self.0 + 1, self.1.ssh)
    }
}

/// The ranks that this process does not start as workers of its own.
#[derive(Debug)]
pub struct Remote {
    /// Where they are.
    pub hosts: Hosts,
    /// How they are reached.
    pub way: Way,
    /// The engine library, of which every rank must have the same.
    pub library: PathBuf,
}

/// How ranks are reached.
#[derive(Debug)]
pub enum Way {
    /// Relays are started on their machines.
    Ssh {
        /// The program that reaches a machine, with arguments of the user's own; it is given a machine's name and a command.
        ssh: Vec<String>,
        /// The command: a relay, see [`super::relay`].
        command: Vec<String>,
    },
    /// Processes of this machine have lent themselves.
    Lent(Arc<Lent>),
}

impl Remote {
    /// How errors call a rank.
    #[must_use]
    pub fn name(&self, rank: usize) -> String {
        match self.way {
            Way::Ssh { .. } => self.hosts.name(rank),
            Way::Lent(_) => format!("rank {rank}"),
        }
    }

    /// Whether a rank that has ended can be started again.
    #[must_use]
    pub const fn restarts(&self) -> bool {
        matches!(self.way, Way::Ssh { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts.json");
        std::fs::write(&path, text).unwrap();
        let error = Hosts::read(&path).unwrap_err();
        assert_eq!(error.exit(), crate::exit::Exit::Usage);
        error.to_string().replace(&path.display().to_string(), "hosts.json")
    }

    #[test]
    fn a_host_file_of_mlx_launch_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts.json");
        let text = r#"[{"ssh": "red", "ips": ["10.0.0.1", "fe80::1"], "rdma": [null]},
                       {"ssh": "me@blue", "ips": ["10.0.0.2"]}]"#;
        std::fs::write(&path, text).unwrap();
        let hosts = Hosts::read(&path).unwrap();
        assert_eq!((hosts.ranks(), hosts.name(1)), (2, "host 2 (me@blue)".to_owned()));
    }

    #[test]
    fn what_a_person_can_get_wrong_is_named_with_its_entry() {
        let with = |entry: &str| refused(&format!(r#"[{{"ssh": "red", "ips": ["10.0.0.1"]}}, {entry}]"#));
        let shown = [
            refused("[]"),
            refused(r#"[{"ssh": "red", "ips": ["10.0.0.1"]}]"#),
            refused(r#"[["10.0.0.1:5000"], ["10.0.0.2:5000"]]"#),
            with(r#"{"ssh": "blue", "ips": ["10.0.0.1"]}"#),
            with(r#"{"ssh": "blue", "ips": []}"#),
            with(r#"{"ssh": "blue", "ips": ["0.0.0.0"]}"#),
            with(r#"{"ssh": "blue", "ips": ["blue.local"]}"#),
            with(r#"{"ssh": "-oProxyCommand=x", "ips": ["10.0.0.2"]}"#),
            with(r#"{"ssh": "blue", "ips": ["10.0.0.2"], "rank": 4}"#),
        ];
        insta::assert_snapshot!(shown.join("\n"), @r"
        hosts.json: 0 hosts, from 2 to 256 can train together
        hosts.json: 1 hosts, from 2 to 256 can train together
        hosts.json: host 1: not an object
        hosts.json: host 2 (blue): ips: 10.0.0.1 is an address of host 1 too
        hosts.json: host 2 (blue): ips: empty
        hosts.json: host 2 (blue): ips: 0.0.0.0 is no machine's address
        hosts.json: host 2: invalid IP address syntax
        hosts.json: host 2 (-oProxyCommand=x): ssh: not the name of a machine
        hosts.json: host 2: unknown field `rank`, expected one of `ssh`, `ips`, `rdma`
        ");
    }
}
