//! `tokenizer.json` to the tables of the tokenizer that this engine has.
//!
//! The file can describe any tokenizer; only the one that GGUF calls `smollm` is accepted: byte-level BPE behind
//! single digits, nothing normalised, nothing added to a text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    disk::object::Object,
    error::{Error, Result},
    tokenizer::table::{Table, distinct},
};

const HINT: &str = "this engine has the tokenizer of the smollm family only";

/// Reads the tables; the other files are asked which tokens are the first and the last one.
///
/// # Errors
/// A model error naming the key that is missing, of an unsupported kind, or inconsistent.
pub(super) fn read(file: &Object, tokenizer: &Object, generation: &Object, config: &Object) -> Result<Table> {
    file.only(&["version", "added_tokens", "pre_tokenizer", "post_processor", "decoder", "model"], HINT)?;
    check_splitting(file)?;
    let model = file.object("model")?;
    model.only(&["type", "vocab", "merges"], HINT)?;
    if model.text("type")? != Some("BPE") {
        return Err(model.wrong("type", "\"BPE\"").hint(HINT));
    }
    let mut ids = vocabulary(&model)?;
    let special = added(file, &mut ids)?;
    let tokens = tokens(file, ids)?;
    distinct("tokenizer.json: vocab", &tokens)?;
    let id = |key: &str| special_id(key, &tokens, tokenizer, generation, config);
    let ends =
        [generation, config].into_iter().flat_map(|object| listed(object, "eos_token_id", tokens.len()));
    let (bos, eos, ends) = (id("bos_token")?, id("eos_token")?, ends.collect());
    Ok(Table { merges: merges(&model)?, special, bos, eos, ends, tokens })
}

fn check_splitting(file: &Object) -> Result<()> {
    let digits = json!({ "type": "Digits", "individual_digits": true });
    let bytes = json!({ "type": "ByteLevel", "add_prefix_space": false, "use_regex": true });
    // Where offsets are trimmed changes no token.
    let without_offsets = |value: &Value| {
        let mut value = value.clone();
        if let Value::Object(values) = &mut value {
            values.remove("trim_offsets");
        }
        value
    };
    let splitter = file.object("pre_tokenizer")?;
    let steps = splitter.get("pretokenizers").and_then(Value::as_array);
    let steps: Option<Vec<Value>> = steps.map(|steps| steps.iter().map(without_offsets).collect());
    if splitter.text("type")? != Some("Sequence") || steps != Some(vec![digits, bytes]) {
        return Err(file.error("pre_tokenizer is not single digits, then bytes").hint(HINT));
    }
    if file.get("decoder").is_some() && file.object("decoder")?.text("type")? != Some("ByteLevel") {
        return Err(file.error("decoder is not of type ByteLevel").hint(HINT));
    }
    check_additions(file)
}

/// What follows may change offsets, or be a template without special tokens; transformers writes one.
fn check_additions(file: &Object) -> Result<()> {
    if file.get("post_processor").is_none() {
        return Ok(());
    }
    let post = file.object("post_processor")?;
    match post.text("type")? {
        Some("ByteLevel") => Ok(()),
        Some("TemplateProcessing") => post.off(&["special_tokens"], "this engine adds nothing to a text"),
        _ => Err(post.wrong("type", "\"ByteLevel\" or \"TemplateProcessing\"").hint(HINT)),
    }
}

/// Id to token.
fn vocabulary(model: &Object) -> Result<BTreeMap<u64, String>> {
    let vocabulary = model.object("vocab")?;
    let mut ids = BTreeMap::new();
    for token in vocabulary.keys() {
        let id = vocabulary.get(token).and_then(Value::as_u64);
        let id = id.ok_or_else(|| vocabulary.wrong(token, "an id"))?;
        if let Some(other) = ids.insert(id, token.to_owned()) {
            return Err(vocabulary.error(format!("{token:?} and {other:?} have the same id {id}")));
        }
    }
    Ok(ids)
}

/// Puts added tokens into the vocabulary and returns their ids.
fn added(file: &Object, ids: &mut BTreeMap<u64, String>) -> Result<BTreeSet<u32>> {
    let mut special = BTreeSet::new();
    for (index, token) in file.objects("added_tokens")?.into_iter().enumerate() {
        let id = token.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        let (Some(id), Some(text)) = (id, token.text("content")?) else {
            return Err(file.error(format!("added_tokens[{index}] has no id or no content")));
        };
        token.off(&["single_word", "lstrip", "rstrip"], HINT)?;
        let known = ids.entry(u64::from(id)).or_insert_with(|| text.to_owned());
        if known != text {
            return Err(file.error(format!("added_tokens[{index}] is {text:?}; id {id} is {known:?}")));
        }
        special.insert(id);
    }
    Ok(special)
}

/// Tokens in the order of their ids, which must be 0 and on without a gap.
fn tokens(file: &Object, ids: BTreeMap<u64, String>) -> Result<Vec<String>> {
    match ids.keys().zip(0..).find(|(id, want)| *id != want) {
        Some((id, want)) => Err(file.error(format!("no token has id {want}; the next is {id}"))),
        None => Ok(ids.into_values().collect()),
    }
}

/// Pairs, written with a space between or as lists.
fn merges(model: &Object) -> Result<Vec<(String, String)>> {
    let list =
        model.get("merges").and_then(Value::as_array).ok_or_else(|| model.wrong("merges", "a list"))?;
    let pair = |merge: &Value| match merge {
        Value::String(text) => text.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned())),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(left), Value::String(right)] => Some((left.clone(), right.clone())),
            _ => None,
        },
        _ => None,
    };
    let merge = |(index, merge)| {
        pair(merge).ok_or_else(|| model.error(format!("merges[{index}] is not a pair of tokens")))
    };
    list.iter().enumerate().map(merge).collect()
}

/// The id of the first or the end token: by text in the tokenizer's settings, else by id in the model's.
fn special_id(
    key: &str,
    tokens: &[String],
    tokenizer: &Object,
    generation: &Object,
    config: &Object,
) -> Result<u32> {
    let text = match tokenizer.get(key) {
        Some(Value::Object(_)) => tokenizer.object(key)?.text("content")?.map(str::to_owned),
        _ => tokenizer.text(key)?.map(str::to_owned),
    };
    if let Some(text) = text {
        let found = tokens.iter().zip(0..).find(|(token, _)| **token == text).map(|(_, id)| id);
        return found.ok_or_else(|| tokenizer.error(format!("{key} is {text:?}, which is not a token")));
    }
    let key = format!("{key}_id");
    let known = [generation, config].into_iter().find_map(|object| listed(object, &key, tokens.len()).next());
    known.ok_or_else(|| Error::model(format!("no file says a {key} below {}", tokens.len())))
}

/// The ids below `limit` under a key that is an id or a list of ids.
fn listed(object: &Object, key: &str, limit: usize) -> impl Iterator<Item = u32> {
    let ids = match object.get(key) {
        Some(Value::Array(list)) => list.clone(),
        Some(value) => vec![value.clone()],
        None => Vec::new(),
    };
    let id = move |value: Value| {
        value.as_u64().filter(|&id| id < limit as u64).and_then(|id| u32::try_from(id).ok())
    };
    ids.into_iter().filter_map(id)
}
