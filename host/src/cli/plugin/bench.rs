//! `plugin bench`: what a component costs.

use std::path::Path;

use super::{sandbox, terminal, test};
use crate::{
    error::Result,
    exit::Exit,
    plugins::{bench, registry, trial},
    report::{number, table},
    settings::Settings,
};

/// Measures a component.
pub(super) fn run(settings: &Settings, plugin: &str, cases: Option<&Path>) -> Result<Exit> {
    let cases = match cases {
        Some(path) => Some(trial::read_cases(path)?),
        None => test::beside(plugin, None).map(|path| trial::read_cases(&path)).transpose()?,
    };
    let wasm = registry::find(plugin, Path::new(""))?;
    let costs =
        bench::measure(&wasm, cases.as_ref(), &sandbox(settings)?).map_err(|error| error.within(plugin))?;
    if settings.json {
        terminal::print_json(&costs)?;
        return Ok(Exit::Done);
    }
    let mut found = table::new(&["samples", "bytes each", "us each", "fuel each"], &[0, 1, 2, 3]);
    for one in &costs.samples {
        found.add_row([
            one.samples.to_string(),
            number::rate(one.mean_bytes),
            number::rate(one.microseconds),
            format!("{:.0}", one.fuel),
        ]);
    }
    terminal::print(&format!(
        "{}, sha256 {}\n\nload, once compiled  {:.2} ms\nprepare              {:.2} ms\npeak memory          {:.1} MiB\n\n{}",
        costs.id,
        costs.sha256.short(),
        costs.load_ms,
        costs.prepare_ms,
        costs.peak_memory as f64 / f64::from(1 << 20),
        table::text(&found)
    ))?;
    Ok(Exit::Done)
}
