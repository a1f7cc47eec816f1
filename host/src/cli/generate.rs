//! `generate`: responses to prompts, file to file.

use serde::{Deserialize, Serialize};

use super::{args, model, terminal};
use crate::{
    engine::query::{GenerateQuery, Prompt},
    error::{Error, Result},
    exit::Exit,
    ids::Seed,
    model::{ChatMessage, Finish},
    read,
    settings::Settings,
    store::Store,
    write::Output,
};

/// Who can say something in a conversation.
const ROLES: [&str; 3] = ["system", "user", "assistant"];

/// One line of input: a raw prompt or messages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    prompt: Option<String>,
    messages: Option<Vec<ChatMessage>>,
}

/// One line of output.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    id: &'a str,
    response: &'a str,
    tokens: usize,
    finish: Finish,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    output: &'a std::path::Path,
    rows: usize,
    tokens: usize,
}

/// Reads, generates, writes.
pub(super) fn run(settings: &Settings, arguments: &args::Generate) -> Result<Exit> {
    if !(arguments.temperature.is_finite() && arguments.temperature >= 0.0) {
        return Err(Error::usage(format!("--temperature: {}, it must be 0 or more", arguments.temperature)));
    }
    if arguments.max_tokens == 0 {
        return Err(Error::usage("--max-tokens: 0, at least 1 is needed"));
    }
    let lines: Vec<Line> = read::jsonl(&arguments.input)?;
    read::unique_ids(&arguments.input, lines.iter().map(|line| line.id.as_str()))?;
    let mut queries = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        let prompt = prompt(line.prompt, line.messages)
            .map_err(|error| error.within(format!("{} line {}", arguments.input.display(), index + 1)))?;
        queries.push(GenerateQuery {
            id: line.id,
            prompt,
            max_tokens: arguments.max_tokens,
            temperature: arguments.temperature,
            seed: Seed(arguments.seed),
            stop: arguments.stop.clone(),
        });
    }

    let output = Output::create(&arguments.output)?;
    let store = Store::open(&settings.store)?;
    let mut backend = model::open(settings, &arguments.model.model)?;
    let bar = terminal::bar("generating");
    let answers =
        backend.generate(&queries, Some(&store), &mut |done, total| terminal::advance(&bar, done, total))?;
    bar.finish_and_clear();

    let mut bytes = Vec::new();
    for (query, answer) in queries.iter().zip(&answers) {
        let line =
            Answered { id: &query.id, response: &answer.text, tokens: answer.tokens, finish: answer.finish };
        super::push_json_line(&mut bytes, &line);
    }
    output.commit(&bytes)?;

    let tokens = answers.iter().map(|answer| answer.tokens).sum();
    if settings.json {
        terminal::print_json(&Summary { output: &arguments.output, rows: queries.len(), tokens })?;
    } else {
        terminal::note(&format!(
            "{}: {} responses, {tokens} tokens",
            arguments.output.display(),
            queries.len()
        ));
    }
    Ok(Exit::Done)
}

/// What one line asks for.
fn prompt(raw: Option<String>, messages: Option<Vec<ChatMessage>>) -> Result<Prompt> {
    match (raw, messages) {
        (Some(text), None) => Ok(Prompt::Raw(text)),
        (None, Some(messages)) if messages.is_empty() => {
            Err(Error::bad_input("messages: empty").hint("give at least one message"))
        }
        (None, Some(messages)) => {
            for (index, ChatMessage { role, .. }) in messages.iter().enumerate() {
                if !ROLES.contains(&role.as_str()) {
                    let known = ROLES.join(", ");
                    return Err(Error::bad_input(format!(
                        "messages[{index}].role: `{role}` is none of {known}"
                    )));
                }
            }
            Ok(Prompt::Messages(messages))
        }
        _ => Err(Error::bad_input("one of `prompt` and `messages` is needed, not both")),
    }
}
