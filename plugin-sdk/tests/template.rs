//! The template for new plugins builds and passes its own tests, outside the workspace.

use std::{fs, path::Path, process::Command};

#[test]
fn template_builds_outside_the_workspace_and_passes() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let template = sdk.join("templates/rust");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("template");
    let plugin = scratch.join("says-thanks");
    fs::create_dir_all(plugin.join("src")).expect("the scratch folder can be written");

    let manifest = fs::read_to_string(template.join("Cargo.toml.in")).expect("the template has a manifest");
    let manifest = manifest.replace("{{name}}", "says-thanks").replace("{{sdk}}", &sdk.display().to_string());
    assert!(!manifest.contains("{{"), "a placeholder is left in {manifest}");
    fs::write(plugin.join("Cargo.toml"), manifest).expect("the scratch folder can be written");
    // The workspace's versions, which are on this machine already.
    fs::copy(sdk.join("../Cargo.lock"), plugin.join("Cargo.lock")).expect("the workspace has a lock file");
    for file in ["src/lib.rs", "cases.toml"] {
        fs::copy(template.join(file), plugin.join(file)).expect("the template has the file");
    }

    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--jobs", "2"])
        .current_dir(&plugin)
        .env("CARGO_TARGET_DIR", scratch.join("target"))
        .output()
        .expect("cargo can be started");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("cases_hold ... ok"), "{out}\n{err}");
}
