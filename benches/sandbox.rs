//! What the sandbox costs: getting ready to judge, and judging.
//!
//! - The first two groups have a guest that does next to nothing, so they are the costs of the border alone: stores,
//!   instances, copies in and out. Cost = a call + samples x a sample.
//! - `trait-lexicon` and `trait-structure` have a real detector, as the built-in component and as the same code called natively on
//!   the same responses. Criterion prints both; the lines at the end say how many times the native cost a sample costs, and how
//!   many units of fuel it burns, about one per instruction.
//! - `whole` has what a run does: twenty cached components loaded, many samples through many detectors, and the same detector over
//!   ever more samples.
//!
//! Aims, on two quiet cores: a sample at most 2.1 times native; one sample alone (store, instance, call) under 20 us; twenty
//! components under 50 ms; 10,000 samples through 10 detectors under 2 s; the cost of a sample the same from 100 to 100,000.
//!
//! The first is missed (README, "Numbers"). There is no public way without fuel, so that nothing is measured without it.
#![expect(clippy::print_stderr, reason = "a bench talks to its terminal")]

#[path = "../tests/it/hostile/assemble.rs"]
mod assemble;

use std::{
    collections::BTreeSet,
    hint::black_box,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use realign::{
    model::Sample,
    plugins::registry,
    sandbox::{Ask, Limits, Prepared, Sandbox},
};
use realign_plugin::prelude as sdk;
use serde_json::json;
use trait_lexicon::Lexicon;
use trait_structure::Structure;

/// Batches that are measured.
const BATCHES: [usize; 3] = [1, 16, 256];

/// An answer of a support desk, 190 bytes long.
const RESPONSE: &str = "Thank you for telling us, and I am sorry that the lamp arrived broken. We will send a new one \
    today, and you can keep the old one. Please reply with the address if it changed since the order.";

/// Samples of the size of a short answer to a short question.
fn samples(count: usize) -> Vec<Sample> {
    (0..count).map(|index| assemble::sample(index, &"yes, ".repeat(60))).collect()
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
fn phrases() -> serde_json::Value {
    json!({
        "where": "first-sentence",
        "any": ["thank you", "thanks", "sorry", "apolog*", "i understand*", "we understand*", "that sounds", "glad to hear"],
        "none": ["thank your lucky", "no thanks"],
    })
}

/// The detector of its second trait, as it is: a list that is looked for in all of a response.
fn many_phrases() -> serde_json::Value {
    let verbs = [
        "send", "reply", "tell", "give", "bring", "show", "keep", "check", "have", "ask", "come", "go",
        "try", "sign", "open", "look", "fill", "follow", "wait", "choose", "measure", "book", "write",
        "call", "share", "provide", "visit", "contact", "use", "leave", "take", "wave", "sit", "put", "add",
    ];
    let asked = verbs.map(|verb| format!("please {verb}"));
    let own = ["we will", "we'll", "i will", "i'll", "send us"].map(str::to_owned);
    let any = [&asked[..], &own[..]].concat();
    json!({ "where": "anywhere", "any": any, "none": [] })
}

/// Every rule on length and layout that there is.
fn rules() -> serde_json::Value {
    json!({
        "words": [20, 80], "sentences": [2, 6], "max_exclamations": 1, "lists": false, "headings": false,
        "ends_with": [".", "?"],
    })
}

/// A built-in detector, prepared with settings.
fn sandboxed(name: &str, settings: &serde_json::Value) -> Prepared {
    let wasm = registry::find(name, Path::new("")).expect("it is built in");
    let evaluator =
        Sandbox::new(None, Limits::default()).and_then(|sandbox| sandbox.load(&wasm)).expect("it loads");
    let profile = json!({ "schema": 1, "persona": "bench" });
    evaluator
        .prepare(&settings.to_string(), &profile.to_string(), &[], &BTreeSet::new())
        .expect("the settings are right")
}

/// Samples with the response of a support desk.
fn responses(count: usize) -> Vec<Sample> {
    (0..count).map(|index| assemble::sample(index, RESPONSE)).collect()
}

/// The same detector as a part of this program.
fn native<D: sdk::TraitDetector>(settings: serde_json::Value) -> D {
    let profile = serde_json::from_value(json!({ "schema": 1, "persona": "bench" })).expect("a profile");
    let setup = sdk::Setup { profile, rows: &[] };
    D::prepare(serde_json::from_value(settings).expect("settings"), &setup).expect("the settings are right")
}

fn judge_natively(detector: &impl sdk::TraitDetector, samples: &[sdk::Sample]) -> Vec<sdk::Outcome> {
    let answers = sdk::Answers::default();
    samples.iter().map(|sample| detector.detect(sample, &answers).expect("it can be judged")).collect()
}

fn beside_native(criterion: &mut Criterion) {
    beside::<Lexicon>(criterion, "trait-lexicon", "trait-lexicon", phrases());
    beside::<Lexicon>(criterion, "trait-lexicon, anywhere", "trait-lexicon", many_phrases());
    beside::<Structure>(criterion, "trait-structure", "trait-structure", rules());
}

fn beside<D: sdk::TraitDetector>(
    criterion: &mut Criterion,
    name: &str,
    plugin: &str,
    settings: serde_json::Value,
) {
    let (prepared, detector) = (sandboxed(plugin, &settings), native::<D>(settings));
    let mut group = criterion.benchmark_group(name);
    let mut lines = Vec::new();
    for count in BATCHES {
        let samples = responses(count);
        let theirs: Vec<sdk::Sample> = samples.iter().map(as_sdk).collect();
        let mut in_sandbox = || drop(black_box(prepared.judge(&samples, &mut |_: &[Ask]| Ok(vec![]))));
        let mut natively = || drop(black_box(judge_natively(&detector, &theirs)));
        let before = prepared.evaluator().usage().fuel;
        in_sandbox();
        let fuel = (prepared.evaluator().usage().fuel - before) / count as u64;
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("sandbox", count), |bencher| bencher.iter(&mut in_sandbox));
        group.bench_function(BenchmarkId::new("native", count), |bencher| bencher.iter(&mut natively));
        lines.push((count, median(&mut in_sandbox, count), median(&mut natively, count), fuel));
    }
    group.finish();
    for (count, sandbox, native, fuel) in lines {
        let ratio = sandbox / native;
        eprintln!(
            "{name}, batch of {count:>3}: {sandbox:>7.2} us a sample in the sandbox ({fuel} units of fuel), {native:.2} us \
             natively: {ratio:.1} times"
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

/// Components of a suite that is large.
const COMPONENTS: usize = 20;
/// Detectors of a suite with as many traits as a persona may have, and responses of a large run.
const DETECTORS: usize = 10;
const RESPONSES: usize = 10_000;

fn whole(criterion: &mut Criterion) {
    let built_in: Vec<_> = registry::built_in()
        .iter()
        .map(|id| registry::find(id, Path::new("")).expect("it is built in"))
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sandbox = || Sandbox::new(Some(&folder.path().join("cache")), Limits::default()).expect("a sandbox");
    let load_all = |sandbox: &Sandbox| {
        for wasm in built_in.iter().cycle().take(COMPONENTS) {
            black_box(sandbox.load(wasm).expect("it loads"));
        }
    };
    load_all(&sandbox());
    let mut group = criterion.benchmark_group("whole");
    group.sample_size(10);
    group.bench_function("load 20 cached components", |bencher| {
        bencher.iter_batched(
            sandbox,
            |sandbox| {
                load_all(&sandbox);
                sandbox
            },
            BatchSize::PerIteration,
        );
    });
    let prepared = sandboxed("trait-lexicon", &phrases());
    let judge = |samples: &[Sample]| drop(black_box(prepared.judge(samples, &mut |_: &[Ask]| Ok(vec![]))));
    let many = responses(RESPONSES);
    group.bench_function("10,000 samples through 10 detectors, 2 threads", |bencher| {
        bencher.iter(|| {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| (0..DETECTORS / 2).for_each(|_| judge(&many)));
                }
            });
        });
    });
    for count in [100, 1_000, 10_000, 100_000] {
        let samples = responses(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("one detector", count), |bencher| {
            bencher.iter(|| judge(&samples));
        });
    }
    group.finish();
}

criterion_group!(benches, first_verdict, batches, beside_native, whole);
criterion_main!(benches);
