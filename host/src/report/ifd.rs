//! Difficulty of rows as people read it.

use std::fmt::Write as _;

use super::{number, pairs, table};
use crate::data::ifd::{Difficulty, Ratio, Summary};

/// Most rows that are named.
const MOST: usize = 12;

/// The whole report; `output` is where the kept rows went.
#[must_use]
pub fn render(found: &Difficulty, output: Option<&str>) -> String {
    let model = found.subject.get("model").map_or("unknown", String::as_str);
    let mut text = format!("{}  ({} rows, asked of {model})\n\n", found.file, found.rows.len());
    let named = [
        ("ratio of mean NLLs".to_owned(), &found.nll.mean),
        ("ratio of perplexities".to_owned(), &found.perplexity.mean),
        ("instruction hurts".to_owned(), &found.above_one),
    ];
    text += &pairs::measured_table("mean over rows", named);
    text += "\n\n";
    let mut quantiles = table::new(
        &["rows below", "NLL ratio", "95 % interval", "perplexity ratio", "95 % interval"],
        &[1, 2, 3, 4],
    );
    for (nll, perplexity) in found.nll.quantiles.iter().zip(&found.perplexity.quantiles) {
        let [value, interval] = shown(&found.nll, nll.share);
        let [other, other_interval] = shown(&found.perplexity, perplexity.share);
        quantiles.add_row([format!("{:.0} %", 100.0 * nll.share), value, interval, other, other_interval]);
    }
    text += &table::text(&quantiles);
    let hurt: Vec<String> =
        found.rows.iter().filter(|row| row.ifd.hurts()).map(|row| row.line.to_string()).collect();
    if !hurt.is_empty() {
        let more = hurt.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more: --json lists all") } else { String::new() };
        let _ = write!(text, "\n\nabove 1: line {}{more}", hurt[..hurt.len().min(MOST)].join(", "));
    }
    if let (Some(kept), Some(output)) = (&found.kept, output) {
        let by = match kept.by {
            Ratio::Nll => "ratio of mean NLLs",
            Ratio::Perplexity => "ratio of perplexities",
        };
        let _ = write!(
            text,
            "\n\nwritten: {output}, the {} rows with the highest {by} up to 1",
            kept.lines.len()
        );
        if kept.missing > 0 {
            let _ = write!(text, " ({} fewer than asked for)", kept.missing);
        }
    }
    text
}

fn shown(summary: &Summary, share: f64) -> [String; 2] {
    let found = summary.quantiles.iter().find(|quantile| quantile.share.total_cmp(&share).is_eq());
    match found.and_then(|quantile| quantile.estimate) {
        None => ["-".to_owned(), "-".to_owned()],
        Some(estimate) => [number::value(estimate.value, "ratio"), number::interval(&estimate, "ratio")],
    }
}
