//! The order of all steps, made before the first one is taken.
//!
//! A function of lengths, roles and seed alone: nothing that happens in a run, and no number of workers, changes it.
//!
//! # The rule of an epoch
//!
//! 1. Every persona row is in it once. General rows join until persona rows are the wanted share; they are taken from a
//!    seeded order that goes on from epoch to epoch, so none is used twice before every other was used once.
//! 2. The rows are shuffled and cut into windows of [`WINDOW`]; within a window they are sorted by length, so that rows of
//!    a batch have similar lengths and little is padded.
//! 3. A batch ends before the row with which rows times the longest row would exceed the budget. A row that is too large
//!    alone is a batch of its own.
//! 4. The batches are shuffled, and each step takes the next `accumulate` of them; the last step takes what is left.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

use crate::{ids::Seed, stats::bootstrap::below};

/// Rows among which lengths are sorted.
pub const WINDOW: usize = 256;

/// What planning needs to know of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Tokens that run through the model.
    pub length: usize,
    /// Whether it is a general row.
    pub general: bool,
}

/// What a plan has to keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Where the order starts.
    pub seed: Seed,
    /// Share of persona rows where there are general ones.
    pub persona_share: f64,
    /// Most padded tokens in a batch.
    pub batch_tokens: usize,
    /// Batches in a step.
    pub accumulate: usize,
    /// Most epochs.
    pub epochs: Option<u32>,
    /// Most steps.
    pub max_steps: Option<u32>,
}

/// One optimiser step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Counted from 0.
    pub epoch: u32,
    /// Place in the epoch, counted from 0.
    pub place: u32,
    /// Rows by their index, batch by batch.
    pub batches: Vec<Vec<usize>>,
}

/// All steps of a run. Empty only without a persona row.
#[must_use]
pub fn plan(rows: &[Shape], settings: &Settings) -> Vec<Step> {
    let most = settings.max_steps.map_or(usize::MAX, |steps| steps as usize);
    let mut steps = Vec::new();
    for number in 0..settings.epochs.unwrap_or(u32::MAX) {
        let epoch = epoch(rows, settings, number);
        if epoch.is_empty() || steps.len() >= most {
            break;
        }
        steps.extend(epoch);
    }
    steps.truncate(most);
    steps
}

fn epoch(rows: &[Shape], settings: &Settings, number: u32) -> Vec<Step> {
    let mut random = generator(settings.seed, &format!("epoch-{number}"));
    let mut members = members(rows, settings, number);
    shuffle(&mut members, &mut random);
    let mut batches: Vec<Vec<usize>> = members
        .chunks_mut(WINDOW)
        .flat_map(|window| {
            window.sort_by_key(|&row| (rows[row].length, row));
            batches(rows, window, settings.batch_tokens)
        })
        .collect();
    shuffle(&mut batches, &mut random);
    batches
        .chunks(settings.accumulate.max(1))
        .zip(0..)
        .map(|(batches, place)| Step { epoch: number, place, batches: batches.to_vec() })
        .collect()
}

/// Rule 1.
fn members(rows: &[Shape], settings: &Settings, epoch: u32) -> Vec<usize> {
    let (general, mut members): (Vec<usize>, Vec<usize>) =
        (0..rows.len()).partition(|&row| rows[row].general);
    if general.is_empty() || members.is_empty() {
        return members;
    }
    let share = settings.persona_share;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of rows"
    )]
    let wanted = (members.len() as f64 * (1.0 - share) / share).round() as usize;
    let first = epoch as usize * wanted;
    let mut round = usize::MAX;
    let mut order = Vec::new();
    for place in first..first + wanted {
        if place / general.len() != round {
            round = place / general.len();
            order.clone_from(&general);
            shuffle(&mut order, &mut generator(settings.seed, &format!("general-{round}")));
        }
        members.push(order[place % general.len()]);
    }
    members
}

/// Rule 3, on rows in ascending length.
fn batches(rows: &[Shape], window: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for &row in window {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * rows[row].length <= budget => batch.push(row),
            _ => batches.push(vec![row]),
        }
    }
    batches
}

/// Batches of rows that are only measured: all of them, by length.
#[must_use]
pub fn by_length(rows: &[Shape], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&row| (rows[row].length, row));
    batches(rows, &order, budget)
}

fn generator(seed: Seed, purpose: &str) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed.derive(purpose).0)
}

