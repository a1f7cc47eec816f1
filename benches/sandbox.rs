//! What the sandbox costs: getting ready to judge, and judging.
//!
//! - The first two groups have a guest that does next to nothing, so they are the costs of the border alone: stores,
//!   threads, copies in and out. Cost = a call + samples x a sample.
//! - The last group has a real detector, as the built-in component and as the same code called natively on the same
//!   responses. Criterion prints both; the lines at the end say how many times the native cost a sample costs.
#![expect(clippy::print_stderr, reason = "a bench talks to its terminal")]

#[path = "../tests/it/hostile/assemble.rs"]
mod assemble;

use std::{
    collections::BTreeSet,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use realign::{
    model::{Finish, Sample},
    plugins::registry,
    sandbox::{Ask, Limits, Prepared, Sandbox},
};
use realign_plugin::prelude as sdk;
use realign_plugin::prelude::TraitDetector as _;
use serde_json::json;
use trait_lexicon::Lexicon;

/// Batches that are measured.
const BATCHES: [usize; 3] = [1, 16, 256];

/// An answer of a support desk, as long as its scenarios usually get.
const RESPONSE: &str = "Thank you for telling us, and I am sorry that the lamp arrived broken. We will send a new one \
    today, and you can keep the old one. Please reply with the address if it has changed since the order. It should be \
    with you within four days, and the parcel service will write to you on the morning before. Is there anything else \
    that we can help you with?";

/// Samples of the size of a short answer to a short question.
fn samples(count: usize) -> Vec<Sample> {
    let sample = |index: usize| Sample {
        id: format!("family-{index}/plain"),
        family: format!("family-{index}"),
        kind: "plain".into(),
        prompt: vec![],
        response: "yes, ".repeat(60),
        finish: Finish::End,
    };
    (0..count).map(sample).collect()
}

fn first_verdict(criterion: &mut Criterion) {
    let wasm = assemble::guest("honest");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sandbox = || Sandbox::new(Some(&folder.path().join("cache")), Limits::default()).expect("a sandbox");
    sandbox().load(&wasm).expect("the guest is honest");
    let one = samples(1);
    // The sandbox is made outside: a run makes one and loads many evaluators into it.
    criterion.bench_function("load a cached artefact, prepare, judge one sample", |bencher| {
        bencher.iter_batched(
            sandbox,
            |sandbox| {
                let evaluator = sandbox.load(&wasm).expect("the guest is honest");
                let prepared =
                    evaluator.prepare("{}", "{}", &[], &BTreeSet::new()).expect("the guest is honest");
                black_box(prepared.judge(&one, &mut |_: &[Ask]| Ok(vec![])).expect("the guest is honest"));
                sandbox
            },
            BatchSize::PerIteration,
        );
    });
}

fn batches(criterion: &mut Criterion) {
    let sandbox = Sandbox::new(None, Limits::default()).expect("a sandbox");
    let evaluator = sandbox.load(&assemble::guest("honest")).expect("the guest is honest");
    let prepared = evaluator.prepare("{}", "{}", &[], &BTreeSet::new()).expect("the guest is honest");
    let mut group = criterion.benchmark_group("judge");
    for count in BATCHES {
        let samples = samples(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::from_parameter(count), &samples, |bencher, samples| {
            bencher.iter(|| black_box(prepared.judge(samples, &mut |_: &[Ask]| Ok(vec![]))));
        });
    }
    group.finish();
}

/// The detector of the example persona's first trait, in short.
fn settings() -> serde_json::Value {
    json!({
        "where": "first-sentence",
        "any": ["thank you", "thanks", "sorry", "apolog*", "i understand*", "we understand*", "that sounds", "glad to hear"],
        "none": ["thank your lucky", "no thanks"],
    })
}

fn sandboxed() -> Prepared {
    let wasm = registry::find("trait-lexicon", Path::new("")).expect("it is built in");
    let evaluator =
        Sandbox::new(None, Limits::default()).and_then(|sandbox| sandbox.load(&wasm)).expect("it loads");
    let profile = json!({ "schema": 1, "persona": "bench" });
    evaluator
        .prepare(&settings().to_string(), &profile.to_string(), &[], &BTreeSet::new())
        .expect("the settings are right")
}

fn native() -> Lexicon {
    let profile = serde_json::from_value(json!({ "schema": 1, "persona": "bench" })).expect("a profile");
    let setup = sdk::Setup { profile, rows: &[] };
    Lexicon::prepare(serde_json::from_value(settings()).expect("settings"), &setup)
        .expect("the settings are right")
}

fn judge_natively(lexicon: &Lexicon, samples: &[sdk::Sample]) -> Vec<sdk::Outcome> {
    let answers = sdk::Answers::default();
    samples.iter().map(|sample| lexicon.detect(sample, &answers).expect("it can be judged")).collect()
}

fn beside_native(criterion: &mut Criterion) {
    let (prepared, lexicon) = (sandboxed(), native());
    let mut group = criterion.benchmark_group("trait-lexicon");
    let mut ratios = Vec::new();
    for count in BATCHES {
        let mut samples = samples(count);
        for sample in &mut samples {
            RESPONSE.clone_into(&mut sample.response);
        }
        let theirs: Vec<sdk::Sample> = samples.iter().map(as_sdk).collect();
        let mut in_sandbox = || drop(black_box(prepared.judge(&samples, &mut |_: &[Ask]| Ok(vec![]))));
        let mut natively = || drop(black_box(judge_natively(&lexicon, &theirs)));
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("sandbox", count), |bencher| bencher.iter(&mut in_sandbox));
        group.bench_function(BenchmarkId::new("native", count), |bencher| bencher.iter(&mut natively));
        ratios.push((count, median(&mut in_sandbox, count), median(&mut natively, count)));
    }
    group.finish();
    for (count, sandbox, native) in ratios {
        let ratio = sandbox / native;
        eprintln!(
            "batch of {count:>3}: {sandbox:>7.2} us a sample in the sandbox, {native:.2} us natively: {ratio:.1} times"
        );
    }
}

fn as_sdk(sample: &Sample) -> sdk::Sample {
    sdk::Sample {
        id: sample.id.clone(),
        group: sample.family.clone(),
        context: sample.kind.clone(),
        prompt: vec![],
        response: sample.response.clone(),
        notes: vec![],
    }
}

/// Median time of a call divided by the samples in it, in microseconds.
fn median(call: &mut dyn FnMut(), samples: usize) -> f64 {
    let measure = |_| {
        let start = Instant::now();
        call();
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..501).map(measure).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6 / samples as f64
}

criterion_group!(benches, first_verdict, batches, beside_native);
criterion_main!(benches);
