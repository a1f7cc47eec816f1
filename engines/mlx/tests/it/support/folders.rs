//! The tiny model as a Hugging Face folder, made by hand so that reading it proves something.

use std::{collections::BTreeMap, fs};

use realign_engine_abi::message::{EngineOptions, Load, Request};
use realign_engine_mlx::{engine::Engine, gguf::Gguf};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    CONTEXT, File, HEADS, HIDDEN, INNER, KV_HEADS, LAYERS, MERGES, SPECIAL, TEMPLATE, VOCABULARY, ask,
    failure, on_disk, token_texts,
};

/// A tensor: its shape and its numbers.
pub(crate) type Tensor = (Vec<usize>, Vec<f32>);

/// The files of a model in the making.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) json: BTreeMap<String, Value>,
    pub(crate) tensors: BTreeMap<String, Tensor>,
    /// Which of the types `F32`, `F16` and `BF16` the tensors get.
    pub(crate) kind: &'static str,
}

impl Files {
    /// The numbers of the tiny GGUF file, widened, rows of queries and keys in the order of Hugging Face.
    pub(crate) fn tiny() -> Self {
        let file = on_disk(&File::tiny().bytes());
        let gguf = Gguf::open(file.path()).unwrap();
        let tensors = gguf.tensor_names().map(|name| {
            let tensor = gguf.tensor(name).unwrap();
            let mut numbers = gguf.read(name, tensor).unwrap();
            if name.contains("attn_q") || name.contains("attn_k") {
                numbers = halves_apart(&numbers);
            }
            (hugging_face(name), (tensor.shape.clone(), numbers))
        });
        let json = [
            ("config.json", config()),
            ("tokenizer.json", tokenizer()),
            (
                "tokenizer_config.json",
                json!({ "bos_token": "<|im_start|>", "eos_token": { "content": "<|im_end|>" }, "chat_template": TEMPLATE }),
            ),
        ];
        Self {
            json: json.map(|(name, value)| (name.to_owned(), value)).into(),
            tensors: tensors.collect(),
            kind: "F32",
        }
    }

    pub(crate) fn set(&mut self, file: &str, key: &str, value: Value) {
        self.json.get_mut(file).unwrap()[key] = value;
    }

    /// Everything but the tensors.
    pub(crate) fn write_json(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in &self.json {
            fs::write(folder.path().join(name), value.to_string()).unwrap();
        }
        folder
    }

    pub(crate) fn write(&self) -> TempDir {
        let folder = self.write_json();
        fs::write(folder.path().join("model.safetensors"), safetensors(&self.tensors, self.kind)).unwrap();
        folder
    }
}

/// Why an engine does not load a folder; the folder's path is taken out of the message.
pub(crate) fn folder_refusal(folder: &TempDir) -> String {
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let load = Load { model: folder.path().to_owned(), adapters: Vec::new() };
    let error = failure(ask(&mut engine, Request::Load(load)));
    let message = error.message.strip_prefix(&format!("{}: ", folder.path().display()));
    format!("{:?}: {}", error.kind, message.expect("the message starts with the path"))
}

/// The bytes of a `.safetensors` file.
pub(crate) fn safetensors(tensors: &BTreeMap<String, Tensor>, kind: &str) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, (shape, numbers)) in tensors {
        let start = data.len();
        for number in numbers {
            match kind {
                "F16" => data.extend(half::f16::from_f32(*number).to_le_bytes()),
                "BF16" => data.extend(half::bf16::from_f32(*number).to_le_bytes()),
                _ => data.extend(number.to_le_bytes()),
            }
        }
        header.insert(
            name.clone(),
            json!({ "dtype": kind, "shape": shape, "data_offsets": [start, data.len()] }),
        );
    }
    with_header(&Value::Object(header).to_string(), &data)
}

/// A header and what follows it.
pub(crate) fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// Row `2i + j` of each head becomes row `j x head/2 + i`.
fn halves_apart(numbers: &[f32]) -> Vec<f32> {
    let (head, inputs) = ((HIDDEN / HEADS) as usize, HIDDEN as usize);
    let rows: Vec<&[f32]> = numbers.chunks_exact(inputs).collect();
    let of_head = |rows: &[&[f32]]| {
        let even = rows.iter().step_by(2).copied();
        even.chain(rows.iter().skip(1).step_by(2).copied()).flatten().copied().collect::<Vec<f32>>()
    };
    rows.chunks_exact(head).flat_map(of_head).collect()
}

fn hugging_face(name: &str) -> String {
    [
        ("token_embd", "model.embed_tokens"),
        ("output_norm", "model.norm"),
        ("blk.", "model.layers."),
        ("attn_norm", "input_layernorm"),
        ("ffn_norm", "post_attention_layernorm"),
        ("attn_output", "self_attn.o_proj"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ]
    .iter()
    .fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

fn config() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": CONTEXT,
        "vocab_size": VOCABULARY,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10_000,
        "rope_scaling": null,
        "attention_bias": false,
        "tie_word_embeddings": true,
        "torch_dtype": "float32",
    })
}

fn tokenizer() -> Value {
    let tokens = token_texts();
    let special = SPECIAL.iter().enumerate().map(|(id, text)| {
        json!({ "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true })
    });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special.collect::<Vec<_>>(),
        "normalizer": null,
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Digits", "individual_digits": true },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
        ] },
        "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "vocab": tokens.iter().enumerate().map(|(id, text)| (text.clone(), json!(id))).collect::<serde_json::Map<_, _>>(),
            "merges": MERGES.map(|(left, right)| format!("{left} {right}")),
        },
    })
}
