use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

use realign_engine_abi::message::ScoreRow;

use super::{
    super::{
        interrupt::Interrupt,
        testing::{POISON, launch, launch_faulty},
    },
    *,
};

fn score(token: u32) -> Request {
    Request::Score(vec![ScoreRow { context: vec![token], continuations: vec![vec![3]] }])
}

/// Two workers of which the one that is given poison fails.
fn pair(launch: &Launch) -> Group {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    fs::write(&model, "test model").unwrap();
    Group::start(launch, &Load { model, adapters: Vec::new() }, 2).unwrap().0
}

/// What ends a group whose second worker has the fault.
fn end(fault: &str, limits: impl FnOnce(&mut Launch)) -> String {
    let mut launch = launch_faulty(fault, Path::new(""));
    limits(&mut launch);
    let mut group = pair(&launch);
    group.ask(&[score(1), score(POISON)]).unwrap_err().cause
}

#[test]
fn each_rank_answers_its_own_request() {
    let mut group = pair(&launch());
    let replies = group.ask(&[score(1), score(4)]).unwrap();
    let sum = |reply: &Reply| match reply {
        Reply::Scores(rows) => rows[0][0].logprob.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(replies.iter().map(sum).collect::<Vec<_>>(), ["-2", "-5"]);
    assert_eq!(sum(&group.ask(&[score(7)]).unwrap()[0]), "-8");
}

#[test]
fn a_rank_that_is_killed_ends_the_group_and_is_named() {
    assert_eq!(
        end("kill", |_| {}),
        "rank 1: killed by signal 9 (kill; often out of memory); it last said: about to kill"
    );
}

#[test]
fn so_does_one_that_is_stopped() {
    let cause = end("stop", |launch| launch.stall = Some(Duration::from_secs(3)));
    assert_eq!(cause, "rank 1: no sign of life for 3 s; it last said: about to stop");
}

#[test]
fn and_one_that_runs_without_progress_for_as_long_as_patience_lasts() {
    let cause = end("hang", |launch| launch.patience = Duration::from_secs(3));
    assert_eq!(cause, "rank 1: no sign of life for 3 s; it last said: about to hang");
}

#[test]
fn nobody_waits_for_a_rank_that_is_gone() {
    let mut group = pair(&launch_faulty("gone", Path::new("")));
    // The first would wait for ten minutes.
    let cause = group.ask(&[score(POISON), score(POISON)]).unwrap_err().cause;
    assert!(cause.starts_with("rank 1: killed by signal 9"), "{cause}");
}

#[test]
fn a_long_silent_computation_is_no_stall() {
    let mut launch = launch_faulty("compute", Path::new(""));
    launch.stall = Some(Duration::from_secs(3));
    assert_eq!(pair(&launch).ask(&[score(1), score(POISON)]).unwrap().len(), 2);
}

#[test]
fn a_rank_waits_as_long_as_another_makes_progress() {
    let mut launch = launch_faulty("wait", Path::new(""));
    launch.patience = Duration::from_millis(2_500);
    assert_eq!(pair(&launch).ask(&[score(POISON), score(1)]).unwrap().len(), 2);
}

#[test]
fn an_idle_rank_that_is_killed_or_stopped_ends_the_group_while_another_works() {
    for (signal, cause) in [
        (rustix::process::Signal::KILL, "rank 1: killed by signal 9 (kill; often out of memory)"),
        (rustix::process::Signal::STOP, "rank 1: no sign of life for 3 s"),
    ] {
        let mut launch = launch_faulty("hang", Path::new(""));
        launch.stall = Some(Duration::from_secs(3));
        let mut group = pair(&launch);
        let idle = i32::try_from(group.workers[1].pid().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(idle).unwrap(), signal).unwrap();
        assert!(group.ask(&[score(POISON)]).unwrap_err().cause.starts_with(cause));
    }
}

#[test]
fn a_rank_that_fails_does_not_leave_the_others_waiting_for_ever() {
    let mut launch = launch_faulty("alone", Path::new(""));
    launch.stall = Some(Duration::from_secs(3));
    let cause = pair(&launch).ask(&[score(POISON), score(POISON)]).unwrap_err().cause;
    assert_eq!(
        cause,
        "rank 0: no sign of life for 3 s; it last said: about to alone; rank 1: token 666 is out of range"
    );
}

#[test]
fn an_interrupt_ends_a_group_in_the_middle_of_a_call_unless_it_is_held_back() {
    let wanted = Arc::new(AtomicBool::new(false));
    let launch = Launch {
        interrupt: Interrupt::new(Arc::clone(&wanted)),
        // Both need four seconds.
        ..launch_faulty("compute", Path::new(""))
    };
    let mut group = pair(&launch);
    let call = |group: &mut Group| {
        wanted.store(false, Ordering::SeqCst);
        let late = Arc::clone(&wanted);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(500));
            late.store(true, Ordering::SeqCst);
        });
        group.ask(&[score(POISON), score(POISON)])
    };
    launch.interrupt.hold(true);
    assert_eq!(call(&mut group).unwrap().len(), 2);
    launch.interrupt.hold(false);
    let death = call(&mut group).unwrap_err();
    assert!(death.interrupted && death.cause.contains("interrupted"), "{death:?}");
}
