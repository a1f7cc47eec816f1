//! Where the ranks of a group find each other: one address each, on this machine alone.
//!
//! MLX's ring reads a rank's number and a file of addresses from the environment, which the workers are given and nobody
//! else. It has neither authentication nor encryption, so the addresses are those of the loopback interface. The file
//! lies in a folder that only the user may read, and is gone as soon as the ranks have found each other.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};
#[cfg(unix)]
use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

use tempfile::TempDir;

use super::launch::{Launch, STALL};
use crate::error::{Error, Result};

/// Addresses for a group that has not begun.
#[derive(Debug)]
pub(super) struct Ring {
    folder: TempDir,
    /// Holds the ports until the ranks take them.
    ports: Vec<TcpListener>,
}

impl Ring {
    /// Finds a free port for each rank.
    ///
    /// # Errors
    /// Exit 21 where there is none; exit 23 where the file cannot be written.
    pub(super) fn new(ranks: usize) -> Result<Self> {
        let cannot = |error| Error::engine(format!("no free port for each of {ranks} ranks: {error}"));
        let free = (0..ranks).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let ports = free.collect::<std::io::Result<Vec<_>>>().map_err(cannot)?;
        let addresses = ports.iter().map(|port| port.local_addr().map(|address| vec![address.to_string()]));
        let addresses = addresses.collect::<std::io::Result<Vec<_>>>().map_err(cannot)?;
        let mut private = tempfile::Builder::new();
        private.prefix("realign-ring-");
        #[cfg(unix)]
        private.permissions(Permissions::from_mode(0o700));
        let folder = private.tempdir().map_err(|error| Error::unwritable(&std::env::temp_dir(), &error))?;
        let ring = Self { folder, ports };
        let text = serde_json::to_vec(&addresses).expect("addresses are JSON");
        fs::write(ring.file(), text).map_err(|error| Error::unwritable(&ring.file(), &error))?;
        Ok(ring)
    }

    /// How a rank is started.
    pub(super) fn launch(&self, launch: &Launch, rank: usize) -> Launch {
        let mut launch = launch.clone();
        launch.environment.insert("MLX_RANK".into(), rank.to_string());
        launch.environment.insert("MLX_HOSTFILE".into(), self.file().display().to_string());
        launch.stall = Some(launch.stall.unwrap_or(STALL).min(launch.patience));
        launch
    }

    /// Leaves the ports to the ranks.
    pub(super) fn free(&mut self) {
        self.ports.clear();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("hosts.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_an_address_of_its_own_on_this_machine_in_a_file_that_only_the_user_reads() {
        let mut ring = Ring::new(3).unwrap();
        let hosts: Vec<Vec<String>> = serde_json::from_slice(&fs::read(ring.file()).unwrap()).unwrap();
        assert_eq!(hosts.len(), 3);
        let mut hosts = hosts.concat();
        assert!(hosts.iter().all(|host| host.starts_with("127.0.0.1:")), "{hosts:?}");
        hosts.dedup();
        assert_eq!(hosts.len(), 3);
        let mode = fs::metadata(ring.folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
        assert!(TcpListener::bind(&hosts[0]).is_err(), "the port is held");
        ring.free();
        assert!(TcpListener::bind(&hosts[0]).is_ok(), "the port is left to the rank");
    }
}
