//! Which machines can build the engine, and what the others can do instead.

use std::process::Command;

/// What works on every machine.
const ELSEWHERE: &str =
    "the host still builds and works there with `recorded:` models: cargo build --release -p realign";

/// Refuses machines for which there is no route to MLX, with what works there.
pub(crate) fn require() -> Result<(), String> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("macos", "aarch64") => Ok(()),
        ("linux", "x86_64") => require_glibc(),
        (system, processor) => Err(format!(
            "the MLX engine is built on x86-64 Linux and Apple silicon, this is {system} on {processor}; {ELSEWHERE}"
        )),
    }
}

/// The MLX wheel for Linux needs glibc 2.35.
fn require_glibc() -> Result<(), String> {
    let text = Command::new("getconf")
        .arg("GNU_LIBC_VERSION")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    match parse(&text) {
        Some(version) if version >= (2, 35) => Ok(()),
        _ => Err(format!(
            "the MLX wheel needs glibc 2.35 or newer, this system says `{text}` (Debian 12 is what is tested); {ELSEWHERE}"
        )),
    }
}

fn parse(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn glibc_versions_compare_as_numbers() {
        assert_eq!(parse("glibc 2.36"), Some((2, 36)));
        assert!(parse("glibc 2.4") < parse("glibc 2.35"));
        assert_eq!(parse("musl 1.2"), None);
    }
}
