//! Text to token ids and back, from the tables inside the model file.
//!
//! Byte-level BPE as the `smollm` family uses it: digits stand alone, then GPT-2's pattern, then merges over
//! bytes written as printable characters. Another pre-tokenizer would split differently without any error, so
//! only this one is accepted. Special tokens written out in a text become special tokens, as in Hugging Face.
//!
//! Decoding keeps bytes, because a token can end inside a character.

pub(crate) mod table;

use std::collections::BTreeSet;

use realign_engine_abi::message::Tokenized;
use sha2::{Digest, Sha256};
use tokenizers::{
    AddedToken,
    models::bpe::BPE,
    pre_tokenizers::{PreTokenizerWrapper, byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

use crate::{
    error::{Error, Result},
    gguf::Gguf,
    tokenizer::table::{Table, byte_of},
};

/// Special tokens that end a turn whatever the file's own end token is.
const ENDS: [&str; 2] = ["<|im_end|>", "<|endoftext|>"];

/// A tokenizer made from a model file.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The bytes of each token; none for special ones.
    bytes: Vec<Box<[u8]>>,
    texts: Vec<String>,
    ends: BTreeSet<u32>,
    bos: u32,
    eos: u32,
    digest: String,
}

impl Tokenizer {
    /// Makes the tokenizer of a GGUF file.
    ///
    /// # Errors
    /// A model error naming the key that is missing, of an unsupported kind, or inconsistent.
    pub fn read(file: &Gguf) -> Result<Self> {
        Self::new(Table::read(file)?)
    }

    /// Makes the tokenizer of these tables.
    ///
    /// # Errors
    /// A model error if they do not fit together.
    pub(crate) fn new(table: Table) -> Result<Self> {
        let digest = digest(&table);
        let damaged = |error: &dyn std::fmt::Display| {
            Error::model(format!("the tokenizer's tables do not fit together: {error}"))
                .hint("the file is damaged; fetch it again")
        };
        let vocabulary = table.tokens.iter().cloned().zip(0_u32..).collect::<Vec<_>>();
        let model = BPE::builder()
            .vocab_and_merges(vocabulary.into_iter().collect::<ahash::AHashMap<_, _>>(), table.merges)
            .build()
            .map_err(|error| damaged(&error))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        inner.with_pre_tokenizer(Some(Sequence::new(vec![
            PreTokenizerWrapper::Digits(Digits::new(true)),
            PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)),
        ])));
        inner.with_decoder(Some(ByteLevel::default()));
        let special = table.special.iter().map(|&id| AddedToken::from(&table.tokens[id as usize], true));
        inner.add_special_tokens(special).map_err(|error| damaged(&error))?;
        let is_end = |id: &u32| *id == table.eos || ENDS.contains(&table.tokens[*id as usize].as_str());
        let ends = table.special.iter().copied().filter(is_end).chain([table.eos]);
        let ends = ends.chain(table.ends.iter().copied()).collect();
        let bytes = table
            .tokens
            .iter()
            .zip(0..)
            .map(|(token, id)| if table.special.contains(&id) { Box::default() } else { decode(token) });
        Ok(Self {
            inner,
            bytes: bytes.collect(),
            ends,
            bos: table.bos,
            eos: table.eos,
            digest,
            texts: table.tokens,
        })
    }

    /// SHA-256 over tokens, merges and special ids, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The texts of the first and of the end token.
    #[must_use]
    pub fn bos_and_eos(&self) -> (&str, &str) {
        (&self.texts[self.bos as usize], &self.texts[self.eos as usize])
    }

    /// The ids of the first and of the end token.
    #[must_use]
    pub const fn bos_and_eos_ids(&self) -> (u32, u32) {
        (self.bos, self.eos)
    }

    /// The text of `tokenizer.json`, from which Hugging Face's own library makes the same tokenizer.
    ///
    /// # Errors
    /// An internal error if the library cannot write it.
    pub fn to_json(&self) -> Result<String> {
        self.inner
            .to_string(true)
            .map_err(|error| Error::internal(format!("the tokenizer cannot be written: {error}")))
    }

    /// Whether a token ends a turn.
    #[must_use]
    pub fn ends_turn(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// The bytes of a token; none for special ones.
    ///
    /// # Panics
    /// If the token is outside the vocabulary.
    #[must_use]
    pub fn bytes(&self, token: u32) -> &[u8] {
        &self.bytes[token as usize]
    }

    /// The token that ends a turn.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.eos
    }

    /// Where the last token that ends a turn ends in a text, if there is one.
    #[must_use]
    pub fn end_of_turn(&self, text: &str) -> Option<usize> {
        let after = |&id: &u32| {
            let end = &*self.texts[id as usize];
            text.rfind(end).map(|start| start + end.len())
        };
        self.ends.iter().filter_map(after).max()
    }

    /// Token ids of a text; nothing is added.
    ///
    /// # Errors
    /// A request error if the text cannot be split.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| Error::request(format!("a text cannot be tokenized: {error}")))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// A context and a continuation, split as lm-eval splits them: spaces at the end of the context move to the
    /// continuation, both are encoded as one text, and the continuation is what follows the context's own number
    /// of tokens. An empty context becomes the first token, unless the continuation starts with that.
    ///
    /// # Errors
    /// A request error if the text cannot be split.
    pub fn encode_pair(&self, context: &str, continuation: &str) -> Result<Tokenized> {
        let trimmed = context.trim_end_matches(is_python_space);
        let whole = self.encode(&format!("{context}{continuation}"))?;
        if trimmed.is_empty() {
            return Ok(match whole.split_first() {
                Some((&first, rest)) if first == self.bos => {
                    Tokenized { tokens: vec![first], continuation: rest.to_vec(), scored: Vec::new() }
                }
                _ => Tokenized { tokens: vec![self.bos], continuation: whole, scored: Vec::new() },
            });
        }
        let tokens = self.encode(trimmed)?;
        let continuation = whole.get(tokens.len()..).unwrap_or_default().to_vec();
        Ok(Tokenized { tokens, continuation, scored: Vec::new() })
    }
}

/// What Python's `str.rstrip` strips.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// The bytes of an ordinary token; a token with characters outside the byte alphabet stands for itself.
fn decode(token: &str) -> Box<[u8]> {
    let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
    bytes.unwrap_or_else(|| token.as_bytes().to_vec()).into_boxed_slice()
}

fn digest(table: &Table) -> String {
    let mut hasher = Sha256::new();
    let mut text = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    };
    table.tokens.iter().for_each(|token| text(token));
    text("merges");
    for (left, right) in &table.merges {
        text(left);
        text(right);
    }
    text("special");
    for id in table.special.iter().chain([&table.bos, &table.eos]) {
        hasher.update(id.to_le_bytes());
    }
    hexadecimal(&hasher.finalize())
}

/// Lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