/// Fisher and Yates.
pub(super) fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(random, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn some_rows()(rows in prop::collection::vec((1_usize..200, any::<bool>()), 1..600)) -> Vec<Shape> {
            rows.into_iter().map(|(length, general)| Shape { length, general }).collect()
        }
    }

    prop_compose! {
        fn some_settings()(
            seed in any::<u64>(), persona_share in 0.2_f64..=1.0, batch_tokens in 1_usize..900,
            accumulate in 1_usize..5, epochs in 1_u32..4,
        ) -> Settings {
            Settings {
                seed: Seed(seed), persona_share, batch_tokens, accumulate, epochs: Some(epochs), max_steps: None,
            }
        }
    }

    fn uses<'a>(steps: impl IntoIterator<Item = &'a Step>) -> BTreeMap<usize, usize> {
        let mut uses = BTreeMap::new();
        for row in steps.into_iter().flat_map(|step| step.batches.iter().flatten()) {
            *uses.entry(*row).or_insert(0) += 1;
        }
        uses
    }

    proptest! {
        #[test]
        fn every_persona_row_is_in_every_epoch_once(rows in some_rows(), settings in some_settings()) {
            let steps = plan(&rows, &settings);
            for epoch in 0..settings.epochs.unwrap() {
                let uses = uses(steps.iter().filter(|step| step.epoch == epoch));
                for (index, row) in rows.iter().enumerate() {
                    prop_assert!(row.general || uses.get(&index) == Some(&1));
                }
            }
        }

        #[test]
        fn general_rows_are_used_equally_often_and_have_their_share(
            rows in some_rows(), settings in some_settings(),
        ) {
            let steps = plan(&rows, &settings);
            let uses = uses(&steps);
            let count = |index: usize| uses.get(&index).copied().unwrap_or(0);
            let general: Vec<usize> = (0..rows.len()).filter(|&index| rows[index].general).map(count).collect();
            let persona = rows.len() - general.len();
            if persona == 0 {
                prop_assert!(steps.is_empty());
            } else if let (Some(most), Some(least)) = (general.iter().max(), general.iter().min()) {
                prop_assert!(most - least <= 1);
                let epochs = settings.epochs.unwrap() as usize;
                let wanted = (persona as f64 * (1.0 / settings.persona_share - 1.0)).round() * epochs as f64;
                prop_assert!((general.iter().sum::<usize>() as f64 - wanted).abs() < 0.5);
            }
        }

        #[test]
        fn the_budget_holds_for_every_batch_of_more_than_one_row(rows in some_rows(), settings in some_settings()) {
            for step in plan(&rows, &settings) {
                prop_assert!(step.batches.len() <= settings.accumulate && !step.batches.is_empty());
                for batch in step.batches {
                    let longest = batch.iter().map(|&row| rows[row].length).max().unwrap();
                    prop_assert!(batch.len() == 1 || batch.len() * longest <= settings.batch_tokens);
                }
            }
        }

        #[test]
        fn a_shorter_run_is_the_beginning_of_a_longer_one(
            rows in some_rows(), settings in some_settings(), most in 1_u32..50,
        ) {
            let whole = plan(&rows, &settings);
            let short = plan(&rows, &Settings { max_steps: Some(most), ..settings });
            prop_assert_eq!(&short[..], &whole[..whole.len().min(most as usize)]);
        }

        #[test]
        fn the_same_inputs_give_the_same_order(rows in some_rows(), settings in some_settings()) {
            prop_assert_eq!(plan(&rows, &settings), plan(&rows, &settings));
        }
    }

    #[test]
    fn epochs_and_seeds_have_orders_of_their_own() {
        let rows = vec![Shape { length: 10, general: false }; 40];
        let settings = Settings {
            seed: Seed(1),
            persona_share: 0.7,
            batch_tokens: 20,
            accumulate: 1,
            epochs: Some(2),
            max_steps: None,
        };
        let order = |steps: &[Step]| steps.iter().flat_map(|step| step.batches.concat()).collect::<Vec<_>>();
        let steps = plan(&rows, &settings);
        assert_ne!(order(&steps[..20]), order(&steps[20..]));
        assert_ne!(order(&steps), order(&plan(&rows, &Settings { seed: Seed(2), ..settings })));
    }

    #[test]
    fn without_a_number_of_epochs_the_number_of_steps_ends_the_run() {
        let rows = [Shape { length: 10, general: false }];
        let settings = Settings {
            seed: Seed(1),
            persona_share: 0.7,
            batch_tokens: 20,
            accumulate: 1,
            epochs: None,
            max_steps: Some(7),
        };
        let steps = plan(&rows, &settings);
        assert_eq!(steps.iter().map(|step| step.epoch).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    }
}
