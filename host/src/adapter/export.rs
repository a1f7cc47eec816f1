//! The three ways of writing: for another program, folded into the model, multiplied.
//!
//! A factor is multiplied into B, the second matrix of every correction, in single precision. The stated scale stays as
//! it is: PEFT's alpha remains the whole number that some loaders insist on, and both formats say the same.

use std::{ops::RangeInclusive, path::PathBuf};

use realign_engine_abi::{
    export::{Export, ExportFormat},
    message::AdapterFile,
};

use super::{
    origin,
    record::{FORMAT, Part, Record},
    standing::{MARK, Standing},
};
use crate::{
    engine::{
        export::export,
        launch::Launch,
        model_digest::{adapter_digest, model_digest},
    },
    error::{Error, Result},
    exit::Exit,
    write::OutputFolder,
};

/// Factors that make sense: the engine takes no scale outside of this.
const FACTORS: RangeInclusive<f32> = 1e-6..=1e6;

/// What is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The model that the adapters belong to.
    pub model: PathBuf,
    /// The adapters, in the order in which they were trained; at least one.
    pub adapters: Vec<PathBuf>,
    /// As what.
    pub format: ExportFormat,
    /// What the adapters are multiplied by.
    pub factor: f32,
    /// Where it goes.
    pub output: PathBuf,
}

/// Checked, with a place reserved; nothing is written yet.
#[derive(Debug)]
pub struct Prepared {
    wanted: Wanted,
    record: Record,
    folder: OutputFolder,
}

impl Wanted {
    /// Reads what is known of the adapters, refuses what does not belong together and what its name does not say, and
    /// reserves the place.
    ///
    /// # Errors
    /// Exit 2 for a factor out of range or a place that is taken, 22 for adapters of another model, 10 where divergence is
    /// not proven and the name does not say so, 23 where the place cannot be written.
    pub fn prepare(self) -> Result<Prepared> {
        if !FACTORS.contains(&self.factor) {
            let (low, high) = (FACTORS.start(), FACTORS.end());
            return Err(Error::usage(format!("--factor: {}, not from {low} to {high}", self.factor)));
        }
        let model_digest = model_digest(&self.model)?;
        let mut known = Vec::new();
        for folder in &self.adapters {
            known.push((folder.as_path(), origin::parts(folder)?));
        }
        origin::check_chain(&model_digest, &known)?;
        let scaled = |part: Part| Part { factor: part.factor * self.factor, ..part };
        let parts: Vec<Part> = known.into_iter().flat_map(|(_, parts)| parts).map(scaled).collect();
        let standing = Standing::of(&parts);
        let why: Vec<String> = parts.iter().map(|part| part.why(parts.len() == 1)).collect();
        let name = self.output.file_name().unwrap_or_default().to_string_lossy();
        if standing == Standing::Unproven && !name.ends_with(MARK) {
            return Err(Error::new(Exit::Failed, why.join("; ")).hint(format!(
                "only a folder whose name says so holds such an adapter: --output {}-{MARK}",
                self.output.display()
            )));
        }
        let folder = OutputFolder::create(&self.output)?;
        let record = Record {
            format: FORMAT,
            written: self.format,
            model_digest,
            parameters: 0,
            rank: None,
            digest: None,
            parts,
            standing,
            why,
        };
        Ok(Prepared { wanted: self, record, folder })
    }
}

impl Prepared {
    /// Has the engine write, puts the record beside it and gives the folder its name.
    ///
    /// # Errors
    /// As [`export`]; exit 23 where the folder cannot take its name. Then nothing is there.
    pub fn write(self, launch: &Launch, progress: &mut dyn FnMut(u64, u64)) -> Result<Record> {
        let Self { wanted, mut record, folder } = self;
        let adapter = |folder| AdapterFile { folder, factor: wanted.factor };
        let request = Export {
            model: wanted.model,
            adapters: wanted.adapters.into_iter().map(adapter).collect(),
            format: wanted.format,
            folder: folder.inside().to_owned(),
        };
        let written = (|| {
            let exported = export(launch, request, progress)?;
            (record.parameters, record.rank) = (exported.parameters, exported.rank);
            if exported.rank.is_some() {
                let file = AdapterFile { folder: folder.inside().to_owned(), factor: 1.0 };
                record.digest = Some(adapter_digest(&file)?);
            }
            record.write(folder.inside())
        })();
        written.map_err(|error| folder.rename_in(&error))?;
        folder.commit()?;
        Ok(record)
    }
}
