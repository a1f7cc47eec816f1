use std::path::Path;

use realign_engine_abi::message::ScoreRow;

use super::{
    super::testing::{POISON, launch, launch_faulty},
    *,
};

fn score(token: u32) -> Request {
    Request::Score(vec![ScoreRow { context: vec![token], continuations: vec![vec![3]] }])
}

#[test]
fn events_come_before_the_reply_and_a_worker_answers_more_than_once() {
    let mut worker = WorkerProcess::spawn(&launch()).unwrap();
    for _ in 0..2 {
        let mut events = Vec::new();
        let reply = worker.call(&score(1), &mut |event| events.push(event.clone())).unwrap();
        let progress = |done| Event::Progress { done, total: 1 };
        assert_eq!(events, [progress(0), progress(1)]);
        assert!(matches!(reply, Reply::Scores(_)), "{reply:?}");
    }
}

#[test]
fn an_idle_worker_ends_quietly_when_its_host_is_gone() {
    let (mut child, socket, _output) = start(&launch()).unwrap();
    let mut socket = BufReader::new(socket);
    frame::read(&mut socket).unwrap();
    drop(socket);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_busy_worker_dies_when_its_host_is_gone() {
    let (mut child, socket, _output) = start(&launch_faulty("hang", Path::new(""))).unwrap();
    let mut socket = BufReader::new(socket);
    frame::read(&mut socket).unwrap();
    let call = Call { id: 7, request: score(POISON) };
    frame::write(socket.get_mut(), &frame::encode(&call, &[]).unwrap()).unwrap();
    // Its first event proves that the worker is in the call that will never end.
    frame::read(&mut socket).unwrap();
    drop(socket);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn what_a_worker_prints_does_not_disturb_its_frames_and_is_bounded() {
    let mut output = vec![b'x'; 3 * KEPT_OUTPUT];
    output.extend_from_slice(b"\nlast \x1b[31mwords\n\n");
    let output = Output::follow(std::io::Cursor::new(output));
    assert_eq!(output.last_line().as_deref(), Some("last [31mwords"));
    assert!(output.kept.lock().unwrap().len() <= KEPT_OUTPUT);
}
