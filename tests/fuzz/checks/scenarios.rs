//! Any bytes as rows of data: scenarios, texts of a voice, neutral tasks, rows of a benchmark.

use std::collections::BTreeSet;

use realign::{
    persona::{neutral, scenarios, texts},
    suite::load,
};

use super::file;

/// What is read keeps its promises; a refusal is one line.
pub(crate) fn check(bytes: &[u8]) {
    let kinds = ["plain".to_owned(), "pressure".to_owned()];
    file::with("rows.jsonl", bytes, |path| {
        match scenarios::read(path, &kinds) {
            Ok(rows) => {
                let families: BTreeSet<&str> = rows.iter().map(|row| row.family.as_str()).collect();
                assert_eq!(rows.len(), families.len() * kinds.len(), "every family tells every kind once");
                assert!(rows.iter().all(|row| row.messages.last().is_some_and(|last| last.role == "user")));
            }
            Err(error) => file::one_line(&error),
        }
        let refusals = [texts::read(path).err(), neutral::read(path).err(), load::read_rows(path).err()];
        refusals.iter().flatten().for_each(file::one_line);
    });
}
