//! A step's rows over the ranks that take it together.
//!
//! Every row, and every anchor, goes to one rank; the engine divides by the tokens and rows of all, so who computes a row
//! changes nothing but rounding. The longest rows are dealt first, each to the rank that has the fewest tokens so far: no
//! rank has more than another by more than one row. A rank may have none. Of a batch each rank has a batch of its own.

use realign_engine_abi::train::{Divergence, KlRow, StepReport, TrainRow, TrainStep};

/// What one rank does of a step.
#[derive(Debug)]
pub struct Share {
    /// Its rows and anchors.
    pub step: TrainStep,
    /// Their places in the whole step: of rows and of batches.
    rows: Vec<usize>,
    batches: Vec<usize>,
}

/// Deals a step out to `ranks`.
#[must_use]
pub fn split(step: &TrainStep, ranks: usize) -> Vec<Share> {
    let rows: Vec<&TrainRow> = step.batches.iter().flatten().collect();
    let costs: Vec<usize> =
        rows.iter().map(|row| row.example.tokens()).chain(step.anchors.iter().map(anchor_tokens)).collect();
    let owners = deal(&costs, ranks);
    let (of_rows, of_anchors) = owners.split_at(rows.len());
    (0..ranks).map(|rank| share(step, of_rows, of_anchors, rank)).collect()
}

fn share(step: &TrainStep, of_rows: &[usize], of_anchors: &[usize], rank: usize) -> Share {
    let mut owners = of_rows.iter().enumerate();
    let (mut rows, mut numbers, mut batches) = (Vec::new(), Vec::new(), Vec::new());
    for (number, batch) in step.batches.iter().enumerate() {
        let mine: Vec<(usize, &TrainRow)> = batch
            .iter()
            .zip(owners.by_ref())
            .filter(|(_, (_, owner))| **owner == rank)
            .map(|(row, (place, _))| (place, row))
            .collect();
        if !mine.is_empty() {
            rows.extend(mine.iter().map(|(place, _)| *place));
            numbers.push(number);
            batches.push(mine.into_iter().map(|(_, row)| row.clone()).collect());
        }
    }
    let anchors = step.anchors.iter().zip(of_anchors).filter(|(_, owner)| **owner == rank);
    let anchors = anchors.map(|(anchor, _)| anchor.clone()).collect();
    Share { step: TrainStep { batches, anchors, ..*step }, rows, batches: numbers }
}

/// One report from those of all ranks; `None` where they have not taken one and the same step.
#[must_use]
pub fn report(shares: &[Share], reports: Vec<StepReport>) -> Option<StepReport> {
    let mut logprobs = vec![Vec::new(); shares.iter().map(|share| share.rows.len()).sum()];
    let mut references = logprobs.clone();
    let mut whole: Option<StepReport> = None;
    for (mut report, share) in reports.into_iter().zip(shares) {
        if [&report.logprobs, &report.references].iter().any(|sums| sums.len() != share.rows.len()) {
            return None;
        }
        let sums = report.logprobs.drain(..).zip(report.references.drain(..));
        for (&place, (policy, reference)) in share.rows.iter().zip(sums) {
            (logprobs[place], references[place]) = (policy, reference);
        }
        if whole.as_ref().is_some_and(|whole| *whole != report) {
            return None;
        }
        whole = Some(report);
    }
    whole.map(|whole| StepReport { logprobs, references, ..whole })
}

/// What was not finite, from what each rank says of it: the one whose batch it was knows best.
#[must_use]
pub fn divergence(shares: &[Share], found: Vec<Divergence>) -> Option<Divergence> {
    let whole = |(share, found): (&Share, Divergence)| Divergence {
        batch: found.batch.and_then(|batch| share.batches.get(batch).copied()),
        what: found.what,
    };
    shares
        .iter()
        .zip(found)
        .map(whole)
        .reduce(|first, next| if first.batch.is_none() && next.batch.is_some() { next } else { first })
}

/// For each cost the rank that bears it.
fn deal(costs: &[usize], ranks: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by_key(|&place| (std::cmp::Reverse(costs[place]), place));
    let mut loads = vec![0; ranks];
    let mut owners = vec![0; costs.len()];
    for place in order {
        let lightest = (0..ranks).min_by_key(|&rank| loads[rank]).unwrap_or(0);
        owners[place] = lightest;
        loads[lightest] += costs[place];
    }
    owners
}

fn anchor_tokens(row: &KlRow) -> usize {
    row.context.len() + row.response.len()
}

#[cfg(test)]
mod tests;
