//! Who took no part in choosing the pairs.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    ids::Digest,
    read,
    suite::load::Suite,
    train::data::Found,
};

/// What is read of `pairs.record.json`.
#[derive(Debug, Deserialize)]
struct Recorded {
    held_out: BTreeSet<String>,
    digests: std::collections::BTreeMap<String, Digest>,
}

/// The traits whose detectors took no part in the choice: those that were named, else those of the record beside the file if
/// it is the record of these very bytes, else the suite's others where every pair names its choosers. Empty where nothing
/// says so.
///
/// # Errors
/// A usage error for a trait that the suite does not have, bad input where a trait both chose and is to judge.
pub(super) fn held_out(
    path: &Path,
    rows: &[Found],
    named: &BTreeSet<String>,
    suite: &Suite,
) -> Result<BTreeSet<String>> {
    let traits: BTreeSet<&String> = suite.file.detector.iter().map(|spec| &spec.trait_id).collect();
    if let Some(unknown) = named.iter().find(|name| !traits.contains(name)) {
        return Err(Error::usage(format!("--held-out: the suite has no detector of a trait `{unknown}`")));
    }
    let found = if named.is_empty() {
        recorded(path)?.or_else(|| complement(rows, &traits)).unwrap_or_default()
    } else {
        named.clone()
    };
    for row in rows {
        if let Some(trait_id) = row.row.chosen_by.intersection(&found).next() {
            let message =
                format!("{}: the pair was chosen by trait `{trait_id}`, which is to judge it", row.row.place);
            return Err(Error::bad_input(message).hint("hold out a trait that chose nothing"));
        }
    }
    Ok(found.into_iter().filter(|name| traits.contains(name)).collect())
}

fn recorded(path: &Path) -> Result<Option<BTreeSet<String>>> {
    let record = path.with_extension("record.json");
    if !record.is_file() {
        return Ok(None);
    }
    let text = read::text(&record)?;
    let Ok(record) = serde_json::from_str::<Recorded>(&text) else { return Ok(None) };
    let of_these = record.digests.get("pairs") == Some(&Digest::of(read::text(path)?.as_bytes()));
    Ok(of_these.then_some(record.held_out))
}

fn complement(rows: &[Found], traits: &BTreeSet<&String>) -> Option<BTreeSet<String>> {
    let mut others: BTreeSet<String> = traits.iter().map(|name| (*name).clone()).collect();
    for found in rows {
        if found.row.chosen_by.is_empty() {
            return None;
        }
        others.retain(|name| !found.row.chosen_by.contains(name));
    }
    Some(others)
}
