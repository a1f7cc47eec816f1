//! The contract as text, inside of the binary: to hold components against it, and to write it beside a new plugin.

use wit_parser::{PackageId, Resolve, SourceMap, WorldId};

use crate::sandbox::Kind;

/// Name and text of each file of the contract.
pub const FILES: [(&str, &str); 2] = [
    ("evaluator.wit", include_str!("../../../wit/evaluator.wit")),
    ("worlds.wit", include_str!("../../../wit/worlds.wit")),
];

/// The world of a kind of evaluator.
#[must_use]
pub fn world_name(kind: Kind) -> String {
    format!("{kind}-plugin")
}

/// Whether a component fits the world of its kind: it exports what is promised and imports nothing else.
///
/// # Errors
/// Why not, in one line.
///
/// # Panics
/// If the contract inside of the binary is not valid, which is a bug.
pub fn fits(component: &[u8], kind: Kind) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let package = push(&mut resolve, &FILES.map(|(name, text)| (name, text.to_owned())));
    let world = world(&resolve, package, kind);
    wit_component::targets(&resolve, world, component).map_err(|error| {
        let reason = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        reason.lines().next().unwrap_or_default().chars().take(300).collect()
    })
}

fn push(resolve: &mut Resolve, files: &[(&str, String)]) -> PackageId {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        sources.push_str(name, text.as_str());
    }
    let group = sources.parse().unwrap_or_else(|(_, error)| panic!("the contract is valid: {error}"));
    resolve.push_group(group).expect("the contract is whole")
}

fn world(resolve: &Resolve, package: PackageId, kind: Kind) -> WorldId {
    resolve.select_world(&[package], Some(&world_name(kind))).expect("every kind has a world")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 3] = [Kind::TraitDetector, Kind::StyleScorer, Kind::Benchmark];

    /// The contract as it was released, never changed again.
    const FROZEN: [(&str, &str); 2] = [
        ("evaluator.wit", include_str!("../../../wit/frozen/0.1.0/evaluator.wit")),
        ("worlds.wit", include_str!("../../../wit/frozen/0.1.0/worlds.wit")),
    ];

    /// Whether what was built for `before` fits `after`, of every kind.
    fn compatible(before: &[(&str, &str)], after: &[(&str, String)]) -> Result<(), String> {
        for kind in KINDS {
            let mut resolve = Resolve::default();
            let before: Vec<(&str, String)> =
                before.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
            let old = push(&mut resolve, &before);
            // Two packages of one name and version cannot stand side by side; the check leaves versions out.
            let after: Vec<(&str, String)> =
                after.iter().map(|(name, text)| (*name, text.replace("@0.1.0", "@0.1.1"))).collect();
            let new = push(&mut resolve, &after);
            let (old, new) = (world(&resolve, old, kind), world(&resolve, new, kind));
            wit_component::semver_check(resolve, old, new).map_err(|error| format!("{kind}: {error:#}"))?;
        }
        Ok(())
    }

    fn changed(from: &str, to: &str) -> Vec<(&'static str, String)> {
        let files = FROZEN.map(|(name, text)| (name, text.replace(from, to)));
        assert_ne!(files[0].1, FROZEN[0].1, "{from} is in the contract");
        files.to_vec()
    }

    #[test]
    fn evaluators_built_for_released_contracts_fit_this_one() {
        assert_eq!(compatible(&FROZEN, &FILES.map(|(name, text)| (name, text.to_owned()))), Ok(()));
    }

    #[test]
    fn a_new_function_to_call_is_compatible_and_a_changed_record_is_not() {
        let more = changed(
            "log: func(level: level, message: string);",
            "log: func(level: level, message: string);\n  flush: func();",
        );
        assert_eq!(compatible(&FROZEN, &more), Ok(()));
        let field =
            changed("record note {\n    key: string,", "record note {\n    key: string,\n    place: u32,");
        assert!(compatible(&FROZEN, &field).is_err());
        let export =
            changed("describe: func() -> description;", "describe: func() -> description;\n  reset: func();");
        assert!(compatible(&FROZEN, &export).is_err(), "an old evaluator does not export it");
    }
}
