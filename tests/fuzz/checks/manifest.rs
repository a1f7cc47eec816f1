//! Any bytes as the files beside an evaluator: `lock.toml`, `plugin.toml` and `cases.toml`.

use realign::plugins::{lock::Lock, manifest::Manifest, trial};

use super::file;

/// What is read is written back the same; a name never leads out of its folder; a refusal is one line.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        match Lock::parse(text) {
            Ok(lock) => {
                let sorted = Lock::new(lock.plugins.clone());
                assert_eq!(Lock::parse(&sorted.text()).as_ref(), Ok(&sorted));
                assert!(lock.plugins.iter().all(|plugin| plain(plugin.file.trim_end_matches(".wasm"))));
            }
            Err(error) => file::one_line(&error),
        }
    }
    match file::with("plugin.toml", bytes, Manifest::read) {
        Ok(manifest) => assert!(plain(&manifest.name) && !manifest.source.starts_with('-')),
        Err(error) => file::one_line(&error),
    }
    if let Err(error) = file::with("cases.toml", bytes, trial::read_cases) {
        file::one_line(&error);
    }
}

fn plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
