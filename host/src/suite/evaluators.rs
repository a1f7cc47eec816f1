//! The suite's components: found, loaded, prepared, and known by everything that changes their scores.

use serde::Serialize;
use serde_json::json;

use super::{
    file::{BenchmarkSpec, DetectorSpec, StyleSpec},
    load::Suite,
};
use crate::{
    error::{Error, Result},
    ids::Digest,
    persona::profile::{Polarity, Trait},
    plugins::registry,
    sandbox::{Evaluator, Item, Kind, Prepared, Row, Sandbox},
};

/// Version of the profile that evaluators are given.
const PROFILE_SCHEMA: u32 = 1;

/// Every component of a suite, prepared.
pub struct Evaluators {
    /// One per trait, in the order of the suite file.
    pub detectors: Vec<Detector>,
    /// The style scorer, if the suite has one.
    pub style: Option<Prepared>,
    /// In the order of the suite file.
    pub benchmarks: Vec<Benchmark>,
}

/// The detector of one trait.
pub struct Detector {
    /// Trait of the persona.
    pub trait_id: String,
    /// Whether a find is wanted.
    pub polarity: Polarity,
    /// Presence at or above which the trait is found.
    pub threshold: f64,
    /// The component.
    pub prepared: Prepared,
}

/// One benchmark.
pub struct Benchmark {
    /// Its specification.
    pub spec: BenchmarkSpec,
    /// The component.
    pub prepared: Prepared,
}

/// What a component is told about the persona.
#[derive(Debug, Serialize)]
struct Profile<'a> {
    schema: u32,
    persona: &'a str,
    #[serde(rename = "trait", skip_serializing_if = "Option::is_none")]
    trait_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    polarity: Option<Polarity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<&'a [String]>,
}

impl Evaluators {
    /// Loads and prepares every component that the suite names.
    ///
    /// # Errors
    /// Usage errors for unknown plugins and wrong kinds; exit 20 where a component is refused or fails to prepare;
    /// each names the place in the suite.
    pub fn prepare(suite: &Suite, sandbox: &Sandbox) -> Result<Self> {
        let mut detectors = Vec::new();
        for (index, spec) in suite.file.detector.iter().enumerate() {
            let prepared = detector(suite, sandbox, spec);
            detectors.push(prepared.map_err(|error| error.within(format!("detector[{index}]")))?);
        }
        let style = suite.file.style.as_ref().map(|spec| style(suite, sandbox, spec));
        let style = style.transpose().map_err(|error| error.within("style"))?;
        let mut benchmarks = Vec::new();
        for (index, spec) in suite.file.benchmark.iter().enumerate() {
            let prepared = benchmark(suite, sandbox, spec);
            benchmarks.push(prepared.map_err(|error| error.within(format!("benchmark[{index}]")))?);
        }
        Ok(Self { detectors, style, benchmarks })
    }

    /// The items of every benchmark, in the order of the suite.
    ///
    /// # Errors
    /// Bad input naming file and row where a component refuses the data, exit 20 where it fails otherwise.
    pub fn items(&self, suite: &Suite) -> Result<Vec<Vec<Item>>> {
        let items = |(benchmark, rows): (&Benchmark, &Vec<Row>)| {
            let file = suite.folder.join(&benchmark.spec.data);
            benchmark.prepared.items(rows).map_err(|error| error.within(file.display()))
        };
        self.benchmarks.iter().zip(&suite.benchmarks).map(items).collect()
    }
}

fn detector(suite: &Suite, sandbox: &Sandbox, spec: &DetectorSpec) -> Result<Detector> {
    let described = suite.persona.traits.iter().find(|item| item.id == spec.trait_id);
    let described: &Trait = described.expect("loading the suite checked that every detector has a trait");
    let profile = Profile {
        schema: PROFILE_SCHEMA,
        persona: &suite.persona.name,
        trait_id: Some(&described.id),
        polarity: Some(described.polarity),
        description: Some(&described.description),
        examples: Some(&described.examples),
    };
    let evaluator = load(suite, sandbox, &spec.plugin, Kind::TraitDetector)?;
    let rows = suite.fit_rows(&spec.data);
    let prepared = evaluator.prepare(
        &json!(spec.config).to_string(),
        &json!(profile).to_string(),
        &rows,
        &spec.grants,
    )?;
    Ok(Detector {
        trait_id: spec.trait_id.clone(),
        polarity: described.polarity,
        threshold: spec.threshold,
        prepared,
    })
}

fn style(suite: &Suite, sandbox: &Sandbox, spec: &StyleSpec) -> Result<Prepared> {
    let evaluator = load(suite, sandbox, &spec.plugin, Kind::StyleScorer)?;
    let rows = suite.fit_rows(&spec.data);
    evaluator.prepare(&json!(spec.config).to_string(), &persona_profile(suite), &rows, &spec.grants)
}

fn benchmark(suite: &Suite, sandbox: &Sandbox, spec: &BenchmarkSpec) -> Result<Benchmark> {
    let evaluator = load(suite, sandbox, &spec.plugin, Kind::Benchmark)?;
    let metrics = &evaluator.description().metrics;
    if !metrics.iter().any(|metric| metric.name == spec.metric) {
        let known: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        let message =
            format!("metric: {} has no `{}`, it measures {}", spec.plugin, spec.metric, known.join(", "));
        return Err(Error::usage(message));
    }
    let prepared =
        evaluator.prepare(&json!(spec.config).to_string(), &persona_profile(suite), &[], &spec.grants)?;
    Ok(Benchmark { spec: spec.clone(), prepared })
}

fn persona_profile(suite: &Suite) -> String {
    let profile = Profile {
        schema: PROFILE_SCHEMA,
        persona: &suite.persona.name,
        trait_id: None,
        polarity: None,
        description: None,
        examples: None,
    };
    json!(profile).to_string()
}

fn load(suite: &Suite, sandbox: &Sandbox, plugin: &str, kind: Kind) -> Result<Evaluator> {
    let found = registry::find(plugin, &suite.folder)?;
    let evaluator = sandbox.load(&found).map_err(|error| error.within(plugin))?;
    if evaluator.kind() != kind {
        let message = format!("plugin: `{plugin}` is a {}, a {kind} is needed here", evaluator.kind());
        return Err(Error::usage(message));
    }
    Ok(evaluator)
}

/// Everything of a component that changes its scores: its bytes, its settings, what it was fitted to.
#[must_use]
pub fn identity(prepared: &Prepared, rest: &impl Serialize) -> String {
    Digest::of_json(&(prepared.evaluator().digest(), prepared.digest(), rest)).to_string()
}
