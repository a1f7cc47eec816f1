//! What the numbers of a suite depend on.
//!
//! Everything that can change a number is in one of the three parts; nothing that cannot is. Names of files,
//! times and the number of workers are in none.

use std::collections::BTreeMap;

use super::{
    evaluators::{self, Evaluators},
    load::Suite,
    task_run,
};
use crate::{
    compare::Identity,
    engine::backend::Backend,
    ids::Digest,
    sandbox::{Limits, Row},
};

/// Version of the formulas of section "what the numbers mean"; raised with any of them.
/// Since 2 the items of the voice are anchored like its numbers, so that runs from before are not compared with later ones; since 3
/// the bounds of means, and with them verdicts, take the skewness of all clusters alike.
pub const FORMULAS: &str = "3";

/// The identity of a suite run with a model.
#[must_use]
pub fn of_suite(suite: &Suite, evaluators: &Evaluators, limits: &Limits, backend: &Backend) -> Identity {
    let mut subject = backend.subject();
    let system = suite.system(suite.file.deploy_prompt);
    let system = system.map_or("none".into(), |message| Digest::of(message.content.as_bytes()).to_string());
    subject.insert("system-prompt".into(), system);
    let mut engine = backend.engine();
    let model = Digest::of_json(&backend.subject()).to_string();
    engine.extend(judged_by_model(suite).map(|place| (format!("answers to {place}"), model.clone())));
    Identity { subject, engine, instrument: instrument(suite, evaluators, limits) }
}

/// Places of judges that may ask the model under test. Another model is then another judge, which two runs do not have
/// to agree on to be compared, but a reader has to know.
fn judged_by_model(suite: &Suite) -> impl Iterator<Item = String> {
    let detectors = suite.file.detector.iter().filter(|spec| !spec.grants.is_empty());
    let style = suite.file.style.iter().filter(|spec| !spec.grants.is_empty());
    detectors.map(|spec| format!("detector/{}", spec.trait_id)).chain(style.map(|_| "style".to_owned()))
}

/// The instrument's part: what runs have to share to be compared.
#[must_use]
pub fn instrument(suite: &Suite, evaluators: &Evaluators, limits: &Limits) -> BTreeMap<String, String> {
    let file = &suite.file;
    let mut parts = BTreeMap::new();
    let mut put = |name: String, value: String| parts.insert(name, value);
    put("formulas".into(), FORMULAS.into());
    put("seed".into(), file.seed.0.to_string());
    put(
        "decoding".into(),
        format!("max_tokens {}, temperature {}", file.decoding.max_tokens, file.decoding.temperature),
    );
    put("scenarios".into(), Digest::of_json(&suite.scenarios).to_string());
    put("limits".into(), Digest::of_json(limits).to_string());
    put("gates".into(), Digest::of_json(&file.gates).to_string());
    if !suite.neutral.is_empty() {
        put("neutral".into(), Digest::of_json(&suite.neutral).to_string());
    }
    for (spec, detector) in file.detector.iter().zip(&evaluators.detectors) {
        let rest = (spec.threshold, detector.polarity, &spec.grants);
        put(format!("detector/{}", spec.trait_id), evaluators::identity(&detector.prepared, &rest));
    }
    if let (Some(spec), Some(prepared)) = (&file.style, &evaluators.style) {
        let rest = (&suite.exemplars, &suite.contrast, &spec.grants);
        put("style".into(), evaluators::identity(prepared, &rest));
    }
    for ((spec, benchmark), rows) in file.benchmark.iter().zip(&evaluators.benchmarks).zip(&suite.benchmarks)
    {
        let bodies: Vec<&String> = rows.iter().map(|Row { body, .. }| body).collect();
        let rest = (&spec.metric, &spec.grants, bodies);
        put(format!("benchmark/{}", spec.id), evaluators::identity(&benchmark.prepared, &rest));
    }
    for set in &suite.tasks {
        parts.extend(task_run::instrument(set));
    }
    parts
}
