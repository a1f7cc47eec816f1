//! Tokens per second of training steps: `REALIGN_MODEL=model.gguf cargo run --release --example training`.
//!
//! Supervised: 4 rows of 128 tokens, all of them scored but the first. Pairs: 2 prompts of 64 tokens with two answers of 64
//! tokens each. Both with rank 8 on all projections of the last 8 blocks and of all blocks.

#![expect(clippy::print_stdout, reason = "an example prints what it measured")]

use std::{error::Error, time::Instant};

use realign_engine_abi::{
    ffi::Flow,
    message::{EngineOptions, Load, Reply, Request},
    train::{
        AdamW, AdapterShape, Answer, Example, Objective, PROJECTIONS, PreferenceLoss, TrainBegin, TrainRow,
        TrainStep,
    },
};
use realign_engine_mlx::engine::Engine;

const STEPS: u32 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::var_os("REALIGN_MODEL").ok_or("set REALIGN_MODEL to a model")?;
    let mut engine = Engine::new(&EngineOptions {})?;
    call(&mut engine, Request::Load(Load { model: model.into(), adapters: Vec::new() }))?;
    for layers in [8, 30] {
        let begin = TrainBegin {
            adapter: AdapterShape {
                rank: 8,
                scale: 2.0,
                layers,
                modules: PROJECTIONS.map(String::from).to_vec(),
            },
            optimiser: AdamW {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.0,
                clip_norm: Some(1.0),
            },
            seed: 1,
            resume: None,
            ranks: 1,
        };
        call(&mut engine, Request::TrainBegin(begin))?;
        let supervised = |seed| (0..4).map(|row| example(seed + row, 1, &[127])).collect();
        timed(&mut engine, layers, "supervised 4 x 128", Objective::Supervised, &supervised)?;
        let dpo = Objective::Preference { loss: PreferenceLoss::Dpo { beta: 0.1 }, nll: 0.0 };
        let pairs = |seed| (0..2).map(|row| example(seed + row, 64, &[64, 64])).collect();
        timed(&mut engine, layers, "pairs 2 x (64 + 64 + 64)", dpo, &pairs)?;
    }
    Ok(())
}

fn timed(
    engine: &mut Engine,
    layers: u32,
    what: &str,
    objective: Objective,
    rows: &dyn Fn(u32) -> Vec<TrainRow>,
) -> Result<(), Box<dyn Error>> {
    let (mut tokens, start, busy) = (0, Instant::now(), processor_seconds());
    for step in 0..STEPS {
        let step = TrainStep {
            objective,
            batches: vec![rows(1 + step * 10)],
            rate: 1e-4,
            anchors: Vec::new(),
            kl_weight: 0.0,
            update: true,
        };
        let Reply::Step(report) = call(engine, Request::TrainStep(step))? else {
            return Err("the step was not taken".into());
        };
        tokens += report.tokens;
    }
    let (wall, busy) = (start.elapsed().as_secs_f64(), processor_seconds() - busy);
    let per = |seconds: f64| tokens as f64 / seconds;
    println!("{what}, {layers} blocks: {:.0} tok/s, {:.0} per processor second", per(wall), per(busy));
    Ok(())
}

/// Seconds of processor time of this process.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    // User and system time in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

fn example(row: u32, context: u32, answers: &[u32]) -> TrainRow {
    let tokens = |salt: u32, count: u32| -> Vec<u32> {
        (0..count).map(|index| 1000 + (row * 911 + salt * 577 + index * 37) % 20_000).collect()
    };
    let answer = |(salt, &count): (usize, &u32)| Answer {
        tokens: tokens(u32::try_from(salt).unwrap_or(0) + 1, count),
        scored: vec![true; count as usize],
    };
    let example =
        Example { context: tokens(0, context), answers: answers.iter().enumerate().map(answer).collect() };
    let reference = if answers.len() == 2 { vec![-300.0, -300.0] } else { Vec::new() };
    TrainRow { example, reference }
}

fn call(engine: &mut Engine, request: Request) -> Result<Reply, Box<dyn Error>> {
    match engine.call(request, &mut |_| Flow::Continue) {
        Reply::Error(error) => Err(error.into()),
        reply => Ok(reply),
    }
}
