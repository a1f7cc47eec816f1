//! Memory inside the sandbox.
//!
//! The standard library's allocator of this target costs a good part of what a small evaluator does: every text that the
//! host hands over, every word and every list is a request to it. This one is made for WebAssembly and asks for less.

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();
