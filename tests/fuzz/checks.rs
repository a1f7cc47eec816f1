//! What must hold of any bytes, one file per kind of input. The fuzz targets call these functions with what libFuzzer makes
//! up, `tests/it/fuzz.rs` with the seeds and with what was once found. A check panics where something does not hold.
#![allow(clippy::allow_attributes, dead_code, reason = "a fuzz target calls one of them, the test all")]

// Whoever uses the checks has the maker of guests beside them.
use super::assemble;

#[path = "checks/component.rs"]
pub(crate) mod component;
#[path = "checks/file.rs"]
mod file;
#[path = "checks/manifest.rs"]
pub(crate) mod manifest;
#[path = "checks/parquet.rs"]
pub(crate) mod parquet;
#[path = "checks/persona.rs"]
pub(crate) mod persona;
#[path = "checks/result.rs"]
pub(crate) mod result;
#[path = "checks/scenarios.rs"]
pub(crate) mod scenarios;
#[path = "checks/task.rs"]
pub(crate) mod task;
