//! Versions of the contract, one file each, and which of them a component speaks.
//!
//! A version's file holds the generated bindings and the conversions to and from the types of this crate; nothing
//! else sees a binding. Export lookup follows semantic versions, so one file serves all compatible patches. A
//! contract that is not compatible becomes a second file, and [`probe`] looks for both.

mod v0_1;

use wasmtime::{
    Engine,
    component::{Component, InstancePre},
};

pub(super) use self::v0_1::{Exports, Level, Subjects};
use super::instance::State;
use crate::error::{Error, Result};

/// Most exports that a message names.
const NAMED: usize = 8;

/// Finds the one interface of the contract that the component exports.
pub(super) fn probe(engine: &Engine, guest: &InstancePre<State>) -> Result<Exports> {
    let mut found = Exports::all(guest).map_err(|error| {
        Error::evaluator(format!("its exports do not fit the contract: {}", super::outcome::one_line(&error)))
    })?;
    match (found.pop(), found.pop()) {
        (Some(exports), None) => Ok(exports),
        (Some(second), Some(first)) => Err(Error::evaluator(format!(
            "it exports both {} and {}; an evaluator is of one kind",
            first.kind(),
            second.kind()
        ))),
        (None, _) => Err(Error::evaluator(format!(
            "it exports {}, none of the interfaces of realign:evaluator@0.1",
            exported(engine, guest.component())
        ))
        .hint("build it against the contract in wit/, one of its three worlds")),
    }
}

fn exported(engine: &Engine, component: &Component) -> String {
    let names: Vec<_> =
        component.component_type().exports(engine).map(|(name, _)| name.to_owned()).take(NAMED).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
