//! A tiny random Llama as a GGUF file in F32: enough for the real engine to train on within a second.

use super::Project;

const HIDDEN: usize = 32;
const INNER: usize = 64;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const LAYERS: usize = 2;
const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const MERGES: [(&str, &str); 2] = [("h", "e"), ("i", "n")];
const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Writes the model as `tiny.gguf`.
pub(crate) fn write(project: &Project) {
    let vocabulary = SPECIAL.len() + 256 + MERGES.len();
    let shared = HIDDEN / HEADS * KV_HEADS;
    let mut tensors = vec![("token_embd.weight".to_owned(), vec![HIDDEN, vocabulary])];
    for layer in 0..LAYERS {
        let parts = [
            ("attn_norm", vec![HIDDEN]),
            ("attn_q", vec![HIDDEN, HIDDEN]),
            ("attn_k", vec![HIDDEN, shared]),
            ("attn_v", vec![HIDDEN, shared]),
            ("attn_output", vec![HIDDEN, HIDDEN]),
            ("ffn_norm", vec![HIDDEN]),
            ("ffn_gate", vec![HIDDEN, INNER]),
            ("ffn_up", vec![HIDDEN, INNER]),
            ("ffn_down", vec![INNER, HIDDEN]),
        ];
        tensors.extend(parts.map(|(part, shape)| (format!("blk.{layer}.{part}.weight"), shape)));
    }
    tensors.push(("output_norm.weight".to_owned(), vec![HIDDEN]));
    let metadata = metadata();
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        out.extend([string(key), value].concat());
    }
    let mut offset = 0_u64;
    for (name, shape) in &tensors {
        out.extend(string(name));
        out.extend(u32(shape.len()));
        out.extend(shape.iter().flat_map(|size| (*size as u64).to_le_bytes()));
        out.extend(u32(0));
        out.extend(offset.to_le_bytes());
        offset += (4 * shape.iter().product::<usize>() as u64).next_multiple_of(32);
    }
    let mut random = Random(7);
    for (_, shape) in &tensors {
        out.resize(out.len().next_multiple_of(32), 0);
        for _ in 0..shape.iter().product() {
            let value = if shape.len() == 1 { 1.0 + 0.4 * random.float() } else { 0.5 * random.float() };
            out.extend(value.to_le_bytes());
        }
    }
    project.write("tiny.gguf", out);
}

fn metadata() -> Vec<(&'static str, Vec<u8>)> {
    let mut tokens: Vec<String> = SPECIAL.map(String::from).to_vec();
    tokens.extend((0..=255).map(|byte| byte_character(byte).to_string()));
    tokens.extend(MERGES.map(|(left, right)| format!("{left}{right}")));
    let types: Vec<u8> =
        (0..tokens.len()).flat_map(|id| u32(if id < SPECIAL.len() { 3 } else { 1 })).collect();
    let merges: Vec<String> = MERGES.map(|(left, right)| format!("{left} {right}")).to_vec();
    let number = |value: usize| [u32(4), u32(value)].concat();
    let float = |value: f32| [u32(6), value.to_le_bytes().to_vec()].concat();
    let text = |value: &str| [u32(8), string(value)].concat();
    let list = |element: usize, count: usize, body: Vec<u8>| {
        [u32(9), u32(element), (count as u64).to_le_bytes().to_vec(), body].concat()
    };
    let texts =
        |values: &[String]| list(8, values.len(), values.iter().flat_map(|text| string(text)).collect());
    vec![
        ("general.architecture", text("llama")),
        ("general.name", text("tiny")),
        ("llama.block_count", number(LAYERS)),
        ("llama.context_length", number(128)),
        ("llama.embedding_length", number(HIDDEN)),
        ("llama.feed_forward_length", number(INNER)),
        ("llama.attention.head_count", number(HEADS)),
        ("llama.attention.head_count_kv", number(KV_HEADS)),
        ("llama.attention.layer_norm_rms_epsilon", float(1e-5)),
        ("llama.rope.freq_base", float(10_000.0)),
        ("llama.vocab_size", number(tokens.len())),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("smollm")),
        ("tokenizer.ggml.tokens", texts(&tokens)),
        ("tokenizer.ggml.token_type", list(5, tokens.len(), types)),
        ("tokenizer.ggml.merges", texts(&merges)),
        ("tokenizer.ggml.bos_token_id", number(1)),
        ("tokenizer.ggml.eos_token_id", number(2)),
        ("tokenizer.chat_template", text(TEMPLATE)),
    ]
}

fn u32(value: usize) -> Vec<u8> {
    u32::try_from(value).expect("sizes are small").to_le_bytes().to_vec()
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

/// The printable character of a byte in byte-level BPE.
fn byte_character(byte: u8) -> char {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if prints(byte) {
        return char::from(byte);
    }
    let place = (0..byte).filter(|&other| !prints(other)).count();
    char::from_u32(256 + u32::try_from(place).expect("a byte")).expect("a character")
}

/// A small linear congruential generator: the same file on every machine.
struct Random(u64);

impl Random {
    /// A float from -0.5 to 0.5.
    #[expect(clippy::cast_possible_truncation, reason = "31 bits scaled into the unit interval")]
    fn float(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64 / f64::from(1_u32 << 31) - 0.5) as f32
    }
}
