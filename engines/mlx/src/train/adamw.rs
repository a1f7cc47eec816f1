//! `AdamW` with bias correction (Loshchilov and Hutter 2019; Kingma and Ba 2015, algorithm 1).
//!
//! An adapter has few numbers, so the update runs in Rust over plain slices, in one order, which keeps it the same
//! on every run and lets the moments be written and read to the bit. Moments are f32 like the numbers that they
//! belong to; one update is computed in f64.

use realign_engine_abi::train::AdamW;

/// First and second moments of one list of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Decayed mean of gradients.
    pub first: Vec<f32>,
    /// Decayed mean of squared gradients.
    pub second: Vec<f32>,
}

impl Moments {
    /// Moments of a list that has not been updated.
    #[must_use]
    pub fn zero(length: usize) -> Self {
        Self { first: vec![0.0; length], second: vec![0.0; length] }
    }
}

/// The norm of gradients, and what to multiply them by so that it is at most `settings.clip_norm`.
#[must_use]
pub fn clip(settings: &AdamW, gradients: &[Vec<f32>]) -> (f64, f64) {
    let squares = gradients.iter().flatten().map(|&gradient| f64::from(gradient) * f64::from(gradient));
    let norm = squares.sum::<f64>().sqrt();
    let factor = settings.clip_norm.filter(|&limit| norm > limit).map_or(1.0, |limit| limit / norm);
    (norm, factor)
}

/// Updates numbers in step `step`, counted from 1; gradients are multiplied by `factor` first.
#[expect(clippy::cast_possible_truncation, reason = "numbers and moments are kept in f32")]
pub fn update(
    settings: &AdamW,
    (step, rate, factor): (u64, f64, f64),
    numbers: &mut [f32],
    moments: &mut Moments,
    gradients: &[f32],
) {
    let AdamW { beta1, beta2, epsilon, weight_decay, .. } = *settings;
    let taken = step as f64;
    let (unbias1, unbias2) = (1.0 - beta1.powf(taken), 1.0 - beta2.powf(taken));
    let moved = moments.first.iter_mut().zip(&mut moments.second);
    for ((number, (first, second)), &gradient) in numbers.iter_mut().zip(moved).zip(gradients) {
        let gradient = f64::from(gradient) * factor;
        let mean = beta1 * f64::from(*first) + (1.0 - beta1) * gradient;
        let square = beta2 * f64::from(*second) + (1.0 - beta2) * gradient * gradient;
        let step = (mean / unbias1) / ((square / unbias2).sqrt() + epsilon);
        let old = f64::from(*number);
        *number = (old - rate * (step + weight_decay * old)) as f32;
        (*first, *second) = (mean as f32, square as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: AdamW =
        AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1, clip_norm: Some(1.0) };

    #[test]
    fn two_steps_give_what_a_hand_gives() {
        let (mut numbers, mut moments) = ([1.0_f32], Moments::zero(1));
        // Bias correction makes the first step exactly the sign: 1 - 0.01 (1 + 0.1 x 1).
        update(&SETTINGS, (1, 0.01, 1.0), &mut numbers, &mut moments, &[0.5]);
        assert!((numbers[0] - 0.989).abs() < 1e-6, "{numbers:?}");
        // m = 0.9 x 0.05 - 0.1 x 0.3 = 0.015, unbiased by 0.19; v = 0.99 x 0.0025 + 0.01 x 0.09 = 0.003375,
        // unbiased by 0.0199: step 0.0789474 / 0.411820 = 0.191704, decay 0.0989.
        update(&SETTINGS, (2, 0.01, 1.0), &mut numbers, &mut moments, &[-0.3]);
        assert!((numbers[0] - (0.989 - 0.01 * (0.191_704 + 0.0989))).abs() < 1e-6, "{numbers:?}");
    }

    #[test]
    fn gradients_longer_than_the_limit_are_shortened_to_it_and_others_left_alone() {
        let (norm, factor) = clip(&SETTINGS, &[vec![3.0], vec![0.0, 4.0]]);
        assert!((norm - 5.0).abs() < 1e-12 && (factor - 0.2).abs() < 1e-12);
        let (norm, factor) = clip(&SETTINGS, &[vec![0.3, 0.4]]);
        assert!((norm - 0.5).abs() < 1e-6 && (factor - 1.0).abs() < 1e-12);
        let free = AdamW { clip_norm: None, ..SETTINGS };
        assert!((clip(&free, &[vec![30.0]]).1 - 1.0).abs() < 1e-12);
    }
}
