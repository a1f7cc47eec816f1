//! Any bytes as a persona: its own file, a suite, and the three forms that are imported.

use realign::{
    persona::{
        import::{self, Source},
        profile::Persona,
    },
    suite::file::SuiteFile,
};

use super::file;

/// What is read keeps its promises and is written back the same; what is imported can be read; a refusal is one line.
pub(crate) fn check(bytes: &[u8]) {
    match file::with("persona.toml", bytes, Persona::read) {
        Ok(persona) => assert!(!persona.plain_kind().is_empty() || persona.contexts[0].is_empty()),
        Err(error) => file::one_line(&error),
    }
    if let Err(error) = file::with("suite.toml", bytes, SuiteFile::read) {
        file::one_line(&error);
    }
    for (name, source) in [
        ("persona.yaml", Source::Seeds),
        ("persona.json", Source::Constitution),
        ("persona.yaml", Source::Alignmenter),
    ] {
        match file::with(name, bytes, |path| import::import(path, source)) {
            Ok(imported) => {
                let read = file::with("persona.toml", imported.to_toml().as_bytes(), Persona::read);
                assert_eq!(read.as_ref(), Ok(&imported.persona), "an import reads back");
            }
            Err(error) => file::one_line(&error),
        }
    }
}
