//! Where the ranks of a group find each other: addresses for each, on this machine alone unless hosts were named.
//!
//! MLX's ring reads a rank's number and a file of addresses from the environment, which the workers are given and nobody
//! else. It has neither authentication nor encryption, so without a host file the addresses are those of the loopback
//! interface. The file lies in a folder that only the user may read, and is gone with the group at the latest.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
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
    /// Finds a free port for each rank, all on this machine.
    ///
    /// # Errors
    /// Exit 21 where there is none; exit 23 where the file cannot be written.
    pub(super) fn new(ranks: usize) -> Result<Self> {
        let ports = listen(&vec![IpAddr::from(Ipv4Addr::LOCALHOST); ranks])?;
        let addresses = ports.iter().map(|port| port.local_addr().map(|address| vec![address]));
        let addresses = addresses.collect::<std::io::Result<Vec<_>>>();
        let addresses = addresses.map_err(|error| Error::engine(format!("a held port is lost: {error}")))?;
        Self::over(ports, &addresses)
    }

    /// Writes down the addresses of all ranks; `ports` are those that are held for ranks of this machine.
    ///
    /// # Errors
    /// Exit 23 where the file cannot be written.
    pub(super) fn over(ports: Vec<TcpListener>, addresses: &[Vec<SocketAddr>]) -> Result<Self> {
        let ring = Self { folder: private_folder("realign-ring-")?, ports };
        let text = serde_json::to_vec(addresses).expect("addresses are JSON");
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

/// A free port on each of this machine's addresses.
///
/// # Errors
/// Exit 21 naming the address that is not this machine's, or has no free port.
pub(super) fn listen(ips: &[IpAddr]) -> Result<Vec<TcpListener>> {
    let port = |&ip: &IpAddr| {
        TcpListener::bind((ip, 0)).map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrNotAvailable => {
                Error::engine(format!("{ip} is no address of this machine"))
            }
            _ => Error::engine(format!("no free port on {ip}: {error}")),
        })
    };
    ips.iter().map(port).collect()
}

/// A new folder for temporary files that only the user may read.
///
/// # Errors
/// Exit 23 where it cannot be made.
pub(super) fn private_folder(prefix: &str) -> Result<TempDir> {
    let mut private = tempfile::Builder::new();
    private.prefix(prefix);
    #[cfg(unix)]
    private.permissions(Permissions::from_mode(0o700));
    private.tempdir().map_err(|error| Error::unwritable(&std::env::temp_dir(), &error))
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
