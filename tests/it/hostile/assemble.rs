//! Hostile guests from their texts: `honest.wat` with sections replaced, made into a component the way that the
//! product does it.

use std::{collections::BTreeMap, fs, path::Path};

use realign::plugins::build::componentize;
use wit_component::StringEncoding;
use wit_parser::Resolve;

const SECTION: &str = ";; section: ";
const BASE: &str = ";; base: ";

/// The component of guest `name` in `plugins/hostile`.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let mut texts = vec![read(name)];
    while let Some(base) = texts.last().and_then(|text| text.strip_prefix(BASE)) {
        let base = base.lines().next().unwrap_or_default().to_owned();
        texts.push(read(&base));
    }
    if name != "honest" {
        texts.push(read("honest"));
    }
    let kind = if name.starts_with("benchmark") { "benchmark" } else { "trait-detector" };
    component(name, kind, &merge(&texts))
}

/// The honest guest with sections replaced by those of `text`, as a detector or a scorer.
#[expect(clippy::allow_attributes, reason = "only some of the programs that include this file use it")]
#[allow(dead_code, reason = "as above")]
pub(crate) fn variant(text: &str, kind: &str) -> Vec<u8> {
    let mut core = merge(&[text.to_owned(), read("honest")]);
    if kind == "style-scorer" {
        // The first metric of a scorer has another name, and a shorter one.
        core = core
            .replace("\"presence\"", "\"match\"")
            .replace("(i32.const 1088) (i32.const 8)", "(i32.const 1088) (i32.const 5)");
    }
    component("variant", kind, &core)
}

fn component(name: &str, kind: &str, core: &str) -> Vec<u8> {
    let core = format!("(module\n{core})").replace("INTERFACE", &format!("realign:evaluator/{kind}@0.1.0"));
    let mut core = wat::parse_str(core).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).expect("the contract is valid WIT");
    let world =
        resolve.select_world(&[package], Some(&format!("{kind}-plugin"))).expect("every kind has a world");
    wit_component::embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)
        .expect("a world can be embedded");
    componentize(&core).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Sections of the last text in its order, replaced by those of the texts before it; new ones at the end.
fn merge(texts: &[String]) -> String {
    let mut order = Vec::new();
    let mut bodies = BTreeMap::new();
    for text in texts.iter().rev() {
        for section in text.split(SECTION).skip(1) {
            let (name, body) = section.split_once('\n').expect("a section has a body");
            if bodies.insert(name, body).is_none() {
                order.push(name);
            }
        }
    }
    order.iter().map(|name| bodies[name]).collect()
}

fn read(name: &str) -> String {
    let path = root().join("plugins/hostile").join(name).with_extension("wat");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
