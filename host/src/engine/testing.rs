//! A worker without an engine, for the tests of this room: the test program started a second time.
//!
//! It speaks the real frames on the real socket and dies real deaths. What it computes is arithmetic on token
//! ids. What it should do wrong is in the variable [`FAULT`]; a fault that happens once leaves a file behind.

mod trainer;

use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use realign_engine_abi::{
    ffi::Flow,
    message::{
        EngineError, EngineInfo, ErrorKind, Event, Finish, Generated, ModelInfo, Reply, Request, Score,
        ScoreRow, TokenizeInput, Tokenized,
    },
};
use rustix::process::{Signal, getpid, kill_process};

use self::trainer::Trainer;
use super::{
    interrupt::Interrupt,
    launch::{Launch, PATIENCE},
    relay, worker,
};

const FAULT: &str = "REALIGN_TEST_FAULT";
/// How long a slow worker is silent between two events.
pub(super) const PAUSE: Duration = Duration::from_millis(300);
/// How long a worker computes without a word.
const SILENCE: Duration = Duration::from_secs(4);
/// The token on which a faulty worker fails.
pub(super) const POISON: u32 = 666;

/// Starts the worker below, without a fault.
pub(crate) fn launch() -> Launch {
    Launch {
        program: env::current_exe().unwrap(),
        arguments: ["engine::testing::be_a_worker", "--exact", "--ignored", "--nocapture"]
            .map(Into::into)
            .into(),
        environment: [(FAULT.to_owned(), "none:".to_owned())].into(),
        patience: PATIENCE,
        stall: None,
        interrupt: Interrupt::default(),
        relayed: false,
        remote: None,
    }
}

/// Starts a worker that fails on [`POISON`]: `kill`, `exit`, `hang`, `stop`, `slow`, `refuse`, `diverge` (in training); or
/// once, leaving a file in `folder`: `kill-once`, `stop-once`. `compute` is silent for longer than usual; `wait`, too, and
/// what is not poisoned is slow. As the first rank `alone` and `gone` hang; as the second
/// one refuses and the other is killed.
pub(crate) fn launch_faulty(fault: &str, folder: &Path) -> Launch {
    let mut launch = launch();
    launch.environment.insert(FAULT.to_owned(), format!("{fault}:{}", folder.display()));
    launch
}

#[test]
#[ignore = "not a test but the other machine's side of the tests of remote ranks, which start it"]
fn be_a_relay() {
    let Ok(fault) = env::var(FAULT) else { return };
    let (fault, folder) = fault.split_once(':').unwrap();
    // The message goes where a command's would.
    if let Err(error) =
        relay::run_relay(&launch_faulty(fault, Path::new(folder)), &env::current_exe().unwrap())
    {
        eprintln!("error: {error}");
        std::process::exit(error.exit().code().into());
    }
}

#[test]
#[ignore = "not a test but the worker's side of the others, which start it"]
fn be_a_worker() {
    let Ok(fault) = env::var(FAULT) else { return };
    let (fault, folder) = fault.split_once(':').unwrap();
    let folder = PathBuf::from(folder);
    let line = worker::Line::open(worker::take_socket().unwrap()).unwrap();
    let mut trainer = Trainer::default();
    line.serve(&mut |request, on_event| {
        on_event(Event::Progress { done: 0, total: 1 });
        assert_eq!(on_event(Event::Progress { done: 1, total: 1 }), Flow::Continue);
        let healthy = matches!(request, Request::Score(rows) if rows[0].context != [POISON]);
        if fault == "slow" || fault == "wait" && healthy {
            for done in 0..10 {
                thread::sleep(PAUSE);
                on_event(Event::Progress { done, total: 10 });
            }
        }
        if let Request::TrainStep(step) = request
            && let Some(batch) = trainer::poisoned(step)
        {
            if fault == "diverge" {
                return trainer::diverged(batch);
            }
            if let Some(error) = misbehave(fault, &folder) {
                return Reply::Error(error);
            }
        }
        trainer.answer(request).unwrap_or_else(|| answer(request, fault, &folder))
    })
    .unwrap();
}

