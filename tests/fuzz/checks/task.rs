//! Any bytes as an lm-eval task file over a small file of data.

use std::fs;

use realign::tasks::lm_eval::Task;

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
        Task::read(path)
    });
    match read {
        Ok(task) => {
            for document in &task.documents {
                assert!(document.target < document.choices.len(), "{document:?}");
                let likelihoods = vec![-1.0; document.choices.len()];
                for metric in &task.metrics {
                    assert!((0.0..=1.0).contains(&document.value(metric, &likelihoods)));
                }
            }
        }
        Err(error) => file::one_line(&error),
    }
}
