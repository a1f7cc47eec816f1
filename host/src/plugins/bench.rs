//! What a component costs: loading, preparing, and each sample.
//!
//! Fuel is exact and the same on every machine. Time is this machine's; of several repeats the median counts.

use std::time::{Duration, Instant};

use realign_plugin::cases::Cases;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    card::guess,
    trial::{conformance, texts},
};
use crate::{
    error::{Error, Result},
    ids::{Digest, Seed},
    model::{Finish, Sample},
    sandbox::{Evaluator, Kind, Sandbox},
};

/// Numbers of samples that are judged.
const COUNTS: [usize; 3] = [100, 1_000, 10_000];
/// Times that each is measured.
const REPEATS: usize = 5;

/// What a component costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Costs {
    /// Id of the component.
    pub id: String,
    /// Digest of the component.
    pub sha256: Digest,
    /// Milliseconds to load it once it has been compiled.
    pub load_ms: f64,
    /// Milliseconds to prepare it with the settings and data of its cases.
    pub prepare_ms: f64,
    /// Bytes of memory of the call that grew most.
    pub peak_memory: usize,
    /// Per number of samples.
    pub samples: Vec<PerSample>,
}

/// What one sample costs among so many.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PerSample {
    /// Samples judged.
    pub samples: usize,
    /// Mean bytes of a response.
    pub mean_bytes: f64,
    /// Microseconds per sample.
    pub microseconds: f64,
    /// Fuel per sample.
    pub fuel: f64,
}

/// Measures a detector or a style scorer.
///
/// # Errors
/// A usage error for a benchmark, whose cost is the model's. As [`Evaluator::prepare`] and `judge`.
pub fn measure(wasm: &[u8], cases: Option<&Cases>, sandbox: &Sandbox) -> Result<Costs> {
    let evaluator = sandbox.load(wasm)?;
    if evaluator.kind() == Kind::Benchmark {
        return Err(Error::usage(
            "a benchmark costs what its model costs; only detectors and scorers are measured",
        ));
    }
    let load = median(|| sandbox.load(wasm).map(drop))?;
    let config =
        cases.and_then(|cases| cases.job.config.clone()).unwrap_or_else(|| Value::Object(Map::new()));
    let prepare = median(|| conformance::prepare(&evaluator, cases, &config).map(drop))?;
    let prepared = conformance::prepare(&evaluator, cases, &config)?;
    let responses = responses(cases);
    let mut samples = Vec::new();
    for count in COUNTS {
        let batch = repeated(&responses, count);
        let bytes: usize = batch.iter().map(|sample| sample.response.len()).sum();
        let judge = || prepared.judge(&batch, &mut |asks| Ok(guess::answers(asks, Seed(0)))).map(drop);
        let (time, fuel) = median_with_fuel(&evaluator, judge)?;
        samples.push(PerSample {
            samples: count,
            mean_bytes: bytes as f64 / count as f64,
            microseconds: time.as_secs_f64() * 1e6 / count as f64,
            fuel: fuel as f64 / count as f64,
        });
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(Costs {
        id: evaluator.description().id.clone(),
        sha256: evaluator.digest().clone(),
        load_ms: milliseconds(load),
        prepare_ms: milliseconds(prepare),
        peak_memory: evaluator.usage().peak_memory,
        samples,
    })
}

/// Responses of the cases that are no longer than a response usually is, or a plain one.
fn responses(cases: Option<&Cases>) -> Vec<String> {
    const LONGEST: usize = 4096;
    let own = cases.map_or(&[][..], |cases| &cases.cases);
    let own = own.iter().filter(|case| case.repeat.is_none()).filter_map(|case| case.response.clone());
    let found: Vec<String> = own.filter(|text| !text.is_empty() && text.len() <= LONGEST).collect();
    if !found.is_empty() {
        return found;
    }
    texts::probes().into_iter().filter(|(name, _)| *name == "plain text").map(|(_, text)| text).collect()
}

fn repeated(responses: &[String], count: usize) -> Vec<Sample> {
    let sample = |(place, response): (usize, &String)| Sample {
        id: format!("s{place}"),
        family: format!("s{place}"),
        kind: "plain".into(),
        prompt: Vec::new(),
        response: response.clone(),
        finish: Finish::End,
    };
    responses.iter().cycle().take(count).enumerate().map(sample).collect()
}

fn median(mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut times = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let started = Instant::now();
        work()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times[REPEATS / 2])
}

fn median_with_fuel(evaluator: &Evaluator, mut work: impl FnMut() -> Result<()>) -> Result<(Duration, u64)> {
    let before = evaluator.usage().fuel;
    let time = median(&mut work)?;
    Ok((time, (evaluator.usage().fuel - before) / REPEATS as u64))
}
