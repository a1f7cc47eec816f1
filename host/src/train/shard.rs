//! A step's rows over the ranks that take it together.
//!
//! Every row, and every anchor, goes to one rank; the engine divides by the tokens and rows of all, so who computes a row
//! changes nothing but rounding. The longest rows are dealt first, each to the rank that has the fewest tokens so far: no
//! rank has more than another by more than one row. A rank may have none. Of a batch each rank has a batch of its own.

use realign_engine_abi::train::{Divergence, KlRow, StepReport, TrainRow, TrainStep};

/// A step in as many parts as there are ranks.
#[derive(Debug)]
pub struct Shards {
    /// The part of each rank.
    pub steps: Vec<TrainStep>,
    /// For each rank, the places of its rows in the whole step.
    rows: Vec<Vec<usize>>,
    /// For each rank, the places of its batches in the whole step.
    batches: Vec<Vec<usize>>,
}

/// Deals a step out to `ranks`.
#[must_use]
pub fn split(step: &TrainStep, ranks: usize) -> Shards {
    let rows: Vec<&TrainRow> = step.batches.iter().flatten().collect();
    let costs = rows.iter().map(|row| tokens(row)).chain(step.anchors.iter().map(anchor_tokens)).collect();
    let owners = deal(costs, ranks);
    let (of_rows, of_anchors) = owners.split_at(rows.len());
    let empty = TrainStep { batches: Vec::new(), anchors: Vec::new(), ..step.clone() };
    let mut shards =
        Shards { steps: vec![empty; ranks], rows: vec![Vec::new(); ranks], batches: vec![Vec::new(); ranks] };
    let mut place = 0;
    for (number, batch) in step.batches.iter().enumerate() {
        for row in batch {
            let owner = of_rows[place];
            if shards.batches[owner].last() != Some(&number) {
                shards.batches[owner].push(number);
                shards.steps[owner].batches.push(Vec::new());
            }
            shards.rows[owner].push(place);
            shards.steps[owner].batches.last_mut().expect("it was just begun").push(row.clone());
            place += 1;
        }
    }
    for (anchor, &owner) in step.anchors.iter().zip(of_anchors) {
        shards.steps[owner].anchors.push(anchor.clone());
    }
    shards
}

impl Shards {
    /// One report from those of all ranks; `None` where they have not taken one and the same step.
    #[must_use]
    pub fn report(&self, reports: Vec<StepReport>) -> Option<StepReport> {
        let mut logprobs = vec![Vec::new(); self.rows.iter().map(Vec::len).sum()];
        let mut whole: Option<StepReport> = None;
        for (mut report, places) in reports.into_iter().zip(&self.rows) {
            if report.logprobs.len() != places.len() {
                return None;
            }
            for (&place, sums) in places.iter().zip(report.logprobs.drain(..)) {
                logprobs[place] = sums;
            }
            if whole.as_ref().is_some_and(|whole| *whole != report) {
                return None;
            }
            whole = Some(report);
        }
        whole.map(|whole| StepReport { logprobs, ..whole })
    }

    /// What was not finite, from what each rank says of it: the one whose batch it was knows best.
    #[must_use]
    pub fn divergence(&self, found: Vec<Divergence>) -> Option<Divergence> {
        let whole = |(rank, found): (usize, Divergence)| Divergence {
            batch: found.batch.and_then(|batch| self.batches[rank].get(batch).copied()),
            what: found.what,
        };
        found
            .into_iter()
            .enumerate()
            .map(whole)
            .reduce(|first, next| if first.batch.is_none() && next.batch.is_some() { next } else { first })
    }
}

/// For each cost the rank that bears it.
fn deal(costs: Vec<usize>, ranks: usize) -> Vec<usize> {
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

fn tokens(row: &TrainRow) -> usize {
    let example = &row.example;
    example.context.len() + example.answers.iter().map(|answer| answer.tokens.len()).sum::<usize>()
}

fn anchor_tokens(row: &KlRow) -> usize {
    row.context.len() + row.response.len()
}

#[cfg(test)]
mod tests;
