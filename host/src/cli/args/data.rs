//! What may be typed after `realign data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ModelArgument;
use crate::{
    data::{convert::Form, decontaminate, ifd::Ratio, mix},
    gates::Profile,
};

/// Verbs of `data`.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Build pairs: the model answers, evaluators prefer, held-out evaluators judge the result.
    #[command(after_help = PAIRS_EXAMPLE)]
    Pairs(Pairs),
    /// Hold rows against the items that a model is measured with, and list what overlaps.
    #[command(after_help = DECONTAMINATE_EXAMPLE)]
    Decontaminate(Decontaminate),
    /// Hold pairs against everything that makes them unfit to learn from.
    #[command(after_help = VALIDATE_EXAMPLE)]
    Validate(DataValidate),
    /// Write rows in another form; nothing is lost in silence.
    #[command(after_help = CONVERT_EXAMPLE)]
    Convert(Convert),
    /// Mix persona and general rows to an exact share, families whole.
    #[command(after_help = MIX_EXAMPLE)]
    Mix(Mix),
    /// Ask a model how much each instruction helps it to its answer, and keep the rows where that is hard.
    #[command(after_help = IFD_EXAMPLE)]
    Ifd(Ifd),
    /// Find personal data, and replace it.
    #[command(after_help = PII_EXAMPLE)]
    Pii(Pii),
}

const PAIRS_EXAMPLE: &str = "\
Examples:
  realign data pairs examples/harbor/pairs.toml --output pairs.jsonl
  realign data pairs examples/harbor/pairs.toml --model smollm2+sft/adapter --output pairs.jsonl

Beside pairs.jsonl stands pairs.record.json: what the pairs are worth and what made them. Ends with 10
or 11 where held-out evaluators do not share the choice, or where the chosen answers are mostly longer.
Killed and run again, it goes on with the answers that it has.";

/// Arguments of `data pairs`.
#[derive(Debug, Args)]
pub struct Pairs {
    /// How pairs are built.
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// The model that is to be trained, instead of the configuration's own.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Where the pairs go.
    #[arg(long, value_name = "FILE.jsonl")]
    pub output: PathBuf,
}

const DECONTAMINATE_EXAMPLE: &str = "\
Examples:
  realign data decontaminate pairs.jsonl --against examples/harbor/suite.toml
  realign data decontaminate rows.jsonl --against gsm8k.jsonl --output clean.jsonl

Of a suite: its benchmarks, neutral tasks, dev and test scenarios and held-out texts. Ends with 10
where too few rows are clean; the clean rows are written all the same.";

/// Arguments of `data decontaminate`.
#[derive(Debug, Args)]
pub struct Decontaminate {
    /// Pairs, conversations, completions or texts, one JSON object per line.
    #[arg(value_name = "ROWS.jsonl")]
    pub rows: PathBuf,
    /// A suite, or a file of JSON lines of which every text counts. May be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    pub against: Vec<PathBuf>,
    /// Where the rows go that overlap with nothing, as they were written.
    #[arg(long, value_name = "CLEAN.jsonl")]
    pub output: Option<PathBuf>,
    /// Least share of clean rows.
    #[arg(long, value_name = "SHARE", default_value_t = decontaminate::THRESHOLD)]
    pub gate: f64,
}

const VALIDATE_EXAMPLE: &str = "\
Examples:
  realign data validate pairs.jsonl
  realign data validate pairs.jsonl --suite suite.toml --against suite.toml
  realign data validate pairs.jsonl --suite suite.toml --held-out harbor-voice --model smollm2

Ends with 10 where a check failed, 11 where one could not be decided (the gap needs --suite), 22
where a row is no pair.";

/// Arguments of `data validate`.
#[derive(Debug, Args)]
pub struct DataValidate {
    /// Pairs, one JSON object per line.
    #[arg(value_name = "PAIRS.jsonl")]
    pub pairs: PathBuf,
    /// Persona and evaluators: the gap under held-out ones, and whether every trait is taught.
    #[arg(long, value_name = "SUITE.toml")]
    pub suite: Option<PathBuf>,
    /// A trait whose detector took no part in choosing the pairs. May be given several times; by default what the
    /// pairs and the record beside them say.
    #[arg(long, value_name = "TRAIT", requires = "suite")]
    pub held_out: Vec<String>,
    /// What the pairs must not overlap with: a suite, or a file of JSON lines. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub against: Vec<PathBuf>,
    /// The model that is to be trained: how far the chosen answers pull it, and whoever asks of evaluators.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// How strict.
    #[arg(long, value_enum, default_value_t)]
    pub profile: Profile,
    /// Least number of pairs, instead of the profile's.
    #[arg(long, value_name = "N")]
    pub least_pairs: Option<usize>,
}

