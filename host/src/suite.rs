//! What an evaluation runs, and running it.
//!
//! ```text
//! file -> load -> plan -> { persona_run, benchmark_run } -> record
//! ```
//!
//! - [`mod@file`]: the suite file as people write it
//! - [`load`]: the suite with everything that it names, read and checked before a model is started
//! - [`evaluators`]: components loaded and prepared
//! - [`answers`]: asks of evaluators answered by the model; [`judge`]: samples judged with such answers
//! - [`persona_run`]: responses, trait cells, adherence, consistency, style variance
//! - [`benchmark_run`]: items, asks, grades
//! - [`identity`]: what the numbers depend on; [`power`]: what they can see
//! - [`record`]: what is stored and compared; [`asked`]: how it was asked for; [`verify`]: all of it computed again
//! - [`cards`]: what its evaluators' scores are worth
//! - [`run`]: the order of it all; [`task_run`]: one lm-eval task instead of a suite

pub mod answers;
pub mod asked;
pub mod benchmark_run;
pub mod cards;
pub mod evaluators;
pub mod file;
pub mod identity;
pub mod judge;
pub mod load;
pub mod persona_run;
pub mod power;
pub mod record;
pub mod run;
pub mod task_run;
pub mod verify;
