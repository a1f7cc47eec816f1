//! A model that is a file of answers by request id, for responses that were made elsewhere.
//!
//! JSON lines; blank lines are skipped and fields that are not named here are ignored, because such files come
//! from many tools:
//!
//! ```text
//! {"id": "...", "response": "...", "finish": "end" | "stop" | "length", "tokens": 12}
//! {"id": "...", "loglikelihood": [-1.5, -0.5], "greedy": [false, true], "tokens": [3, 2]}
//! ```
//!
//! `finish` is `end` and `tokens` of a response is 0 where they are not given. The same id may not appear twice.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::File,
    io::{BufRead, BufReader, ErrorKind},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    model_digest::file_digest,
    query::{GenerateAnswer, GenerateQuery, ScoreAnswer, ScoreQuery},
};
use crate::{
    error::{Error, Result},
    ids::Digest,
    model::Finish,
};

/// Answers by request id.
#[derive(Debug)]
pub struct RecordedModel {
    path: PathBuf,
    digest: Digest,
    answers: BTreeMap<String, Answer>,
}

#[derive(Debug)]
enum Answer {
    Text(GenerateAnswer),
    Scores(ScoreAnswer),
}

#[derive(Deserialize)]
struct Line {
    id: String,
    response: Option<String>,
    finish: Option<Finish>,
    loglikelihood: Option<Vec<f64>>,
    greedy: Option<Vec<bool>>,
    tokens: Option<Tokens>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tokens {
    Count(usize),
    Counts(Vec<usize>),
}

impl RecordedModel {
    /// A model that nobody asks: it has no answers.
    #[must_use]
    pub fn nobody() -> Self {
        Self { path: PathBuf::from("no model"), digest: Digest::of(b""), answers: BTreeMap::new() }
    }

    /// Whether it has no answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Reads a file of answers.
    ///
    /// # Errors
    /// The file cannot be read, a line is not one of the two forms, or an id appears twice; with the line.
    pub fn open(path: &Path) -> Result<Self> {
        let digest = file_digest(path)?;
        let file = File::open(path).map_err(|error| Error::unreadable(path, &error))?;
        let mut answers = BTreeMap::new();
        for (number, line) in (1..).zip(BufReader::new(file).lines()) {
            let place = || format!("{} line {number}", path.display());
            let line = line.map_err(|error| match error.kind() {
                ErrorKind::InvalidData => {
                    Error::bad_input("not UTF-8").within(place()).hint("save the file as UTF-8")
                }
                _ => Error::unreadable(path, &error),
            })?;
            if line.trim().is_empty() {
                continue;
            }
            let (id, answer) = read_line(&line).map_err(|error| error.within(place()))?;
            match answers.entry(id) {
                Entry::Vacant(entry) => {
                    entry.insert(answer);
                }
                Entry::Occupied(entry) => {
                    let message = format!("id {:?} appears a second time", entry.key());
                    return Err(Error::bad_input(message).within(place()).hint("keep one line per id"));
                }
            }
        }
        Ok(Self { path: path.to_owned(), digest, answers })
    }

    /// Digest of the file.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Name of the file, without its folder.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The recorded scores of a query.
    ///
    /// # Errors
    /// No scores are recorded under the id, or their number is not that of the continuations.
    pub fn score(&self, query: &ScoreQuery) -> Result<ScoreAnswer> {
        let Some(Answer::Scores(scores)) = self.answers.get(&query.id) else {
            return Err(self.missing("log-likelihoods", &query.id));
        };
        let (got, want) = (scores.logprob.len(), query.continuations.len());
        if got != want {
            let message = format!("id {:?} has {got} log-likelihoods for {want} continuations", query.id);
            return Err(Error::bad_input(message).within(self.path.display()));
        }
        Ok(scores.clone())
    }

    /// The recorded response to a query.
    ///
    /// # Errors
    /// No response is recorded under the id.
    pub fn generate(&self, query: &GenerateQuery) -> Result<GenerateAnswer> {
        match self.answers.get(&query.id) {
            Some(Answer::Text(text)) => Ok(text.clone()),
            _ => Err(self.missing("response", &query.id)),
        }
    }

