//! Calibrations, real and from files, and plans that go by them.

use std::{fs, os::unix::fs::symlink};

use serde_json::{Value, json};

use crate::support::{Project, tiny};

/// What a machine of two cores was measured with: a file as `calibrate` wrote it in format 1, which must be read for
/// ever.
const HERE: &str = include_str!("hardware/calibration-1.json");

/// The same file with changes to its only calibration.
fn changed(changes: &[(&str, Value)]) -> String {
    let mut file: Value = serde_json::from_str(HERE).expect("JSON");
    for (pointer, value) in changes {
        *file.pointer_mut(&format!("/calibrations/0{pointer}")).expect("a field of a calibration") =
            value.clone();
    }
    file.to_string()
}

/// A project with two measured machines, of which the second is twice as fast at scoring.
fn two_machines() -> Project {
    let project = Project::new();
    project.write("here.json", HERE);
    let figure =
        |mean: f64| json!({ "mean": mean, "deviation": 8.0, "low": 0.9 * mean, "high": 1.1 * mean, "n": 5 });
    let there = changed(&[
        ("/machine/processor", json!("Another Processor")),
        ("/score/workers/points/1/rate", figure(760.0)),
    ]);
    project.write("there.json", there);
    project
}

#[test]
fn a_job_is_split_over_machines_in_proportion_to_what_was_measured() {
    let project = two_machines();
    let machines = ["--machine", "here.json", "--machine", "there.json"];
    let run = project.realign(&[&["plan", "--task", "score", "--tokens", "3000000"][..], &machines].concat());
    insta::assert_snapshot!(run.shown());

    let run = project
        .realign(&[&["plan", "--json", "--task", "train", "--tokens", "3000000"][..], &machines].concat());
    let plan: Value = serde_json::from_str(&run.exits(0).out).expect("one JSON document");
    assert_eq!(plan["placement"], "sharded");
    let tokens = plan["machines"].as_array().expect("machines").iter().map(|share| share["tokens"].as_u64());
    assert_eq!(tokens.sum::<Option<u64>>(), Some(3_000_000));
}

#[test]
fn without_a_measurement_the_seeds_tables_are_shown_and_nothing_is_computed() {
    let run = Project::new().realign(&["plan", "--task", "train", "--tokens", "1000"]).exits(2);
    insta::assert_snapshot!(run.shown());
}

#[test]
fn with_a_measurement_the_seeds_tables_are_not_shown() {
    let run = two_machines().realign(&["plan", "--task", "score", "--tokens", "9", "--machine", "here.json"]);
    assert!(!run.exits(0).shown().contains("seeds"));
}

#[test]
fn plans_that_cannot_be_made_say_why() {
    let project = two_machines();
    project.write(
        "other-model.json",
        changed(&[("/model/digest", json!("ab")), ("/model/name", json!("b.gguf"))]),
    );
    project.write("future.json", "{\"format\":2}");
    project.write("empty.json", "{\"format\":1,\"calibrations\":[]}");
    project.write("negative.json", changed(&[("/gflops/mean", json!(-80.0))]));
    let plan = |arguments: &[&str]| {
        let run =
            project.realign(&[&["plan", "--task", "score", "--tokens", "1000"][..], arguments].concat());
        format!("plan {}\n{}\n\n", arguments.join(" "), run.shown())
    };
    let said: String = [
        &["--machine", "missing.json"][..],
        &["--machine", "future.json"],
        &["--machine", "empty.json"],
        &["--machine", "negative.json"],
        &["--machine", "here.json", "--machine", "./here.json"],
        &["--machine", "here.json", "--machine", "other-model.json"],
        &["--machine", "here.json", "--model", "nothing"],
        &["--machine", "here.json", "--parameters", "70000000000"],
        &["--machine", "here.json", "--link", "0"],
    ]
    .map(plan)
    .concat();
    insta::assert_snapshot!(said.trim_end());
}

#[test]
fn doctor_says_what_mlx_says_of_the_seeds_variables() {
    let project = Project::new();
    let mut doctor = project.command(&["doctor", "--json"]);
    let output = doctor
        .env("MLX_METAL_PREALLOCATE", "1")
        .env_remove("MLX_METAL_FAST_SYNCH")
        .output()
        .expect("it starts");
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let state = |what: &str| &checks.iter().find(|check| check["what"] == what).expect("a check")["state"];
    assert_eq!(state("MLX_METAL_PREALLOCATE"), "warning");
    assert_eq!(state("MLX_METAL_FAST_SYNCH"), "ok");
    assert_eq!(state("calibration"), "warning");
}

#[test]
fn recorded_answers_have_no_speed_and_nothing_is_measured_without_an_engine() {
    let project = Project::new();
    project.write("model.gguf", "GGUF");
    let run = project.realign(&["calibrate", "--model", "model.gguf"]).exits(21);
    assert!(run.err.contains("no engine is set up"), "{}", run.err);
    assert!(!project.path("home/calibration.json").exists());
}

