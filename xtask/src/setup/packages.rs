//! Debian packages by name.

use std::process::Command;

use crate::step::Steps;

/// What the engine needs to be built and to run.
pub(crate) const ENGINE: &[&str] = &[
    "g++",
    "cmake",
    "make",
    "libfmt-dev",
    "libopenblas0-pthread",
    "libclang-14-dev",
    "python3",
    "python3-pip",
];

/// Debian's own compiler for WebAssembly guests, where rustup cannot add the target.
pub(crate) const GUESTS: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-19"];

/// Installs what is missing, or says exactly what to install.
pub(crate) fn install(steps: &Steps, packages: &[&str]) -> Result<(), String> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !present(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get update && apt-get install --no-install-recommends {}", missing.join(" "));
    if !has_apt() {
        return Err(format!(
            "this system has no apt-get; install what these Debian 12 packages hold: {}",
            missing.join(" ")
        ));
    }
    if !is_root() {
        return Err(format!("packages are missing and this is not root; run as root:\n  {by_hand}"));
    }
    steps.always("packages", |log| {
        log.run(Command::new("apt-get").arg("update"))?;
        log.run(
            Command::new("apt-get")
                .args(["install", "--yes", "--no-install-recommends"])
                .args(&missing)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    })
}

/// Whether a package is there, or, for tools, whether another of that name is on the path.
fn present(package: &str) -> bool {
    let tool: &[&str] = match package {
        "g++" | "cmake" | "make" | "python3" => &[package, "--version"],
        "python3-pip" => &["python3", "-m", "pip", "--version"],
        _ => &[],
    };
    match tool {
        [program, arguments @ ..] => {
            Command::new(program).args(arguments).output().is_ok_and(|run| run.status.success())
        }
        [] => Command::new("dpkg-query")
            .args(["--show", "--showformat=${db:Status-Status}", package])
            .output()
            .is_ok_and(|run| run.stdout == b"installed"),
    }
}

fn has_apt() -> bool {
    Command::new("apt-get").arg("--version").output().is_ok()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
