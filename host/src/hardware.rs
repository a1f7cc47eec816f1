//! This machine, measured; and work placed on measured machines.
//!
//! `calibrate` times the engine, the memory and a real model in real worker processes, and keeps what it found in
//! the home folder. Scoring and generation take their number of workers from there, because that number changes
//! no result; training may ask for a budget of tokens before its plan is made. `plan` splits a job over machines
//! that were measured so.
//!
//! Nothing here is folklore: what the seeds of the project report of two machines is data ([`reported`]) that is
//! shown where nothing was measured, and never computed with.
//!
//! # Layout
//!
//! - [`calibrate`](mod@calibrate): what is measured, in which order; [`mod@bench`]: workers under load; [`workload`]: what they are asked
//! - [`sweep`]: larger and larger until it no longer pays; [`bandwidth`]: memory; [`clock`]: the only file with clocks
//! - [`calibration`]: what was measured, as data; [`figure`]: a mean with its interval; [`file`](mod@file): on disk
//! - [`machine`]: which machine this is; [`advice`](mod@advice): what other rooms may ask
//! - [`choice`]: which calibrations count; [`split`](mod@split): shares in proportion; [`decide`]: sharded or separate;
//!   [`placement`]: the whole plan
//! - [`reported`]: the seeds' tables; [`environment`]: the seeds' variables
//!
//! Everything but `calibrate`, `bench`, `bandwidth`, `clock`, `file` and `machine` is a pure function.

pub mod advice;
pub mod bandwidth;
pub mod bench;
pub mod calibrate;
pub mod calibration;
pub mod choice;
pub mod clock;
pub mod decide;
pub mod environment;
pub mod figure;
pub mod file;
pub mod machine;
pub mod placement;
pub mod reported;
pub mod split;
pub mod sweep;
pub mod workload;

pub use advice::advice;

#[cfg(test)]
pub(crate) mod samples;
