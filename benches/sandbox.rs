//! What the sandbox costs: getting ready to judge, and judging.
//!
//! The guest does next to nothing, so these are the costs of the border: stores, threads, copies in and out.

#[path = "../tests/it/hostile/assemble.rs"]
mod assemble;

use std::{collections::BTreeSet, hint::black_box};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use realign::{
    model::{Finish, Sample},
    sandbox::{Ask, Limits, Sandbox},
};

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
    for count in [1, 16, 256] {
        let samples = samples(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::from_parameter(count), &samples, |bencher, samples| {
            bencher.iter(|| black_box(prepared.judge(samples, &mut |_: &[Ask]| Ok(vec![]))));
        });
    }
    group.finish();
}

criterion_group!(benches, first_verdict, batches);
criterion_main!(benches);
