use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use realign_engine_abi::message::ScoreRow;

use super::{
    super::testing::{PAUSE, POISON, launch, launch_faulty},
    *,
};
use crate::exit::Exit;

/// A folder with a file that the test worker loads as its model.
fn model() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    fs::write(&path, "test model").unwrap();
    (folder, path)
}

fn load(path: &Path) -> Load {
    Load { model: path.to_owned(), adapters: Vec::new() }
}

fn batch(token: u32) -> Request {
    Request::Score(vec![ScoreRow { context: vec![token], continuations: vec![vec![3]] }])
}

fn logprob(reply: &Reply) -> f64 {
    let Reply::Scores(rows) = reply else { panic!("not scores: {reply:?}") };
    rows[0][0].logprob
}

#[test]
fn replies_come_in_the_order_of_the_plan_with_any_number_of_workers() {
    let (_folder, path) = model();
    let batches: Vec<_> = (1..=9).map(batch).collect();
    for workers in [1, 3] {
        let mut pool = Pool::open(launch(), &load(&path), Some(workers)).unwrap();
        assert_eq!(pool.workers(), workers);
        let mut seen = Vec::new();
        let replies = pool
            .run(
                &batches,
                &mut |index, reply| {
                    seen.push((index, logprob(reply)));
                    Ok(())
                },
                &mut |_, _, _| {},
            )
            .unwrap();
        let values: Vec<_> = replies.iter().map(logprob).collect();
        assert_eq!(values, [-2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -9.0, -10.0]);
        seen.sort_by_key(|&(index, _)| index);
        assert_eq!(seen, values.into_iter().enumerate().collect::<Vec<_>>());
    }
}

