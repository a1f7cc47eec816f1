//! The crate that decodes panics on some files. The host catches that and, in `tasks::data::parquet::contained`, keeps it from the
//! panic hook: libFuzzer's aborts, and is installed before the host's, so that it sees panics of our own code alone.
#![no_main]

#[allow(dead_code, reason = "other programs use the rest")]
#[path = "../../it/hostile/assemble.rs"]
mod assemble;
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::parquet::check(bytes));
