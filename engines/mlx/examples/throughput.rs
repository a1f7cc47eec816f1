//! Tokens per second of a model: `REALIGN_MODEL=model.gguf cargo run --release --example throughput`.
//!
//! Prefill scores 8 rows of 64 tokens that share nothing; decode makes 64 tokens in each of 16 rows.

#![expect(clippy::print_stdout, reason = "an example prints what it measured")]

use std::{error::Error, time::Instant};

use realign_engine_abi::{
    ffi::Flow,
    message::{EngineOptions, GenerateRow, Load, Reply, Request, ScoreRow},
};
use realign_engine_mlx::engine::Engine;

fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::var_os("REALIGN_MODEL").ok_or("set REALIGN_MODEL to a GGUF file")?;
    let mut engine = Engine::new(&EngineOptions {})?;
    println!("{:?}", call(&mut engine, Request::Info)?);
    println!("{:?}", call(&mut engine, Request::SelfTest)?);
    let start = Instant::now();
    println!("{:?}", call(&mut engine, Request::Load(Load { model: model.into(), adapters: Vec::new() }))?);
    println!("load: {:.1} s", start.elapsed().as_secs_f64());
    for _ in 0..3 {
        let rows: Vec<ScoreRow> =
            (0..8).map(|row| ScoreRow { context: tokens(row, 64), continuations: vec![vec![7]] }).collect();
        let start = Instant::now();
        call(&mut engine, Request::Score(rows))?;
        println!("prefill 8 x 64: {:.0} tok/s", 512.0 / start.elapsed().as_secs_f64());
    }
    for batch in [1, 16] {
        let rows: Vec<GenerateRow> = (0..batch).map(prompt).collect();
        let start = Instant::now();
        let Reply::Texts(texts) = call(&mut engine, Request::Generate(rows))? else {
            return Err("no texts".into());
        };
        let made: usize = texts.iter().map(|text| text.tokens.len()).sum();
        println!(
            "decode {batch} rows: {:.0} tok/s, prompts of 32 tokens included",
            made as f64 / start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn call(engine: &mut Engine, request: Request) -> Result<Reply, Box<dyn Error>> {
    match engine.call(request, &mut |_| Flow::Continue) {
        Reply::Error(error) => Err(error.into()),
        reply => Ok(reply),
    }
}

fn tokens(row: u32, count: u32) -> Vec<u32> {
    (0..count).map(|index| 1000 + (row * 911 + index * 37) % 20_000).collect()
}

fn prompt(row: u32) -> GenerateRow {
    let (temperature, seed) = (1.0, u64::from(row));
    GenerateRow { prompt: tokens(row, 32), max_tokens: 64, temperature, seed, stop: Vec::new() }
}
