//! A tiny random Llama as a GGUF file, and short ways to ask an engine.

#![expect(clippy::cast_possible_truncation, reason = "sizes of the tiny model are small constants")]

pub(crate) mod adapters;
pub(crate) mod folders;

use std::{fs, io::Write as _};

use realign_engine_abi::{
    ffi::Flow,
    message::{EngineError, EngineOptions, GenerateRow, Generated, Load, Reply, Request, Score, ScoreRow},
};
use realign_engine_mlx::engine::Engine;
use tempfile::NamedTempFile;

pub(crate) const HIDDEN: u64 = 32;
pub(crate) const INNER: u64 = 64;
pub(crate) const HEADS: u64 = 4;
pub(crate) const KV_HEADS: u64 = 2;
pub(crate) const LAYERS: u64 = 2;
pub(crate) const CONTEXT: u32 = 96;
const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const MERGES: [(&str, &str); 4] = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n")];
pub(crate) const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\
                                   {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Ids of the tiny vocabulary.
pub(crate) const VOCABULARY: u32 = 3 + 256 + 4;
pub(crate) const IM_START: u32 = 1;
pub(crate) const IM_END: u32 = 2;

/// A typed metadata value in the bytes of the format.
#[derive(Debug, Clone)]
pub(crate) struct Value(Vec<u8>);

impl Value {
    pub(crate) fn u32(value: u32) -> Self {
        Self([&4_u32.to_le_bytes()[..], &value.to_le_bytes()].concat())
    }

    pub(crate) fn f32(value: f32) -> Self {
        Self([&6_u32.to_le_bytes()[..], &value.to_le_bytes()].concat())
    }

    pub(crate) fn text(value: &str) -> Self {
        Self([&8_u32.to_le_bytes()[..], &string(value)].concat())
    }

    fn list(element: u32, count: usize, body: &[u8]) -> Self {
        let head = [&9_u32.to_le_bytes()[..], &element.to_le_bytes(), &(count as u64).to_le_bytes()].concat();
        Self([&head[..], body].concat())
    }

    pub(crate) fn texts(values: &[String]) -> Self {
        Self::list(8, values.len(), &values.iter().flat_map(|value| string(value)).collect::<Vec<_>>())
    }

    pub(crate) fn i32s(values: &[i32]) -> Self {
        Self::list(5, values.len(), &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A tensor as it is written: dimensions fastest first.
#[derive(Debug, Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dimensions: Vec<u64>,
    pub(crate) kind: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A model file in the making.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) metadata: Vec<(String, Value)>,
    pub(crate) tensors: Vec<Tensor>,
}

impl File {
    /// A complete tiny model: `F32` embedding and norms, `Q4_1` and `Q8_0` projections.
    pub(crate) fn tiny() -> Self {
        let mut random = Random(7);
        let shared = HIDDEN / HEADS * KV_HEADS;
        let mut tensors = vec![random.tensor("token_embd.weight", &[HIDDEN, u64::from(VOCABULARY)], 0)];
        for layer in 0..LAYERS {
            for (part, dimensions, kind) in [
                ("attn_norm", vec![HIDDEN], 0),
                ("attn_q", vec![HIDDEN, HIDDEN], 3),
                ("attn_k", vec![HIDDEN, shared], 8),
                ("attn_v", vec![HIDDEN, shared], 3),
                ("attn_output", vec![HIDDEN, HIDDEN], 8),
                ("ffn_norm", vec![HIDDEN], 0),
                ("ffn_gate", vec![HIDDEN, INNER], 3),
                ("ffn_up", vec![HIDDEN, INNER], 8),
                ("ffn_down", vec![INNER, HIDDEN], 3),
            ] {
                tensors.push(random.tensor(&format!("blk.{layer}.{part}.weight"), &dimensions, kind));
            }
        }
        tensors.push(random.tensor("output_norm.weight", &[HIDDEN], 0));
        Self { metadata: metadata(), tensors }
    }

    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.metadata.retain(|(name, _)| name != key);
        self.metadata.push((key.into(), value));
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            out.extend(string(key));
            out.extend(&value.0);
        }
        let mut offset = 0_u64;
        for tensor in &self.tensors {
            out.extend(string(&tensor.name));
            out.extend((tensor.dimensions.len() as u32).to_le_bytes());
            tensor.dimensions.iter().for_each(|dimension| out.extend(dimension.to_le_bytes()));
            out.extend(tensor.kind.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset += (tensor.bytes.len() as u64).next_multiple_of(32);
        }
        for tensor in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(&tensor.bytes);
        }
        out
    }
}

fn token_texts() -> Vec<String> {
    let mut tokens: Vec<String> = SPECIAL.map(String::from).to_vec();
    tokens.extend((0..=255).map(|byte| byte_character(byte).to_string()));
    tokens.extend(MERGES.map(|(left, right)| format!("{left}{right}")));
    tokens
}

