//! Compiling a Rust crate to a core module for `wasm32-unknown-unknown`.
//!
//! This target has no system interface, so a module imports only what the contract declares. Two compilers are
//! known: the user's own where its standard library for the target is installed, else Debian's `rustc-web`, which
//! builds that library from source.
//!
//! Paths are remapped: where a component was built must not change its bytes, nor be readable in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::error::{Error, Result};

const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler that can make modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The cargo on the path, with the target installed.
    Installed,
    /// Debian's packages rustc-web, cargo-web and rust-web-src, with a linker.
    Debian {
        /// `wasm-ld` or `rust-lld`.
        linker: PathBuf,
    },
}

/// What `cargo metadata` says of a crate.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

impl Toolchain {
    /// Finds a compiler.
    ///
    /// # Errors
    /// A usage error with both ways to get one.
    pub fn find() -> Result<Self> {
        let libraries = output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
        let installed = libraries.is_some_and(|folder| {
            fs::read_dir(folder).is_ok_and(|mut files| {
                files.any(|file| {
                    file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
                })
            })
        });
        if installed {
            return Ok(Self::Installed);
        }
        let linkers = ["/usr/bin/wasm-ld-19", "/usr/bin/rust-lld"].map(PathBuf::from);
        let debian = ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/rustlib/src/rust/library/Cargo.lock"];
        let linker = linkers.into_iter().find(|linker| linker.is_file());
        match linker {
            Some(linker) if debian.iter().all(|file| Path::new(file).exists()) => Ok(Self::Debian { linker }),
            _ => Err(Error::usage(format!("no compiler for {TARGET} is installed")).hint(
                "rustup target add wasm32-unknown-unknown; or, on Debian 12, apt-get install rustc-web cargo-web rust-web-src lld-19",
            )),
        }
    }

    /// Compiles the crate in a folder and gives its name and the core module.
    ///
    /// # Errors
    /// A usage error where the folder holds no crate that makes a `cdylib`; exit 22 with the compiler's words where
    /// it does not compile.
    pub fn compile(&self, folder: &Path) -> Result<(String, Vec<u8>)> {
        let manifest = folder.join("Cargo.toml");
        let metadata = metadata(&manifest)?;
        let wanted = fs::canonicalize(&manifest).map_err(|error| Error::unreadable(&manifest, &error))?;
        let package = metadata.packages.iter().find(|package| package.manifest_path == wanted);
        let library = package.and_then(|package| {
            package.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
        });
        let (Some(package), Some(library)) = (package, library) else {
            let message = format!("{}: no library of crate type cdylib", manifest.display());
            return Err(Error::usage(message).hint("add [lib] crate-type = [\"cdylib\", \"rlib\"]"));
        };
        let built = metadata.target_directory.join("guests");
        let mut command = self.command(&metadata.workspace_root);
        command
            .arg("--manifest-path")
            .arg(&manifest)
            .args(["--package", &package.name])
            .arg("--target-dir")
            .arg(&built);
        let run = command.output().map_err(|error| Error::usage(format!("cannot start cargo: {error}")))?;
        if !run.status.success() {
            let words = String::from_utf8_lossy(&run.stderr);
            let message = format!("{} does not compile for {TARGET}:\n{}", package.name, words.trim_end());
            return Err(Error::bad_input(message));
        }
        let module =
            built.join(TARGET).join("release").join(format!("{}.wasm", library.name.replace('-', "_")));
        let core = fs::read(&module).map_err(|error| Error::unreadable(&module, &error))?;
        Ok((package.name.clone(), core))
    }

    /// Cargo with everything that a guest's bytes depend on.
    fn command(&self, workspace: &Path) -> Command {
        let mut command = match self {
            Self::Installed => Command::new("cargo"),
            Self::Debian { linker } => {
                let mut command = Command::new("/usr/bin/cargo");
                command
                    .env("RUSTC", "/usr/bin/rustc")
                    // Building the standard library is unstable in name only: Debian ships compiler and sources as one.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        };
        command.args(["build", "--release", "--target", TARGET]);
        if matches!(self, Self::Debian { .. }) {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        for setting in ["opt-level=3", "lto=true", "codegen-units=1", "panic=\"abort\"", "strip=true"] {
            command.arg("--config").arg(format!("profile.release.{setting}"));
        }
        command
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", remapped(workspace))
            .env_remove("CARGO_TARGET_DIR");
        command
    }
}

/// Flags that take this machine's folders out of panic messages: the crate's own, cargo's and the compiler's.
fn remapped(workspace: &Path) -> String {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let mut folders = vec![(workspace.to_owned(), "/workspace")];
    folders.extend(cargo_home.or(home).map(|cargo| (cargo, "/cargo")));
    folders.push((PathBuf::from("/usr/lib/rustlib/src/rust"), "/rustc"));
    let flag = |(from, to): &(PathBuf, &str)| format!("--remap-path-prefix={}={to}", from.display());
    folders.iter().map(flag).collect::<Vec<_>>().join(" ")
}

fn metadata(manifest: &Path) -> Result<Metadata> {
    let run = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
        .arg(manifest)
        .output()
        .map_err(|error| Error::usage(format!("cannot start cargo: {error}")))?;
    if !run.status.success() {
        let words = String::from_utf8_lossy(&run.stderr);
        let first = words.lines().next().unwrap_or("cargo metadata failed").trim_start_matches("error: ");
        return Err(Error::usage(format!("{}: {first}", manifest.display())));
    }
    serde_json::from_slice(&run.stdout)
        .map_err(|error| Error::usage(format!("{}: cargo metadata: {error}", manifest.display())))
}

/// The trimmed output of a command that succeeds.
fn output(command: &mut Command) -> Option<String> {
    let run = command.output().ok().filter(|run| run.status.success())?;
    Some(String::from_utf8_lossy(&run.stdout).trim().to_owned())
}
