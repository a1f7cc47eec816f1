//! What people read of a run: tables for the terminal. Reads records, computes nothing.

pub mod comparison;
pub mod number;
pub mod record;
pub mod table;
pub mod train;
