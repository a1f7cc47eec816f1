//! Documents as questions to a model.
//!
//! A question is named after its document: its number, behind the task's name where there are several tasks, with `/` and the
//! repeat behind it where there are several, and `#unconditional` for choices without the question.

use crate::{
    engine::{
        backend::{Backend, Progress},
        kept::{keep_scores, keep_texts},
        openai::reach::Beyond,
        query::{GenerateQuery, Prompt, ScoreQuery},
    },
    error::Result,
    ids::Seed,
    model::ChatMessage,
    store::Store,
    tasks::{
        document::{Context, Document, Scores, Work},
        file::OutputType,
        set::TaskSet,
        task::Task,
    },
};

/// Where random numbers start, for texts at a temperature above 0.
const SEED: Seed = Seed(1234);

/// What the model answered to one document.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// Likelihoods of its continuations.
    Scores(Scores),
    /// A text for each repeat.
    Texts(Vec<String>),
}

/// What the model answers to every document of every task; names of questions begin with `scope`, and
/// `system` is deployed in front of every conversation. Raw text has no place for it.
///
/// # Errors
/// The engine or the store failed.
pub fn answers(
    set: &TaskSet,
    scope: &str,
    system: Option<&ChatMessage>,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<Vec<Answered>>> {
    let (total, mut before) = (set.documents(), 0);
    let mut all = Vec::with_capacity(set.tasks.len());
    for task in &set.tasks {
        let prefix = if set.tasks.len() == 1 { scope.to_owned() } else { format!("{scope}{}/", task.name) };
        let count = task.documents.len();
        let mut progress = |done: usize, of: usize| progress(before + done * count / of.max(1), total);
        all.push(match task.output {
            OutputType::GenerateUntil => texts(task, &prefix, system, backend, store, &mut progress)?,
            _ => scores(task, &prefix, system, backend, store, &mut progress)?,
        });
        before += count;
    }
    Ok(all)
}

/// Why one of the tasks asks for what is beyond the model, whatever its documents; see [`Backend::beyond`].
#[must_use]
pub fn beyond(set: &TaskSet, system: Option<&ChatMessage>, backend: &Backend) -> Option<Beyond> {
    let scored = set.tasks.iter().filter(|task| task.output != OutputType::GenerateUntil);
    scored.map(|task| score_queries(task, "", system)).find_map(|queries| backend.beyond(&queries))
}

/// The questions of one task whose answers are likelihoods.
fn score_queries(task: &Task, prefix: &str, system: Option<&ChatMessage>) -> Vec<ScoreQuery> {
    let unconditional = task.wants_unconditional();
    let mut queries = Vec::new();
    for document in &task.documents {
        let query = ScoreQuery {
            id: format!("{prefix}{}", document.id),
            context: match document.work {
                Work::Whole(_) => Prompt::Raw(String::new()),
                _ => prompt(document, system),
            },
            continuations: document.continuations(),
        };
        let without = unconditional.then(|| ScoreQuery {
            id: format!("{}#unconditional", query.id),
            context: Prompt::Raw(String::new()),
            continuations: query.continuations.clone(),
        });
        queries.push(query);
        queries.extend(without);
    }
    queries
}

fn scores(
    task: &Task,
    prefix: &str,
    system: Option<&ChatMessage>,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<Answered>> {
    let queries = score_queries(task, prefix, system);
    let answers = backend.score(&queries, Some(store), progress)?;
    let kept: Vec<_> = answers.iter().cloned().map(Ok).collect();
    keep_scores(store, backend, &queries, &kept)?;
    let each = if task.wants_unconditional() { 2 } else { 1 };
    let scores = answers.chunks(each).map(|chunk| {
        Answered::Scores(Scores {
            logprob: chunk[0].logprob.clone(),
            greedy: chunk[0].greedy.clone(),
            unconditional: chunk.get(1).map(|answer| answer.logprob.clone()).unwrap_or_default(),
        })
    });
    Ok(scores.collect())
}

fn texts(
    task: &Task,
    prefix: &str,
    system: Option<&ChatMessage>,
    backend: &mut Backend,
    store: &Store,
    progress: &mut Progress<'_>,
) -> Result<Vec<Answered>> {
    let generation = &task.generation;
    let mut queries = Vec::new();
    for document in &task.documents {
        for repeat in 0..generation.repeats {
            let id = format!("{prefix}{}", document.id);
            queries.push(GenerateQuery {
                id: if generation.repeats == 1 { id } else { format!("{id}/{repeat}") },
                prompt: prompt(document, system),
                max_tokens: generation.max_tokens,
                temperature: generation.temperature,
                seed: SEED,
                stop: generation.until.clone(),
            });
        }
    }
    let answers = backend.generate(&queries, Some(store), progress)?;
    let kept: Vec<_> = answers.iter().cloned().map(Ok).collect();
    keep_texts(store, backend, &queries, &kept)?;
    let texts = answers.chunks(generation.repeats as usize);
    Ok(texts.map(|chunk| Answered::Texts(chunk.iter().map(|answer| answer.text.clone()).collect())).collect())
}

/// The system prompt and a task's description are one message, the prompt first.
fn prompt(document: &Document, system: Option<&ChatMessage>) -> Prompt {
    let messages = match &document.context {
        Context::Text(text) => return Prompt::Raw(text.clone()),
        Context::Messages(messages) => messages,
    };
    let Some(system) = system else { return Prompt::Messages(messages.clone()) };
    let (own, rest) = match messages.split_first() {
        Some((first, rest)) if first.role == "system" => (Some(first), rest),
        _ => (None, messages.as_slice()),
    };
    let content =
        own.map_or_else(|| system.content.clone(), |own| format!("{}\n\n{}", system.content, own.content));
    let first = ChatMessage { role: system.role.clone(), content };
    Prompt::Messages(std::iter::once(first).chain(rest.iter().cloned()).collect())
}
