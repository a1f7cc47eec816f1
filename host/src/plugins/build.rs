//! Core module to component.
//!
//! Compilers make core modules; the SDK's macros leave the contract in a custom section of them. Making a component
//! of both needs no tool but this function, and adds no import.

use wit_component::ComponentEncoder;

use crate::error::{Error, Result};

/// Makes a component of a core module built with the SDK.
///
/// # Errors
/// Exit 20 where the bytes are no core module, carry no contract, or do not export what their contract promises.
pub fn componentize(core: &[u8]) -> Result<Vec<u8>> {
    let hint = "build it for wasm32-unknown-unknown with an export macro of realign-plugin";
    if !core.starts_with(b"\0asm") {
        return Err(Error::evaluator("cannot make a component: this is not WebAssembly").hint(hint));
    }
    let encode = || ComponentEncoder::default().validate(true).module(core)?.encode();
    encode().map_err(|error| {
        let reason = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        let reason: String = reason.lines().next().unwrap_or_default().chars().take(300).collect();
        Error::evaluator(format!("cannot make a component of the module: {reason}")).hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_without_a_contract_becomes_an_empty_component() {
        let component = componentize(b"\0asm\x01\0\0\0").unwrap();
        assert!(component.starts_with(b"\0asm\x0d\0\x01\0"));
    }

    #[test]
    fn text_is_refused() {
        let error = componentize(b"(module)").unwrap_err();
        insta::assert_snapshot!(error, @"cannot make a component: this is not WebAssembly");
    }

    #[test]
    fn module_with_foreign_imports_is_refused() {
        let core =
            wat::parse_str(r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))"#);
        let error = componentize(&core.unwrap()).unwrap_err();
        insta::assert_snapshot!(error, @"cannot make a component of the module: failed to decode world from module: module was not valid: failed to resolve import `wasi_snapshot_preview1::proc_exit`: module requires an import interface named `wasi_snapshot_preview1`");
    }
}
