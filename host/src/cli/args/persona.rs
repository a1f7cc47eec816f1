//! What may be typed after `realign persona`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::persona::import::Source;

/// Verbs of `persona`.
#[derive(Debug, Subcommand)]
pub enum Persona {
    /// Make a persona file of a persona that was written down elsewhere.
    #[command(after_help = IMPORT_EXAMPLE)]
    Import(PersonaImport),
}

const IMPORT_EXAMPLE: &str = "\
Examples:
  realign persona import persona_profile.yaml --from seeds -o persona.toml
  realign persona import humor.jsonl --from constitution -o persona.toml
  realign persona import pack.yaml --from alignmenter -o persona.toml

seeds:        persona: {name, core_traits: [{NAME: MEANING}], communication_style, behavioral_patterns,
              example_interactions}
constitution: {\"trait\", \"questions\", \"additional_questions\"}, a line for each trait
alignmenter:  display_name, description, style_rules: {tone, formality, humor_type, boundaries}, ...

What has no place in a persona file is listed. No trait has a detector afterwards: bind one to each.";

/// Arguments of `persona import`.
#[derive(Debug, Args)]
pub struct PersonaImport {
    /// The persona.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How it was written down.
    #[arg(long, value_enum)]
    pub from: Source,
    /// Where the persona file goes.
    #[arg(long, short, value_name = "FILE.toml")]
    pub output: PathBuf,
}
