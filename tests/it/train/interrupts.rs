//! Ctrl-C where no step is under way: nothing is waited for, and nothing is left behind.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{SFT, WATCH, train, watched};
use crate::support::Project;

/// Waits until something is there.
fn until(what: &str, mut there: impl FnMut() -> bool) {
    let found = (0..3000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        there()
    });
    assert!(found, "{what}");
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

fn is_empty(project: &Project, folder: &str) -> bool {
    fs::read_dir(project.path(folder)).expect("a folder").next().is_none()
}

#[test]
fn before_the_first_step_nothing_is_waited_for_and_nothing_is_left_behind() {
    let Some(project) = watched(&format!("{SFT}{WATCH}")) else { return };
    // A benchmark that would take minutes.
    let text = "and so on ".repeat(6);
    let item = |index: usize| {
        let row = serde_json::json!({
            "id": format!("f{index}"), "group": "g", "prompt": format!("{text}{index}"), "choices": [" a", " b"],
            "answer": 0,
        });
        format!("{row}\n")
    };
    project.write("facts.jsonl", (0..60_000).map(item).collect::<String>());
    fs::create_dir(project.path("tmp")).expect("made");
    let child = train(&project, "sft", "run")
        .args(["--ranks", "2"])
        .env("TMPDIR", project.path("tmp"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    until("training was not prepared", || project.path("run/checkpoint-0000000/state.json").is_file());
    interrupt(&child);
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted after step 0 of 24"), "{said}");
    assert!(is_empty(&project, "tmp"), "no temporary folder is left");
}

#[test]
fn an_export_leaves_no_hidden_folder() {
    let Some(project) = super::real(SFT) else { return };
    // An adapter of the small model, which takes seconds to write.
    let small = project.small_model();
    let config = project.read("train.toml").replace("max_steps = 24", "max_steps = 1");
    project.write("train.toml", config.replace("tiny.gguf", small.to_str().expect("text")));
    let run = train(&project, "sft", "one").output().expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    fs::create_dir(project.path("out")).expect("made");
    let model = format!("{}+one/adapter", small.display());
    let child = project
        .command(&["adapter", "fuse", "--model", &model, "--output", "out/fused"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    until("nothing is being written", || !is_empty(&project, "out"));
    interrupt(&child);
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("error: interrupted"), "{said}");
    assert!(is_empty(&project, "out"), "no part of the folder is left");
}
