//! Any bytes as what a guest hands back: decoded by the border, then checked against the contract.
//!
//! The guest copies bytes that it is handed into its memory and says that this is its result. So every offset, length, case and
//! text of a result is the fuzzer's to choose. The first byte of an input says which call and how many samples, the next two
//! where the image of the second round begins.

use std::{collections::BTreeSet, sync::OnceLock};

use realign::{
    error::Result,
    model::{Outcome, Sample},
    sandbox::{Answer, Ask, Evaluator, Item, Prepared, Prompt, Row, code},
};

use super::{assemble, component};

/// Where the guest puts an image; its pointers are absolute.
pub(crate) const BASE: usize = 4096;
/// Longest image.
const LONGEST: usize = 61_000;

/// Copies an image out of a text of two letters a byte, and ends up with its address.
const DECODE: &str = r"
;; section: decode
(func $decode (param $text i32) (param $length i32) (result i32)
  (local $index i32)
  (block $end
    (loop $next
      (br_if $end (i32.ge_u (i32.add (local.get $index) (i32.const 1)) (local.get $length)))
      (i32.store8
        (i32.add (i32.const 4096) (i32.shr_u (local.get $index) (i32.const 1)))
        (i32.or
          (i32.shl (i32.sub (i32.load8_u (i32.add (local.get $text) (local.get $index))) (i32.const 97)) (i32.const 4))
          (i32.sub (i32.load8_u offset=1 (i32.add (local.get $text) (local.get $index))) (i32.const 97))))
      (local.set $index (i32.add (local.get $index) (i32.const 2)))
      (br $next)))
  (i32.const 4096))
";

/// A detector whose `step` gives the image in the first sample's context, or in its own id once it was answered.
const STEP: &str = r#"
;; section: describe
(func (export "INTERFACE#describe") (result i32)
  (call $pair (i32.const 2048) (i32.const 1024) (i32.const 7))
  (call $pair (i32.const 2056) (i32.const 1032) (i32.const 5))
  (call $pair (i32.const 2064) (i32.const 1040) (i32.const 34))
  (call $pair (i32.const 2072) (i32.const 1080) (i32.const 2))
  (call $pair (i32.const 2080) (i32.const 2112) (i32.const 1))
  (i32.store (i32.const 2304) (i32.const 1104))
  (i32.store (i32.const 2308) (i32.const 6))
  (call $pair (i32.const 2088) (i32.const 2304) (i32.const 1))
  (call $pair (i32.const 2112) (i32.const 1088) (i32.const 8))
  (call $pair (i32.const 2120) (i32.const 0) (i32.const 0))
  (i32.store8 (i32.const 2136) (i32.const 1))
  (f64.store (i32.const 2144) (f64.const 0))
  (i32.store8 (i32.const 2152) (i32.const 1))
  (f64.store (i32.const 2160) (f64.const 1))
  (i32.const 2048))

;; section: step
(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $samples i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (if (result i32) (local.get $answer_count)
    (then (call $decode (i32.load (local.get $samples)) (i32.load offset=4 (local.get $samples))))
    (else (call $decode (i32.load offset=16 (local.get $samples)) (i32.load offset=20 (local.get $samples))))))
"#;

/// A scorer whose `prepare` gives the image in the body of the first row.
const PREPARE: &str = r#"
;; section: prepare
(func (export "INTERFACE#prepare")
  (param $config i32) (param $config_length i32) (param $profile i32) (param $profile_length i32)
  (param $rows i32) (param $count i32) (result i32)
  (call $decode (i32.load offset=8 (local.get $rows)) (i32.load offset=12 (local.get $rows))))
"#;

/// A benchmark whose `items` gives the image in the body of the first row, and whose `step` that in the first item's.
const ITEMS: &str = r#"
;; section: step
(func (export "INTERFACE#items")
  (param $state i32) (param $state_length i32) (param $rows i32) (param $count i32) (result i32)
  (call $decode (i32.load offset=8 (local.get $rows)) (i32.load offset=12 (local.get $rows))))

(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $items i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (call $decode (i32.load offset=28 (local.get $items)) (i32.load offset=32 (local.get $items))))

;; section: poison
"#;

/// Guests that were loaded once.
struct Guests {
    step: Prepared,
    prepare: Evaluator,
    items: Prepared,
}

fn guests() -> &'static Guests {
    static GUESTS: OnceLock<Guests> = OnceLock::new();
    GUESTS.get_or_init(|| {
        let load = |text: &str, kind: &str| {
            let wasm = assemble::variant(&format!("{text}{DECODE}"), kind);
            component::sandbox().load(&wasm).expect("the guest keeps to the contract until it is told to")
        };
        let ready = |evaluator: Evaluator| {
            evaluator.prepare("{}", "{}", &[], &grants()).expect("it prepares as the honest guest does")
        };
        Guests {
            step: ready(load(STEP, "trait-detector")),
            prepare: load(PREPARE, "style-scorer"),
            items: ready(load(ITEMS, "benchmark")),
        }
    })
}

