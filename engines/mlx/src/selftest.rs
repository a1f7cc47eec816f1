//! One timed matrix product: tells a fast BLAS from a slow one before a run is planned.

use std::time::{Duration, Instant};

use mlx_rs::Array;
use realign_engine_abi::message::SelfTest;

use crate::{error::Result, llama::weights::array};

/// Rows, inner dimension and columns: 512 tokens through the small model's gate.
const SHAPE: [usize; 3] = [512, 576, 1536];
/// The best of so many is reported; the first pays for set-up.
const ROUNDS: usize = 8;

/// Times the product.
///
/// # Errors
/// An internal error if MLX fails.
pub fn run() -> Result<SelfTest> {
    let [rows, inner, columns] = SHAPE;
    let (left, right) = (ramp(rows, inner)?, ramp(columns, inner)?.t());
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        left.matmul(&right)?.eval()?;
        best = best.min(start.elapsed());
    }
    let operations = 2 * rows * inner * columns;
    Ok(SelfTest { gflops: operations as f64 / best.as_secs_f64() / 1e9 })
}

fn ramp(rows: usize, columns: usize) -> Result<Array> {
    let numbers: Vec<f32> = (0..rows * columns).map(|index| (index % 17) as f32 / 17.0).collect();
    array(&numbers, &[rows, columns])
}
