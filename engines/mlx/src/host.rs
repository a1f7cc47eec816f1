//! What is faster in plain Rust than in MLX on a processor.
//!
//! MLX's exponentials are scalar on x86: a sigmoid costs as much as the matrix products around it. Between two
//! matrix products the engine therefore reads the result as a slice and runs a loop that the compiler
//! vectorises. On a GPU none of this is used. Every loop has a twin in MLX operations
//! ([`crate::llama::attention`], [`crate::llama::forward`]) and a test that both agree.

pub mod exp;
pub mod heads;
pub mod norm;
pub mod softmax;
pub mod sums;
pub mod swiglu;
pub mod tape;
