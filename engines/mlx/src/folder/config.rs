//! `config.json` to a checked shape.
//!
//! A key that this engine does not know is refused unless it is switched off: it could change the numbers.

use crate::{disk::object::Object, error::Result, llama::config::Config};

/// Keys that are understood below.
const UNDERSTOOD: [&str; 17] = [
    "architectures",
    "model_type",
    "hidden_act",
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "num_hidden_layers",
    "head_dim",
    "max_position_embeddings",
    "vocab_size",
    "rms_norm_eps",
    "rope_theta",
    "rope_parameters",
    "tie_word_embeddings",
    "layer_types",
    "pretraining_tp",
];
/// Keys that change no number that this engine computes. The ids of special tokens are read with the tokenizer.
const HARMLESS: [&str; 15] = [
    "_name_or_path",
    "attention_dropout",
    "bos_token_id",
    "dtype",
    "eos_token_id",
    "initializer_range",
    "is_llama_config",
    "pad_token_id",
    "tokenizer_class",
    "torch_dtype",
    "transformers.js_config",
    "transformers_version",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
];
/// Keys that are on in models of other kinds; only the hint differs from an unknown key.
const OTHER_MODELS: [&str; 6] =
    ["attention_bias", "mlp_bias", "quantization", "quantization_config", "rope_scaling", "sliding_window"];

/// Reads and checks the shape, and whether the embedding is the head.
///
/// # Errors
/// A model error naming the key, what it is and what it may be.
pub fn read(about: &Object) -> Result<(Config, bool)> {
    if about.texts("architectures")?.as_deref() != Some(&["LlamaForCausalLM"]) {
        return Err(about
            .wrong("architectures", "[\"LlamaForCausalLM\"]")
            .hint("this engine runs models of the llama architecture"));
    }
    about.off(&OTHER_MODELS, "choose a plain llama model with f32, f16 or bf16 weights")?;
    about.only(
        &[&UNDERSTOOD[..], &HARMLESS[..]].concat(),
        "it could change the numbers; if it cannot, take it out of the file",
    )?;
    for (key, want) in [("model_type", "llama"), ("hidden_act", "silu")] {
        if about.text(key)?.is_some_and(|value| value != want) {
            return Err(about.wrong(key, &format!("{want:?}")));
        }
    }
    if about.texts("layer_types")?.is_some_and(|types| types.iter().any(|&kind| kind != "full_attention")) {
        return Err(about.error("layer_types holds another kind than \"full_attention\""));
    }
    let hidden = about.count("hidden_size", 1 << 16)?;
    let heads = about.count("num_attention_heads", 1 << 10)?;
    let config = Config {
        layers: about.count("num_hidden_layers", 1 << 10)?,
        context: about.count("max_position_embeddings", 1 << 17)?,
        hidden,
        inner: about.count("intermediate_size", 1 << 18)?,
        heads,
        kv_heads: about.count_or("num_key_value_heads", 1 << 10, heads)?,
        head: hidden / heads,
        vocabulary: about.count("vocab_size", 1 << 24)?,
        rope_base: rope_base(about)?,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be in range; f32 is what it is used as"
        )]
        epsilon: about.number("rms_norm_eps", 1e-12..=1e-2)? as f32,
    };
    config
        .check_heads(["hidden_size", "num_attention_heads", "num_key_value_heads"])
        .map_err(|error| error.within("config.json"))?;
    for (key, want) in [("head_dim", config.head), ("pretraining_tp", 1)] {
        if about.count_or(key, 1 << 16, want)? != want {
            return Err(about.wrong(key, &want.to_string()));
        }
    }
    Ok((config, about.flag("tie_word_embeddings")?))
}

/// Newer files hold the base in an object of its own.
fn rope_base(about: &Object) -> Result<f64> {
    let range = 1.0..=1e9;
    if about.get("rope_parameters").is_none() {
        return about.number_or("rope_theta", range, 10_000.0);
    }
    let parameters = about.object("rope_parameters")?;
    parameters.only(&["rope_theta", "rope_type"], "this engine knows unscaled rotations only")?;
    if parameters.text("rope_type")?.is_some_and(|kind| kind != "default") {
        return Err(parameters
            .wrong("rope_type", "\"default\"")
            .hint("this engine knows unscaled rotations only"));
    }
    let base = parameters.number("rope_theta", range.clone())?;
    #[expect(clippy::float_cmp, reason = "the same number twice or a contradiction")]
    if about.number_or("rope_theta", range, base)? != base {
        return Err(about.wrong("rope_theta", &format!("{base} as rope_parameters says")));
    }
    Ok(base)
}