/// A home of the project's own with the engine of the real one, so that no test writes into the real one.
fn own_home(project: &Project) -> std::path::PathBuf {
    let home = project.path("own-home");
    fs::create_dir(&home).expect("made");
    for part in ["engine", "mlx", "mlx-c"] {
        symlink(project.home().join(part), home.join(part)).expect("linked");
    }
    home
}

#[test]
fn a_tiny_model_is_calibrated_and_a_job_is_planned_on_this_machine() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    tiny::write(&project);
    let home = own_home(&project);
    let realign = |arguments: &[&str]| -> Value {
        let output = project.command(arguments).env("REALIGN_HOME", &home).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    };
    let calibration = realign(&["calibrate", "--quick", "--json", "--model", "tiny.gguf"]);
    assert_eq!(calibration["model"]["name"], "tiny.gguf");
    for task in ["score", "generate", "train"] {
        for sweep in ["batch", "workers"] {
            let points = calibration[task][sweep]["points"].as_array().expect("points");
            assert_eq!(points[0]["size"], 1, "{task} {sweep}");
            assert_eq!(points[0]["rate"]["n"], 3, "{task} {sweep}");
        }
    }
    // Twice gives one calibration, not two.
    realign(&["calibrate", "--quick", "--json", "--model", "tiny.gguf"]);
    let file = fs::read_to_string(home.join("calibration.json")).expect("it was kept");
    let file: Value = serde_json::from_str(&file).expect("JSON");
    assert_eq!((&file["format"], file["calibrations"].as_array().map(Vec::len)), (&json!(1), Some(1)));

    let plan = realign(&["plan", "--json", "--task", "train", "--tokens", "1000"]);
    assert_eq!(plan["machines"][0]["tokens"], 1000);
    let checks = realign(&["doctor", "--json"]);
    let checks = checks.as_array().expect("checks");
    let found = checks.iter().find(|check| check["what"] == "calibration").expect("a check");
    assert_eq!(found["state"], "ok", "{found}");
}

#[test]
fn a_training_takes_its_batch_from_the_calibration_once_and_keeps_it() {
    let Some(project) = Project::with_engine() else {
        return;
    };
    tiny::write(&project);
    let home = own_home(&project);
    let realign = |arguments: &[&str]| {
        let output = project.command(arguments).env("REALIGN_HOME", &home).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let rows =
        (0..6).map(|id| format!("{{\"id\":\"r{id}\",\"prompt\":\"Who is {id}?\",\"completion\":\"Us.\"}}"));
    project.write("rows.jsonl", rows.collect::<Vec<_>>().join("\n"));
    project.write(
        "sft.toml",
        "format = 1\nmodel = \"tiny.gguf\"\nseed = 1\nmax_steps = 2\nmax_length = 96\nbatch_tokens = \"auto\"\n\
         [[data]]\npath = \"rows.jsonl\"\n[optimiser]\nrate = 0.01\n",
    );
    let train = |output: &str| realign(&["train", "sft", "sft.toml", "--output", output]);
    let (code, said) = train("one");
    assert_eq!(code, Some(2), "{said}");
    insta::assert_snapshot!(said.trim(), @r#"
    error: batch_tokens: "auto", and this machine was not measured with this engine and model
     hint: run: realign calibrate --model MODEL; or give a number, as batch_tokens = 1024
    "#);
    assert!(!project.path("one").exists(), "nothing begins without a number");

    let calibrated = realign(&["calibrate", "--quick", "--model", "tiny.gguf"]);
    assert_eq!(calibrated.0, Some(0), "{}", calibrated.1);
    let kept = home.join("calibration.json");
    let mut file: Value =
        serde_json::from_str(&fs::read_to_string(&kept).expect("it was kept")).expect("JSON");
    let batch = |output: &str| {
        let plan: Value = serde_json::from_str(&project.read(&format!("{output}/plan.json"))).expect("JSON");
        plan["config"]["batch_tokens"].as_u64().expect("a number")
    };
    // Best is what the only point says, so that it is known.
    let points = file.pointer_mut("/calibrations/0/train/batch/points").expect("points");
    points.as_array_mut().expect("a list").truncate(1);
    let first = points[0]["tokens"].as_u64().expect("tokens");
    fs::write(&kept, file.to_string()).expect("written");
    assert_eq!(train("one").0, Some(0));
    assert_eq!(batch("one"), first);

    *file.pointer_mut("/calibrations/0/train/batch/points/0/tokens").expect("tokens") = json!(first + 32);
    fs::write(&kept, file.to_string()).expect("written");
    let (code, said) = train("one");
    assert_eq!(code, Some(0), "a later calibration changed a training that had begun: {said}");
    assert_eq!(train("two").0, Some(0));
    assert_eq!((batch("one"), batch("two")), (first, first + 32));
}
