//! What the numbers mean: pure functions from cells, scores and items to values with bounds and a decision.
//!
//! Nothing here reads a file, a clock or a random number without a seed. Every result carries its observations
//! and clusters; empty input is `insufficient`, never a perfect score.

pub mod adherence;
pub mod aggregate;
pub mod by_context;
pub mod card;
pub mod cell;
pub mod consistency;
pub mod contrast;
pub mod ifd;
pub mod kl;
pub mod over_characterisation;
pub mod overlap;
pub mod preference;
pub mod retention;
pub mod spoiled;
pub mod style;

pub use crate::model::{Aggregation, Direction};
pub use adherence::{Adherence, AdherenceGate, adherence};
pub use aggregate::aggregate;
pub use cell::{CellState, TraitCell};
pub use consistency::{Consistency, consistency};
pub use contrast::{Coverage, PairCells};
pub use kl::{Kl, ResponseKl, kl};
pub use preference::PairScore;
pub use retention::{Benchmark, ItemPair, Retention, retention};
pub use spoiled::{SpoiledReason, spoiled};
pub use style::{Style, StyleGate, StyleInput, StyleScore, plan_blocks, style};