    fn missing(&self, what: &str, id: &str) -> Error {
        Error::bad_input(format!("no {what} recorded for id {id:?} in {}", self.path.display()))
            .hint("record an answer for every request, or use the model itself")
    }
}

fn read_line(line: &str) -> Result<(String, Answer)> {
    let line: Line = serde_json::from_str(line)
        .map_err(|error| Error::bad_input(format!("not a recorded answer: {error}")).hint(FORMS))?;
    let answer = match (line.response, line.loglikelihood) {
        (Some(text), None) => Answer::Text(GenerateAnswer {
            text,
            tokens: match line.tokens {
                Some(Tokens::Count(count)) => count,
                Some(Tokens::Counts(_)) => return Err(wrong("tokens of a response is one number")),
                None => 0,
            },
            finish: line.finish.unwrap_or(Finish::End),
        }),
        (None, Some(logprob)) => Answer::Scores(read_scores(logprob, line.greedy, line.tokens)?),
        (Some(_), Some(_)) => return Err(wrong("has both response and loglikelihood")),
        (None, None) => return Err(wrong("has neither response nor loglikelihood")),
    };
    Ok((line.id, answer))
}

fn read_scores(logprob: Vec<f64>, greedy: Option<Vec<bool>>, tokens: Option<Tokens>) -> Result<ScoreAnswer> {
    let (Some(greedy), Some(Tokens::Counts(tokens))) = (greedy, tokens) else {
        return Err(wrong("loglikelihood needs the lists greedy and tokens beside it"));
    };
    if greedy.len() != logprob.len() || tokens.len() != logprob.len() {
        return Err(wrong("loglikelihood, greedy and tokens differ in length"));
    }
    if let Some(value) = logprob.iter().find(|&&value| value > 0.0) {
        return Err(wrong(&format!("loglikelihood {value} is above 0; it is a logarithm of a probability")));
    }
    Ok(ScoreAnswer { logprob, tokens, greedy })
}

const FORMS: &str =
    r#"a line is {"id","response"[,"finish","tokens"]} or {"id","loglikelihood","greedy","tokens"}"#;

fn wrong(message: &str) -> Error {
    Error::bad_input(message).hint(FORMS)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{engine::query::Prompt, exit::Exit, ids::Seed};

    fn file(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }

    /// The error of reading this file, with its name replaced.
    fn refusal(content: &str) -> String {
        let file = file(content);
        let error = RecordedModel::open(file.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        error.to_string().replace(&file.path().display().to_string(), "FILE")
    }

    fn prompt(id: &str) -> GenerateQuery {
        GenerateQuery {
            id: id.to_owned(),
            prompt: Prompt::Raw(String::new()),
            max_tokens: 1,
            temperature: 0.0,
            seed: Seed(0),
            stop: Vec::new(),
        }
    }

    #[test]
    fn answers_are_found_by_id() {
        let file = file(concat!(
            r#"{"id":"a","response":"hello","extra":1}"#,
            "\n\n",
            r#"{"id":"b","loglikelihood":[-1.5,-0.25],"greedy":[false,true],"tokens":[2,1]}"#,
        ));
        let model = RecordedModel::open(file.path()).unwrap();
        let text = GenerateAnswer { text: "hello".to_owned(), tokens: 0, finish: Finish::End };
        assert_eq!(model.generate(&prompt("a")).unwrap(), text);
        let mut query = ScoreQuery::whole_text("b", "x");
        assert!(
            model.score(&query).unwrap_err().to_string().contains("2 log-likelihoods for 1 continuations")
        );
        query.continuations.push("y".to_owned());
        assert_eq!(model.score(&query).unwrap().logprob, [-1.5, -0.25]);
    }

    #[test]
    fn an_id_without_an_answer_is_named_with_the_file() {
        let file = file(r#"{"id":"a","response":"hello"}"#);
        let model = RecordedModel::open(file.path()).unwrap();
        let error = model.generate(&prompt("b")).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        let text = error.to_string().replace(&file.path().display().to_string(), "FILE");
        insta::assert_snapshot!(text, @r#"no response recorded for id "b" in FILE"#);
        assert!(model.score(&ScoreQuery::whole_text("a", "x")).is_err());
    }

    #[test]
    fn files_that_cannot_be_used_are_refused_with_the_line() {
        insta::assert_snapshot!(refusal("{\"id\":\"a\",\"response\":\"\"}\n{\"id\":\"a\",\"response\":\"\"}"), @r#"FILE line 2: id "a" appears a second time"#);
        insta::assert_snapshot!(refusal(r#"{"id":"a"}"#), @"FILE line 1: has neither response nor loglikelihood");
        insta::assert_snapshot!(refusal(r#"{"id":"a","response":"x","finish":"bored"}"#), @"FILE line 1: not a recorded answer: unknown variant `bored`, expected one of `end`, `stop`, `length` at line 1 column 41");
        insta::assert_snapshot!(refusal(r#"{"id":"a","loglikelihood":[-1]}"#), @"FILE line 1: loglikelihood needs the lists greedy and tokens beside it");
        insta::assert_snapshot!(refusal(r#"{"id":"a","loglikelihood":[1.5],"greedy":[true],"tokens":[1]}"#), @"FILE line 1: loglikelihood 1.5 is above 0; it is a logarithm of a probability");
        insta::assert_snapshot!(refusal(r#"{"id":"a","loglikelihood":[-1],"greedy":[],"tokens":[1]}"#), @"FILE line 1: loglikelihood, greedy and tokens differ in length");
    }
}