fn metadata() -> Vec<(String, Value)> {
    let tokens = token_texts();
    let types: Vec<i32> = (0..tokens.len()).map(|id| if id < SPECIAL.len() { 3 } else { 1 }).collect();
    let merges: Vec<String> = MERGES.map(|(left, right)| format!("{left} {right}")).to_vec();
    [
        ("general.architecture", Value::text("llama")),
        ("general.name", Value::text("tiny")),
        ("llama.block_count", Value::u32(LAYERS as u32)),
        ("llama.context_length", Value::u32(CONTEXT)),
        ("llama.embedding_length", Value::u32(HIDDEN as u32)),
        ("llama.feed_forward_length", Value::u32(INNER as u32)),
        ("llama.attention.head_count", Value::u32(HEADS as u32)),
        ("llama.attention.head_count_kv", Value::u32(KV_HEADS as u32)),
        ("llama.attention.layer_norm_rms_epsilon", Value::f32(1e-5)),
        ("llama.rope.freq_base", Value::f32(10_000.0)),
        ("llama.vocab_size", Value::u32(VOCABULARY)),
        ("tokenizer.ggml.model", Value::text("gpt2")),
        ("tokenizer.ggml.pre", Value::text("smollm")),
        ("tokenizer.ggml.tokens", Value::texts(&tokens)),
        ("tokenizer.ggml.token_type", Value::i32s(&types)),
        ("tokenizer.ggml.merges", Value::texts(&merges)),
        ("tokenizer.ggml.bos_token_id", Value::u32(IM_START)),
        ("tokenizer.ggml.eos_token_id", Value::u32(IM_END)),
        ("tokenizer.chat_template", Value::text(TEMPLATE)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// The printable character of a byte in byte-level BPE.
fn byte_character(byte: u8) -> char {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if prints(byte) {
        return char::from(byte);
    }
    let place = (0..byte).filter(|&other| !prints(other)).count();
    char::from_u32(256 + place as u32).unwrap()
}

/// A small linear congruential generator: the same file on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A float from -0.5 to 0.5.
    fn float(&mut self) -> f32 {
        self.next() as f32 / (1_u64 << 31) as f32 - 0.5
    }

    fn tensor(&mut self, name: &str, dimensions: &[u64], kind: u32) -> Tensor {
        let size: u64 = dimensions.iter().product();
        let norm = dimensions.len() == 1;
        let scale = |number: f32| half::f16::from_f32(number).to_le_bytes();
        let mut bytes = Vec::new();
        for _ in 0..(if kind == 0 { size } else { size / 32 }) {
            match kind {
                0 if norm => bytes.extend((1.0 + 0.4 * self.float()).to_le_bytes()),
                0 => bytes.extend((2.0 * self.float()).to_le_bytes()),
                3 => {
                    bytes.extend(scale(0.06));
                    bytes.extend(scale(-0.45));
                    bytes.extend((0..16).map(|_| self.next() as u8));
                }
                8 => {
                    bytes.extend(scale(0.004));
                    bytes.extend((0..32).map(|_| self.next() as u8));
                }
                other => panic!("no tensors of type {other} are made"),
            }
        }
        Tensor { name: name.into(), dimensions: dimensions.to_vec(), kind, bytes }
    }
}

/// Tokens that look random but are the same every time.
pub(crate) fn tokens(seed: u64, count: usize) -> Vec<u32> {
    let mut random = Random(seed);
    (0..count).map(|_| 3 + (random.next() % u64::from(VOCABULARY - 3)) as u32).collect()
}

/// Writes bytes to a file that is gone when the value is.
pub(crate) fn on_disk(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file.flush().unwrap();
    file
}

/// An engine with the tiny model.
pub(crate) fn tiny() -> Engine {
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let reply = load(&mut engine, &File::tiny().bytes());
    assert!(matches!(reply, Reply::Model(_)), "{reply:?}");
    engine
}

/// Asks an engine to load these bytes.
pub(crate) fn load(engine: &mut Engine, bytes: &[u8]) -> Reply {
    let file = on_disk(bytes);
    ask(engine, Request::Load(Load { model: file.path().to_owned(), adapters: Vec::new() }))
}

/// Why these bytes are not a model; the path of the file is taken out of the message.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let file = on_disk(bytes);
    let error = failure(ask(
        &mut engine,
        Request::Load(Load { model: file.path().to_owned(), adapters: Vec::new() }),
    ));
    fs::metadata(file.path()).unwrap();
    let message = error.message.strip_prefix(&format!("{}: ", file.path().display()));
    format!("{:?}: {}", error.kind, message.expect("the message starts with the path"))
}

pub(crate) fn ask(engine: &mut Engine, request: Request) -> Reply {
    engine.call(request, &mut |_| Flow::Continue)
}

pub(crate) fn failure(reply: Reply) -> EngineError {
    match reply {
        Reply::Error(error) => error,
        other => panic!("expected an error, not {other:?}"),
    }
}

pub(crate) fn score(engine: &mut Engine, rows: &[ScoreRow]) -> Vec<Vec<Score>> {
    match ask(engine, Request::Score(rows.to_vec())) {
        Reply::Scores(scores) => scores,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn generate(engine: &mut Engine, rows: &[GenerateRow]) -> Vec<Generated> {
    match ask(engine, Request::Generate(rows.to_vec())) {
        Reply::Texts(texts) => texts,
        other => panic!("{other:?}"),
    }
}
