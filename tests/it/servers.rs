//! `--model openai:` at the command line: what is refused, with which exit code, and that a key never shows.
//! (Attackers are tested beside the code; real servers are driven by `benches/peers/servers.py`.)

use std::net::TcpListener;

use crate::support::{Project, loopback, mini};

/// A server that answers everything with one text; its address.
fn server(status: &'static str, body: &'static str) -> String {
    let address = loopback::serve(move |_, _, stream| loopback::send(stream, status, "", body));
    format!("http://{address}/v1")
}

fn prompts(project: &Project) {
    project.write("prompts.jsonl", r#"{"id":"a","prompt":"Once"}"#);
}

const GENERATE: [&str; 5] = ["generate", "--input", "prompts.jsonl", "--output", "out.jsonl"];

#[test]
fn an_adapter_of_a_server_s_model_is_refused_before_any_server_is_asked() {
    let project = Project::new();
    // Nothing listens at port 9: whoever asked would end with 21.
    let model = "openai:http://127.0.0.1:9#m";
    let fuse = project.realign(&["adapter", "fuse", "--model", model, "--output", "out"]).exits(2);
    insta::assert_snapshot!(fuse.err.trim_end(), @r"
    error: --model openai:http://127.0.0.1:9#m: a server's model has no adapter
     hint: use a GGUF file, a model folder, or smollm2, with +ADAPTER_DIR
    ");
}

#[test]
fn a_training_of_a_server_s_model_is_refused() {
    let project = Project::new();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/harbor/sft.toml");
    let run = project.realign(&["train", "sft", config, "--model", "openai:http://127.0.0.1:9#m"]).exits(2);
    insta::assert_snapshot!(run.err.trim_end(), @r"
    error: --model openai:http://127.0.0.1:9#m: a server's model cannot be trained: its weights are not here
     hint: use a GGUF file, a model folder, or smollm2
    ");
}

#[test]
fn a_server_that_is_not_there_is_named_and_nothing_is_written() {
    let project = Project::new();
    prompts(&project);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let model = format!("openai:http://{address}#m");
    let run = project.realign(&[&GENERATE[..], &["--model", &model]].concat()).exits(21);
    insta::assert_snapshot!(run.err.replace(&address, "[server]").trim_end(), @r"
    error: http://[server]/v1: connection refused, and so once more
     hint: look whether it runs; --patience SECONDS gives a slow one more time
    ");
    assert!(!project.path("out.jsonl").exists());
}

#[test]
fn a_key_is_in_nothing_that_is_printed_or_stored() {
    let project = Project::new();
    prompts(&project);
    let body = r#"{"choices":[{"text":"upon a time","message":{"content":"Hi."},"finish_reason":"stop"}]}"#;
    for (status, body, code) in [("200 OK", body, 0), ("401 No", r#"{"detail":"bad key sesame-7"}"#, 2)] {
        let model = format!("openai:{}#m", server(status, body));
        let output = project
            .command(&[&GENERATE[..], &["--model", &model]].concat())
            .env("REALIGN_OPENAI_KEY", "sesame-7")
            .output()
            .expect("the binary starts");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(!said.contains("sesame"), "{said}");
    }
    assert!(project.read("out.jsonl").contains("upon a time"));
    let store = std::fs::read(project.path(".realign/runs.db")).expect("a store");
    assert!(!store.windows(6).any(|bytes| bytes == b"sesame"));
}

#[test]
fn a_key_is_not_sent_unencrypted_to_another_machine() {
    let project = Project::new();
    prompts(&project);
    let output = project
        .command(&[&GENERATE[..], &["--model", "openai:http://192.0.2.1:8000#m"]].concat())
        .env("REALIGN_OPENAI_KEY", "sesame-7")
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr).trim_end(), @r"
    error: http://192.0.2.1:8000/v1: $REALIGN_OPENAI_KEY would be sent unencrypted
     hint: use https, or a tunnel to 127.0.0.1 (ssh -L), or unset it if the server needs no key
    ");
}

/// A server that talks, and does not send texts back: what it cannot score is said with what would mend it, wherever a run is read.
#[test]
fn a_benchmark_that_a_server_cannot_score_says_what_was_found_and_what_would_mend_it() {
    let project = Project::new();
    mini::write(&project);
    let body =
        r#"{"choices":[{"text":"Thanks.","message":{"content":"Thanks. We do."},"finish_reason":"stop"}]}"#;
    let model = format!("openai:{}#m", server("200 OK", body));
    project.realign(&["eval", "suite.toml", "--model", &model, "--name", "served"]).exits(10);
    project.write(
        "gates.toml",
        "format = 1\n[[gate]]\nmetric = \"facts/accuracy\"\nthreshold = 0.1\ncomparison = \">=\"\n",
    );
    let why = "insufficient: the server gives no log-likelihoods that can be used: the text does not come back (echo); start a \
               server that answers /completions with `echo` and `logprobs` (llama-cpp-python: --logits_all True), or use the \
               weights (a GGUF file or a folder)";
    let shown = project.realign(&["report", "served"]).exits(0).out;
    assert!(shown.contains(why), "{shown}");
    let outputs = ["--gates", "gates.toml", "--html", "page.html", "--junit", "gates.xml", "--json"];
    let json = project.realign(&[&["report", "served"], &outputs[..]].concat()).exits(11).out;
    for text in [json, project.read("page.html"), project.read("gates.xml")] {
        assert!(text.contains(why), "{text}");
    }
    project.realign(&["verify", "served"]).exits(0);
}
