//! Calibrations for tests, with numbers that can be checked by hand.

use super::{
    calibration::{Calibration, Measured, Model},
    figure::Figure,
    machine::Machine,
    sweep::{Point, Stop, Sweep},
};

const GIB: u64 = 1 << 30;

/// Five repeats with an interval of 10 % on either side.
pub(crate) fn figure(mean: f64) -> Figure {
    Figure { mean, deviation: 0.08 * mean, low: 0.9 * mean, high: 1.1 * mean, n: 5 }
}

/// Sizes with the tokens of one call and its rate; every point held `peak` bytes.
pub(crate) fn sweep(points: &[(usize, usize, f64)], peak: u64) -> Sweep {
    let point = |&(size, tokens, rate): &(usize, usize, f64)| Point {
        size,
        tokens,
        rate: figure(rate),
        peak_bytes: Some(peak * size as u64),
    };
    Sweep { points: points.iter().map(point).collect(), stop: Stop::Plateau }
}

/// A machine of two cores and 24 GiB, of which 20 GiB are free. A worker holds 1 GiB.
pub(crate) fn small() -> Calibration {
    let one = |points: &[(usize, usize, f64)]| {
        let mut sweep = sweep(points, 0);
        for point in &mut sweep.points {
            point.peak_bytes = Some(GIB);
        }
        sweep
    };
    Calibration {
        measured: "2026-11-25T10:45:00Z".into(),
        quick: false,
        machine: Machine { processor: "Small Processor".into(), cores: 2, memory_bytes: 24 * GIB },
        available_bytes: Some(20 * GIB),
        load: Some(0.25),
        engine: [("backend", "mlx"), ("device", "cpu"), ("version", "0.1.0")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        model: Model { name: "smollm2".into(), digest: "5eed".repeat(16), parameters: 134_515_008 },
        gflops: figure(80.0),
        memory_gbs: figure(12.5),
        score: Measured {
            row_tokens: 128,
            batch: one(&[
                (1, 128, 150.0),
                (2, 256, 190.0),
                (4, 512, 200.0),
                (8, 1_024, 201.0),
                (16, 2_048, 202.0),
            ]),
            workers: sweep(&[(1, 512, 200.0), (2, 1_024, 380.0)], GIB),
        },
        generate: Measured {
            row_tokens: 64,
            batch: one(&[(1, 32, 12.0), (2, 64, 20.0), (4, 128, 36.0), (8, 256, 60.0), (16, 512, 80.0)]),
            workers: sweep(&[(1, 512, 80.0), (2, 1_024, 82.0)], GIB),
        },
        train: Measured {
            row_tokens: 128,
            batch: one(&[(1, 128, 70.0), (2, 256, 90.0), (4, 512, 100.0), (8, 1_024, 101.0)]),
            workers: sweep(&[(1, 512, 100.0), (2, 1_024, 160.0)], GIB),
        },
        adapter_parameters: 2_442_240,
    }
}

/// The same model on a machine that is `factor` times as fast, with `memory` bytes free.
pub(crate) fn other(processor: &str, factor: f64, memory: u64) -> Calibration {
    let mut calibration = small();
    calibration.machine.processor = processor.into();
    calibration.available_bytes = Some(memory);
    for measured in [&mut calibration.score, &mut calibration.generate, &mut calibration.train] {
        for point in measured.batch.points.iter_mut().chain(&mut measured.workers.points) {
            point.rate = point.rate.scaled(factor);
        }
    }
    calibration
}
