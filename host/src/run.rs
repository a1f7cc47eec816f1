//! A pipeline: planned once, executed stage by stage, journalled, and gone on with after any stop.
//!
//! ```text
//! file -> plan -> execute -> { journal, folder } -> record
//! ```
//!
//! # Invariants
//!
//! - The plan is made before anything runs and holds every gate, every setting and the digest of every input. A folder
//!   belongs to one plan.
//! - What a stage gave is whole or not there: a stage is done when its record is in place, and a record is put in place
//!   after everything that it names. Its inputs are the plan and the records before it, by digest.
//! - Decisions are only ever added to the journal. What was rolled back stays on disk, in `history`.
//! - Killed anywhere, the same command ends with the same records, byte for byte, on the same machine.
//!
//! # Layout
//!
//! - [`mod@file`]: `pipeline.toml`, with one of the three [`crate::gates::profile`]s; [`plan`]: everything that decides the result
//! - [`folder`]: the folder of a run; [`journal`]: what was decided, in order
//! - [`execute`]: the stages in their order, and when to stop; [`tree`]: the decisions, as they were walked
//! - [`record`]: the whole run, as it is stored and reported; [`checklist`]: the workflow's lists, ticked by it
//! - [`monitor`]: new transcripts against what the release showed

pub mod checklist;
pub mod execute;
pub mod file;
pub mod folder;
pub mod journal;
pub mod monitor;
pub mod plan;
pub mod record;
pub mod tree;
