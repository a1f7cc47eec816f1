//! `plugin.toml`: what a folder of source that is no crate says of itself.

use std::path::Path;

use serde::Deserialize;

use super::new;
use crate::{
    error::{Error, Result},
    read,
    sandbox::Kind,
};

/// Format that this program reads.
const FORMAT: u32 = 1;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// What the component is called; it becomes the name of a file in the folder.
    pub name: String,
    /// Which world it exports.
    pub kind: Kind,
    /// Which tool makes a component of it.
    pub language: Foreign,
    /// Module of Python, file of JavaScript.
    pub source: String,
}

/// A language that is not compiled here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Foreign {
    /// Through componentize-py.
    Python,
    /// Through componentize-qjs.
    Js,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// A usage error naming the file and the field: unknown key, another format, a name that is no name of an
    /// evaluator (a path could lead out of the folder), a source that a tool would take for an option.
    pub fn read(path: &Path) -> Result<Self> {
        let manifest: Self = read::toml(path)?;
        let Self { format, name, source, .. } = &manifest;
        if *format != FORMAT {
            let message = format!("{}: format: {format}, this version reads {FORMAT}", path.display());
            return Err(Error::usage(message));
        }
        new::check_name(name).map_err(|error| error.within(format!("{}: name", path.display())))?;
        if source.is_empty() || source.starts_with('-') {
            let message = format!("{}: source: {source:?} is no module and no file", path.display());
            return Err(Error::usage(message));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_and_sources_that_are_options_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.toml");
        let text = "format = 1\nname = \"says-hi\"\nkind = \"trait-detector\"\nlanguage = \"python\"\nsource = \"plugin\"\n";
        let read = |text: String| {
            std::fs::write(&path, text).unwrap();
            let read = Manifest::read(&path).map(|manifest| manifest.name);
            read.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), ""))
        };
        assert_eq!(read(text.to_owned()), Ok("says-hi".to_owned()));
        let refused = [("says-hi", "../../elsewhere"), ("\"plugin\"", "\"--output=x\""), ("= 1", "= 2")];
        let refused = refused.map(|(from, to)| read(text.replace(from, to)).unwrap_err());
        insta::assert_snapshot!(refused.join("\n"), @r#"
        /plugin.toml: name: `../../elsewhere` is no name of an evaluator
        /plugin.toml: source: "--output=x" is no module and no file
        /plugin.toml: format: 2, this version reads 1
        "#);
    }
}
