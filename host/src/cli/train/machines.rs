//! `--hostfile`: how the workers of other machines are reached.

use std::{env, path::Path};

use realign_engine_abi::message::Load;

use crate::{
    engine::{
        hosts::{Hosts, Remote},
        launch::RELAY_VERB,
    },
    error::{Error, Result},
    settings::Settings,
    train::config::TrainFile,
};

/// What reaches a machine, with arguments, as other programs take it from `RSYNC_RSH` or `GIT_SSH_COMMAND`: a file of
/// settings, a key, a jump program.
const SSH: &str = "REALIGN_SSH";

/// What MLX and schedulers give to each process of a group.
const GROUP: [&str; 2] = ["MLX_RANK", "MLX_HOSTFILE"];

/// Refuses to be one process of a group that somebody else has started: each would train on its own.
pub(super) fn refuse_group() -> Result<()> {
    match GROUP.iter().find(|name| env::var_os(name).is_some()) {
        None => Ok(()),
        Some(name) => Err(Error::usage(format!(
            "{name} is set: training starts its own processes, and joins no others"
        ))
        .hint(
            "start it once, without mlx.launch, and give --ranks N on one machine or --hostfile HOSTS.json on several; \
             or unset the variable",
        )),
    }
}

/// Reads the host file, sets the number of ranks by it, and makes paths hold on every machine.
///
/// # Errors
/// Those of the host file; a usage error where `ranks` says another number.
pub(super) fn machines(
    settings: &Settings,
    hostfile: &Path,
    (config, file): (&Path, &mut TrainFile),
    load: &mut Load,
) -> Result<Remote> {
    let hosts = Hosts::read(hostfile)?;
    let count = hosts.ranks();
    if file.ranks != 1 && file.ranks as usize != count {
        return Err(Error::usage(format!(
            "{}: ranks: {}, {} names {count} hosts",
            config.display(),
            file.ranks,
            hostfile.display()
        ))
        .hint("leave `ranks` out: a host file has one entry for each rank"));
    }
    file.ranks = u32::try_from(count).expect("a host file is short");
    for path in std::iter::once(&mut load.model).chain(load.adapters.iter_mut().map(|file| &mut file.folder))
    {
        *path = std::path::absolute(&*path).map_err(|error| Error::unreadable(path, &error))?;
    }
    let program = env::current_exe()
        .map_err(|error| Error::engine(format!("cannot tell where the realign program lies: {error}")))?;
    let library = settings.home.engine();
    let ssh = env::var(SSH).unwrap_or_default();
    let ssh: Vec<String> = ssh.split_whitespace().map(str::to_owned).collect();
    Ok(Remote {
        hosts,
        ssh: if ssh.is_empty() { vec!["ssh".to_owned()] } else { ssh },
        command: vec![
            "env".into(),
            format!("REALIGN_HOME={}", settings.home.folder().display()),
            program.display().to_string(),
            RELAY_VERB.into(),
            library.display().to_string(),
        ],
        library,
    })
}
