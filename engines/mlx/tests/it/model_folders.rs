//! Hugging Face folders: the same model as its GGUF file, and as untrusted.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

use insta::assert_snapshot;
use proptest::prelude::*;
use realign_engine_abi::message::{EngineOptions, Load, ModelInfo, Reply, Request};
use realign_engine_mlx::{engine::Engine, tensor_file::TensorFile};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    File,
    adapters::probabilities,
    ask,
    folders::{Files, folder_refusal, safetensors, with_header},
    load, on_disk, tiny,
};

fn loaded(folder: &TempDir) -> (Engine, ModelInfo) {
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let load = Load { model: folder.path().to_owned(), adapters: Vec::new() };
    match ask(&mut engine, Request::Load(load)) {
        Reply::Model(info) => (engine, info),
        other => panic!("{other:?}"),
    }
}

fn changed(change: impl FnOnce(&mut Files)) -> String {
    let mut files = Files::tiny();
    change(&mut files);
    folder_refusal(&files.write())
}

fn config(key: &str, value: Value) -> String {
    changed(|files| files.set("config.json", key, value))
}

/// A refusal of a folder whose only tensor file has these bytes.
fn tensors(bytes: &[u8]) -> String {
    let folder = Files::tiny().write_json();
    fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    folder_refusal(&folder)
}

/// The tiny model in two files; `change` may spoil the index.
fn sharded(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> TempDir {
    let files = Files::tiny();
    let folder = files.write_json();
    let mut map = serde_json::Map::new();
    for (number, name) in ["model-1.safetensors", "model-2.safetensors"].iter().enumerate() {
        let half = files.tensors.iter().enumerate().filter(|(index, _)| index % 2 == number);
        let half: BTreeMap<_, _> = half.map(|(_, (name, tensor))| (name.clone(), tensor.clone())).collect();
        map.extend(half.keys().map(|tensor| (tensor.clone(), json!(name))));
        fs::write(folder.path().join(name), safetensors(&half, "F32")).unwrap();
    }
    change(&mut map);
    let index = json!({ "metadata": { "total_size": 0 }, "weight_map": map });
    fs::write(folder.path().join("model.safetensors.index.json"), index.to_string()).unwrap();
    folder
}

#[test]
fn a_folder_gives_the_same_numbers_as_the_gguf_file_of_the_same_model() {
    let expected = probabilities(&mut tiny());
    let (mut single, info) = loaded(&Files::tiny().write());
    assert_eq!(probabilities(&mut single), expected);
    assert_eq!(probabilities(&mut loaded(&sharded(|_| ())).0), expected);
    let Reply::Model(gguf) = load(&mut Engine::new(&EngineOptions {}).unwrap(), &File::tiny().bytes()) else {
        panic!("the tiny model loads")
    };
    assert_eq!(info.parameters, gguf.parameters);
    assert_eq!(info.tokenizer_digest, gguf.tokenizer_digest);
    assert_eq!(info.template_digest, gguf.template_digest);
}

#[test]
fn sixteen_bit_weights_are_widened_and_stay_close() {
    let expected = probabilities(&mut tiny());
    for (kind, tolerance) in [("F16", 0.02), ("BF16", 0.2)] {
        let files = Files { kind, ..Files::tiny() };
        let got = probabilities(&mut loaded(&files.write()).0);
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst > 0.0 && worst < tolerance, "{kind}: {worst}");
    }
}

#[test]
fn a_head_that_is_tied_may_be_repeated_but_not_differ() {
    let mut files = Files::tiny();
    let embedding = files.tensors["model.embed_tokens.weight"].clone();
    files.tensors.insert("lm_head.weight".into(), embedding);
    assert_eq!(probabilities(&mut loaded(&files.write()).0), probabilities(&mut tiny()));
    files.tensors.get_mut("lm_head.weight").unwrap().1[7] += 1.0;
    assert_snapshot!(folder_refusal(&files.write()), @"Model: tensor lm_head.weight differs from model.embed_tokens.weight, to which it is tied");
    files.set("config.json", "tie_word_embeddings", json!(false));
    assert_ne!(probabilities(&mut loaded(&files.write()).0), probabilities(&mut tiny()));
    assert_snapshot!(config("tie_word_embeddings", json!(false)), @"Model: tensor lm_head.weight is missing");
}

