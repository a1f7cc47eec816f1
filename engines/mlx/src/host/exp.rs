//! A vectorisable exponential and the log-sum-exp built on it.
//!
//! `e^x = 2^n e^r` with `n = round(x / ln 2)` and `|r| <= ln 2 / 2`. `n` is found by adding a large constant whose
//! last bits then hold it; `ln 2` is subtracted in two parts so that `r` keeps its bits; `e^r` is its Taylor
//! polynomial to the seventh power, whose remainder is below 3e-9. Relative error below 1e-6.

/// Where the exponential is cut off: below it the result would be subnormal, so it is 2^-126 at the least.
const LOWEST: f32 = -87.3;
/// Above it the result would overflow.
const HIGHEST: f32 = 88.3;
/// 1.5 x 2^23: adding it rounds to a whole number and leaves that number in the last bits.
const ROUND: f32 = 12_582_912.0;
/// High part of ln 2: few enough bits that a product with a small whole number is exact.
const LN2_HIGH: f32 = 0.693_359_4;
/// The rest of ln 2.
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `e^x` for finite `x`, held to the range of normal f32 results.
#[expect(clippy::inline_always, reason = "a call inside a loop keeps the loop from being vectorised")]
#[inline(always)]
#[must_use]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(LOWEST, HIGHEST);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

vectorised! {
    /// The largest number, or negative infinity of none.
    #[must_use]
    pub fn maximum(numbers: &[f32]) -> f32 {
        let mut lanes = [f32::NEG_INFINITY; 16];
        let chunks = numbers.chunks_exact(16);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &number) in lanes.iter_mut().zip(chunk) {
                *lane = if number > *lane { number } else { *lane };
            }
        }
        lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// The sum of `e^(x - shift)`.
#[must_use]
pub fn sum_of_exponentials(numbers: &[f32], shift: f32) -> f64 {
    // Blocks short enough that f32 lanes lose nothing that matters; blocks are summed in f64.
    numbers.chunks(1024).map(|block| f64::from(block_sum(block, shift))).sum()
}

vectorised! {
    fn block_sum(block: &[f32], shift: f32) -> f32 {
        let mut lanes = [0.0_f32; 16];
        let chunks = block.chunks_exact(16);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &number) in lanes.iter_mut().zip(chunk) {
                *lane += exp(number - shift);
            }
        }
        lanes.iter().sum::<f32>() + rest.iter().map(|&number| exp(number - shift)).sum::<f32>()
    }
}

/// `ln(sum(e^x))`, the normaliser of a row of logits that lie in one or more pieces.
#[must_use]
pub fn log_sum_exp(pieces: &[&[f32]]) -> f64 {
    let shift = pieces.iter().map(|piece| maximum(piece)).fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = pieces.iter().map(|piece| sum_of_exponentials(piece, shift)).sum();
    f64::from(shift) + sum.ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exp_is_right_to_a_millionth(x in -87.0_f32..88.0) {
            let exact = f64::from(x).exp();
            prop_assert!((f64::from(exp(x)) / exact - 1.0).abs() < 1e-6, "{x}");
        }

        #[test]
        fn log_sum_exp_agrees_with_the_plain_sum(
            numbers in prop::collection::vec(-30.0_f32..30.0, 1..3000),
            piece in 1_usize..3000,
        ) {
            let exact = numbers.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
            let pieces: Vec<&[f32]> = numbers.chunks(piece).collect();
            prop_assert!((log_sum_exp(&pieces) - exact).abs() < 1e-6);
        }
    }

    #[test]
    fn exp_of_anything_is_a_finite_positive_number() {
        for x in [f32::MIN, -1e9, -88.0, 0.0, 89.0, f32::MAX, f32::NEG_INFINITY, f32::INFINITY] {
            assert!(exp(x).is_normal() && exp(x) > 0.0, "{x}");
        }
    }
}
