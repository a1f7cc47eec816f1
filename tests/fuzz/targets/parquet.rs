#![no_main]

#[allow(dead_code, reason = "other programs use the rest")]
#[path = "../../it/hostile/assemble.rs"]
mod assemble;
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::parquet::check(bytes));
