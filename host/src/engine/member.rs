//! One process of a group that somebody else has started: `mlx.launch`, or the script of a scheduler.
//!
//! Each process is told its number in `MLX_RANK` and the addresses of all in the file that `MLX_HOSTFILE` names, a JSON array
//! with an entry for each rank: `[["127.0.0.1:32323"], ["127.0.0.1:32324"]]`. Only how many there are and on which addresses
//! matters here: ports are found when they are needed. Processes of other machines are not joined: nothing says who they are.

use std::{
    env,
    ffi::OsStr,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use crate::{
    error::{Error, Result},
    ids::Digest,
    read,
};

/// The variables that say so.
const VARIABLES: [&str; 2] = ["MLX_RANK", "MLX_HOSTFILE"];
/// Most ranks: as many as `ranks` takes.
const MOST: usize = 256;

/// A process of a group of at least two, all on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number, from 0.
    pub rank: usize,
    /// The addresses of each rank.
    pub ips: Vec<Vec<IpAddr>>,
    /// What all processes of the group have in common, whatever their copies of the file are called.
    pub group: Digest,
}

impl Member {
    /// What the environment says; `None` where this process is none of several.
    ///
    /// # Errors
    /// A usage error where only one variable is set, the rank is none of the file, or the file names another machine; what
    /// reading the file reports.
    pub fn from_environment() -> Result<Option<Self>> {
        let [rank, hostfile] = VARIABLES.map(env::var_os);
        Self::of(rank.as_deref(), hostfile.as_deref())
    }

    fn of(rank: Option<&OsStr>, hostfile: Option<&OsStr>) -> Result<Option<Self>> {
        let (rank, hostfile) = match (rank, hostfile) {
            (None, None) => return Ok(None),
            (Some(rank), Some(hostfile)) => (rank, Path::new(hostfile)),
            (rank, _) => {
                let [set, other] = VARIABLES;
                let [set, other] = if rank.is_some() { [set, other] } else { [other, set] };
                return Err(Error::usage(format!("{set} is set and {other} is not")).hint(
                    "both say that this is one process of several, as `mlx.launch --backend ring` sets them; or unset it",
                ));
            }
        };
        let form = |error: Error| {
            error.within(hostfile.display()).hint(
                "MLX_HOSTFILE names a file with an entry for each rank: [[\"127.0.0.1:32323\"], [\"127.0.0.1:32324\"]]",
            )
        };
        let hosts: Vec<Vec<SocketAddr>> = serde_json::from_str(&read::text(hostfile)?)
            .map_err(|error| form(Error::usage(error.to_string())))?;
        let count = hosts.len();
        if count == 0 || count > MOST || hosts.iter().any(Vec::is_empty) {
            return Err(form(Error::usage(format!(
                "{count} ranks, from 1 to {MOST} can train together, each with an address"
            ))));
        }
        let number = rank.to_str().and_then(|rank| rank.parse::<usize>().ok()).filter(|rank| *rank < count);
        let Some(rank) = number else {
            return Err(Error::usage(format!(
                "MLX_RANK is `{}`, {} names ranks 0 to {}",
                rank.to_string_lossy(),
                hostfile.display(),
                count - 1
            )));
        };
        if let Some(other) = hosts.iter().flatten().find(|address| !address.ip().is_loopback()) {
            return Err(Error::usage(format!(
                "{}: {} is no loopback address, and processes of several machines cannot join",
                hostfile.display(),
                other.ip()
            ))
            .hint(
                "start training once, on the first machine, and name the others with --hostfile HOSTS.json",
            ));
        }
        let group = Digest::of_json(&hosts);
        let ips = hosts.iter().map(|places| places.iter().map(SocketAddr::ip).collect()).collect();
        Ok((count > 1).then_some(Self { rank, ips, group }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(rank: Option<&str>, hosts: Option<&str>) -> Result<Option<Member>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts.json");
        if let Some(text) = hosts.filter(|text| !text.is_empty()) {
            std::fs::write(&path, text).unwrap();
        }
        let found = Member::of(rank.map(OsStr::new), hosts.map(|_| path.as_os_str()));
        found.map_err(|error| error.to_string().replace(&path.display().to_string(), "hosts.json"))
    }

    const TWO: &str = r#"[["127.0.0.1:32323"], ["127.0.0.1:32324"]]"#;

    #[test]
    fn a_process_of_mlx_launch_knows_its_number_and_its_group_whatever_its_copy_of_the_file_is_called() {
        let [first, second] = ["0", "1"].map(|rank| member(Some(rank), Some(TWO)).unwrap().unwrap());
        assert_eq!((first.rank, second.rank, first.ips.len()), (0, 1, 2));
        assert_eq!(first.group, second.group);
        assert_eq!(member(None, None), Ok(None));
        assert_eq!(member(Some("0"), Some(r#"[["127.0.0.1:32323"]]"#)), Ok(None), "one process is no group");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |rank, hosts| member(rank, hosts).unwrap_err();
        let shown = [
            refused(Some("1"), None),
            refused(None, Some(TWO)),
            refused(Some("2"), Some(TWO)),
            refused(Some("-1"), Some(TWO)),
            refused(Some("0"), Some("[]")),
            refused(Some("0"), Some(r#"[["127.0.0.1:1"], []]"#)),
            refused(Some("0"), Some(r#"[{"ssh": "red"}]"#)),
            refused(Some("0"), Some(r#"[["127.0.0.1:32323"], ["10.0.0.2:32323"]]"#)),
            refused(Some("0"), Some("")),
        ];
        insta::assert_snapshot!(shown.join("\n"), @r"
        MLX_RANK is set and MLX_HOSTFILE is not
        MLX_HOSTFILE is set and MLX_RANK is not
        MLX_RANK is `2`, hosts.json names ranks 0 to 1
        MLX_RANK is `-1`, hosts.json names ranks 0 to 1
        hosts.json: 0 ranks, from 1 to 256 can train together, each with an address
        hosts.json: 2 ranks, from 1 to 256 can train together, each with an address
        hosts.json: invalid type: map, expected a sequence at line 1 column 1
        hosts.json: 10.0.0.2 is no loopback address, and processes of several machines cannot join
        cannot read hosts.json: no such file or directory
        ");
    }
}
