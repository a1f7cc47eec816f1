//! `score`: log-likelihoods of continuations, file to file.

use serde::{Deserialize, Serialize};

use super::{args, model, terminal};
use crate::{
    engine::query::{Prompt, ScoreQuery},
    error::{Error, Result},
    exit::Exit,
    read,
    settings::Settings,
    store::Store,
    write::Output,
};

/// One line of input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    context: String,
    continuations: Vec<String>,
}

/// One line of output.
#[derive(Debug, Serialize)]
struct Scored<'a> {
    id: &'a str,
    loglikelihood: &'a [f64],
    tokens: &'a [usize],
    greedy: &'a [bool],
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    output: &'a std::path::Path,
    rows: usize,
    continuations: usize,
}

/// Reads, scores, writes.
pub(super) fn run(settings: &Settings, arguments: &args::Score) -> Result<Exit> {
    let lines: Vec<Line> = read::jsonl(&arguments.input)?;
    read::unique_ids(&arguments.input, lines.iter().map(|line| line.id.as_str()))?;
    let mut queries = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        if line.continuations.is_empty() || line.continuations.iter().any(String::is_empty) {
            let place = format!("{} line {}", arguments.input.display(), index + 1);
            return Err(Error::bad_input(format!("{place}: continuations: empty"))
                .hint("give at least one, each with text"));
        }
        let Line { id, context, continuations } = line;
        queries.push(ScoreQuery { id, context: Prompt::Raw(context), continuations });
    }

    let output = Output::create(&arguments.output)?;
    let store = Store::open(&settings.store)?;
    let mut backend = model::open(settings, &arguments.model.model)?;
    let bar = terminal::bar("scoring");
    let answers =
        backend.score(&queries, Some(&store), &mut |done, total| terminal::advance(&bar, done, total))?;
    bar.finish_and_clear();

    let mut bytes = Vec::new();
    for (query, answer) in queries.iter().zip(&answers) {
        let line = Scored {
            id: &query.id,
            loglikelihood: &answer.logprob,
            tokens: &answer.tokens,
            greedy: &answer.greedy,
        };
        super::push_json_line(&mut bytes, &line);
    }
    output.commit(&bytes)?;

    let continuations = answers.iter().map(|answer| answer.logprob.len()).sum();
    if settings.json {
        terminal::print_json(&Summary { output: &arguments.output, rows: queries.len(), continuations })?;
    } else {
        terminal::note(&format!(
            "{}: {} rows, {continuations} continuations",
            arguments.output.display(),
            queries.len()
        ));
    }
    Ok(Exit::Done)
}
