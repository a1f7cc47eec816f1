//! Benchmark tasks that others wrote: lm-eval task files, as far as they are YAML and Jinja over local data.
//!
//! A file either means here exactly what it means to lm-eval 0.4.13, or it is refused with the key that would not. Data flows
//! from [`include`](mod@include) (a file with what it includes) over [`file`](mod@file) (its keys), [`data`] (rows), [`field`] and `prompt` (rows to
//! prompts and answers) to [`task`] and [`set`] (a task, or a group of them); [`filter`] and [`metric`] are what is made of
//! the model's answers.

pub mod data;
pub mod document;
mod fewshot;
pub mod field;
pub mod file;
pub mod filter;
pub mod include;
pub mod metric;
mod names;
pub mod prompt;
pub mod python;
pub mod random;
pub mod regex;
pub mod render;
pub mod set;
pub mod task;
pub mod whitespace;
