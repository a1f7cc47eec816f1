//! Files to begin with: a small persona with everything that the seven stages need, every option explained.
//!
//! They are in the binary, so `init` works without a clone. They are real: the suite evaluates and the pipeline runs. What
//! they hold is too little to prove anything, and a run says so.

use std::{fs, path::Path};

use crate::{
    error::{Error, Result},
    write::Output,
};

/// Name and content of every file, in the order in which a reader wants them.
pub const FILES: [(&str, &str); 13] = [
    ("persona.toml", include_str!("../templates/init/persona.toml")),
    ("suite.toml", include_str!("../templates/init/suite.toml")),
    ("pipeline.toml", include_str!("../templates/init/pipeline.toml")),
    ("sft.toml", include_str!("../templates/init/sft.toml")),
    ("pairs.toml", include_str!("../templates/init/pairs.toml")),
    ("preference.toml", include_str!("../templates/init/preference.toml")),
    ("scenarios.jsonl", include_str!("../templates/init/scenarios.jsonl")),
    ("exemplars.jsonl", include_str!("../templates/init/exemplars.jsonl")),
    ("contrast.jsonl", include_str!("../templates/init/contrast.jsonl")),
    ("replies.jsonl", include_str!("../templates/init/replies.jsonl")),
    ("validation.jsonl", include_str!("../templates/init/validation.jsonl")),
    ("facts.jsonl", include_str!("../templates/init/facts.jsonl")),
    ("prose.jsonl", include_str!("../templates/init/prose.jsonl")),
];

/// Writes all files into a folder.
///
/// # Errors
/// Exit 2 where one of them is there already, before anything is written; exit 23 where one cannot be written.
pub fn write(folder: &Path) -> Result<()> {
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).exists()) {
        let message = format!("{} is there already", folder.join(name).display());
        return Err(Error::usage(message).hint("choose another folder: nothing that is there is changed"));
    }
    fs::create_dir_all(folder).map_err(|error| Error::unwritable(folder, &error))?;
    FILES.iter().try_for_each(|(name, text)| Output::create(&folder.join(name))?.commit(text.as_bytes()))
}
