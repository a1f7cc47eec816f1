//! What people read of a run: tables for the terminal. Reads records, computes nothing.

pub mod adapter;
pub mod calibration;
pub mod comparison;
pub mod frontier;
pub mod monitor;
pub mod number;
pub mod pairs;
pub mod pipeline;
pub mod placement;
pub mod record;
pub mod reported;
pub mod table;
pub mod train;
