//! Benchmark tasks that others wrote: lm-eval task files.

pub mod lm_eval;
pub mod render;
