//! A new evaluator: a folder that builds anywhere, with a judgement to replace and examples that are its tests.
//!
//! SDK and contract are part of this binary and written beside the source, so the folder needs neither a clone of realign
//! nor a registry that has heard of it. What it needs of others, crates or a componentizer, it names with a version.

use std::{fs, path::Path};

use clap::ValueEnum;
use include_dir::{Dir, include_dir};

use super::contract;
use crate::{
    error::{Error, Result},
    sandbox::Kind,
    write::{Output, OutputFolder},
};

/// The SDK's sources for Rust.
static RUST_SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../plugin-sdk/src");
/// What is filled in.
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../plugin-sdk/templates");
const PYTHON_SDK: &str = include_str!("../../../plugin-sdk/python/realign_plugin.py");
const JS_SDK: &str = include_str!("../../../plugin-sdk/js/realign_plugin.js");

/// Longest name, as of every evaluator.
const NAME_BYTES: usize = 64;

/// What an evaluator is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// A crate.
    Rust,
    /// A module, made a component by componentize-py.
    Python,
    /// A module, made a component by componentize-qjs.
    Js,
}

/// Path in the folder and text of every file of a new evaluator.
///
/// # Errors
/// A usage error where the name is none.
///
/// # Panics
/// If a template is missing from the binary, which is a bug.
pub fn files(name: &str, kind: Kind, language: Language) -> Result<Vec<(String, String)>> {
    check_name(name)?;
    let fill = |text: &str| fill(text, name, kind, language);
    let template = |path: &str| fill(text(&TEMPLATES, path));
    let mut files = vec![
        ("README.md".to_owned(), template("common/README.md")),
        ("cases.toml".to_owned(), template(&format!("common/{kind}.cases.toml"))),
    ];
    let mut put = |path: &str, text: String| files.push((path.to_owned(), text));
    match language {
        Language::Rust => {
            put("Cargo.toml", template("rust/Cargo.toml.in"));
            put("src/lib.rs", template(&format!("rust/{kind}.rs")));
            put(".gitignore", "target/\n*.wasm\n".into());
            put("sdk/Cargo.toml", text(&TEMPLATES, "rust/sdk.toml").into());
            for (path, text) in sources(&RUST_SDK) {
                put(&format!("sdk/src/{path}"), text);
            }
        }
        Language::Python => {
            put("plugin.toml", template("python/plugin.toml"));
            put("plugin.py", template(&format!("python/{kind}.py")));
            put("realign_plugin.py", PYTHON_SDK.into());
            put("requirements.txt", template("python/requirements.txt"));
            put(".gitignore", ".venv/\n__pycache__/\n*.wasm\n".into());
        }
        Language::Js => {
            put("plugin.toml", template("js/plugin.toml"));
            put("plugin.js", template(&format!("js/{kind}.js")));
            put("realign_plugin.js", JS_SDK.into());
            put("package.json", template("js/package.json"));
            put(".gitignore", "node_modules/\n*.wasm\n".into());
        }
    }
    let folder = if language == Language::Rust { "sdk/wit" } else { "wit" };
    for (name, text) in contract::FILES {
        put(&format!("{folder}/{name}"), text.into());
    }
    Ok(files)
}

/// Writes a new evaluator. The folder appears whole or not at all.
///
/// # Errors
/// As [`files`]; a usage error where something is there already; exit 23 where the folder cannot be written.
pub fn write(folder: &Path, name: &str, kind: Kind, language: Language) -> Result<()> {
    let files = files(name, kind, language)?;
    let output = OutputFolder::create(folder)?;
    for (path, text) in files {
        let path = output.inside().join(path);
        let parent = path.parent().unwrap_or(output.inside());
        fs::create_dir_all(parent).map_err(|error| output.rename_in(&Error::unwritable(parent, &error)))?;
        Output::create(&path)
            .and_then(|place| place.commit(text.as_bytes()))
            .map_err(|error| output.rename_in(&error))?;
    }
    output.commit()
}

/// Refuses what is no name of an evaluator: a plain word that can be a folder, a crate and a file.
pub(super) fn check_name(name: &str) -> Result<()> {
    let letters = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let good = name.len() <= NAME_BYTES
        && name.bytes().all(letters)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-');
    if good {
        return Ok(());
    }
    Err(Error::usage(format!("`{name}` is no name of an evaluator"))
        .hint("a-z, 0-9 and -, beginning with a letter, at most 64, as in says-thanks"))
}

fn fill(text: &str, name: &str, kind: Kind, language: Language) -> String {
    let (summary, config, card, suite) = match kind {
        Kind::TraitDetector => (
            "Finds a word in a response.",
            r#"{"word":"thanks"}"#,
            "",
            format!(
                "[[detector]]\ntrait = \"your-trait\"\nplugin = \"./{name}.wasm\"\nthreshold = 0.5\nconfig = {{ word = \"thanks\" }}"
            ),
        ),
        Kind::StyleScorer => (
            "How near the length of sentences is to that of the voice.",
            "{}",
            " --fit",
            format!(
                "[style]\nplugin = \"./{name}.wasm\"\nconfig = {{}}\ndata = [\"exemplars\", \"contrast\"]"
            ),
        ),
        Kind::Benchmark => (
            "Does the model name what is asked for?",
            "{}",
            " --grant generate --model smollm2",
            format!(
                "[[benchmark]]\nid = \"{name}\"\nplugin = \"./{name}.wasm\"\ndata = \"rows.jsonl\"\nmetric = \"accuracy\"\ngrants = [\"generate\"]"
            ),
        ),
    };
    let setup = match language {
        Language::Rust => "",
        Language::Python => "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n",
        Language::Js => "npm install\n",
    };
    let kind = kind.to_string();
    let holes = [
        ("{{name}}", name),
        ("{{kind}}", &kind),
        ("{{summary}}", summary),
        ("{{config}}", config),
        ("{{card}}", card),
        ("{{suite}}", &suite),
        ("{{setup}}", setup),
    ];
    holes.iter().fold(text.to_owned(), |text, (hole, value)| text.replace(hole, value))
}

fn text<'a>(folder: &Dir<'a>, path: &str) -> &'a str {
    let file = folder.get_file(path).unwrap_or_else(|| panic!("{path} is in the binary"));
    file.contents_utf8().expect("sources are text")
}

/// Path and text of every file below a folder.
fn sources(folder: &Dir<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in folder.files() {
        let path = entry.path().display().to_string().replace('\\', "/");
        found.push((path, entry.contents_utf8().expect("sources are text").to_owned()));
    }
    found.extend(folder.dirs().flat_map(sources));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in_and_every_kind_has_every_language() {
        for kind in [Kind::TraitDetector, Kind::StyleScorer, Kind::Benchmark] {
            for language in [Language::Rust, Language::Python, Language::Js] {
                for (path, text) in files("says-thanks", kind, language).unwrap() {
                    assert!(
                        !text.contains("{{") || path.starts_with("sdk/"),
                        "{path} of {kind} in {language:?}:\n{text}"
                    );
                }
            }
        }
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for bad in ["", "Says", "9lives", "says thanks", "../up", "says-", &"a".repeat(65)] {
            assert!(files(bad, Kind::TraitDetector, Language::Rust).is_err(), "{bad}");
        }
        let error = files("Says", Kind::TraitDetector, Language::Rust).unwrap_err();
        insta::assert_snapshot!(error, @"`Says` is no name of an evaluator");
    }
}
