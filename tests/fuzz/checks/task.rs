//! Any bytes as an lm-eval task file over a small file of data.

use std::fs;

use realign::tasks::{
    document::{Reply, Scores, Work},
    set::TaskSet,
    task::Options,
};

use super::file;

/// The data that a task may name.
const ROWS: &str = concat!(
    r#"{"question":"How late is it?","choices":["late","early"],"answer":0}"#,
    "\n",
    r#"{"question":"What's \"up\"?","choices":["é","<b>"],"answer":1}"#,
    "\n",
);

/// Every document that is read can be asked; a refusal is one line.
pub(crate) fn check(bytes: &[u8]) {
    let read = file::with("task.yaml", bytes, |path| {
        fs::write(path.with_file_name("rows.jsonl"), ROWS).expect("the temporary folder can be written to");
        TaskSet::read(path, &Options::default())
    });
    match read {
        Ok(set) => {
            for task in &set.tasks {
                for document in &task.documents {
                    let texts = document.continuations().len();
                    let scores = Scores {
                        logprob: vec![-1.0; texts],
                        greedy: vec![true; texts],
                        unconditional: vec![-2.0; texts],
                    };
                    let reply = match &document.work {
                        Work::Text { .. } => Reply::Text("late"),
                        Work::Choices { choices, right, .. } => {
                            assert!(right.iter().all(|place| *place < choices.len()), "{document:?}");
                            Reply::Scores(&scores)
                        }
                        Work::Continuation(_) | Work::Whole(_) => Reply::Scores(&scores),
                    };
                    for metric in &task.metrics {
                        if let Ok(part) = metric.part(document, &reply) {
                            assert!(part.numerator >= 0.0 && part.denominator >= 0.0, "{part:?}");
                        }
                    }
                }
            }
        }
        Err(error) => file::one_line(&error),
    }
}
