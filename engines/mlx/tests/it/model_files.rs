//! Model files are untrusted: damaged ones are refused with the thing named, and none makes the engine panic.

use insta::assert_snapshot;
use proptest::prelude::*;
use realign_engine_abi::message::{EngineOptions, Reply};
use realign_engine_mlx::{engine::Engine, gguf::header::Header};

use crate::support::{File, Value, load, refusal};

fn changed(change: impl FnOnce(&mut File)) -> String {
    let mut file = File::tiny();
    change(&mut file);
    refusal(&file.bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_header_with_changed_bytes_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = File::tiny().bytes();
        for (at, value) in changes {
            // The header is the first part; the rest of the file is numbers, of which any are as good.
            let at = at.index(8000);
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = Header::read(bytes.as_slice(), bytes.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_engine_given_a_changed_file_loads_it_or_says_why_not(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut engine = Engine::new(&EngineOptions {}).unwrap();
        let mut bytes = File::tiny().bytes();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let reply = load(&mut engine, &bytes);
        prop_assert!(matches!(reply, Reply::Model(_) | Reply::Error(_)), "{:?}", reply);
    }
}

#[test]
fn a_file_that_is_not_gguf_is_refused() {
    assert_snapshot!(refusal(b"PK\x03\x04 not a model"), @"Model: starts with [50, 4b, 03, 04], not with GGUF");
    assert_snapshot!(refusal(b""), @"Model: ends or fails at byte 0: unexpected end of file");
    assert_snapshot!(refusal(b"GGUF\x01\0\0\0"), @"Model: gguf version 1 is not supported");
}

#[test]
fn counts_that_the_file_cannot_hold_are_refused_before_anything_is_reserved() {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend([0xff; 16]);
    assert_snapshot!(refusal(&bytes), @"Model: claims 18446744073709551615 tensors; the limit is 65536");
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend([0xff; 8]);
    assert_snapshot!(refusal(&bytes), @"Model: key 0: claims a text of 18446744073709551615 bytes; the file cannot hold it");
}

#[test]
fn a_file_that_was_cut_short_names_the_tensor_that_is_not_there() {
    let bytes = File::tiny().bytes();
    assert_snapshot!(refusal(&bytes[..bytes.len() - 64]), @"Model: tensor output_norm.weight: 128 bytes at 48832 do not fit into the 48896 bytes of the data section");
}

#[test]
fn tensors_must_be_those_of_the_architecture() {
    assert_snapshot!(changed(|file| { file.tensors.pop(); }), @"Model: tensor output_norm.weight is missing");
    assert_snapshot!(changed(|file| file.tensors[3].name = "blk.0.attn_q.bias".into()), @"Model: tensor blk.0.attn_k.weight is missing");
    assert_snapshot!(changed(|file| file.tensors[2].dimensions = vec![64, 16]), @"Model: tensor blk.0.attn_q.weight has shape [16, 64], not [32, 32]");
    assert_snapshot!(changed(|file| file.tensors[2].kind = 7), @"Model: tensor blk.0.attn_q.weight: type 7 is not supported");
    assert_snapshot!(changed(|file| file.tensors[2].dimensions = vec![31, 32]), @"Model: tensor blk.0.attn_q.weight: rows of [31, 32] do not fill blocks of 32");
    assert_snapshot!(changed(|file| file.tensors[1].bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes())), @"Model: tensor blk.0.attn_norm.weight holds NaN at 0");
    assert_snapshot!(
        changed(|file| {
            let mut extra = file.tensors[1].clone();
            extra.name = "rope_freqs.weight".into();
            file.tensors.push(extra);
        }),
        @"Model: tensor rope_freqs.weight is not part of the llama architecture"
    );
    assert_snapshot!(changed(|file| file.tensors.push(file.tensors[1].clone())), @"Model: tensor blk.0.attn_norm.weight comes twice");
}

#[test]
fn a_shape_that_does_not_add_up_is_refused() {
    assert_snapshot!(changed(|file| file.set("general.architecture", Value::text("mamba"))), @r#"Model: general.architecture is "mamba""#);
    assert_snapshot!(changed(|file| file.set("llama.attention.head_count", Value::u32(5))), @"Model: llama.embedding_length 32 does not divide into 5 heads of an even width up to 512");
    assert_snapshot!(changed(|file| file.set("llama.attention.head_count_kv", Value::u32(3))), @"Model: llama.attention.head_count 4 is not a multiple of head_count_kv 3");
    assert_snapshot!(changed(|file| file.set("llama.attention.head_count", Value::u32(0))), @"Model: llama.attention.head_count is 0, not a number from 1 to 1024");
    assert_snapshot!(changed(|file| file.set("llama.vocab_size", Value::u32(7))), @"Model: llama.vocab_size is 7, the rest of the file says 263");
    assert_snapshot!(changed(|file| file.set("llama.rope.scaling.type", Value::text("yarn"))), @"Model: key llama.rope.scaling.type is not supported");
    assert_snapshot!(changed(|file| file.set("llama.rope.freq_base", Value::f32(f32::INFINITY))), @"Model: llama.rope.freq_base is inf, not a number in 1.0..=1000000000.0");
    assert_snapshot!(changed(|file| file.set("general.alignment", Value::u32(33))), @"Model: general.alignment is 33, not a power of two from 8 to 65536");
}

#[test]
fn a_tokenizer_of_another_family_is_refused() {
    assert_snapshot!(changed(|file| file.set("tokenizer.ggml.pre", Value::text("llama-bpe"))), @r#"Model: tokenizer.ggml.pre is "llama-bpe", not "smollm""#);
    assert_snapshot!(changed(|file| file.set("tokenizer.ggml.merges", Value::texts(&["no-space".into()]))), @r#"Model: tokenizer.ggml.merges[0] is "no-space", not two tokens with a space between"#);
    assert_snapshot!(changed(|file| file.set("tokenizer.ggml.merges", Value::texts(&["zz q".into()]))), @"Model: the tokenizer's tables do not fit together: Token `zz` out of vocabulary");
    assert_snapshot!(changed(|file| file.set("tokenizer.ggml.token_type", Value::i32s(&[1, 1]))), @"Model: tokenizer.ggml.token_type has 2 entries for 263 tokens");
    assert_snapshot!(changed(|file| file.set("tokenizer.ggml.eos_token_id", Value::u32(900))), @"Model: tokenizer.ggml.eos_token_id is 900, not an id below 263");
    assert_snapshot!(changed(|file| file.set("tokenizer.chat_template", Value::text("{% if %}"))), @"Model: chat template: does not compile: syntax error: unexpected end of block (in chat:1)");
}
