//! What people read of a run: tables for the terminal, pages, drawings. Reads records, computes nothing.

pub mod adapter;
pub mod calibration;
pub mod checks;
pub mod comparison;
pub mod forest;
pub mod frontier;
pub mod history;
pub mod html;
pub mod interop;
pub mod junit;
pub mod leaderboard;
pub mod monitor;
pub mod number;
pub mod pairs;
pub mod palette;
pub mod pipeline;
pub mod placement;
pub mod power;
pub mod record;
pub mod reported;
pub mod summary;
pub mod table;
pub mod text;
pub mod train;
