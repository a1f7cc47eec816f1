//! What a guest may import: `log`, and the types of the contract. Checked before any of its code runs.

use wasmtime::{
    Engine, StoreContextMut, Trap,
    component::{Component, InstancePre, Linker, WasmStr, types::ComponentItem},
};

use super::{abi::Level, instance::State, outcome::one_line};
use crate::error::{Error, Result};

/// Interfaces that may be imported, as they are named here; any compatible version fits.
const LOGGING: &str = "realign:evaluator/logging@0.1.0";
const TYPES: &str = "realign:evaluator/types@0.1.0";

/// Fuel of a log call beside one unit for each byte of its message.
const LOG_CALL_FUEL: u64 = 1_000;

/// Most refused imports that a message names.
const NAMED: usize = 8;

/// Links a component with what it may import.
pub(super) fn link(engine: &Engine, component: &Component) -> Result<InstancePre<State>> {
    let refused = refused(engine, component);
    if !refused.is_empty() {
        let more = refused.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = refused.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Error::evaluator(format!("it imports {names}{more}; an evaluator may only import log"))
            .hint("it wants files, clocks or network, or is built for another contract; see PLUGINS.md"));
    }
    let unfit = |error: wasmtime::Error| {
        Error::evaluator(format!("its imports do not fit the contract: {}", one_line(&error)))
    };
    linker(engine).and_then(|linker| linker.instantiate_pre(component)).map_err(unfit)
}

/// Names of everything imported that is not allowed, in the component's order.
fn refused(engine: &Engine, component: &Component) -> Vec<String> {
    let mut refused = Vec::new();
    for (name, import) in component.component_type().imports(engine) {
        let functions: &[&str] = match name {
            _ if compatible(name, LOGGING) => &["log"],
            _ if compatible(name, TYPES) => &[],
            _ => {
                refused.push(name.to_owned());
                continue;
            }
        };
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            refused.push(name.to_owned());
            continue;
        };
        let unknown = interface.exports(engine).filter(|(item, export)| match export.ty {
            ComponentItem::Type(_) => false,
            ComponentItem::ComponentFunc(_) => !functions.contains(item),
            _ => true,
        });
        refused.extend(unknown.map(|(item, _)| format!("{name}#{item}")));
    }
    refused
}

/// Whether `name` is a version of the interface `ours` that the linker takes for the same: below 1.0 the minor
/// number must be equal.
fn compatible(name: &str, ours: &str) -> bool {
    let stem = ours.rsplit_once('.').map_or(ours, |(stem, _)| stem);
    name.strip_prefix(stem).is_some_and(|patch| patch.starts_with('.'))
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.instance(LOGGING)?.func_wrap("log", log)?;
    Ok(linker)
}

/// The only host function. It cannot block, and it charges the guest for the bytes that it makes the host read.
fn log(mut store: StoreContextMut<'_, State>, (level, message): (Level, WasmStr)) -> wasmtime::Result<()> {
    let whole = message.to_str(&store)?;
    let price = LOG_CALL_FUEL.saturating_add(u64::try_from(whole.len()).unwrap_or(u64::MAX));
    let kept = whole[..whole.floor_char_boundary(store.data().log_line_bytes())].to_owned();
    let left = store.get_fuel()?.checked_sub(price).ok_or(Trap::OutOfFuel)?;
    store.set_fuel(left)?;
    store.data_mut().log(level.into(), &kept);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Limits, engine::Engines};

    fn error_of(text: &str) -> String {
        let engines = Engines::new(&Limits::default(), 1).unwrap();
        let engine = engines.compiler();
        let component = Component::from_binary(engine, &wat::parse_str(text).unwrap()).unwrap();
        link(engine, &component).map_or_else(|error| error.to_string(), |_| "linked".to_owned())
    }

    #[test]
    fn component_without_imports_is_linked() {
        assert_eq!(error_of("(component)"), "linked");
    }

    #[test]
    fn every_import_but_log_is_named() {
        insta::assert_snapshot!(error_of(
            r#"(component
                (import "wasi:filesystem/types@0.2.0" (instance))
                (import "run" (func))
                (import "realign:evaluator/other@0.1.0" (instance)))"#
        ), @"it imports wasi:filesystem/types@0.2.0, run, realign:evaluator/other@0.1.0; an evaluator may only import log");
    }

    #[test]
    fn further_functions_of_logging_are_refused() {
        insta::assert_snapshot!(error_of(
            r#"(component (import "realign:evaluator/logging@0.1.7" (instance (export "send" (func)))))"#
        ), @"it imports realign:evaluator/logging@0.1.7#send; an evaluator may only import log");
    }

    #[test]
    fn log_of_another_type_is_refused() {
        insta::assert_snapshot!(error_of(
            r#"(component (import "realign:evaluator/logging@0.1.0" (instance (export "log" (func)))))"#
        ), @"its imports do not fit the contract: expected 2-tuple, found 0-tuple");
    }

    #[test]
    fn logging_of_the_next_contract_is_refused() {
        insta::assert_snapshot!(
            error_of(r#"(component (import "realign:evaluator/logging@0.2.0" (instance)))"#), @"it imports realign:evaluator/logging@0.2.0; an evaluator may only import log");
    }

    #[test]
    fn long_lists_of_imports_are_cut() {
        let imports: Vec<_> = (0..20).map(|n| format!(r#"(import "f{n}" (func))"#)).collect();
        let imports = imports.concat();
        insta::assert_snapshot!(error_of(&format!("(component {imports})")), @"it imports f0, f1, f2, f3, f4, f5, f6, f7 and 12 more; an evaluator may only import log");
    }
}
