//! Any bytes as a component: they are refused, or they run within the limits and what comes of them fits the description.

use std::{collections::BTreeSet, sync::OnceLock};

use realign::sandbox::{Kind, Limits, MAX_COMPONENT_BYTES, Sandbox};

use super::{assemble::sample, result};

/// A sandbox that gives up sooner than the product's: a mutated loop has to end in milliseconds.
pub(super) fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let limits = Limits { fuel_base: 2_000_000, fuel_per_sample: 100_000, ..Limits::default() };
        Sandbox::new(None, limits).expect("a sandbox")
    })
}

/// Loads and describes; what loads is prepared and judges or makes items.
pub(crate) fn check(bytes: &[u8]) {
    assert!(bytes.len() <= MAX_COMPONENT_BYTES);
    let Ok(evaluator) = sandbox().load(bytes) else {
        return;
    };
    let described = evaluator.description();
    assert!(!described.id.is_empty() && described.id.len() <= 64 && !described.metrics.is_empty());
    let grants: BTreeSet<String> = described.asks.clone();
    let Ok(prepared) = evaluator.prepare("{}", r#"{"schema":1,"persona":"fuzz"}"#, &[], &grants) else {
        return;
    };
    let samples = [sample(0, "yes, é"), sample(1, "! poison")];
    match evaluator.kind() {
        Kind::Benchmark => drop(prepared.items(&[])),
        Kind::TraitDetector | Kind::StyleScorer => {
            let outcomes = prepared.judge(&samples, &mut |asks| Ok(result::answers(asks, &grants)));
            result::fit(&outcomes.expect("within its fuel it is never slow"), &samples, &evaluator);
        }
    }
}