#[test]
fn keys_that_change_the_numbers_are_refused() {
    assert_snapshot!(config("architectures", json!(["MistralForCausalLM"])), @r#"Model: config.json: architectures is a list of 1, not ["LlamaForCausalLM"]"#);
    assert_snapshot!(config("rope_scaling", json!({ "type": "linear", "factor": 2.0 })), @"Model: config.json: key rope_scaling is an object of 2 and not supported");
    assert_snapshot!(config("rope_parameters", json!({ "rope_theta": 1e4, "rope_type": "yarn" })), @r#"Model: config.json: rope_parameters: rope_type is "yarn", not "default""#);
    assert_snapshot!(config("rope_parameters", json!({ "rope_theta": 1e5 })), @"Model: config.json: rope_theta is 10000, not 100000 as rope_parameters says");
    assert_snapshot!(config("attention_bias", json!(true)), @"Model: config.json: key attention_bias is true and not supported");
    assert_snapshot!(config("mlp_bias", json!(true)), @"Model: config.json: key mlp_bias is true and not supported");
    assert_snapshot!(config("hidden_act", json!("gelu")), @r#"Model: config.json: hidden_act is "gelu", not "silu""#);
    assert_snapshot!(config("quantization", json!({ "bits": 4 })), @"Model: config.json: key quantization is an object of 1 and not supported");
    assert_snapshot!(config("layer_types", json!(["sliding_attention"])), @r#"Model: config.json: layer_types holds another kind than "full_attention""#);
    assert_snapshot!(config("logit_softcapping", json!(30.0)), @"Model: config.json: key logit_softcapping is 30.0 and not supported");
    assert_snapshot!(config("head_dim", json!(16)), @"Model: config.json: head_dim is 16, not 8");
    assert_snapshot!(config("num_attention_heads", json!(5)), @"Model: config.json: hidden_size 32 does not divide into 5 heads of an even width up to 512");
    assert_snapshot!(config("num_key_value_heads", json!(3)), @"Model: config.json: num_attention_heads 4 is not a multiple of num_key_value_heads 3");
    assert_snapshot!(config("hidden_size", json!(1e30)), @"Model: config.json: hidden_size is 1e+30, not a whole number from 1 to 65536");
    assert_snapshot!(config("rms_norm_eps", json!("1e-5")), @r#"Model: config.json: rms_norm_eps is "1e-5", not a number from 1e-12 to 1e-2"#);
    assert_snapshot!(config("vocab_size", json!(262)), @"Model: config.json: vocab_size is 262; tokenizer.json has 263 tokens");
}

#[test]
fn keys_that_are_off_or_harmless_are_let_through() {
    let mut files = Files::tiny();
    for (key, value) in [
        ("rope_interleaved", json!(false)),
        ("some_future_option", Value::Null),
        ("transformers_version", json!("5.0.0")),
        ("layer_types", json!(["full_attention", "full_attention"])),
        ("rope_parameters", json!({ "rope_theta": 10_000, "rope_type": "default" })),
    ] {
        files.set("config.json", key, value);
    }
    let template = json!({ "type": "TemplateProcessing", "special_tokens": {} });
    files.set("tokenizer.json", "post_processor", template);
    loaded(&files.write());
}

#[test]
fn tensors_must_be_those_of_the_architecture() {
    let name = "model.layers.1.mlp.up_proj.weight";
    assert_snapshot!(changed(|files| { files.tensors.remove(name); }), @"Model: tensor model.layers.1.mlp.up_proj.weight is missing");
    assert_snapshot!(changed(|files| files.tensors.get_mut(name).unwrap().0.reverse()), @"Model: tensor model.layers.1.mlp.up_proj.weight has shape [32, 64], not [64, 32]");
    assert_snapshot!(changed(|files| files.tensors.get_mut(name).unwrap().1[3] = f32::INFINITY), @"Model: tensor model.layers.1.mlp.up_proj.weight holds inf at 3");
    assert_snapshot!(
        changed(|files| { files.tensors.insert("model.layers.0.self_attn.q_proj.bias".into(), (vec![2], vec![0.0; 2])); }),
        @"Model: tensor model.layers.0.self_attn.q_proj.bias is not part of the llama architecture"
    );
}

#[test]
fn a_tokenizer_of_another_family_is_refused() {
    let tokenizer = |key: &str, value: Value| changed(|files| files.set("tokenizer.json", key, value));
    let model = |key: &str, value: Value| {
        changed(|files| files.json.get_mut("tokenizer.json").unwrap()["model"][key] = value)
    };
    assert_snapshot!(tokenizer("normalizer", json!({ "type": "NFC" })), @"Model: tokenizer.json: key normalizer is an object of 1 and not supported");
    assert_snapshot!(tokenizer("pre_tokenizer", json!({ "type": "ByteLevel" })), @"Model: tokenizer.json: pre_tokenizer is not single digits, then bytes");
    assert_snapshot!(tokenizer("post_processor", json!({ "type": "BertProcessing" })), @r#"Model: tokenizer.json: post_processor: type is "BertProcessing", not "ByteLevel" or "TemplateProcessing""#);
    assert_snapshot!(tokenizer("post_processor", json!({ "type": "TemplateProcessing", "special_tokens": { "<s>": {} } })), @"Model: tokenizer.json: post_processor: key special_tokens is an object of 1 and not supported");
    assert_snapshot!(tokenizer("decoder", json!({ "type": "WordPiece" })), @"Model: tokenizer.json: decoder is not of type ByteLevel");
    assert_snapshot!(tokenizer("truncation", json!({ "max_length": 5 })), @"Model: tokenizer.json: key truncation is an object of 1 and not supported");
    assert_snapshot!(model("type", json!("WordPiece")), @r#"Model: tokenizer.json: model: type is "WordPiece", not "BPE""#);
    assert_snapshot!(model("ignore_merges", json!(true)), @"Model: tokenizer.json: model: key ignore_merges is true and not supported");
    assert_snapshot!(model("merges", json!([["Ġ"]])), @"Model: tokenizer.json: model: merges[0] is not a pair of tokens");
    assert_snapshot!(model("merges", json!([["zz", "q"]])), @"Model: the tokenizer's tables do not fit together: Token `zz` out of vocabulary");
    assert_snapshot!(model("vocab", json!({ "a": 0, "b": 0 })), @r#"Model: tokenizer.json: model: vocab: "b" and "a" have the same id 0"#);
    assert_snapshot!(model("vocab", json!({ "<|endoftext|>": 0, "b": 7 })), @"Model: tokenizer.json: no token has id 3; the next is 7");
    assert_snapshot!(tokenizer("added_tokens", json!([{ "id": 1, "content": "<s>" }])), @r#"Model: tokenizer.json: added_tokens[0] is "<s>"; id 1 is "<|im_start|>""#);
    assert_snapshot!(changed(|files| files.set("tokenizer_config.json", "eos_token", json!("</s>"))), @r#"Model: tokenizer_config.json: eos_token is "</s>", which is not a token"#);
    assert_snapshot!(changed(|files| { files.json.remove("tokenizer_config.json"); }), @"Model: no file says a bos_token_id below 263");
    assert_snapshot!(changed(|files| { files.json.remove("tokenizer.json"); }), @"Model: tokenizer.json: cannot be read: entity not found");
}

#[test]
fn a_template_file_comes_before_the_settings() {
    let folder = Files::tiny().write();
    let (_, before) = loaded(&folder);
    fs::write(folder.path().join("chat_template.jinja"), "{{ messages[0].content }}").unwrap();
    assert_ne!(loaded(&folder).1.template_digest, before.template_digest);
    assert_snapshot!(changed(|files| files.set("tokenizer_config.json", "chat_template", json!([]))), @"Model: tokenizer_config.json: chat_template is a list of templates");
}

#[test]
fn hostile_headers_are_refused_before_anything_is_reserved() {
    let one = |shape: Value, offsets: [u64; 2], kind: &str| {
        let tensor = json!({ "dtype": kind, "shape": shape, "data_offsets": offsets });
        tensors(&with_header(&json!({ "model.norm.weight": tensor }).to_string(), &[0; 8]))
    };
    assert_snapshot!(tensors(b"tiny"), @"Model: model.safetensors: has 4 bytes, fewer than the length of a header");
    assert_snapshot!(tensors(&[0xff; 64]), @"Model: model.safetensors: claims a header of 18446744073709551615 bytes; the file has 64 and the limit is 16777216");
    assert_snapshot!(tensors(&with_header("[]", &[])), @"Model: model.safetensors: header is not valid: invalid type: sequence, expected struct HashMetadata at line 1 column 0");
    assert_snapshot!(tensors(&with_header("{", &[])), @"Model: model.safetensors: header is not valid: EOF while parsing an object at line 1 column 1");
    assert_snapshot!(one(json!([1_u64 << 40, 1_u64 << 40]), [0, 8], "F32"), @"Model: model.safetensors: header is not valid: overflow computing buffer size from shape and/or element type");
    assert_snapshot!(one(json!([1_u64 << 40]), [0, 1 << 42], "F32"), @"Model: model.safetensors: header describes 4398046511104 bytes of tensors; the file has 8");
    assert_snapshot!(one(json!([2]), [8, 16], "F32"), @"Model: model.safetensors: header is not valid: invalid offset for tensor `model.norm.weight`");
    assert_snapshot!(one(json!([2]), [8, 0], "F32"), @"Model: model.safetensors: header is not valid: invalid offset for tensor `model.norm.weight`");
    assert_snapshot!(one(json!([1]), [0, 4], "F32"), @"Model: model.safetensors: header describes 4 bytes of tensors; the file has 8");
    assert_snapshot!(one(json!([0]), [0, 0], "F32"), @"Model: model.safetensors: header describes 0 bytes of tensors; the file has 8");
    assert_snapshot!(one(json!([1]), [0, 8], "I64"), @"Model: model.safetensors: tensor model.norm.weight has type I64");
    let range = |offsets: [u64; 2]| json!({ "dtype": "F32", "shape": [2], "data_offsets": offsets });
    let overlap = json!({ "a": range([0, 8]), "b": range([4, 12]) });
    assert_snapshot!(tensors(&with_header(&overlap.to_string(), &[0; 12])), @"Model: model.safetensors: header is not valid: invalid offset for tensor `b`");
    assert_snapshot!(one(json!([1, 1, 1, 1, 2]), [0, 8], "F32"), @"Model: model.safetensors: tensor model.norm.weight has 5 dimensions; the limit is 4");
    let long = json!({ "x".repeat(300): range([0, 8]) });
    assert_snapshot!(tensors(&with_header(&long.to_string(), &[0; 8])), @"Model: model.safetensors: has a tensor name of 300 bytes; the limit is 256");
}

#[test]
fn an_index_must_name_every_tensor_once_and_stay_inside_the_folder() {
    let spoiled =
        |change: &dyn Fn(&mut serde_json::Map<String, Value>)| folder_refusal(&sharded(|map| change(map)));
    let name = "model.norm.weight";
    assert_snapshot!(spoiled(&|map| { map.remove(name); }), @"Model: model-2.safetensors: tensor model.norm.weight is not where model.safetensors.index.json says");
    assert_snapshot!(spoiled(&|map| { map.insert("extra".into(), json!("model-1.safetensors")); }), @"Model: model-1.safetensors: tensor extra is missing");
    assert_snapshot!(spoiled(&|map| { map.insert(name.into(), json!("../model.safetensors")); }), @r#"Model: file name "../model.safetensors" leads out of the folder"#);
    assert_snapshot!(spoiled(&|map| { map.insert(name.into(), json!("/etc/passwd")); }), @r#"Model: file name "/etc/passwd" leads out of the folder"#);
    assert_snapshot!(spoiled(&|map| { map.insert(name.into(), json!("..")); }), @r#"Model: file name ".." leads out of the folder"#);
    assert_snapshot!(spoiled(&|map| { map.insert(name.into(), json!(7)); }), @"Model: model.safetensors.index.json: weight_map: model.norm.weight is 7, not a text");
    assert_snapshot!(spoiled(&|map| { map.insert(name.into(), json!("gone.safetensors")); }), @"Model: gone.safetensors: cannot be read: entity not found");
    let both = sharded(|_| ());
    fs::write(both.path().join("model.safetensors"), b"").unwrap();
    assert_snapshot!(folder_refusal(&both), @"Model: holds both model.safetensors and model.safetensors.index.json");
    assert_snapshot!(folder_refusal(&Files::tiny().write_json()), @"Model: holds neither model.safetensors nor model.safetensors.index.json");
}

#[test]
fn links_may_not_leave_the_folder_but_for_the_blobs_of_a_cache() {
    let files = Files::tiny();
    let (elsewhere, folder) = (files.write(), files.write_json());
    symlink(elsewhere.path().join("model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    assert_snapshot!(folder_refusal(&folder), @"Model: model.safetensors: is a link that leaves the folder");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::create_dir(folder.path().join("model.safetensors")).unwrap();
    assert_snapshot!(folder_refusal(&folder), @"Model: model.safetensors: is not a regular file");

    let cache = tempfile::tempdir().unwrap();
    let (snapshot, blobs) = (cache.path().join("snapshots/abc"), cache.path().join("blobs"));
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir(&blobs).unwrap();
    for entry in fs::read_dir(elsewhere.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), blobs.join(entry.file_name())).unwrap();
        symlink(format!("../../blobs/{}", entry.file_name().display()), snapshot.join(entry.file_name()))
            .unwrap();
    }
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let reply = ask(&mut engine, Request::Load(Load { model: snapshot, adapters: Vec::new() }));
    assert!(matches!(reply, Reply::Model(_)), "{reply:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_tensor_file_with_changed_bytes_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let files = Files::tiny();
        let few = files.tensors.into_iter().filter(|(name, _)| name.contains("norm")).collect();
        let mut bytes = safetensors(&few, "F32");
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(file) = TensorFile::read(on_disk(&bytes).reopen().unwrap()) {
            for name in file.names() {
                let _ = file.numbers(name);
            }
        }
    }
}
