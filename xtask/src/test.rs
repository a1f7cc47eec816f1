//! Every test, on real parts: the engine, the small model, evaluators built from source.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use crate::{Outcome, guests, repo, setup};

/// Sets up, builds the evaluators from source, and runs the tests of both workspaces.
pub(crate) fn run(filter: &[&str]) -> Outcome {
    println!("set-up (state in $REALIGN_HOME, skipped where nothing changed)");
    let home = setup::engine()?;
    println!("building the evaluators from source");
    let built = guests::from_source(&home, &guests::plugins()?)?;
    let shared = repo::root().join("../shared");
    let shared = shared.is_dir().then_some(shared);
    if shared.is_none() {
        println!("no ../shared: tests against the golden results say that they are skipped");
    }

    for tool in ["componentize-py", "componentize-qjs"] {
        if !on_path(tool) {
            println!("no {tool} on the path: tests of what it builds say that they are skipped");
        }
    }

    let environment = |command: &mut Command| {
        command
            .env("REALIGN_HOME", home.folder())
            .env("REALIGN_MODEL", home.small_model())
            .env("REALIGN_GUESTS", &built)
            .env("INSTA_UPDATE", "no")
            .current_dir(repo::root());
        if let Some(shared) = &shared {
            command.env("REALIGN_SHARED", shared);
        }
    };
    println!("\ntests of the engine");
    let mut engine = setup::engine_cargo("test", &home);
    // One BLAS thread, as in a worker: sums keep their order and the numbers stay the same.
    engine.env("OPENBLAS_NUM_THREADS", "1").env("MLX_DISABLE_COMPILE", "1").args(filter);
    environment(&mut engine);
    finish(&mut engine)?;

    println!("\ntests of the workspace");
    let mut host = Command::new(repo::cargo());
    host.args(["test", "--workspace", "--locked", "--all-features"]).args(filter);
    environment(&mut host);
    finish(&mut host)?;
    Ok(ExitCode::SUCCESS)
}

fn on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

fn finish(command: &mut Command) -> Result<(), String> {
    let shown = Path::new(command.get_program()).display().to_string();
    let status = command.status().map_err(|error| format!("cannot start {shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the tests ended with {status}")) }
}