const CONVERT_EXAMPLE: &str = "\
Examples:
  realign data convert seeds.jsonl --to pairs -o pairs.jsonl
  realign data convert gsm8k.jsonl --to messages -o sft.jsonl \\
      --field instruction=question --field response=answer
  realign data convert openai.jsonl --to pair-messages -o pairs.jsonl --field prompt=input.messages \\
      --field chosen=preferred_output --field rejected=non_preferred_output

What a form has no field for goes into notes; what it has no place for is counted as dropped.";

/// Arguments of `data convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// Rows of any form that training reads.
    #[arg(value_name = "ROWS.jsonl")]
    pub rows: PathBuf,
    /// The form to write.
    #[arg(long, value_enum)]
    pub to: Form,
    /// Where a field has another name in these rows; dots go into objects. May be given several times.
    #[arg(long, value_name = "OURS=THEIRS", value_parser = alias)]
    pub field: Vec<(String, String)>,
    /// Where the rows go.
    #[arg(long, short, value_name = "FILE.jsonl")]
    pub output: PathBuf,
}

fn alias(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((ours, theirs)) if !ours.is_empty() && !theirs.is_empty() => Ok((ours.into(), theirs.into())),
        _ => Err("two names with = between are needed, as in instruction=question".into()),
    }
}

const MIX_EXAMPLE: &str = "\
Examples:
  realign data mix --persona sft.jsonl --general general.jsonl --seed 1 -o mixed.jsonl
  realign data mix --persona a.jsonl --general b.jsonl --share 0.5 --rows 400 --seed 1 -o c.jsonl

Without --rows every persona row is used once. Rows are repeated only where there are too few; the
report says which were repeated or left out.";

/// Arguments of `data mix`.
#[derive(Debug, Args)]
pub struct Mix {
    /// Rows of the persona.
    #[arg(long, value_name = "FILE.jsonl")]
    pub persona: PathBuf,
    /// Rows of everything else.
    #[arg(long, value_name = "FILE.jsonl")]
    pub general: PathBuf,
    /// Share of persona rows.
    #[arg(long, value_name = "SHARE", default_value_t = mix::SHARE)]
    pub share: f64,
    /// How many rows in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub rows: Option<u32>,
    /// Where random numbers start.
    #[arg(long, value_name = "S")]
    pub seed: u64,
    /// Where the rows go.
    #[arg(long, short, value_name = "FILE.jsonl")]
    pub output: PathBuf,
}

const IFD_EXAMPLE: &str = "\
Examples:
  realign data ifd sft.jsonl --model smollm2
  realign data ifd sft.jsonl --model smollm2 --keep-share 0.2 --output hard.jsonl

Two ratios go by this name and are named apart: of mean NLLs and of perplexities. Above 1 the
instruction hurts; such rows are never kept. Of a pair the chosen answer is asked for.";

/// Arguments of `data ifd`.
#[derive(Debug, Args)]
pub struct Ifd {
    /// Conversations, completions, instructions or pairs, one JSON object per line.
    #[arg(value_name = "ROWS.jsonl")]
    pub rows: PathBuf,
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgument,
    /// Keep so many of all rows: those with the highest ratio that is not above 1.
    #[arg(long, value_name = "SHARE", requires = "output")]
    pub keep_share: Option<f64>,
    /// By which ratio rows are kept.
    #[arg(long, value_enum, default_value_t)]
    pub by: Ratio,
    /// Where the kept rows go, as they were written and in their order.
    #[arg(long, short, value_name = "FILE.jsonl", requires = "keep_share")]
    pub output: Option<PathBuf>,
}

const PII_EXAMPLE: &str = "\
Examples:
  realign data pii rows.jsonl
  realign data pii rows.jsonl --redact -o clean.jsonl

Looks for e-mail addresses, payment cards, social security numbers, IBANs, IP addresses and
telephone numbers in every text. Values are shown masked. Ends with 10 where something was found
and not redacted.";

/// Arguments of `data pii`.
#[derive(Debug, Args)]
pub struct Pii {
    /// Any JSON objects, one per line.
    #[arg(value_name = "ROWS.jsonl")]
    pub rows: PathBuf,
    /// Write the rows with every find replaced by what it is, as in `[EMAIL]`.
    #[arg(long, requires = "output")]
    pub redact: bool,
    /// Where the redacted rows go.
    #[arg(long, short, value_name = "FILE.jsonl", requires = "redact")]
    pub output: Option<PathBuf>,
}
