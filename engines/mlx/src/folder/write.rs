//! A model as a Hugging Face folder, adapters folded in, as transformers and mlx-lm load it.
//!
//! Tensors pass through one at a time: a model that fits on disk can be written.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    adapter::{Adapter, Site, names::Projection},
    checkpoint::Checkpoint,
    disk::write::{file, json as write_json, sync},
    error::Result,
    folder::shards::{SINGLE, name},
    llama::{config::Config, source::Part, tensors::Tensors},
    template::Template,
    tensor_file::write::{Stored, tensors as write_tensors},
};

/// Writes a model into an existing folder, flushed to disk; returns how many numbers it has. `progress` is told of
/// (tensors done, tensors in all) and says whether to go on.
///
/// # Errors
/// A model error if the tensors are not those of the architecture; an unwritable error if a file cannot be written; a
/// request error if `progress` asked to stop.
pub fn write(
    folder: &Path,
    model: &Checkpoint,
    adapters: &[Adapter],
    stored: Stored,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<u64> {
    let mut source = Tensors::new(&*model.source, &model.config, adapters, progress);
    let own_head = source.has_own_head();
    let parts = parts(&model.config, own_head);
    let shapes: Vec<_> = parts.iter().map(|part| (name(*part), part.shape(&model.config))).collect();
    // Loaders refuse a file that does not say which library's layout it has; `pt` is what both take.
    file(folder, SINGLE, |out| {
        write_tensors(out, "pt", stored, &shapes, |index| source.numbers(parts[index]))
    })?;
    let parameters = source.finish()?;
    let (bos, eos) = model.tokenizer.bos_and_eos_ids();
    write_json(folder, "config.json", &config(model, own_head, stored))?;
    write_json(folder, "generation_config.json", &json!({ "bos_token_id": bos, "eos_token_id": eos }))?;
    write_json(folder, "tokenizer_config.json", &tokenizer_config(model))?;
    let tokenizer = model.tokenizer.to_json()?;
    file(folder, "tokenizer.json", |out| out.bytes(tokenizer.as_bytes()))?;
    sync(folder)?;
    Ok(parameters)
}

fn parts(config: &Config, own_head: bool) -> Vec<Part> {
    let block = |block| {
        let projections = Projection::ALL.map(|projection| Part::Projection(Site { block, projection }));
        [Part::AttentionNorm(block), Part::InnerNorm(block)].into_iter().chain(projections)
    };
    let blocks = (0..config.layers).flat_map(block);
    let head = own_head.then_some(Part::Head);
    [Part::Embedding].into_iter().chain(blocks).chain([Part::Norm]).chain(head).collect()
}

fn config(model: &Checkpoint, own_head: bool, stored: Stored) -> Value {
    let config = &model.config;
    let (bos, eos) = model.tokenizer.bos_and_eos_ids();
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": config.hidden,
        "intermediate_size": config.inner,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head,
        "max_position_embeddings": config.context,
        "vocab_size": config.vocabulary,
        "rms_norm_eps": shortest(config.epsilon),
        "rope_theta": config.rope_base,
        "rope_scaling": null,
        "attention_bias": false,
        "mlp_bias": false,
        "tie_word_embeddings": !own_head,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "torch_dtype": match stored {
            Stored::F32 => "float32",
            Stored::F16 => "float16",
        },
    })
}

/// A number as people wrote it: 1e-5 and not the f32 nearest to it in all its digits.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

fn tokenizer_config(model: &Checkpoint) -> Value {
    let (bos, eos) = model.tokenizer.bos_and_eos();
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": bos,
        "eos_token": eos,
        "model_max_length": model.config.context,
        "clean_up_tokenization_spaces": false,
        "add_bos_token": false,
        "add_eos_token": false,
        "chat_template": model.template.as_ref().map(Template::source),
    })
}
