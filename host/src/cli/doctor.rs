//! `doctor`: what is installed, what is missing, and the exact fix.

mod machine;

use std::process::Command;

use serde::Serialize;

use super::terminal;
use crate::{
    engine::{launch::Launch, probe},
    error::Result,
    exit::Exit,
    opening,
    plugins::registry,
    report::table,
    settings::Settings,
};

/// Below this a BLAS library is missing or in the wrong place: the reference BLAS gives about 2.
const SLOW_GFLOPS: f64 = 10.0;

/// Debian packages that set-up installs.
const PACKAGES: [&str; 5] = ["g++", "cmake", "libfmt-dev", "libopenblas0-pthread", "libclang-14-dev"];

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    state: State,
    found: String,
    fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Ok,
    Warning,
    Missing,
}

/// Looks at everything and reports; ends with 21 where there is no working engine.
pub(super) fn run(settings: &Settings) -> Result<Exit> {
    let mut checks = vec![
        check("realign", env!("CARGO_PKG_VERSION")),
        check("home", settings.home.folder().display().to_string()),
        check("built-in evaluators", registry::built_in().len().to_string()),
    ];
    checks.push(small_model(settings));
    let engine_works = engine(settings, &mut checks);
    if cfg!(target_os = "linux") {
        checks.extend(PACKAGES.iter().map(|package| debian(package)));
    }
    checks.push(machine::calibration(settings));
    checks.extend(machine::variables(&|name| std::env::var_os(name)));
    if settings.json {
        terminal::print_json(&checks)?;
    } else {
        let mut table = table::new(&["what", "state", "found", "fix"], &[]);
        for check in &checks {
            let state = match check.state {
                State::Ok => "ok",
                State::Warning => "warning",
                State::Missing => "missing",
            };
            table.add_row([check.what.as_str(), state, &check.found, check.fix.as_deref().unwrap_or("")]);
        }
        terminal::print(&table::text(&table))?;
    }
    Ok(if engine_works { Exit::Done } else { Exit::Engine })
}

fn check(what: &str, found: impl Into<String>) -> Check {
    Check { what: what.into(), state: State::Ok, found: found.into(), fix: None }
}

fn small_model(settings: &Settings) -> Check {
    let path = settings.home.small_model();
    match path.metadata() {
        Ok(data) => check("model smollm2", format!("{} MB", data.len() / 1_000_000)),
        Err(_) => Check {
            what: "model smollm2".into(),
            state: State::Missing,
            found: format!("no file {}", path.display()),
            fix: Some("cargo xtask setup".into()),
        },
    }
}

/// Starts a worker, asks it what it is and times it.
fn engine(settings: &Settings, checks: &mut Vec<Check>) -> bool {
    let probed = opening::launch(settings).and_then(|launch: Launch| probe::probe(&launch));
    let (info, test) = match probed {
        Ok(answers) => answers,
        Err(error) => {
            checks.push(Check {
                what: "engine".into(),
                state: State::Missing,
                found: error.to_string(),
                fix: error.advice().map(str::to_owned),
            });
            return false;
        }
    };
    checks.push(check("engine", format!("{} {} on {}", info.backend, info.version, info.device)));
    checks.push(check("MLX", &info.mlx));
    checks.push(check("BLAS", if info.blas.is_empty() { "none" } else { info.blas.as_str() }));
    let slow = test.gflops < SLOW_GFLOPS;
    checks.push(Check {
        what: "matrix product".into(),
        state: if slow { State::Warning } else { State::Ok },
        found: format!("{:.0} GFLOP/s, f32, one thread", test.gflops),
        fix: slow.then(|| "OpenBLAS is not in front of MLX: cargo xtask setup".into()),
    });
    true
}

fn debian(package: &str) -> Check {
    let shown = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status} ${Version}", package])
        .output();
    let text = shown.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    match text.strip_prefix("installed ") {
        Some(version) => check(&format!("package {package}"), version),
        None => Check {
            what: format!("package {package}"),
            state: State::Missing,
            found: "not installed from Debian".into(),
            fix: Some(format!("apt-get install {package}")),
        },
    }
}
