//! `libmlxc.so`, its Rust bindings, and the cargo configuration that makes mlx-sys use both.
//!
//! The build script of mlx-sys fetches MLX and links Apple frameworks. A `links` override makes cargo skip it on
//! this target only; what it would have made is made here from the mlx-c sources that lie inside the crate.
//! OpenBLAS is linked in front of MLX: symbol lookup is breadth-first, so matrix products go to it and not to the
//! reference BLAS inside the wheel, which is forty times slower.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use realign_engine_abi::place::Home;

use crate::{repo, step::Steps};

/// Where the generated cargo configuration of the engine's workspace lies.
pub(crate) fn configuration_file(home: &Home) -> PathBuf {
    home.folder().join("setup/engine-config.toml")
}

/// Builds library and bindings, and writes the cargo configuration that uses them.
pub(crate) fn build(steps: &Steps, home: &Home) -> Result<(), String> {
    let native = repo::root().join("engines/mlx/native");
    let sources = sources()?;
    let folder = home.folder().join("mlx-c");
    let inputs = inputs(&native, &sources, &folder)?;
    let library = folder.join("libmlxc.so");
    steps.once("mlx-c", &inputs, &[&library], |log| {
        // Another clone may have built here from sources elsewhere, which cmake refuses to go on with.
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
        }
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let clock = folder.join("clock.o");
        log.run(
            Command::new("cc").args(["-O2", "-fPIC", "-c"]).arg(native.join("clock.c")).arg("-o").arg(&clock),
        )?;
        log.run(&mut configure(home, &native, &sources, &folder, &clock))?;
        // Without a number make starts everything at once, far more than the memory of a small machine holds.
        let jobs = std::thread::available_parallelism().map_or(1, usize::from).to_string();
        log.run(Command::new("cmake").arg("--build").arg(&folder).args([
            "--target",
            "mlxc",
            "--parallel",
            &jobs,
        ]))
    })?;

    let bindings = folder.join("bindings/bindings.rs");
    steps.once("bindings", &inputs, &[&bindings], |log| {
        let parent = folder.join("bindings");
        fs::create_dir_all(&parent).map_err(|error| format!("cannot make {}: {error}", parent.display()))?;
        log.run(
            Command::new(repo::cargo())
                .args(["run", "--locked", "--manifest-path"])
                .arg(repo::root().join("engines/mlx-bindings/Cargo.toml"))
                .arg("--target-dir")
                .arg(repo::target().join("bindings"))
                .arg("--")
                .arg(&sources)
                .arg(native.join("compat.h"))
                .arg(&bindings),
        )
    })?;
    configuration(home, &folder)
}

/// The mlx-c sources inside the mlx-sys crate, fetched by the engine's lock file.
fn sources() -> Result<PathBuf, String> {
    let manifest = repo::root().join("engines/mlx/Cargo.toml");
    let run = Command::new(repo::cargo())
        .args([
            "metadata",
            "--locked",
            "--format-version=1",
            "--filter-platform=x86_64-unknown-linux-gnu",
            "--manifest-path",
        ])
        .arg(&manifest)
        .output()
        .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
    let text = String::from_utf8_lossy(&run.stdout);
    // One string out of a large document does not justify a JSON reader in this crate.
    let package = text.split("\"manifest_path\":\"").skip(1).find_map(|rest| {
        let path = rest.split('"').next()?;
        path.strip_suffix("/Cargo.toml").filter(|folder| folder.contains("/mlx-sys-"))
    });
    let package = package.ok_or_else(|| {
        format!(
            "cargo metadata of {} names no mlx-sys:\n{}",
            manifest.display(),
            String::from_utf8_lossy(&run.stderr)
        )
    })?;
    Ok(Path::new(package).join("src/mlx-c"))
}

/// Everything that the library depends on, as text. Where a clone or a crate lies is no part of it: clones share
/// the library.
fn inputs(native: &Path, sources: &Path, folder: &Path) -> Result<String, String> {
    let version = sources.ancestors().nth(2).and_then(Path::file_name).unwrap_or_default();
    let mut text = format!("{}\n{}\n", version.display(), folder.display());
    let bindings = native.join("../../mlx-bindings/src/main.rs");
    for path in [native.join("compat.h"), native.join("clock.c"), native.join("include/format"), bindings] {
        text +=
            &fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    }
    Ok(text)
}

fn configure(home: &Home, native: &Path, sources: &Path, folder: &Path, clock: &Path) -> Command {
    let mlx = home.folder().join("mlx/mlx");
    let mut command = Command::new("cmake");
    command
        .arg("-S")
        .arg(sources)
        .arg("-B")
        .arg(folder)
        .args(["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON"])
        .args(["-DMLX_C_USE_SYSTEM_MLX=ON", "-DMLX_C_BUILD_EXAMPLES=OFF"])
        .arg(format!("-DCMAKE_PREFIX_PATH={}", mlx.display()))
        .arg(format!("-DCMAKE_BUILD_RPATH={}", mlx.join("lib").display()))
        .arg(format!(
            "-DCMAKE_CXX_FLAGS=-include \"{}\" -I\"{}\"",
            native.join("compat.h").display(),
            native.join("include").display()
        ))
        .arg(format!(
            "-DCMAKE_SHARED_LINKER_FLAGS=\"{}\" -Wl,--no-as-needed -l:libopenblas.so.0",
            clock.display()
        ));
    command
}

/// Writes the `links` override; generated, because its paths are absolute.
fn configuration(home: &Home, folder: &Path) -> Result<(), String> {
    let path = configuration_file(home);
    let folder = folder.display();
    let text = format!(
        "[target.x86_64-unknown-linux-gnu.mlx]\n\
         rustc-link-lib = [\"mlxc\"]\n\
         rustc-link-search = [\"{folder}\"]\n\
         rustc-env = {{ OUT_DIR = \"{folder}/bindings\" }}\n\n\
         [target.x86_64-unknown-linux-gnu]\n\
         rustflags = [\"-C\", \"link-arg=-Wl,-rpath,{folder}\"]\n"
    );
    if fs::read_to_string(&path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_clone_with_its_crates_elsewhere_finds_the_library_built() {
        let native = repo::root().join("engines/mlx/native");
        let of = |sources: &str| inputs(&native, Path::new(sources), Path::new("/home/mlx-c")).unwrap();
        assert_eq!(of("/a/mlx-sys-0.7.0/src/mlx-c"), of("/b/mlx-sys-0.7.0/src/mlx-c"));
        assert_ne!(of("/a/mlx-sys-0.7.0/src/mlx-c"), of("/a/mlx-sys-0.7.1/src/mlx-c"));
    }
}
