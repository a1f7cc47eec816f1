//! What is weak, and the pairs that differ in just that.

use std::{collections::BTreeSet, path::Path};

use super::super::pairs;
use crate::{error::Result, read, suite::record::Record, write::Output};

/// The pairs of a pass that differ in what was weak, in its folder.
pub(super) const TARGETED: &str = "targeted.jsonl";

/// Traits below what their mean has to reach, the weakest first; the three weakest where none is.
pub(super) fn weak(dev: &Record, wanted: f64) -> Vec<String> {
    let mut traits: Vec<(&str, f64)> = dev
        .metrics
        .iter()
        .filter_map(|metric| {
            Some((metric.name.strip_prefix("trait/")?, metric.estimate.map(|estimate| estimate.value)?))
        })
        .collect();
    traits.sort_by(|(a, x), (b, y)| x.total_cmp(y).then(a.cmp(b)));
    let below = traits.iter().filter(|(_, value)| *value < wanted).count();
    traits.into_iter().take(below.max(3)).map(|(name, _)| name.to_owned()).collect()
}

/// Keeps the pairs of a pass whose chosen answer shows a weak trait that the rejected one does not; how many.
pub(super) fn target(place: &Path, weak: &[String]) -> Result<usize> {
    let rows: Vec<serde_json::Value> = read::jsonl(&pairs::file_of(place)?)?;
    let weak: BTreeSet<&str> = weak.iter().map(String::as_str).collect();
    let shows = |row: &serde_json::Value, side: &str, name: &str| {
        row.pointer(&format!("/notes/{side}/{name}")).and_then(serde_json::Value::as_u64)
    };
    let differs = |row: &serde_json::Value| {
        weak.iter().any(|name| shows(row, "chosen", name) > shows(row, "rejected", name))
    };
    let kept: Vec<&serde_json::Value> = rows.iter().filter(|row| differs(row)).collect();
    let mut bytes = Vec::new();
    for (index, row) in kept.iter().enumerate() {
        let mut row = (*row).clone();
        let pass = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The same scenario may give a pair in every pass: ids have to stay apart.
        if let Some(id) = row.get_mut("id") {
            *id = format!("{pass}/{}", id.as_str().map_or_else(|| index.to_string(), str::to_owned)).into();
        }
        bytes.extend(serde_json::to_vec(&row).expect("it was JSON before"));
        bytes.push(b'\n');
    }
    Output::create(&place.join(TARGETED))?.commit(&bytes)?;
    Ok(kept.len())
}
