//! Write evaluators for realign: trait detectors, style scorers and benchmarks.
//!
//! An evaluator is a WebAssembly component that computes and logs, nothing else. With this crate it is a type, one
//! `impl` and one macro. A whole trait detector:
//!
//! ```
//! use realign_plugin::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Says {
//!     word: String,
//! }
//!
//! impl TraitDetector for Says {
//!     type Config = Self;
//!     const ABOUT: About = about!(r#"{"type": "object", "properties": {"word": {"type": "string"}}}"#);
//!
//!     fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
//!         Ok(config)
//!     }
//!
//!     fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
//!         let found = text::words(&sample.response).iter().any(|word| word.text == self.word);
//!         Ok(Outcome::presence(f64::from(found)))
//!     }
//! }
//!
//! export_trait_detector!(Says);
//! ```
//!
//! How it runs: the host calls `describe`, then [`prepare`](TraitDetector::prepare) once with the suite's
//! configuration, the persona's [`Profile`] and rows of data. The prepared value is written as JSON; every later
//! call, in whichever instance, starts from that JSON. So a verdict depends on nothing but the job and the sample.
//!
//! An evaluator that needs a model returns [`Question`]s; the host answers them in bulk and calls again (see [`ask`]).
//!
//! Everything compiles natively too: the `testing` feature runs an evaluator over its `cases.toml`, and the host runs
//! the same file through the sandbox. [`text`] holds helpers that give the same result on every machine; avoid
//! `HashMap` in an evaluator, whose order there depends on earlier calls. [`rules`] and [`vectors`] are what detectors made of
//! rules and scorers made of rates share.

#[cfg(any(target_arch = "wasm32", test))]
mod allocator;
pub mod ask;
mod benchmark;
#[doc(hidden)]
pub mod bindings;
pub mod cases;
mod contract;
mod detector;
mod export;
#[doc(hidden)]
pub mod guest;
mod kind;
pub mod log;
pub mod rules;
mod setup;
mod style;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod vectors;

pub use ask::{Answers, Question};
pub use benchmark::Benchmark;
pub use contract::{
    About, Aggregation, Description, Direction, Failure, Item, Message, Metric, Note, Outcome, Prompt, Row,
    Sample, Scored, Span, Value,
};
pub use detector::TraitDetector;
pub use setup::{Polarity, Profile, Setup, Voices};
pub use style::StyleScorer;

/// Everything that an evaluator usually needs.
pub mod prelude {
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        About, Aggregation, Answers, Benchmark, Direction, Failure, Item, Metric, Outcome, Prompt, Question,
        Row, Sample, Scored, Setup, StyleScorer, TraitDetector, about, export_benchmark, export_style_scorer,
        export_trait_detector, text,
    };
}
