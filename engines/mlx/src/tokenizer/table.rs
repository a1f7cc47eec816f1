//! The tokenizer's tables, checked; how a GGUF file holds them.

use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    gguf::{
        Gguf,
        header::{Value, shown},
    },
};

/// Type of a token that is written out in no text: control token.
const CONTROL: i64 = 3;
/// Type of a token that was added to the vocabulary by hand.
const USER_DEFINED: i64 = 4;

/// Tokens, merges and special ids.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) tokens: Vec<String>,
    pub(crate) merges: Vec<(String, String)>,
    /// Ids of special tokens, in order.
    pub(crate) special: BTreeSet<u32>,
    pub(crate) bos: u32,
    pub(crate) eos: u32,
    /// Ids that end a turn besides `eos`.
    pub(crate) ends: BTreeSet<u32>,
}

impl Table {
    pub(crate) fn read(file: &Gguf) -> Result<Self> {
        for (key, want) in [("model", "gpt2"), ("pre", "smollm")] {
            let value = get(file, key);
            if !matches!(value, Some(Value::Text(text)) if text == want) {
                return Err(Error::model(format!("tokenizer.ggml.{key} is {}, not {want:?}", shown(value)))
                    .hint("this engine has the tokenizer of the smollm family only"));
            }
        }
        for flag in ["add_bos_token", "add_eos_token", "add_space_prefix"] {
            if let Some(value @ Value::Bool(true)) = get(file, flag) {
                return Err(Error::model(format!(
                    "tokenizer.ggml.{flag} is {}, not false",
                    shown(Some(value))
                ))
                .hint("this engine adds nothing to a text"));
            }
        }
        let tokens: Vec<String> = list(file, "tokens", "a text", |value| {
            if let Value::Text(text) = value { Some(text.clone()) } else { None }
        })?;
        distinct("tokenizer.ggml.tokens", &tokens)?;
        let merges = list(file, "merges", "two tokens with a space between", |value| match value {
            Value::Text(text) => {
                text.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned()))
            }
            _ => None,
        })?;
        let types = list(file, "token_type", "a number", |value| match value {
            Value::Signed(number) => Some(*number),
            _ => None,
        })?;
        if types.len() != tokens.len() {
            let (got, want) = (types.len(), tokens.len());
            return Err(Error::model(format!(
                "tokenizer.ggml.token_type has {got} entries for {want} tokens"
            )));
        }
        let is_special = |kind: i64| kind == CONTROL || kind == USER_DEFINED;
        let special =
            types.iter().zip(0..).filter(|(kind, _)| is_special(**kind)).map(|(_, id)| id).collect();
        let (bos, eos) = (id(file, "bos_token_id", tokens.len())?, id(file, "eos_token_id", tokens.len())?);
        Ok(Self { tokens, merges, special, bos, eos, ends: BTreeSet::new() })
    }
}

/// Refuses a list that holds a token twice.
pub(crate) fn distinct(place: &str, tokens: &[String]) -> Result<()> {
    if tokens.iter().collect::<BTreeSet<_>>().len() == tokens.len() {
        return Ok(());
    }
    Err(Error::model(format!("{place} holds a token twice")))
}

fn get<'a>(file: &'a Gguf, key: &str) -> Option<&'a Value> {
    file.get(&format!("tokenizer.ggml.{key}"))
}

fn list<T>(file: &Gguf, key: &str, want: &str, element: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>> {
    let value = get(file, key);
    let Some(Value::List(values)) = value else {
        return Err(Error::model(format!("tokenizer.ggml.{key} is {}, not a list", shown(value))));
    };
    let convert = |(index, value): (usize, &Value)| {
        let wrong =
            || Error::model(format!("tokenizer.ggml.{key}[{index}] is {}, not {want}", shown(Some(value))));
        element(value).ok_or_else(wrong)
    };
    values.iter().enumerate().map(convert).collect()
}

fn id(file: &Gguf, key: &str, limit: usize) -> Result<u32> {
    let value = get(file, key);
    match value {
        Some(Value::Unsigned(id)) if *id < limit as u64 => u32::try_from(*id).ok(),
        _ => None,
    }
    .ok_or_else(|| Error::model(format!("tokenizer.ggml.{key} is {}, not an id below {limit}", shown(value))))
}

/// The byte that a character of the byte alphabet stands for.
///
/// Bytes that print stand for themselves; the others, in order, are written as the characters from U+0100 on.
pub(super) fn byte_of(character: char) -> Option<u8> {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let code = u32::from(character);
    match code.checked_sub(256) {
        None => u8::try_from(code).ok().filter(|&byte| prints(byte)),
        Some(place) => (0..=255).filter(|&byte| !prints(byte)).nth(place as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_exactly_one_character() {
        let bytes: BTreeSet<u8> = ('\0'..='\u{200}').filter_map(byte_of).collect();
        assert_eq!(bytes.len(), 256);
        assert_eq!(('\0'..='\u{200}').filter_map(byte_of).count(), 256);
        assert_eq!((byte_of('Ġ'), byte_of('Ċ'), byte_of('A')), (Some(b' '), Some(b'\n'), Some(b'A')));
    }
}
