//! Whole texts that are longer than the model's window, on the real engine.

use serde_json::{Value, json};

use crate::support::{Project, tiny};

/// Tokens that the tiny model reads at once.
const WINDOW: usize = 128;

/// The tiny model again, with the same weights and a longer window.
fn write_longer(project: &Project) {
    let mut file = std::fs::read(project.path("tiny.gguf")).expect("written");
    let key = b"llama.context_length";
    let at = file.windows(key.len()).position(|bytes| bytes == key).expect("the key") + key.len();
    // Behind the key stand the type and the number.
    assert_eq!(file[at + 4..at + 8], 128_u32.to_le_bytes());
    file[at + 4..at + 8].copy_from_slice(&1024_u32.to_le_bytes());
    project.write("longer.gguf", file);
}

/// Log-likelihoods of continuations behind contexts.
fn scored(project: &Project, model: &str, pairs: &[(&str, &str)]) -> Vec<(f64, u64)> {
    let row = |(index, (context, text)): (usize, &(&str, &str))| {
        json!({ "id": format!("r{index}"), "context": context, "continuations": [text] }).to_string() + "\n"
    };
    project.write("in.jsonl", pairs.iter().enumerate().map(row).collect::<String>());
    project.realign(&["score", "--model", model, "--input", "in.jsonl", "--output", "out.jsonl"]).exits(0);
    let rows = project.read("out.jsonl");
    let number = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        (row["loglikelihood"][0].as_f64().expect("a number"), row["tokens"][0].as_u64().expect("a count"))
    };
    rows.lines().map(number).collect()
}

/// The tiny model has a token for each byte of this text.
#[test]
fn a_text_longer_than_the_window_is_scored_in_windows_and_a_shorter_one_in_one_pass() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    tiny::write(&project);
    write_longer(&project);
    let text: String = (0..300_u32)
        .map(|index| char::from(b'j' + u8::try_from(index * index % 13).expect("small")))
        .collect();
    let short = &text[..WINDOW - 1];
    let found = scored(&project, "tiny.gguf", &[("", &text), ("", short)]);
    // The pieces by themselves, on a model that reads them at once: 128 tokens, 128 behind one, and the last 44 behind 85.
    let last = 2 * WINDOW;
    let pieces = [
        ("", &text[..WINDOW]),
        (&text[WINDOW - 1..WINDOW], &text[WINDOW..last]),
        (&text[300 - WINDOW - 1..last], &text[last..]),
        ("", short),
        ("", text.as_str()),
    ];
    let parts = scored(&project, "longer.gguf", &pieces);
    let sum: f64 = parts[..3].iter().map(|(logprob, _)| logprob).sum();
    assert_eq!(found[0].1, 300, "every token once");
    assert!((found[0].0 - sum).abs() < 1e-3, "{} in windows, {sum} in pieces", found[0].0);
    assert!((found[1].0 - parts[3].0).abs() < 1e-4, "a text that fits: {} and {}", found[1].0, parts[3].0);
    assert!((parts[4].0 - sum).abs() > 1e-2, "windows forget what stood before: {} and {sum}", parts[4].0);
}
