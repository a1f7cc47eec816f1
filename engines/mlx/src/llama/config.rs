//! The shape of a model; metadata keys of a GGUF file to a checked one.
//!
//! Every `llama.` key is either understood or refused: a key that this engine does not know (rope scaling,
//! experts) would change the numbers, and wrong numbers are worse than none.

use crate::{
    error::{Error, Result},
    gguf::{
        Gguf,
        header::{Value, shown},
    },
};

/// Keys under `llama.` that this engine understands.
const KNOWN: [&str; 12] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "vocab_size",
];

/// Widest head: with the longest context it bounds the table of rotations.
const WIDEST_HEAD: usize = 512;

/// The shape of a Llama model.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Blocks.
    pub layers: usize,
    /// Longest sequence in tokens.
    pub context: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the gated layer.
    pub inner: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head: usize,
    /// Tokens in the vocabulary.
    pub vocabulary: usize,
    /// Base of the rotation frequencies.
    pub rope_base: f64,
    /// Added to the mean square before its root.
    pub epsilon: f32,
}

impl Config {
    /// Reads and checks the shape that a file gives itself.
    ///
    /// # Errors
    /// A model error naming the key, what it is and what it may be.
    pub fn read(file: &Gguf) -> Result<Self> {
        match file.get("general.architecture") {
            Some(Value::Text(name)) if name == "llama" => {}
            other => {
                return Err(Error::model(format!("general.architecture is {}", shown(other)))
                    .hint("this engine runs models of the llama architecture"));
            }
        }
        if let Some(key) =
            file.keys().filter_map(|key| key.strip_prefix("llama.")).find(|key| !KNOWN.contains(key))
        {
            return Err(Error::model(format!("key llama.{key} is not supported"))
                .hint("it would change the numbers; choose a model without it"));
        }
        let hidden = count(file, "embedding_length", 1 << 16)?;
        let heads = count(file, "attention.head_count", 1 << 10)?;
        let config = Self {
            layers: count(file, "block_count", 1 << 10)?,
            context: count(file, "context_length", 1 << 17)?,
            hidden,
            inner: count(file, "feed_forward_length", 1 << 18)?,
            heads,
            kv_heads: count_or(file, "attention.head_count_kv", 1 << 10, heads)?,
            head: hidden / heads,
            vocabulary: tokens(file)?,
            rope_base: float_or(file, "rope.freq_base", 10_000.0, 1.0..=1e9)?,
            epsilon: epsilon(file)?,
        };
        config.check(file)?;
        Ok(config)
    }

    /// Queries that share one key head.
    #[must_use]
    pub const fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Checks that tokens are in the vocabulary, before MLX looks them up without asking.
    ///
    /// # Errors
    /// A request error naming the first token that is not.
    pub fn check_tokens(&self, tokens: impl IntoIterator<Item = u32>) -> Result<()> {
        match tokens.into_iter().find(|&token| token as usize >= self.vocabulary) {
            None => Ok(()),
            Some(token) => Err(Error::request(format!(
                "token {token} is outside the vocabulary, which ends at {}",
                self.vocabulary - 1
            ))
            .hint("tokenize with the model that is loaded")),
        }
    }

    /// Checks that the heads divide what they must divide; `keys` are what the file calls the width, the heads
    /// and the key heads.
    ///
    /// # Errors
    /// A model error naming the keys.
    pub fn check_heads(&self, keys: [&str; 3]) -> Result<()> {
        let Self { hidden, heads, kv_heads, head, .. } = *self;
        let [width, queries, shared] = keys;
        if !hidden.is_multiple_of(heads) || !head.is_multiple_of(2) || head > WIDEST_HEAD {
            return Err(Error::model(format!(
                "{width} {hidden} does not divide into {heads} heads of an even width up to {WIDEST_HEAD}"
            )));
        }
        if !heads.is_multiple_of(kv_heads) {
            return Err(Error::model(format!("{queries} {heads} is not a multiple of {shared} {kv_heads}")));
        }
        Ok(())
    }

    fn check(&self, file: &Gguf) -> Result<()> {
        self.check_heads(["llama.embedding_length", "llama.attention.head_count", "head_count_kv"])?;
        let Self { head, vocabulary, .. } = *self;
        for (key, want) in [
            ("rope.dimension_count", head),
            ("attention.key_length", head),
            ("attention.value_length", head),
            ("vocab_size", vocabulary),
        ] {
            let got = count_or(file, key, 1 << 24, want)?;
            if got != want {
                return Err(Error::model(format!("llama.{key} is {got}, the rest of the file says {want}")));
            }
        }
        Ok(())
    }
}

/// The number of tokens in the file's own tokenizer: the embedding must have as many rows.
fn tokens(file: &Gguf) -> Result<usize> {
    match file.get("tokenizer.ggml.tokens") {
        Some(Value::List(tokens)) if !tokens.is_empty() => Ok(tokens.len()),
        other => Err(Error::model(format!("tokenizer.ggml.tokens is {}, not a list", shown(other)))),
    }
}

fn count(file: &Gguf, key: &str, limit: u64) -> Result<usize> {
    let value = file.get(&format!("llama.{key}"));
    match value {
        Some(Value::Unsigned(number)) if (1..=limit).contains(number) => usize::try_from(*number).ok(),
        _ => None,
    }
    .ok_or_else(|| Error::model(format!("llama.{key} is {}, not a number from 1 to {limit}", shown(value))))
}

fn count_or(file: &Gguf, key: &str, limit: u64, default: usize) -> Result<usize> {
    if file.get(&format!("llama.{key}")).is_none() { Ok(default) } else { count(file, key, limit) }
}

fn float_or(file: &Gguf, key: &str, default: f64, range: std::ops::RangeInclusive<f64>) -> Result<f64> {
    match file.get(&format!("llama.{key}")) {
        None => Ok(default),
        Some(Value::Float(value)) if range.contains(value) => Ok(*value),
        other => Err(Error::model(format!("llama.{key} is {}, not a number in {range:?}", shown(other)))),
    }
}

fn epsilon(file: &Gguf) -> Result<f32> {
    let key = "llama.attention.layer_norm_rms_epsilon";
    match file.get(key) {
        Some(Value::Float(value)) if (1e-12..=1e-2).contains(value) =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "stored as f32 and checked to be in range")]
            Ok(*value as f32)
        }
        other => Err(Error::model(format!("{key} is {}, not a number from 1e-12 to 1e-2", shown(other)))),
    }
}
