//! How the host asks a model.
//!
//! A native engine runs inside a worker process, so that a crash in native code costs one batch and never the
//! host. Everything that could change a number is decided on this side: texts are tokenized first, batches are
//! planned from token ids alone, and random numbers are a function of seed and request id. The number of
//! workers, the order in which they answer and a worker's death change no result.
//!
//! # Layout
//!
//! - [`backend`]: what the rest of the host uses: score and generate, with progress and cache
//! - [`query`]: the questions and answers of a back end
//! - [`model_ref`]: what `--model` names; [`model_digest`]: what it is; [`recorded`]: responses from a file;
//!   [`kept`]: what a stored run was answered; [`openai`]: a server's model
//! - [`workers`]: the back end made of worker processes; [`texts`]: texts in requests; [`plan`]: which rows share a batch
//! - [`cache`]: finished batches, addressed by everything that made them; `replies`: a list of batches being answered from it
//! - [`pool`]: planned batches over several workers; [`capacity`]: how many workers fit
//! - [`group`]: workers that train together; [`hosts`]: on which machines; `remote`: the ranks of other machines from here;
//!   [`relay`]: the same from there
//! - [`member`]: one process of a group that somebody else started; [`lend`]: how it serves rank 0; [`lent`]: the same from there
//! - [`process`]: one worker from outside; [`progress`]: whether it has fallen silent; [`interrupt`]: whether it is to end;
//!   [`worker`]: the same from inside; [`launch`]: how it is started
//! - [`probe`]: what an engine says of itself, for `doctor`; [`mod@export`]: adapters and models that it writes
//! - `elsewhere`: in place of workers on systems that are no Unix
//! - [`library`]: the engine library across its C ABI, the only unsafe code of this room

pub mod backend;
pub mod cache;
pub mod capacity;
pub mod export;
pub mod group;
pub mod hosts;
pub mod interrupt;
pub mod kept;
pub mod launch;
#[cfg(unix)]
pub mod lend;
#[cfg(unix)]
pub mod lent;
#[cfg(unix)]
pub mod library;
pub mod member;
pub mod model_digest;
pub mod model_ref;
pub mod openai;
pub mod plan;
pub mod pool;
pub mod probe;
#[cfg(unix)]
pub mod process;
pub mod progress;
pub mod query;
pub mod recorded;
#[cfg(unix)]
pub mod relay;
#[cfg(unix)]
mod remote;
mod replies;
mod ring;
pub mod texts;
#[cfg(unix)]
pub mod worker;
pub mod workers;

#[cfg(not(unix))]
mod elsewhere;
#[cfg(not(unix))]
pub use self::elsewhere::{lend, lent, process, relay, remote, worker};

#[cfg(unix)]
#[cfg(test)]
pub(crate) mod testing;
