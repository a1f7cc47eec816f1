//! Benchmark tasks that others wrote: lm-eval task files.

pub mod include;
pub mod lm_eval;
pub mod render;
