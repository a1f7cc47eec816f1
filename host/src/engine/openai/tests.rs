//! Attackers: servers that do what no server should. Each ends as one typed error, and none of them sees or leaks what it should
//! not. (Real servers are driven by `benches/peers/servers.py`.)

#[path = "../../../../tests/it/support/loopback.rs"]
mod loopback;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use self::loopback::send;
use super::*;
use crate::{engine::query::ScoreQuery, exit::Exit, ids::Seed, model::ChatMessage};

/// A server on loopback; heads of the requests that reached it are kept.
struct Attacker {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Attacker {
    fn new(attack: impl Fn(&str, &Value, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&heads);
        let address = loopback::serve(move |head, body, stream| {
            kept.lock().unwrap().push(head.to_owned());
            attack(head, body, stream);
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn open(&self, key: &str, patience: f64) -> Result<OpenAiModel> {
        self.open_with(key, patience, Interrupt::default())
    }

    fn open_with(&self, key: &str, patience: f64, interrupt: Interrupt) -> Result<OpenAiModel> {
        let address = Address::parse(&format!("http://{}#m", self.address))?;
        let key = Key::checked(key.to_owned(), &address)?;
        OpenAiModel::with_key(address, key, Duration::from_secs_f64(patience), Some(4), interrupt)
    }

    /// The error with which an opening ends: exit code, message, hint.
    fn refusal(&self, patience: f64) -> String {
        self.shown(&self.open("sesame", patience).unwrap_err())
    }

    fn shown(&self, error: &Error) -> String {
        let text = format!("{} {error}\n{}", error.exit().code(), error.advice().unwrap_or_default());
        assert!(!text.contains("sesame"), "{text}");
        text.replace(&self.address.to_string(), "[server]")
    }
}

/// What a server that knows no language may answer and be believed to generate.
fn chat(stream: &mut TcpStream, content: &str) {
    let answer = json!({ "choices": [{ "message": { "content": content }, "finish_reason": "stop" }] });
    send(stream, "200 OK", "", &answer.to_string());
}

/// Conversations work, texts are answered by `attack`.
fn chatting(attack: impl Fn(&Value, &mut TcpStream) + Send + Sync + 'static) -> Attacker {
    Attacker::new(move |head, body, stream| {
        if head.starts_with("POST /v1/chat/") { chat(stream, "Hello.") } else { attack(body, stream) }
    })
}

/// An echo, one token for each character, with the value that `value` gives it.
fn echoed(body: &Value, value: impl Fn(usize) -> f64) -> Value {
    let text = body["prompt"].as_str().unwrap_or_default();
    let echo = if body["echo"] == json!(true) { text } else { "" };
    let whole = format!("{echo}.");
    let tokens: Vec<String> = whole.chars().map(String::from).collect();
    let begin = if echo.is_empty() { text.chars().count() } else { 0 };
    let offsets: Vec<usize> = (begin..begin + tokens.len()).collect();
    let values: Vec<Value> = (0..tokens.len())
        .map(|place| if place == 0 && begin == 0 { Value::Null } else { json!(value(begin + place)) })
        .collect();
    let tops: Vec<Value> = tokens.iter().map(|_| json!({ "x": -0.01 })).collect();
    let logprobs =
        json!({ "tokens": tokens, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets });
    json!({ "choices": [{ "text": whole, "finish_reason": "length", "logprobs": logprobs }] })
}

fn believable(place: usize) -> f64 {
    -0.5 - (place % 7) as f64 / 4.0
}

fn conversation(id: &str) -> GenerateQuery {
    let message = ChatMessage { role: "user".into(), content: id.into() };
    GenerateQuery {
        id: id.into(),
        prompt: Prompt::Messages(vec![message]),
        max_tokens: 8,
        temperature: 0.0,
        seed: Seed(0),
        stop: Vec::new(),
    }
}

/// How a server is refused that answers `body` to a text.
fn untrusted(answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> String {
    let server = chatting(move |body, stream| send(stream, "200 OK", "", &answer(body).to_string()));
    let mut model = server.open("sesame", 20.0).unwrap();
    let query = ScoreQuery { continuations: vec![" b".into()], ..ScoreQuery::whole_text("q", "") };
    let error = model.score(&[query], None, &mut |_, _| {}).unwrap_err();
    assert!(error.advice().is_some_and(|hint| hint.contains("the weights (a GGUF file or a folder)")));
    server.shown(&error).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_redirect_is_not_followed_and_the_key_stays_here() {
    let thief = Attacker::new(|_, _, stream| chat(stream, "Thank you."));
    let target = thief.address;
    for status in
        ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let server = Attacker::new(move |_, _, stream| {
            send(stream, status, &format!("location: http://{target}/v1/chat/completions\r\n"), "");
        });
        let shown = server.refusal(20.0).replace(&status[..3], "[3xx]");
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown, @r"
            21 http://[server]/v1: [3xx], a redirect, which is not followed
            look at the URL; such an answer is never made a score
            ");
        }
        assert!(server.heads()[0].contains("authorization: Bearer sesame"), "the key goes to who was named");
    }
    assert_eq!(thief.heads(), Vec::<String>::new());
}

#[test]
fn a_body_without_an_end_is_cut_off() {
    let announced = Attacker::new(|_, _, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
        while stream.write_all(&[b' '; 8192]).is_ok() {}
    });
    insta::assert_snapshot!(announced.refusal(60.0), @r"
    21 http://[server]/v1: an answer of more than 8388608 bytes
    look at the URL; such an answer is never made a score
    ");
    let chunked = Attacker::new(|_, _, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        while stream.write_all(chunk.as_bytes()).is_ok() {}
    });
    assert_eq!(chunked.refusal(60.0), announced.refusal(60.0));
}

#[test]
fn a_server_that_drips_is_left_after_the_patience_that_was_given() {
    let server = Attacker::new(|_, _, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    insta::assert_snapshot!(server.refusal(0.5), @r"
    21 http://[server]/v1: no whole answer within 0.5 s, and so once more
    look whether it runs; --patience SECONDS gives a slow one more time
    ");
    assert_eq!(server.heads().len(), 2, "it is tried once more, and not for ever");
}

#[test]
fn json_that_is_cut_off_or_is_none_is_a_finding_or_an_error() {
    let half = Attacker::new(|_, _, stream| send(stream, "200 OK", "", r#"{"choices":[{"message":"#));
    let mut model = half.open("", 20.0).unwrap();
    let error = model.generate(&[conversation("a")], None, &mut |_, _| {}).unwrap_err();
    insta::assert_snapshot!(half.shown(&error), @r"
    2 http://[server]/v1: no conversations: an answer that is not what was asked for: EOF while parsing a value at line 1 column 23
    send raw prompts, or start the server with a chat template
    ");
    let asked = AtomicBool::new(false);
    let later = Attacker::new(move |head, _, stream| {
        if head.starts_with("POST /v1/chat/") && !asked.swap(true, Ordering::SeqCst) {
            return chat(stream, "Hello.");
        }
        send(stream, "200 OK", "", r#"{"choices":[{"message":"#);
    });
    let mut model = later.open("", 20.0).unwrap();
    let error = model.generate(&[conversation("a")], None, &mut |_, _| {}).unwrap_err();
    insta::assert_snapshot!(later.shown(&error), @r#"
    21 http://[server]/v1: request "a": an answer that is not what was asked for: EOF while parsing a value at line 1 column 23
    such an answer is never made a score; what was finished before is kept
    "#);
    let depth = "[".repeat(100_000);
    let deep = Attacker::new(move |_, _, stream| send(stream, "200 OK", "", &depth));
    assert!(deep.open("", 20.0).unwrap().engine()["chat"] == "no", "and the host is still here");
}

#[test]
fn log_probabilities_that_cannot_be_are_never_scores() {
    insta::assert_snapshot!(untrusted(|_| json!({ "choices": [{ "text": "hi", "finish_reason": "length" }] })), @"2 http://[server]/v1: its log-likelihoods cannot be used: the text does not come back (echo)");
    insta::assert_snapshot!(untrusted(|body| echoed(body, |_| -1.25)), @"2 http://[server]/v1: its log-likelihoods cannot be used: every token has the log-probability -1.25");
    insta::assert_snapshot!(untrusted(|body| echoed(body, |place| -20.0 - place as f64)), @"2 http://[server]/v1: its log-likelihoods cannot be used: plain text has -63.0 nats a token, which is worse than guessing");
    insta::assert_snapshot!(untrusted(|body| echoed(body, |_| 1.0)), @"2 http://[server]/v1: its log-likelihoods cannot be used: 1.0 is no log-probability");
    insta::assert_snapshot!(untrusted(|body| {
        let mut answer = echoed(body, believable);
        answer["choices"][0]["logprobs"]["token_logprobs"].as_array_mut().unwrap().pop();
        answer
    }), @"2 http://[server]/v1: its log-likelihoods cannot be used: 87 tokens with 86 values");
    let nan = chatting(|body, stream| {
        let text = echoed(body, |place| if place == 3 { 9.5 } else { believable(place) }).to_string();
        send(stream, "200 OK", "", &text.replace("9.5", "NaN"));
    });
    let error = nan.open("", 20.0).unwrap().score(&[ScoreQuery::whole_text("q", "a")], None, &mut |_, _| {});
    let shown = nan.shown(&error.unwrap_err());
    assert!(
        shown.contains("cannot be used: an answer that is not what was asked for: expected value"),
        "{shown}"
    );
}

#[test]
fn values_that_belong_to_other_tokens_or_change_are_found_out() {
    // A server that is right about what it generates and shifts what it echoes by one token.
    insta::assert_snapshot!(untrusted(|body| {
        let shift = usize::from(body["echo"] == json!(true));
        echoed(body, |place| believable(place + shift))
    }), @r#"2 http://[server]/v1: its log-likelihoods cannot be used: "." is generated with log-probability -2.00 and comes back with -0.50: values do not belong to their tokens"#);
    let count = Mutex::new(0);
    insta::assert_snapshot!(untrusted(move |body| {
        let mut count = count.lock().unwrap();
        *count += 1;
        echoed(body, |place| believable(place) - f64::from(*count % 2))
    }), @"2 http://[server]/v1: its log-likelihoods cannot be used: the same text gives other log-probabilities the second time, by up to 1.00");
}

#[test]
fn a_server_that_is_busy_is_waited_for_and_one_that_asks_too_much_is_told() {
    let asked = Mutex::new(0);
    let busy = Attacker::new(move |_, _, stream| {
        *asked.lock().unwrap() += 1;
        if *asked.lock().unwrap() <= 2 {
            return send(stream, "429 Too Many Requests", "retry-after: 0\r\n", "");
        }
        chat(stream, "Hello.");
    });
    assert_eq!(busy.open("", 20.0).unwrap().engine()["chat"], "yes");
    let tomorrow =
        Attacker::new(|_, _, stream| send(stream, "429 Too Many Requests", "retry-after: 86400\r\n", ""));
    insta::assert_snapshot!(tomorrow.refusal(20.0), @r"
    21 http://[server]/v1: 429, and asks to wait 86400 s; the limit is 120 s
    the same command goes on later with what was finished
    ");
    let always = Attacker::new(|_, _, stream| send(stream, "503 Busy", "retry-after: 0\r\n", ""));
    insta::assert_snapshot!(always.refusal(20.0), @r"
    21 http://[server]/v1: 503, after 8 more tries
    the same command goes on later with what was finished; --workers 1 asks one thing at a time
    ");
}

#[test]
fn a_key_that_comes_back_is_neither_shown_nor_stored() {
    let refusing = Attacker::new(|_, _, stream| {
        send(stream, "401 Unauthorized", "", r#"{"error":{"message":"Incorrect API key provided: sesame"}}"#);
    });
    insta::assert_snapshot!(refusing.refusal(20.0), @r"
    2 http://[server]/v1: not allowed: 401
    put the server's key into $REALIGN_OPENAI_KEY
    ");
    let answering = Attacker::new(|_, _, stream| chat(stream, "The key is sesame."));
    insta::assert_snapshot!(answering.refusal(20.0), @r"
    21 http://[server]/v1: the answer holds the key that was sent
    look at the URL; such an answer is never made a score
    ");
}

#[test]
fn what_a_server_says_is_one_short_line() {
    let server = Attacker::new(|_, _, stream| {
        let message = format!("\u{1b}[2Jno\nsuch {}", "model ".repeat(1_000));
        send(stream, "404 Not Found", "", &json!({ "detail": message }).to_string());
    });
    let shown = server.refusal(20.0);
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(shown.len() < 500 && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn answers_stand_in_the_order_of_the_queries_and_are_asked_for_once() {
    let server = Attacker::new(|_, body, stream| {
        let text = body["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        // The first come last.
        let place = text.parse::<u64>().unwrap_or_default();
        thread::sleep(Duration::from_millis(40 - place.min(39)));
        chat(stream, &format!("to {text}"));
    });
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    let queries: Vec<_> = (0..40).map(|place| conversation(&place.to_string())).collect();
    let ask = |queries: &[GenerateQuery]| {
        let answers = server.open("", 20.0).unwrap().generate(queries, Some(&store), &mut |_, _| {}).unwrap();
        answers.into_iter().map(|answer| answer.text).collect::<Vec<_>>()
    };
    let expected: Vec<_> = (0..40).map(|place| format!("to {place}")).collect();
    assert_eq!(ask(&queries[..25]), expected[..25]);
    let before = server.heads().len();
    assert_eq!(ask(&queries), expected);
    let probes = 2;
    assert_eq!(server.heads().len() - before, 15 + probes, "what is in the store is not asked again");
}

#[test]
fn a_server_that_becomes_another_one_ends_the_run() {
    let asked = Mutex::new(0);
    let server = Attacker::new(move |_, _, stream| {
        *asked.lock().unwrap() += 1;
        let print = if *asked.lock().unwrap() > 4 { "fp_new" } else { "fp_old" };
        let choice = json!({ "message": { "content": "Hi." }, "finish_reason": "stop" });
        let answer = json!({ "choices": [choice], "system_fingerprint": print });
        send(stream, "200 OK", "", &answer.to_string());
    });
    let mut model = server.open("", 20.0).unwrap();
    assert_eq!(model.subject()["fingerprint"], "fp_old");
    let queries: Vec<_> = (0..8).map(|place| conversation(&place.to_string())).collect();
    let error = model.generate(&queries, None, &mut |_, _| {}).unwrap_err();
    insta::assert_snapshot!(server.shown(&error).lines().next().unwrap(), @r#"21 http://[server]/v1: its fingerprint changed from "fp_old" to "fp_new""#);
}

#[test]
fn an_interrupt_does_not_wait_for_a_server_that_hangs() {
    let wanted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&wanted);
    let server = Attacker::new(move |_, _, stream| {
        flag.store(true, Ordering::SeqCst);
        // Until the client is gone.
        let _ = stream.read(&mut [0]);
    });
    let error = server.open_with("", 600.0, Interrupt::new(wanted)).unwrap_err();
    assert_eq!(error.exit(), Exit::Interrupted);
}
