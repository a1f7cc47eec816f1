//! What a system prompt alone costs in divergence, before anything is trained:
//! `REALIGN_MODEL=model.gguf cargo run --release --example prompt_divergence -- PROMPT.txt SCENARIOS.jsonl SPLIT`.
//!
//! The policy is the model behind the system prompt, the reference the same model without it. Responses of up to 64 tokens
//! are sampled from the policy at temperature 1; at each of their tokens the divergence is exact over the vocabulary, the
//! token that ends the turn included. Printed is the sum over tokens by the number of tokens, with a 95 % interval from the
//! spread between scenario families (linearised ratio).

#![expect(clippy::print_stdout, reason = "an example prints what it measured")]

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use realign_engine_abi::{
    ffi::Flow,
    message::{
        ChatMessage, EngineOptions, Finish, GenerateRow, Generated, Load, Reply, Request, TokenizeInput,
    },
    train::KlRow,
};
use realign_engine_mlx::{
    checkpoint::Checkpoint,
    engine::Engine,
    llama::attention::Kernels,
    train::{batch::Batch, head::divergences, pass::Frozen},
};
use serde_json::Value;

/// Responses that are sampled together.
const ROWS: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::var("REALIGN_MODEL").map_err(|_| "set REALIGN_MODEL to a GGUF file")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [prompt, scenarios, split] = &arguments[..] else {
        return Err("PROMPT.txt, SCENARIOS.jsonl and SPLIT are needed".into());
    };
    let system = ChatMessage { role: "system".into(), content: fs::read_to_string(prompt)?.trim().into() };
    let (mut families, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for line in fs::read_to_string(scenarios)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        if row["split"] != **split {
            continue;
        }
        let asked: Vec<ChatMessage> = serde_json::from_value(row["messages"].clone())?;
        families.push(row["family"].as_str().unwrap_or_default().to_owned());
        with.push(TokenizeInput::Chat([std::slice::from_ref(&system), &asked].concat()));
        without.push(TokenizeInput::Chat(asked));
    }
    let mut engine = Engine::new(&EngineOptions {})?;
    call(&mut engine, Request::Load(Load { model: model.clone().into(), adapters: Vec::new() }))?;
    let (with, without) = (tokens(&mut engine, with)?, tokens(&mut engine, without)?);
    let checkpoint = Checkpoint::open(Path::new(&model))?;
    let llama = checkpoint.load(&[], Kernels::Host, &mut |_, _| true)?;
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for first in (0..families.len()).step_by(ROWS) {
        let rows = first..families.len().min(first + ROWS);
        let texts = respond(&mut engine, &with[rows.clone()], first as u64)?;
        for (row, text) in rows.zip(texts) {
            let ended = text.finish == Finish::End;
            if text.tokens.is_empty() && !ended {
                continue;
            }
            let batch = |context: &[u32]| {
                let row = KlRow { context: context.to_vec(), response: text.tokens.clone(), ended };
                Batch::of_responses(&llama.config, &[row], checkpoint.tokenizer.end())
            };
            let (policy, reference) = (batch(&with[row])?, batch(&without[row])?);
            let states = |batch| Frozen::new(&llama, batch, 0)?.states(None);
            let head = llama.weights.head.array();
            let values = divergences(&states(&policy)?, &states(&reference)?, head, false)?.values;
            let sum = sums.entry(&families[row]).or_default();
            sum.0 += values.iter().map(|&value| f64::from(value)).sum::<f64>();
            sum.1 += values.len() as f64;
        }
        println!("{} of {} responses", families.len().min(first + ROWS), families.len());
    }
    report(&sums.into_values().collect::<Vec<_>>());
    Ok(())
}

/// The ratio of sums over families, and its spread.
fn report(families: &[(f64, f64)]) {
    let total = families.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (value, count) = (total.0 / total.1, families.len() as f64);
    let squares: f64 = families.iter().map(|(sum, tokens)| (sum - value * tokens).powi(2)).sum();
    let error = (count / (count - 1.0) * squares).sqrt() / total.1;
    println!(
        "{value:.4} nats/token, 95 % interval {:.4} to {:.4}, {} tokens, {count} families",
        value - 1.96 * error,
        value + 1.96 * error,
        total.1
    );
}

fn respond(engine: &mut Engine, prompts: &[Vec<u32>], first: u64) -> Result<Vec<Generated>, Box<dyn Error>> {
    let row = |(prompt, seed): (&Vec<u32>, u64)| GenerateRow {
        prompt: prompt.clone(),
        max_tokens: 64,
        temperature: 1.0,
        seed,
        stop: Vec::new(),
    };
    match call(engine, Request::Generate(prompts.iter().zip(first..).map(row).collect()))? {
        Reply::Texts(texts) => Ok(texts),
        other => Err(format!("{other:?}").into()),
    }
}

fn tokens(engine: &mut Engine, texts: Vec<TokenizeInput>) -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
    match call(engine, Request::Tokenize(texts))? {
        Reply::Tokens(tokens) => Ok(tokens.into_iter().map(|found| found.tokens).collect()),
        other => Err(format!("{other:?}").into()),
    }
}

fn call(engine: &mut Engine, request: Request) -> Result<Reply, Box<dyn Error>> {
    match engine.call(request, &mut |_| Flow::Continue) {
        Reply::Error(error) => Err(error.into()),
        reply => Ok(reply),
    }
}
