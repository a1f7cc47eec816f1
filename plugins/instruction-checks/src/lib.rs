//! Benchmark: does the response follow the verifiable instructions of its prompt?
//!
//! The prompt is one user message, answered greedily. Four metrics, as `IFEval` has them: the share of prompts all of whose
//! instructions are followed, and of instructions, each strictly and loosely. Loosely means that one of eight forms of the
//! response follows: without its first line, its last line, both or none, each as it is and without stars.

use realign_plugin::prelude::*;

mod checks;

use checks::Instruction;

/// Settings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstructionChecks {
    /// Most tokens of a response.
    #[serde(default = "most_tokens")]
    max_tokens: u32,
}

fn most_tokens() -> u32 {
    1024
}

/// One row, with the names of `IFEval`. Keys that are not listed are ignored.
#[derive(Deserialize)]
struct Data {
    group: Option<String>,
    prompt: String,
    instruction_id_list: Vec<String>,
    kwargs: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl Benchmark for InstructionChecks {
    type Config = Self;
    const ABOUT: About = about!(
        r#"{"type": "object", "additionalProperties": false, "properties": {
            "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1024}}}"#
    );
    const ASKS: &'static [&'static str] = &[Question::GENERATE];

    fn metrics() -> Vec<Metric> {
        let each = |name| Metric { aggregation: Aggregation::RatioOfSums, ..Metric::share(name) };
        vec![
            Metric::share("prompt-strict"),
            Metric::share("prompt-loose"),
            each("instruction-strict"),
            each("instruction-loose"),
        ]
    }

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        if !(1..=1024).contains(&config.max_tokens) {
            return Err(Failure::config(format!(
                "max_tokens is {}, allowed is 1 to 1024",
                config.max_tokens
            )));
        }
        Ok(config)
    }

    fn item(&self, row: &Row) -> Result<Item, Failure> {
        let Data { group, prompt, instruction_id_list: ids, kwargs } = row.read()?;
        let wrong = |what: String| Failure::data(format!("row {:?}: {what}", row.id));
        if prompt.trim().is_empty() {
            return Err(wrong("prompt is empty".into()));
        }
        if ids.is_empty() || ids.len() != kwargs.len() {
            return Err(wrong(format!("{} instructions with {} kwargs", ids.len(), kwargs.len())));
        }
        let mut instructions: Vec<Instruction> = Vec::new();
        for (id, mut kwargs) in ids.into_iter().zip(kwargs) {
            // Some copies of the data write every argument of every instruction, most of them null.
            kwargs.retain(|_, value| !value.is_null());
            let read = serde_json::from_value(serde_json::json!({ "id": id, "kwargs": kwargs }));
            instructions.push(read.map_err(|error| wrong(format!("{id}: {error}")))?);
        }
        Item::new(row, group, Prompt::user(prompt), &instructions)
    }

    fn questions(&self, item: &Item) -> Result<Vec<Question>, Failure> {
        Ok(vec![Question::greedy(item.prompt.clone(), self.max_tokens)])
    }

    fn grade(&self, item: &Item, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        let instructions: Vec<Instruction> = item.read()?;
        let response = answers.generate(0)?.text;
        let forms = forms(&response);
        let strict = instructions.iter().filter(|one| one.holds(&response)).count();
        let loose = instructions.iter().filter(|one| forms.iter().any(|form| one.holds(form))).count();
        let all = instructions.len();
        let (part, whole) = (|count: usize| count as f64, |count: usize| f64::from(count == all));
        let scored = Scored::value("prompt-strict", whole(strict));
        let scored = scored.and("prompt-loose", whole(loose), 1.0);
        let scored = scored.and("instruction-strict", part(strict), part(all));
        Ok(scored.and("instruction-loose", part(loose), part(all)).into())
    }
}

/// The eight forms of a response that count loosely.
fn forms(response: &str) -> Vec<String> {
    let lines: Vec<&str> = response.split('\n').collect();
    let without = |first: usize, last: usize| {
        let end = lines.len().saturating_sub(last);
        lines.get(first..end).unwrap_or_default().join("\n").trim().to_owned()
    };
    let plain = [response.to_owned(), without(1, 0), without(0, 1), without(1, 1)];
    plain.iter().cloned().chain(plain.iter().map(|form| form.replace('*', ""))).collect()
}

export_benchmark!(InstructionChecks);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::benchmark::<super::InstructionChecks>(include_str!("../cases.toml"))
    }
}
