//! How ranks are reached that are not started here: over ssh with `--hostfile`, or because `mlx.launch` or a scheduler has
//! started them.

use std::{env, path::Path, sync::Arc};

use realign_engine_abi::message::Load;

use crate::{
    cli::interrupt,
    engine::{
        hosts::{Hosts, Remote, Way},
        launch::RELAY_VERB,
        lend::lend,
        lent::Lent,
        member::Member,
    },
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
    opening,
    settings::Settings,
    train::config::TrainFile,
};

/// What reaches a machine, with arguments, as other programs take it from `RSYNC_RSH` or `GIT_SSH_COMMAND`: a file of
/// settings, a key, a jump program.
const SSH: &str = "REALIGN_SSH";

/// Takes part in a group that somebody else has started: rank 0 does the work, the others lend it a worker each and end as
/// it does.
///
/// # Errors
/// What `work` reports, those of [`Lent::gather`] and of [`lend`].
pub(super) fn take_part(
    settings: &Settings,
    member: &Member,
    work: impl FnOnce(&Arc<Lent>) -> Result<Exit>,
) -> Result<Exit> {
    let command = command_line()?;
    let home = settings.home.folder();
    if member.rank > 0 {
        // Asked to end together with rank 0, it waits until that has written its checkpoint.
        interrupt::listen()?;
        let launch = opening::launch(settings)?;
        return lend(member, home, &command, launch, &settings.home.engine());
    }
    let lent = Arc::new(Lent::gather(member, home, &command, settings.patience)?);
    let ended = work(&lent);
    lent.end(ended.as_ref().map_or_else(Error::exit, |exit| *exit));
    ended
}

/// What the processes of a group must have in common: arguments, and the folder by which their paths are meant.
fn command_line() -> Result<Digest> {
    let folder = env::current_dir()
        .map_err(|error| Error::engine(format!("cannot tell in which folder this is: {error}")))?;
    let words = env::args_os().skip(1).chain([folder.into_os_string()]);
    Ok(Digest::of_json(&words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()))
}

/// Makes the ranks that were lent those of a training.
///
/// # Errors
/// A usage error where `ranks` says another number.
pub(super) fn lent(
    settings: &Settings,
    (member, lent): (&Member, &Arc<Lent>),
    (config, file): (&Path, &mut TrainFile),
    load: &mut Load,
) -> Result<Remote> {
    let count = member.ips.len();
    if file.ranks != 1 && file.ranks as usize != count {
        return Err(Error::usage(format!(
            "{}: ranks: {}, MLX_HOSTFILE names {count}",
            config.display(),
            file.ranks
        ))
        .hint("leave `ranks` out: whoever starts the processes decides how many there are"));
    }
    file.ranks = u32::try_from(count).expect("a host file is short");
    absolute(load)?;
    Ok(Remote {
        hosts: Hosts::here(member.ips.clone()),
        way: Way::Lent(Arc::clone(lent)),
        library: settings.home.engine(),
    })
}

/// Makes the paths of a model hold in every folder.
fn absolute(load: &mut Load) -> Result<()> {
    for path in std::iter::once(&mut load.model).chain(load.adapters.iter_mut().map(|file| &mut file.folder))
    {
        *path = std::path::absolute(&*path).map_err(|error| Error::unreadable(path, &error))?;
    }
    Ok(())
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
    absolute(load)?;
    let program = env::current_exe()
        .map_err(|error| Error::engine(format!("cannot tell where the realign program lies: {error}")))?;
    let library = settings.home.engine();
    let ssh = env::var(SSH).unwrap_or_default();
    let ssh: Vec<String> = ssh.split_whitespace().map(str::to_owned).collect();
    Ok(Remote {
        hosts,
        way: Way::Ssh {
            ssh: if ssh.is_empty() { vec!["ssh".to_owned()] } else { ssh },
            command: vec![
                "env".into(),
                format!("REALIGN_HOME={}", settings.home.folder().display()),
                program.display().to_string(),
                RELAY_VERB.into(),
                library.display().to_string(),
            ],
        },
        library,
    })
}
