//! Hostile guests from their texts: `honest.wat` with sections replaced, made into a component the way that the
//! product does it, and the samples that they are given.

use std::{collections::BTreeMap, fs, path::Path};

use realign::{
    model::{Finish, Sample},
    plugins::build::componentize,
};
use wit_component::StringEncoding;
use wit_parser::{Resolve, SourceMap};

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

/// A sample of a family of its own, with this response.
pub(crate) fn sample(index: usize, response: &str) -> Sample {
    Sample {
        id: format!("family-{index}/plain"),
        family: format!("family-{index}"),
        kind: "plain".into(),
        prompt: vec![],
        response: response.to_owned(),
        finish: Finish::End,
    }
}

/// The honest guest with sections replaced by those of `text`, as a detector or a scorer.
#[expect(clippy::allow_attributes, reason = "only some of the programs that include this file use it")]
#[allow(dead_code, reason = "as above")]
pub(crate) fn variant(text: &str, kind: &str) -> Vec<u8> {
    let core = merge(&[text.to_owned(), read("honest")]);
    component("variant", kind, &first_metric(core, kind))
}

/// A guest of `kind` with sections replaced by those of `text`, built for another edition of the contract: name and text of each
/// file, in which `version` stands for the contract's.
#[expect(clippy::allow_attributes, reason = "only some of the programs that include this file use it")]
#[allow(dead_code, reason = "as above")]
pub(crate) fn built_for(version: &str, contract: &[(String, String)], kind: &str, text: &str) -> Vec<u8> {
    let core = merge(&[text.to_owned(), read("honest")]).replace("@0.1.0", &format!("@{version}"));
    let core = first_metric(core, kind);
    encode("built for another contract", kind, version, contract, &core)
}

/// The first metric of a scorer has another name, and a shorter one.
fn first_metric(core: String, kind: &str) -> String {
    if kind != "style-scorer" {
        return core;
    }
    core.replace("\"presence\"", "\"match\"")
        .replace("(i32.const 1088) (i32.const 8)", "(i32.const 1088) (i32.const 5)")
}

fn component(name: &str, kind: &str, core: &str) -> Vec<u8> {
    encode(name, kind, "0.1.0", &contract("wit"), core)
}

/// Name and text of each file of a contract in the repository.
pub(crate) fn contract(folder: &str) -> Vec<(String, String)> {
    let file = |name: &str| {
        let path = root().join(folder).join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (name.to_owned(), text)
    };
    ["evaluator.wit", "worlds.wit"].map(file).to_vec()
}

fn encode(name: &str, kind: &str, version: &str, contract: &[(String, String)], core: &str) -> Vec<u8> {
    let core =
        format!("(module\n{core})").replace("INTERFACE", &format!("realign:evaluator/{kind}@{version}"));
    let mut core = wat::parse_str(core).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut sources = SourceMap::new();
    for (file, text) in contract {
        sources.push_str(file, text.as_str());
    }
    let group = sources.parse().unwrap_or_else(|(_, error)| panic!("{name}: {error}"));
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).expect("the contract is whole");
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

/// The repository: the fuzz targets lie deeper in it than the host.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .find(|folder| folder.join("plugins/hostile").is_dir())
        .expect("it lies in the repository")
}
