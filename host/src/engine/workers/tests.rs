use std::fs;

use super::*;
use crate::{
    engine::{query::Prompt, testing::launch},
    ids::Seed,
};

#[test]
fn advice_sets_the_number_of_workers_for_each_task_and_never_more_than_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    fs::write(&model, "test model").unwrap();
    let mut workers = WorkerBackend::open(&Load { model, adapters: Vec::new() }, launch(), Some(3)).unwrap();
    let score = [ScoreQuery::whole_text("a", "text")];
    let generate = [GenerateQuery {
        id: "a".into(),
        prompt: Prompt::Raw("text".into()),
        max_tokens: 3,
        temperature: 0.0,
        seed: Seed(0),
        stop: Vec::new(),
    }];
    let used = |workers: &mut WorkerBackend| {
        workers.score(&score, None, &mut |_, _| {}).unwrap();
        let scoring = workers.pool.used();
        workers.generate(&generate, None, &mut |_, _| {}).unwrap();
        (scoring, workers.pool.used())
    };
    assert_eq!(used(&mut workers), (3, 3));
    workers.advise(1, 2);
    assert_eq!(used(&mut workers), (1, 2));
    workers.advise(9, 0);
    assert_eq!(used(&mut workers), (3, 1));
}
