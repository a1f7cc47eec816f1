//! Where the names of tasks, groups and tags lead: the `.yaml` files of a folder and those below it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_norway::Value as Yaml;

use super::include::Source;
use crate::error::{Error, Result};

/// Most files that names are looked up in.
const MOST_FILES: usize = 20_000;

/// Deepest folder.
const MOST_DEPTH: usize = 16;

/// Where names lead.
pub(super) struct Names {
    /// The file of a task or group.
    pub(super) files: BTreeMap<String, PathBuf>,
    /// Tasks that have a tag, in the order of their names.
    pub(super) tags: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// Of all files in a folder and below it. Files that cannot be read have no name: whoever needs them is told.
    pub(super) fn below(folder: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        collect(folder, 0, &mut paths)?;
        paths.sort();
        let mut names = Self { files: BTreeMap::new(), tags: BTreeMap::new() };
        for path in paths {
            let Ok(source) = Source::read(&path) else { continue };
            let Some(name) = source.name("group").or_else(|| source.name("task")) else { continue };
            if let Some(other) = names.files.get(name) {
                let message = format!("{} and {} are both called `{name}`", other.display(), path.display());
                return Err(Error::usage(message).hint("a name leads to one file of a group's folder"));
            }
            let tags = match source.document.get("tag") {
                Some(Yaml::String(tag)) => vec![tag.clone()],
                Some(Yaml::Sequence(tags)) => {
                    tags.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
                }
                _ => Vec::new(),
            };
            for tag in tags.into_iter().filter(|_| source.document.get("group").is_none()) {
                names.tags.entry(tag).or_default().push(name.to_owned());
            }
            names.files.insert(name.to_owned(), path);
        }
        names.tags.values_mut().for_each(|tasks| tasks.sort());
        Ok(names)
    }
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error| Error::unreadable(folder, &error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        if kind.is_dir() && depth < MOST_DEPTH {
            collect(&path, depth + 1, paths)?;
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "yaml") {
            if paths.len() >= MOST_FILES {
                let message = format!("{}: more than {MOST_FILES} task files", folder.display());
                return Err(Error::usage(message).hint("put the group into a folder of its own"));
            }
            paths.push(path);
        }
    }
    Ok(())
}
