//! Preference data: where it comes from, and whether it is worth learning from.

pub mod pairs;
