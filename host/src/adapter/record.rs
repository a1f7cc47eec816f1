//! What stands beside everything that is written: where it came from, and what was proven of it.

use std::path::Path;

use realign_engine_abi::export::ExportFormat;
use serde::{Deserialize, Serialize};

use super::standing::Standing;
use crate::{
    error::{Error, Result},
    ids::Digest,
    model::Verdict,
    read,
    train::config::Kind,
    write::Output,
};

/// Name of the file.
pub const FILE: &str = "realign.json";
/// Version of the document; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// What was written. It holds no clock and no path, so the same inputs give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// What kind of folder this is.
    pub written: ExportFormat,
    /// Of the file or folder of the model that the adapters belong to.
    pub model_digest: Digest,
    /// Numbers in the adapter or the model.
    pub parameters: u64,
    /// Rank of the adapter; none for a model.
    pub rank: Option<u32>,
    /// Of the adapter's files; none for a model.
    pub digest: Option<Digest>,
    /// The trained adapters that are in it, in the order in which they were trained.
    pub parts: Vec<Part>,
    /// What all of this says of its divergence.
    pub standing: Standing,
    /// Why, in a sentence per part.
    pub why: Vec<String>,
}

/// What every version of the document says first.
#[derive(Debug, Deserialize)]
struct Header {
    format: u32,
}

/// One trained adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Of its files as they were found, as the identity of a run with it has it.
    pub digest: Digest,
    /// What it has been multiplied by since it was trained, or since it came here.
    pub factor: f32,
    /// Its training; none where it was made elsewhere.
    pub training: Option<Training>,
}

/// A training, as far as its adapter has to answer for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Id of the run.
    pub id: String,
    /// Name of the configuration.
    pub name: String,
    /// What was trained.
    pub kind: Kind,
    /// Digest of the model that it began with.
    pub model_digest: String,
    /// Digest of the adapter that was part of that model.
    pub over: Option<String>,
    /// What its gate said; none where no divergence was measured.
    pub divergence: Option<Divergence>,
}

/// What a gate of divergence said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergence {
    /// The limit in nats per token.
    pub limit: f64,
    /// One-sided upper 95 % bound; none where too little was measured.
    pub bound: Option<f64>,
    /// What the gate concluded.
    pub verdict: Verdict,
}

impl Record {
    /// Reads the record in a folder; `None` where there is none.
    ///
    /// # Errors
    /// Bad input naming the file.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let bad = |why: String| Error::bad_input(format!("{}: {why}", path.display()));
        let text = read::text(&path)?;
        let refused = |error: serde_json::Error| bad(error.to_string());
        let Header { format } = serde_json::from_str(&text).map_err(refused)?;
        if format != FORMAT {
            return Err(bad(format!("format {format}, this realign reads {FORMAT}")));
        }
        serde_json::from_str(&text).map(Some).map_err(refused)
    }

    /// Writes the record into a folder.
    ///
    /// # Errors
    /// Exit 23 naming the file.
    ///
    /// # Panics
    /// If the record does not serialise, which is a bug in its type.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a record serialises to JSON");
        bytes.push(b'\n');
        Output::create(&folder.join(FILE))?.commit(&bytes)
    }
}
