//! `init`: files to begin with.

use super::{args, terminal};
use crate::{error::Result, exit::Exit, settings::Settings, template};

/// Writes them and says what comes next.
pub(super) fn run(settings: &Settings, arguments: &args::Init) -> Result<Exit> {
    let folder = &arguments.folder;
    template::write(folder)?;
    let names: Vec<&str> = template::FILES.iter().map(|(name, _)| *name).collect();
    if settings.json {
        terminal::print_json(&names)?;
        return Ok(Exit::Done);
    }
    let shown = folder.display();
    terminal::print(&format!(
        "wrote {} files into {shown}: {}\n\nnext\n  realign validate {shown}/suite.toml     checks what the suite names\n  \
         realign eval {shown}/suite.toml --model smollm2\n  realign run {shown}/pipeline.toml       the seven stages",
        names.len(),
        names.join(", ")
    ))?;
    Ok(Exit::Done)
}
