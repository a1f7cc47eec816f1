//! Stored blocks to f32.
//!
//! A number of a block is `scale x step + minimum` (`Q4_1`), `scale x (step - 8)` (`Q4_0`) or `scale x step`
//! (`Q8_0`). All are exact in f32 up to one rounding, so every machine gets the same weights.

use half::{bf16, f16};

use crate::gguf::tensor::Kind;

/// Widens the bytes of whole blocks of `kind` to f32. A trailing part of a block is ignored.
#[must_use]
pub fn widen(kind: Kind, bytes: &[u8]) -> Vec<f32> {
    let blocks = bytes.chunks_exact(kind.block_bytes());
    let mut out = Vec::with_capacity(blocks.len() * kind.block());
    for block in blocks {
        match kind {
            Kind::F32 => out.push(f32::from_le_bytes([block[0], block[1], block[2], block[3]])),
            Kind::F16 => out.push(half(block, 0)),
            Kind::Bf16 => out.push(bf16::from_le_bytes([block[0], block[1]]).to_f32()),
            Kind::Q4_0 => {
                let (scale, steps) = (half(block, 0), &block[2..]);
                out.extend(steps.iter().map(|step| scale * (f32::from(step & 15) - 8.0)));
                out.extend(steps.iter().map(|step| scale * (f32::from(step >> 4) - 8.0)));
            }
            Kind::Q4_1 => {
                let (scale, minimum) = (half(block, 0), half(block, 2));
                let steps = &block[4..];
                out.extend(steps.iter().map(|step| scale * f32::from(step & 15) + minimum));
                out.extend(steps.iter().map(|step| scale * f32::from(step >> 4) + minimum));
            }
            Kind::Q8_0 => {
                let scale = half(block, 0);
                out.extend(block[2..].iter().map(|&step| scale * f32::from(step.cast_signed())));
            }
        }
    }
    out
}

fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_q4_1_block_holds_low_halves_first_and_high_halves_after() {
        let mut block = Vec::new();
        block.extend(f16::from_f32(0.5).to_le_bytes());
        block.extend(f16::from_f32(-1.0).to_le_bytes());
        block.extend((0..16).map(|step| step | ((15 - step) << 4)));
        let numbers = widen(Kind::Q4_1, &block);
        let low: Vec<f32> = (0_u8..16).map(|step| 0.5 * f32::from(step) - 1.0).collect();
        let high: Vec<f32> = low.iter().rev().copied().collect();
        assert_eq!(numbers, [low, high].concat());
    }

    #[test]
    fn a_q4_0_block_holds_steps_around_eight() {
        let mut block = f16::from_f32(-0.5).to_le_bytes().to_vec();
        block.extend((0..16).map(|step| step | ((15 - step) << 4)));
        let low: Vec<f32> = (-8_i8..8).map(|step| -0.5 * f32::from(step)).collect();
        let high: Vec<f32> = low.iter().rev().copied().collect();
        assert_eq!(widen(Kind::Q4_0, &block), [low, high].concat());
    }

    #[test]
    fn sixteen_bit_floats_are_widened_without_loss() {
        let numbers = [1.0, -0.625, 65504.0, 6.103_515_6e-5];
        let halves: Vec<u8> =
            numbers.iter().flat_map(|&number| f16::from_f32(number).to_le_bytes()).collect();
        assert_eq!(widen(Kind::F16, &halves), numbers);
        // The upper half of an f32 is a bf16.
        assert_eq!(widen(Kind::Bf16, &[0x80, 0x3f, 0x20, 0xbf, 0x80, 0x7e]), [1.0, -0.625, 8.507_059e37]);
    }

    #[test]
    fn a_q8_0_block_holds_signed_steps() {
        let mut block = f16::from_f32(0.25).to_le_bytes().to_vec();
        block.extend((-16_i8..16).map(i8::cast_unsigned));
        let expected: Vec<f32> = (-16_i8..16).map(|step| 0.25 * f32::from(step)).collect();
        assert_eq!(widen(Kind::Q8_0, &block), expected);
    }
}