#[test]
fn no_more_workers_are_started_than_are_used_and_the_number_can_grow_again() {
    let (_folder, path) = model();
    let batches: Vec<_> = (1..=9).map(batch).collect();
    let mut pool = Pool::open(launch(), &load(&path), Some(3)).unwrap();
    for (most, used) in [(0, 1), (2, 2), (9, 3)] {
        pool.use_at_most(most);
        let replies = pool.run(&batches, &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap();
        assert_eq!(replies.len(), 9);
        assert_eq!(pool.used, used);
        // A quick worker may leave nothing to start another one for.
        assert!(pool.places.iter().flatten().count() <= used);
    }
}

#[test]
fn a_worker_that_dies_once_is_replaced_and_its_batch_retried() {
    let (folder, path) = model();
    let mut pool = Pool::open(launch_faulty("kill-once", folder.path()), &load(&path), Some(1)).unwrap();
    let batches = [batch(1), batch(POISON), batch(2)];
    let first = pool.places[0].as_ref().unwrap().pid();
    let replies = pool.run(&batches, &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap();
    assert_ne!(pool.places[0].as_ref().unwrap().pid(), first, "the worker did not die");
    assert_eq!(replies.iter().map(logprob).collect::<Vec<_>>(), [-2.0, -667.0, -3.0]);
}

/// A launch whose workers count as dead after a second of silence.
fn impatient(fault: &str, folder: &Path) -> Launch {
    Launch { patience: Duration::from_secs(1), ..launch_faulty(fault, folder) }
}

#[test]
fn a_worker_that_is_stopped_in_a_batch_is_killed_and_its_batch_retried() {
    let (folder, path) = model();
    let mut pool = Pool::open(impatient("stop-once", folder.path()), &load(&path), Some(1)).unwrap();
    let first = pool.places[0].as_ref().unwrap().pid().unwrap();
    let batches = [batch(1), batch(POISON), batch(2)];
    let replies = pool.run(&batches, &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap();
    assert_eq!(replies.iter().map(logprob).collect::<Vec<_>>(), [-2.0, -667.0, -3.0]);
    let first = rustix::process::Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
    assert!(rustix::process::test_kill_process(first).is_err(), "the stopped worker is still there");
}

#[test]
fn a_batch_on_which_two_workers_hang_ends_the_run_and_loses_nothing_that_was_finished() {
    let (folder, path) = model();
    for (fault, said) in [("hang", "about to hang"), ("stop", "about to stop")] {
        let mut pool = Pool::open(impatient(fault, folder.path()), &load(&path), Some(1)).unwrap();
        let mut finished = Vec::new();
        let mut sink = |index, _: &Reply| {
            finished.push(index);
            Ok(())
        };
        let error = pool.run(&[batch(1), batch(POISON), batch(2)], &mut sink, &mut |_, _, _| {}).unwrap_err();
        assert_eq!((error.exit(), finished), (Exit::Engine, vec![0]));
        assert_eq!(
            error.to_string(),
            format!(
                "the engine worker died twice on batch 2 of 3: no sign of life for 1 s; it last said: {said}"
            )
        );
    }
}

#[test]
fn a_slow_worker_that_tells_of_its_progress_is_waited_for() {
    let (folder, path) = model();
    let launch = Launch { patience: 6 * PAUSE, ..launch_faulty("slow", folder.path()) };
    let mut pool = Pool::open(launch, &load(&path), Some(1)).unwrap();
    let mut told = Vec::new();
    let mut watch = |batch, done, total| told.push((batch, done, total));
    let replies = pool.run(&[batch(1)], &mut |_, _| Ok(()), &mut watch).unwrap();
    assert_eq!(replies.iter().map(logprob).collect::<Vec<_>>(), [-2.0]);
    assert_eq!(told.last(), Some(&(0, 9, 10)), "events of the batch do not reach who watches");
}

#[test]
fn a_worker_killed_from_outside_between_batches_is_replaced() {
    let (_folder, path) = model();
    let mut pool = Pool::open(launch(), &load(&path), Some(1)).unwrap();
    let pid = i32::try_from(pool.places[0].as_ref().unwrap().pid().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let replies = pool.run(&[batch(1)], &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap();
    assert_eq!(replies.iter().map(logprob).collect::<Vec<_>>(), [-2.0]);
}

#[test]
fn a_second_death_ends_the_run_and_loses_nothing_that_was_finished() {
    let (folder, path) = model();
    let mut pool = Pool::open(launch_faulty("kill", folder.path()), &load(&path), Some(1)).unwrap();
    let batches = [batch(1), batch(POISON), batch(2)];
    let mut finished = Vec::new();
    let error = pool
        .run(
            &batches,
            &mut |index, _| {
                finished.push(index);
                Ok(())
            },
            &mut |_, _, _| {},
        )
        .unwrap_err();
    assert_eq!(finished, [0]);
    assert_eq!(error.exit(), Exit::Engine);
    insta::assert_snapshot!(error, @"the engine worker died twice on batch 2 of 3: killed by signal 9 (kill; often out of memory); it last said: about to kill");
    // The pool itself is not broken by it.
    assert_eq!(pool.run(&[batch(2)], &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap().len(), 1);
}

#[test]
fn an_exit_status_is_named_like_a_signal_is() {
    let (folder, path) = model();
    let mut pool = Pool::open(launch_faulty("exit", folder.path()), &load(&path), Some(1)).unwrap();
    let error = pool.run(&[batch(POISON)], &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap_err();
    insta::assert_snapshot!(error, @"the engine worker died twice on batch 1 of 1: exit status 3; it last said: about to exit");
}

#[test]
fn an_engines_own_error_is_not_retried_and_is_bad_input_when_it_says_so() {
    let (folder, path) = model();
    let mut pool = Pool::open(launch_faulty("refuse", folder.path()), &load(&path), Some(1)).unwrap();
    let error = pool.run(&[batch(POISON)], &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap_err();
    assert_eq!((error.exit(), error.to_string().as_str()), (Exit::BadInput, "token 666 is out of range"));
}

#[test]
fn a_sink_that_fails_ends_the_run() {
    let (_folder, path) = model();
    let mut pool = Pool::open(launch(), &load(&path), Some(1)).unwrap();
    let mut seen = 0;
    let error = pool
        .run(
            &[batch(1), batch(2)],
            &mut |_, _| {
                seen += 1;
                Err(Error::new(Exit::Unwritable, format!("disk full after {seen}")))
            },
            &mut |_, _, _| {},
        )
        .unwrap_err();
    assert_eq!(error.exit(), Exit::Unwritable);
    assert_eq!(error.to_string(), "disk full after 1");
}

#[test]
fn a_model_that_changes_during_the_run_is_noticed_by_the_next_worker() {
    let (folder, path) = model();
    let mut pool = Pool::open(launch_faulty("kill-once", folder.path()), &load(&path), Some(1)).unwrap();
    fs::write(&path, "another model").unwrap();
    let error = pool.run(&[batch(POISON)], &mut |_, _| Ok(()), &mut |_, _, _| {}).unwrap_err();
    assert!(error.to_string().ends_with("changed during the run"), "{error}");
}

#[test]
fn a_model_that_the_engine_refuses_keeps_its_message_and_hint() {
    let error = Pool::open(launch(), &load(Path::new("/nowhere")), None).unwrap_err();
    assert_eq!(error.exit(), Exit::BadInput);
    insta::assert_snapshot!(error, @"cannot read the model: entity not found");
    assert_eq!(error.advice(), Some("name one that is there"));
}

#[test]
fn a_program_that_is_no_worker_is_refused_with_what_it_said() {
    let mut launch = launch();
    launch.arguments = vec!["--help".into()];
    let error = Pool::open(launch, &load(Path::new("/nowhere")), None).unwrap_err();
    assert_eq!(error.exit(), Exit::Engine);
    assert!(error.to_string().contains("exit status 0; it last said: "), "{error}");
}

#[test]
fn no_worker_outlives_its_pool() {
    let (_folder, path) = model();
    let pool = Pool::open(launch(), &load(&path), Some(1)).unwrap();
    let pid = i32::try_from(pool.places[0].as_ref().unwrap().pid().unwrap()).unwrap();
    drop(pool);
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    assert!(rustix::process::test_kill_process(pid).is_err());
}
