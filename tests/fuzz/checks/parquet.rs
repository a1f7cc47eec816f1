//! Any bytes as the Parquet file of a task.

use std::fs;

use realign::tasks::{set::TaskSet, task::Options};

use super::file;

/// A task that needs little of its rows, so that damaged ones are used too.
const TASK: &str = concat!(
    "task: made\ndataset_path: parquet\ndataset_kwargs: {data_files: {test: rows.parquet}}\n",
    "test_split: test\noutput_type: loglikelihood_rolling\ndoc_to_text: \"\"\ndoc_to_target: \"{{question}}\"\n",
);

/// A file is read or refused in one line, in the memory that the limits allow.
pub(crate) fn check(bytes: &[u8]) {
    let read = file::with("rows.parquet", bytes, |path| {
        let task = path.with_file_name("task.yaml");
        fs::write(&task, TASK).expect("the temporary folder can be written to");
        TaskSet::read(&task, &Options::default())
    });
    if let Err(error) = read {
        file::one_line(&error);
    }
}