fn answer(request: &Request, fault: &str, folder: &Path) -> Reply {
    match request {
        Request::Load(load) => load_model(&load.model),
        Request::Info => Reply::Engine(EngineInfo {
            backend: "arithmetic".to_owned(),
            version: "1".to_owned(),
            mlx: String::new(),
            blas: String::new(),
            device: "cpu".to_owned(),
        }),
        Request::Tokenize(texts) => Reply::Tokens(texts.iter().map(tokenize).collect()),
        Request::Score(rows) => {
            if rows.iter().any(|row| row.context.contains(&POISON))
                && let Some(error) = misbehave(fault, folder)
            {
                return Reply::Error(error);
            }
            Reply::Scores(rows.iter().map(score).collect())
        }
        Request::Generate(rows) => Reply::Texts(
            rows.iter()
                .map(|row| Generated {
                    text: format!("{} tokens, seed {}", row.prompt.len(), row.seed),
                    tokens: vec![1; 3],
                    finish: Finish::End,
                })
                .collect(),
        ),
        _ => unreachable!("no test asks for it"),
    }
}

fn misbehave(fault: &str, folder: &Path) -> Option<EngineError> {
    println!("about to {fault}");
    match fault {
        "alone" | "gone" if env::var("MLX_RANK").is_ok_and(|rank| rank == "0") => hang(),
        "kill-once" if first(folder) => std::process::abort(),
        // Stopped as by a debugger or a frozen container: alive, and silent for ever.
        "stop-once" if first(folder) => stop(),
        "stop" => stop(),
        "kill" | "gone" => kill_process(getpid(), Signal::KILL).unwrap(),
        "exit" => std::process::exit(3),
        "hang" => hang(),
        // Busy for longer than any test's limit on silence, and well.
        "compute" | "wait" => thread::sleep(SILENCE),
        "refuse" | "alone" => {
            let message = "token 666 is out of range".to_owned();
            return Some(EngineError { kind: ErrorKind::Request, message, hint: String::new() });
        }
        _ => {}
    }
    None
}

/// The signal may take its time, so the thread that sends it does not go on either.
fn stop() {
    kill_process(getpid(), Signal::STOP).unwrap();
    hang();
}

fn hang() {
    loop {
        thread::park();
    }
}

/// Whether this is the first worker that fails here.
fn first(folder: &Path) -> bool {
    fs::OpenOptions::new().write(true).create_new(true).open(folder.join("failed")).is_ok()
}

fn load_model(path: &Path) -> Reply {
    match fs::read_to_string(path) {
        Ok(name) => Reply::Model(ModelInfo {
            architecture: "arithmetic".to_owned(),
            name,
            parameters: 1,
            layers: 1,
            vocabulary: 256,
            context_length: 100,
            dtype: "f32".to_owned(),
            template_digest: "template".to_owned(),
            tokenizer_digest: "tokenizer".to_owned(),
        }),
        Err(error) => Reply::Error(EngineError {
            kind: ErrorKind::Model,
            message: format!("cannot read the model: {}", error.kind()),
            hint: "name one that is there".to_owned(),
        }),
    }
}

/// One token per byte; an empty context is token 0; `"!"` is poison.
fn tokenize(input: &TokenizeInput) -> Tokenized {
    let bytes =
        |text: &str| text.bytes().map(|b| if b == b'!' { POISON } else { b.into() }).collect::<Vec<u32>>();
    match input {
        TokenizeInput::Raw(text) => Tokenized { tokens: bytes(text), ..Tokenized::default() },
        TokenizeInput::Pair { context, continuation } => Tokenized {
            tokens: if context.is_empty() { vec![0] } else { bytes(context) },
            continuation: bytes(continuation),
            scored: Vec::new(),
        },
        TokenizeInput::Chat(messages) => Tokenized {
            tokens: messages.iter().flat_map(|message| bytes(&message.content)).collect(),
            ..Tokenized::default()
        },
        TokenizeInput::Transcript(messages) => {
            let turns =
                || messages.iter().map(|message| (message.role == "assistant", bytes(&message.content)));
            Tokenized {
                tokens: turns().flat_map(|(_, tokens)| tokens).collect(),
                continuation: Vec::new(),
                scored: turns().flat_map(|(scored, tokens)| vec![scored; tokens.len()]).collect(),
            }
        }
    }
}

fn score(row: &ScoreRow) -> Vec<Score> {
    let sum = |tokens: &[u32]| tokens.iter().map(|&token| f64::from(token)).sum::<f64>();
    row.continuations
        .iter()
        .map(|continuation| Score {
            logprob: -(sum(&row.context) + sum(continuation) / 3.0),
            greedy: continuation.len() == 1,
        })
        .collect()
}
