//! What people read of a run: tables for the terminal. Reads records, computes nothing.

pub mod adapter;
pub mod calibration;
pub mod comparison;
pub mod convert;
pub mod decontaminate;
pub mod frontier;
pub mod ifd;
pub mod import;
pub mod mix;
pub mod number;
pub mod pairs;
pub mod pii;
pub mod placement;
pub mod record;
pub mod reported;
pub mod table;
pub mod train;
pub mod validate;
