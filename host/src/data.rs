//! Preference data: where it comes from, and whether it is worth learning from.
//!
//! - [`pairs`]: built by asking the model and judging its answers
//! - [`decontaminate`]: held against what the model will be measured with
//! - [`validate`]: pairs held against everything that makes them unfit to learn from
//! - [`mod@ifd`]: how much an instruction helps a model to its answer; [`pii`]: personal data, found and replaced
//! - [`mod@convert`]: rows from one form into another; [`mod@mix`]: persona and general rows in one file
//! - [`measured`], [`near`], [`passage`], [`mod@score`]: what the tools share
//!
//! Each tool is a function from rows and a few choices to a report that can be stored; the command line and the stages call
//! the same one.

pub mod convert;
pub mod decontaminate;
pub mod ifd;
pub mod measured;
pub mod mix;
pub mod near;
pub mod pairs;
pub mod passage;
pub mod pii;
pub mod score;
pub mod validate;
