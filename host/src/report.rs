//! What people read of a run: tables for the terminal. Reads records, computes nothing.

pub mod adapter;
pub mod calibration;
pub mod card;
pub mod comparison;
pub mod frontier;
pub mod number;
pub mod pairs;
pub mod placement;
pub mod record;
pub mod reported;
pub mod table;
pub mod train;
pub mod trial;
