//! What is faster in plain Rust than in MLX on a processor.
//!
//! MLX's exponentials are scalar on x86: a sigmoid costs as much as the matrix products around it. Between two
//! matrix products the engine therefore reads the result as a slice and runs a loop that the compiler
//! vectorises. On a GPU none of this is used. Every loop has a twin in MLX operations
//! ([`crate::llama::attention`], [`crate::llama::forward`]) and a test that both agree.
//!
//! The loops are compiled for several widths of vector registers and the widest that the processor has is taken
//! (`vectorised`). A width changes no bit: sums have lanes of their own whose order is written down, and products
//! and sums stay separate operations.

/// Compiles functions for each width. Where there is a choice, the processor is asked once.
macro_rules! vectorised {
    ($($(#[$about:meta])* $visible:vis fn $name:ident $rest:tt $(-> $result:ty)? $body:block)+) => {
        $(
            $(#[$about])*
            #[multiversion::multiversion(targets(
                "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl",
                "x86_64+avx2",
            ))]
            $visible fn $name $rest $(-> $result)? $body
        )+
    };
}

pub(crate) use vectorised;

pub mod attention;
pub mod exp;
pub mod filled;
pub mod heads;
pub mod norm;
pub mod softmax;
pub mod sums;
pub mod swiglu;
