//! How long a large comparison takes, and a large page.

use std::{collections::BTreeMap, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::rand_core::Rng as _;
use realign::{
    compare::{Comparison, Correction, Identity, ItemValue, Method, MetricInfo, Reported, Side, compare},
    model::{ChatMessage, Direction, Finish, Outcome, Sample, Span},
    report::html::{self, Run},
    stats::bootstrap::{Bootstrap, replicate_rng},
    store::CellRecord,
    suite::record::Record,
};

const BENCHMARKS: usize = 10;
const ITEMS: usize = 10_000;
const SAMPLES: usize = 20_000;

/// Ten benchmarks of 10,000 items: five of single right-or-wrong items, three of such items in groups of five, two of other
/// values.
fn values(side: usize) -> Vec<ItemValue> {
    let mut values = Vec::with_capacity(BENCHMARKS * ITEMS);
    for benchmark in 0..BENCHMARKS {
        // Both sides draw what they share from one stream.
        let (mut shared, mut own) = (replicate_rng(1, benchmark), replicate_rng(2 + side as u64, benchmark));
        for item in 0..ITEMS {
            let (common, change) = (shared.next_u32(), own.next_u32());
            let draw = if change % 10 == 0 { own.next_u32() } else { common };
            let share = f64::from(draw) / f64::from(u32::MAX);
            let cluster = if (5..8).contains(&benchmark) { item / 5 } else { item };
            values.push(ItemValue {
                metric: format!("benchmark-{benchmark}/score"),
                item: format!("item-{item:05}"),
                cluster: format!("group-{cluster:05}"),
                value: if benchmark < 8 { f64::from(u8::from(share < 0.6)) } else { share },
            });
        }
    }
    values
}

fn comparison(criterion: &mut Criterion) {
    let (before, after) = (values(0), values(1));
    let info =
        MetricInfo { direction: Some(Direction::Higher), range: None, chance: Some(0.25), benchmark: true };
    let metrics: BTreeMap<String, MetricInfo> =
        (0..BENCHMARKS).map(|benchmark| (format!("benchmark-{benchmark}/score"), info)).collect();
    let identity = Identity::default();
    let side = |values| Side { identity: &identity, values, reported: Reported::new() };
    let bootstrap = Bootstrap { replicates: 10_000, seed: 1 };
    let method = Method { bootstrap, correction: Correction::Holm, margin: Some(0.05) };
    criterion.bench_function("two runs of 100,000 items, 10,000 resamples", |bench| {
        bench.iter(|| compare(&side(black_box(&before)), &[side(&after)], &metrics, method, &[]));
    });
}

/// A record of 20,000 responses with evidence.
fn run(name: &str, worse: bool) -> (Record, Vec<Sample>, Vec<CellRecord>) {
    let missed = |index: usize| worse && index.is_multiple_of(7);
    let sample = |index: usize| Sample {
        id: format!("family-{index:05}/plain"),
        family: format!("family-{index:05}"),
        kind: "plain".into(),
        prompt: vec![ChatMessage { role: "user".into(), content: format!("Where is number {index}?") }],
        response: format!(
            "{} We look into number {index} and write to you before the evening. The harbour office knows of it. \
             Is there anything else that we can do?",
            if missed(index) { "Well." } else { "Thanks for asking." }
        ),
        finish: Finish::End,
    };
    let samples: Vec<Sample> = (0..SAMPLES).map(sample).collect();
    let item = |(index, sample): (usize, &Sample)| ItemValue {
        metric: "trait/thanks".into(),
        item: sample.id.clone(),
        cluster: sample.family.clone(),
        value: f64::from(u8::from(!missed(index))),
    };
    let cell = |sample: &Sample| CellRecord {
        evaluator: "detector/thanks".into(),
        sample: sample.id.clone(),
        outcome: Outcome::Scored {
            values: Vec::new(),
            spans: vec![Span { start: 0, end: 4, label: "thanks".into() }],
            notes: Vec::new(),
        },
    };
    let record = Record {
        format: 1,
        id: "0123456789ab".into(),
        name: name.into(),
        suite: "bench".into(),
        identity: Identity::default(),
        metrics: Vec::new(),
        items: samples.iter().enumerate().map(item).collect(),
        failures: BTreeMap::new(),
    };
    let cells = samples.iter().map(cell).collect();
    (record, samples, cells)
}

fn page(criterion: &mut Criterion) {
    let (first, second) = (run("first", false), run("second", true));
    let one = Run { record: &first.0, samples: &first.1, cells: &first.2 };
    let other = Run { record: &second.0, samples: &second.1, cells: &second.2 };
    let bootstrap = Bootstrap { replicates: 100, seed: 1 };
    let method = Method { bootstrap, correction: Correction::Holm, margin: Some(0.05) };
    let info = MetricInfo { direction: Some(Direction::Higher), range: None, chance: None, benchmark: false };
    let metrics = BTreeMap::from([("trait/thanks".to_owned(), info)]);
    let compared: Vec<Comparison> =
        compare(&first.0.side(), &[second.0.side()], &metrics, method, &[]).expect("comparable");
    criterion.bench_function("page of 20,000 samples on two sides", |bench| {
        bench.iter(|| html::comparison::page(one, other, black_box(&compared[0]), method, None));
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = comparison, page }
criterion_main!(benches);
