//! Which machines can build the engine, and what the others can do instead.
//!
//! The decision is a function of four facts, so that tests show every message without owning every machine.

use std::{fs, process::Command};

/// Oldest C library that the MLX wheel for Linux runs on.
const GLIBC: (u32, u32) = (2, 35);
/// What works on every machine.
const ELSEWHERE: &str = "\
without the engine, realign still builds and evaluates recorded responses:
  cargo build --release -p realign
  target/release/realign eval examples/harbor/suite.toml --model recorded:responses.jsonl --items 0";

/// What decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Platform {
    /// As Rust names it: `linux`, `macos`, `windows`.
    system: String,
    /// As Rust names it: `x86_64`, `aarch64`.
    processor: String,
    /// What `getconf GNU_LIBC_VERSION` says; empty where it says nothing.
    libc: String,
    /// `/etc/os-release`; empty where there is none.
    os_release: String,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Support {
    /// Set-up is tested on such a machine.
    Tested,
    /// Set-up goes on after saying this.
    Untested(String),
    /// There is no way to the engine, and this is why.
    None(String),
}

impl Platform {
    /// This machine.
    pub(crate) fn here() -> Self {
        let libc = Command::new("getconf").arg("GNU_LIBC_VERSION").output().map(|output| output.stdout);
        Self {
            system: std::env::consts::OS.to_owned(),
            processor: std::env::consts::ARCH.to_owned(),
            libc: String::from_utf8_lossy(&libc.unwrap_or_default()).trim().to_owned(),
            os_release: fs::read_to_string("/etc/os-release").unwrap_or_default(),
        }
    }

    /// Whether and how the engine can be built here.
    pub(crate) fn support(&self) -> Support {
        match (self.system.as_str(), self.processor.as_str()) {
            ("linux", "x86_64") => self.linux(),
            ("macos", "aarch64") => Support::Untested(format!(
                "on Apple silicon the engine is built from mlx-rs as published (Xcode, cmake and network are \
                 needed); this way has not been tried yet. If it fails: {ELSEWHERE}"
            )),
            (system, processor) => Support::None(format!(
                "the MLX engine is built on x86-64 Linux and on Apple silicon, this is {system} on {processor}; {ELSEWHERE}"
            )),
        }
    }

    fn linux(&self) -> Support {
        let (major, minor) = GLIBC;
        let Some((found_major, found_minor)) = version(&self.libc) else {
            return Support::None(format!(
                "the MLX wheel needs glibc {major}.{minor} or newer, {} names none (`getconf GNU_LIBC_VERSION`); {ELSEWHERE}",
                self.distribution()
            ));
        };
        if (found_major, found_minor) < GLIBC {
            return Support::None(format!(
                "the MLX wheel needs glibc {major}.{minor} or newer, {} has {found_major}.{found_minor}; {ELSEWHERE}",
                self.distribution()
            ));
        }
        if (self.field("ID"), self.field("VERSION_ID")) == (Some("debian"), Some("12")) {
            return Support::Tested;
        }
        Support::Untested(format!(
            "set-up is tested on Debian 12 with glibc 2.36, this is {} with glibc {found_major}.{found_minor}: \
             it goes on, but packages may have other names here. If it fails: {ELSEWHERE}",
            self.distribution()
        ))
    }

    /// Name of the distribution for people.
    fn distribution(&self) -> &str {
        self.field("PRETTY_NAME").unwrap_or("an unnamed system")
    }

    /// A value of `/etc/os-release`, quotes removed.
    fn field(&self, key: &str) -> Option<&str> {
        let line = self.os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim().trim_matches(['"', '\'']))
    }
}

/// The version in the answer of `getconf`.
fn version(libc: &str) -> Option<(u32, u32)> {
    let (major, minor) = libc.strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
    const UBUNTU: &str =
        "PRETTY_NAME=\"Ubuntu 24.04.2 LTS\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n";
    const OLD: &str = "PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nVERSION_ID=\"11\"\nID=debian\n";
    const ALPINE: &str = "ID=alpine\nVERSION_ID=3.22.0\nPRETTY_NAME=\"Alpine Linux v3.22\"\n";

    fn platform(system: &str, processor: &str, libc: &str, os_release: &str) -> Platform {
        let [system, processor, libc, os_release] = [system, processor, libc, os_release].map(str::to_owned);
        Platform { system, processor, libc, os_release }
    }

    /// What set-up says, and whether it goes on.
    fn said(platform: &Platform) -> String {
        match platform.support() {
            Support::Tested => "goes on in silence".into(),
            Support::Untested(text) => format!("goes on: {text}"),
            Support::None(text) => format!("ends: {text}"),
        }
    }

    #[test]
    fn debian_12_on_x86_64_is_what_is_tested() {
        assert_eq!(platform("linux", "x86_64", "glibc 2.36", DEBIAN).support(), Support::Tested);
    }

    #[test]
    fn every_other_machine_is_told_what_to_expect() {
        let said = [
            platform("linux", "x86_64", "glibc 2.39", UBUNTU),
            platform("linux", "x86_64", "glibc 2.41", ""),
            platform("linux", "x86_64", "glibc 2.31", OLD),
            platform("linux", "x86_64", "", ALPINE),
            platform("linux", "aarch64", "glibc 2.36", DEBIAN),
            platform("macos", "aarch64", "", ""),
            platform("macos", "x86_64", "", ""),
            platform("windows", "x86_64", "", ""),
        ]
        .map(|platform| said(&platform));
        insta::assert_snapshot!(said.join("\n\n"));
    }

    #[test]
    fn glibc_versions_compare_as_numbers() {
        assert_eq!(version("glibc 2.36"), Some((2, 36)));
        assert!(version("glibc 2.4") < version("glibc 2.35"));
        assert_eq!(version("musl 1.2"), None);
    }

    #[test]
    fn this_machine_is_one_of_them() {
        assert_eq!(Platform::here().system, std::env::consts::OS);
    }
}
