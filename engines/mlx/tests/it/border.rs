//! The C border: bytes in, bytes out, nothing unwinds, and a caller can stop.

#![expect(unsafe_code, reason = "the border is made of C functions")]

use std::ffi::c_void;

use insta::assert_snapshot;
use realign_engine_abi::{
    ffi::{ABI_VERSION, Buffer, Bytes, Flow},
    frame,
    message::{ChatMessage, EngineOptions, Event, Load, Reply, Request, ScoreRow, TokenizeInput, Tokenized},
};
use realign_engine_mlx::{
    engine::Engine,
    exports::{
        realign_engine_abi_version, realign_engine_call, realign_engine_create, realign_engine_destroy,
        realign_engine_free,
    },
};

use crate::support::{File, IM_END, IM_START, ask, failure, load, on_disk, tiny};

extern "C" fn note(context: *mut c_void, event: Bytes) -> Flow {
    // SAFETY: every call of this file passes a vector of events as context, and lends valid bytes.
    let (events, body) =
        unsafe { (&mut *context.cast::<Vec<Event>>(), std::slice::from_raw_parts(event.data, event.length)) };
    events.push(frame::decode(body).unwrap().0);
    Flow::Continue
}

fn taken(buffer: Buffer) -> Reply {
    // SAFETY: the library filled the buffer, and it goes back exactly once.
    unsafe {
        let reply = frame::decode(std::slice::from_raw_parts(buffer.data, buffer.length)).unwrap().0;
        realign_engine_free(buffer);
        reply
    }
}

fn call(engine: *mut c_void, body: &[u8]) -> (Reply, Vec<Event>) {
    let (mut reply, mut events) = (Buffer::empty(), Vec::new());
    // SAFETY: the engine is alive, everything is lent for the call.
    unsafe {
        realign_engine_call(engine, Bytes::lend(body), note, (&raw mut events).cast(), &raw mut reply);
    }
    (taken(reply), events)
}

#[test]
fn a_request_crosses_the_border_and_its_events_and_reply_come_back() {
    assert_eq!(realign_engine_abi_version(), ABI_VERSION);
    let file = on_disk(&File::tiny().bytes());
    let options = frame::encode(&EngineOptions {}, &[]).unwrap();
    let mut failure = Buffer::empty();
    // SAFETY: options are lent for the call and the buffer is writable.
    let engine = unsafe { realign_engine_create(Bytes::lend(&options), &raw mut failure) };
    assert!(!engine.is_null() && failure.data.is_null());
    let request = Request::Load(Load { model: file.path().to_owned(), adapters: Vec::new() });
    let (reply, events) = call(engine, &frame::encode(&request, &[]).unwrap());
    let Reply::Model(info) = reply else { panic!("{reply:?}") };
    assert_eq!((info.name.as_str(), info.layers, info.context_length), ("tiny", 2, 96));
    assert_eq!(events.last(), Some(&Event::Progress { done: 20, total: 20 }));
    let (reply, _) = call(engine, b"nonsense");
    assert!(matches!(reply, Reply::Error(_)), "{reply:?}");
    let (reply, _) = call(engine, &frame::encode(&Request::Info, &[]).unwrap());
    assert!(
        matches!(&reply, Reply::Engine(info) if info.backend == "mlx" && !info.mlx.is_empty()),
        "{reply:?}"
    );
    // SAFETY: made by this library and not used again.
    unsafe { realign_engine_destroy(engine) };
}

#[test]
fn options_that_are_not_options_give_an_error_and_no_engine() {
    let mut reply = Buffer::empty();
    // SAFETY: the bytes are lent for the call and the buffer is writable.
    let engine = unsafe { realign_engine_create(Bytes::lend(b"\x01\x00\x00\x007"), &raw mut reply) };
    assert!(engine.is_null());
    assert!(matches!(taken(reply), Reply::Error(_)));
}

#[test]
fn without_a_model_nothing_can_be_asked_and_a_failed_load_leaves_none() {
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let raw = || Request::Tokenize(vec![TokenizeInput::Raw("x".into())]);
    assert_snapshot!(failure(ask(&mut engine, raw())), @"no model is loaded");
    let mut engine = tiny();
    let missing = Request::Load(Load { model: "no/such/model.gguf".into(), adapters: Vec::new() });
    assert_snapshot!(failure(ask(&mut engine, missing)), @"no/such/model.gguf: cannot be read: entity not found");
    assert_snapshot!(failure(ask(&mut engine, raw())), @"no model is loaded");
}

#[test]
fn weights_that_overflow_are_an_error_and_not_a_score() {
    let mut file = File::tiny();
    let huge = 3e38_f32.to_le_bytes().repeat(file.tensors[1].bytes.len() / 4);
    let norm = file.tensors.last_mut().unwrap();
    norm.bytes = huge;
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    assert!(matches!(load(&mut engine, &file.bytes()), Reply::Model(_)));
    let rows = vec![ScoreRow { context: vec![5], continuations: vec![vec![6]] }];
    let error = failure(ask(&mut engine, Request::Score(rows)));
    assert_snapshot!(error, @"the model computes logits that are not finite");
}

#[test]
fn a_caller_who_says_stop_gets_an_error_and_can_go_on_asking() {
    let mut engine = tiny();
    let rows = vec![ScoreRow { context: vec![5], continuations: vec![vec![6]] }];
    let stopped = engine.call(Request::Score(rows.clone()), &mut |_| Flow::Stop);
    assert_snapshot!(failure(stopped), @"stopped by the caller");
    assert!(matches!(ask(&mut engine, Request::Score(rows)), Reply::Scores(_)));
}

fn tokenized(input: TokenizeInput) -> Tokenized {
    match ask(&mut tiny(), Request::Tokenize(vec![input])) {
        Reply::Tokens(mut tokens) => tokens.remove(0),
        other => panic!("{other:?}"),
    }
}

fn pair(context: &str, continuation: &str) -> Tokenized {
    tokenized(TokenizeInput::Pair { context: context.into(), continuation: continuation.into() })
}

#[test]
fn spaces_at_the_end_of_a_context_move_to_its_continuation() {
    let raw = |text: &str| tokenized(TokenizeInput::Raw(text.into())).tokens;
    let moved = pair("in ", "the");
    assert_eq!((moved.tokens, moved.continuation), (raw("in"), raw(" the")));
    let empty = pair("", "the");
    assert_eq!((empty.tokens, empty.continuation), (vec![IM_START], raw("the")));
    let prefixed = pair("", "<|im_start|>the");
    assert_eq!((prefixed.tokens, prefixed.continuation), (vec![IM_START], raw("the")));
}

#[test]
fn a_conversation_becomes_special_tokens_and_ends_with_the_assistants_header() {
    let message = ChatMessage { role: "user".into(), content: "hi".into() };
    let tokens = tokenized(TokenizeInput::Chat(vec![message])).tokens;
    let text = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(tokens, tokenized(TokenizeInput::Raw(text.into())).tokens);
    assert_eq!((tokens[0], tokens.iter().filter(|&&token| token == IM_END).count()), (IM_START, 1));
}
