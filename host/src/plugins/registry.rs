//! x
use std::path::Path;
use crate::error::{Error, Result};

pub fn built_in() -> Vec<String> { Vec::new() }

pub fn find(plugin: &str, folder: &Path) -> Result<Vec<u8>> {
    std::fs::read(folder.join(plugin)).map_err(|e| Error::unreadable(Path::new(plugin), &e))
}