fn grants() -> BTreeSet<String> {
    BTreeSet::from(["choose".to_owned()])
}

/// Two letters a byte.
fn text(image: &[u8]) -> String {
    let letter = |nibble: u8| char::from(b'a' + nibble);
    image.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect()
}

/// Hands the image to one call, twice, and checks what comes of it.
pub(crate) fn check(bytes: &[u8]) {
    let [first, low, high, images @ ..] = bytes else {
        return;
    };
    let images = &images[..images.len().min(LONGEST)];
    let count = 1 + usize::from(first >> 4) % 4;
    let split = usize::from(u16::from_le_bytes([*low, *high])).min(images.len());
    let again = |call: &dyn Fn() -> String| assert_eq!(call(), call(), "the same bytes, another outcome");
    match first % 4 {
        0 => again(&|| format!("{:?}", prepared(images))),
        1 => again(&|| format!("{:?}", made(images, count))),
        2 => again(&|| format!("{:?}", graded(images, count))),
        _ => again(&|| format!("{:?}", judged(&images[..split], &images[split..], count))),
    }
}

fn prepared(image: &[u8]) -> Result<Prepared> {
    let row = Row { id: "row".into(), body: text(image) };
    guests().prepare.prepare("{}", "{}", &[row], &grants())
}

fn made(image: &[u8], count: usize) -> Result<Vec<Item>> {
    let rows: Vec<Row> = (0..count).map(|row| Row { id: format!("row-{row}"), body: text(image) }).collect();
    let items = guests().items.items(&rows)?;
    let ids: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert!(items.len() == count && ids.len() == count, "one item a row, each with an id of its own");
    Ok(items)
}

fn graded(image: &[u8], count: usize) -> Result<Vec<Outcome>> {
    let item = |index: usize| Item {
        id: format!("item-{index}"),
        group: "group".into(),
        prompt: Prompt::Raw("question".into()),
        body: text(image),
    };
    let items: Vec<Item> = (0..count).map(item).collect();
    let outcomes = guests().items.grade(&items, &mut |asks| Ok(answers(asks, &grants())))?;
    assert_eq!(outcomes.len(), count);
    Ok(outcomes)
}

fn judged(first: &[u8], second: &[u8], count: usize) -> Result<Vec<Outcome>> {
    let subject = |index: usize| Sample {
        id: text(second),
        kind: text(first),
        ..assemble::sample(index, "aé\u{1f600}b, an answer to a question.")
    };
    let samples: Vec<Sample> = (0..count).map(subject).collect();
    let outcomes = guests().step.judge(&samples, &mut |asks| Ok(answers(asks, &grants())))?;
    fit(&outcomes, &samples, guests().step.evaluator());
    Ok(outcomes)
}

/// An answer to each ask; asks without a grant never come as far as this.
pub(super) fn answers(asks: &[Ask], grants: &BTreeSet<String>) -> Vec<Answer> {
    assert!(asks.iter().all(|ask| grants.contains(&ask.kind)), "an ask without a grant: {asks:?}");
    asks.iter().map(|ask| Answer { id: ask.id.clone(), body: "{}".into() }).collect()
}

/// One outcome per sample, and each within what the evaluator described.
pub(super) fn fit(outcomes: &[Outcome], samples: &[Sample], evaluator: &Evaluator) {
    assert_eq!(outcomes.len(), samples.len());
    let metrics = &evaluator.description().metrics;
    for (outcome, sample) in outcomes.iter().zip(samples) {
        match outcome {
            Outcome::Scored { values, spans, .. } => {
                assert_eq!(values.len(), metrics.len());
                for (value, metric) in values.iter().zip(metrics) {
                    let ratio = value.ratio();
                    assert!(ratio.is_finite() && value.metric == metric.name);
                    assert!(
                        metric.low.is_none_or(|low| ratio >= low)
                            && metric.high.is_none_or(|high| ratio <= high)
                    );
                }
                for span in spans {
                    let marked = sample.response.get(span.start as usize..span.end as usize);
                    assert!(marked.is_some_and(|text| !text.is_empty()), "{span:?}");
                }
            }
            Outcome::NotApplicable(reason) => assert!(reason.len() <= 1024),
            Outcome::Failed(failure) => {
                let host = [
                    code::FUEL,
                    code::MEMORY,
                    code::STACK,
                    code::OUTPUT,
                    code::TRAP,
                    code::CONTRACT,
                    code::GRANT,
                    code::ASKS,
                    code::SIZE,
                ];
                assert!(
                    host.contains(&failure.code.as_str()) || code::GUEST.contains(&failure.code.as_str())
                );
                assert!(failure.message.len() <= 2048, "{} bytes", failure.message.len());
            }
        }
    }
}
