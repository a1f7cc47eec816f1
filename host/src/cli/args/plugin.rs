//! Arguments of `plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{plugins::new::Language, sandbox::Kind};

/// Verbs of `plugin`.
#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// Begin a new evaluator: a folder that builds anywhere, SDK and contract included.
    #[command(
        after_help = "Example:\n  realign plugin new says-thanks --kind trait-detector --lang rust\n\nThe folder has the name of the evaluator. Nothing is overwritten."
    )]
    New {
        /// Id of the evaluator: a-z, 0-9 and -.
        #[arg(value_name = "NAME")]
        name: String,
        /// What it is for.
        #[arg(long)]
        kind: Kind,
        /// What it is written in.
        #[arg(long, value_name = "LANG")]
        lang: Language,
    },
    /// Make a component of the source in a folder: a crate, or Python or JavaScript with its plugin.toml.
    #[command(after_help = BUILD_EXAMPLE)]
    Build {
        /// Folder of the source.
        folder: PathBuf,
        /// Where the component goes; by default into the folder, under the evaluator's name.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run the examples of a component in the sandbox, then what any evaluator has to hold.
    #[command(after_help = TEST_EXAMPLE)]
    Test {
        /// Folder of the source, which is built first; id of a built-in component; or a path.
        plugin: String,
        /// Its examples; by default the cases.toml of the folder, or beside the component.
        #[arg(long, value_name = "FILE")]
        cases: Option<PathBuf>,
        /// Run `cargo test` in the folder before. Build scripts and tests run as you, outside of any sandbox: for source of
        /// your own only.
        #[arg(long)]
        native: bool,
    },
    /// Describe a component: kind, metrics, settings, exports, imports, size, digest.
    #[command(after_help = "Example:\n  realign plugin inspect trait-lexicon")]
    Inspect {
        /// Id of a built-in component, or a path.
        plugin: String,
    },
    /// Find out what an evaluator's scores are worth, on texts whose right answer is known.
    #[command(after_help = CARD_EXAMPLE)]
    Card(PluginCard),
    /// Measure what a component costs: loading, preparing, and each sample, in time and fuel.
    #[command(
        after_help = "Example:\n  realign plugin bench trait-lexicon --cases plugins/trait-lexicon/cases.toml\n\nMeasure while nothing else runs. Fuel is the same on every machine, time is not."
    )]
    Bench {
        /// Id of a built-in component, or a path.
        plugin: String,
        /// Examples whose settings, data and responses are used; by default the cases.toml beside the component.
        #[arg(long, value_name = "FILE")]
        cases: Option<PathBuf>,
    },
    /// List the built-in evaluators, or the components in a folder.
    #[command(after_help = "Examples:\n  realign plugin list\n  realign plugin list plugins/dist")]
    List {
        /// Folder of components instead of the built-in ones.
        folder: Option<PathBuf>,
    },
    /// Write the lock file of the components in a folder, or hold them against it.
    #[command(
        after_help = "Examples:\n  realign plugin lock plugins/dist\n  realign plugin lock plugins/dist --check\n\nWhere a lock.toml stands beside a component that a suite names by its path, other bytes are refused."
    )]
    Lock {
        /// Folder of the components; `lock.toml` stands beside them.
        folder: PathBuf,
        /// Write nothing; end with 20 where a component is not the locked one, is missing, or is not locked.
        #[arg(long)]
        check: bool,
    },
}

const BUILD_EXAMPLE: &str = "\
Examples:
  realign plugin build says-thanks
  realign plugin build plugins/trait-lexicon --output trait-lexicon.wasm

Rust needs a compiler for wasm32-unknown-unknown, Python the componentize-py of requirements.txt,
JavaScript the componentize-qjs of package.json. Build scripts of crates run as you.";

const TEST_EXAMPLE: &str = "\
Examples:
  realign plugin test says-thanks
  realign plugin test ./says-thanks.wasm --cases cases.toml --json

Ends with 10 where an example differs or a check is broken.";

const CARD_EXAMPLE: &str = "\
Examples:
  realign plugin card --suite examples/harbor/suite.toml
  realign plugin card --suite examples/harbor/suite.toml --trait harbor-voice --data texts.jsonl --html card.html
  realign plugin card trait-bayes --config '{\"ngram\":2,\"smoothing\":0.5}' --fit --data texts.jsonl

Lines of data:  {\"id\":\"a\",\"group\":\"g\",\"label\":\"right\" or \"wrong\" or \"none\",\"text\":\"...\"}; of a benchmark its own rows.
Ends with 10 where an evaluator is proven to be no better than chance, 11 where nothing is proven.";

/// Arguments of `plugin card`.
#[derive(Debug, Args)]
pub struct PluginCard {
    /// Id of a built-in component, or a path.
    #[arg(value_name = "PLUGIN", required_unless_present = "suite", conflicts_with = "suite")]
    pub plugin: Option<String>,
    /// A suite instead: all its evaluators, on its held-out exemplars and contrast texts.
    #[arg(long, value_name = "SUITE.toml")]
    pub suite: Option<PathBuf>,
    /// Only the detector of this trait; may be given several times.
    #[arg(long = "trait", value_name = "TRAIT", requires = "suite")]
    pub traits: Vec<String>,
    /// Labelled texts, or rows of a benchmark, one JSON object per line; may be given several times.
    #[arg(long, value_name = "FILE.jsonl", required_unless_present = "suite")]
    pub data: Vec<PathBuf>,
    /// Settings of the component.
    #[arg(long, value_name = "JSON", default_value = "{}", conflicts_with = "suite")]
    pub config: String,
    /// Fit the component on the texts themselves, fold by fold: no text is judged by what has seen its group.
    #[arg(long, conflicts_with = "suite")]
    pub fit: bool,
    /// Threshold to try beside the calibrated one.
    #[arg(long, value_name = "T", conflicts_with = "suite")]
    pub threshold: Option<f64>,
    /// The trait is one that must not be found.
    #[arg(long, conflicts_with = "suite")]
    pub forbidden: bool,
    /// Kind of question that the component may ask the model; may be given several times.
    #[arg(long, value_name = "KIND", requires = "model", conflicts_with = "suite")]
    pub grant: Vec<String>,
    /// The model that answers questions, and whose headroom benchmarks show.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Where a page to read goes.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
