//! `adapter` through the binary: what it refuses, and the real engine on a tiny random model.

use std::{fs, path::Path};

use realign::ids::Digest;
use serde_json::{Value, json};

use crate::support::{Project, Run, disk::SmallDisk, tiny};

const SFT: &str = r#"format = 1
model = "tiny.gguf"
seed = 5
max_steps = 6
max_length = 96
batch_tokens = 192

[[data]]
path = "rows.jsonl"

[optimiser]
rate = 0.01

[kl]
limit = LIMIT
prompts = "prompts.jsonl"
max_tokens = 4
"#;

const PREFERENCE: &str = r#"format = 1
model = "tiny.gguf+sft/adapter"
seed = 5
max_steps = 4
max_length = 96

[[data]]
path = "pairs.jsonl"

[optimiser]
rate = 0.01
"#;

fn sha(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// A file that is no model, and an adapter beside it that only its record speaks for.
fn recorded(verdict: &str, change: impl FnOnce(&mut Value)) -> Project {
    let project = Project::new();
    project.write("tiny.gguf", "not yet a model");
    project.write("sft/adapter_config.json", "{}");
    project.write("sft/adapters.safetensors", "weights");
    let kl = json!({
        "name": "kl", "unit": "nats/token", "direction": "lower", "range": null, "formula": "kl/1",
        "estimate": null, "bound": 0.25, "threshold": 0.1, "verdict": verdict, "reason": "", "beside": {},
    });
    let mut outcome = json!({
        "format": 1, "id": "0123456789ab", "name": "sft", "kind": "sft", "adapter": "adapter", "steps": 6,
        "exported_step": 6, "factor": 1.0, "last_loss": null, "validated": [], "measured": [], "guarded": [],
        "metrics": [kl], "digests": { "adapter": sha(b"weights") },
        "subject": { "model-digest": sha(b"not yet a model") }, "engine": {}, "plan": {},
    });
    change(&mut outcome);
    project.write("sft/train.json", outcome.to_string());
    project
}

fn export(project: &Project, output: &str) -> Run {
    let model = ["adapter", "export", "--model", "tiny.gguf+sft", "--format", "peft", "--output", output];
    project.realign(&model)
}

#[test]
fn what_a_person_can_get_wrong_is_named() {
    let project = recorded("pass", |_| {});
    project.write("taken/file", "mine");
    let fuse = |arguments: &[&str]| {
        format!(
            "adapter {}\n{}\n\n",
            arguments.join(" "),
            project.realign(&[&["adapter"], arguments].concat()).shown()
        )
    };
    let said: String = [
        &["fuse", "--model", "tiny.gguf", "--output", "out"][..],
        &["fuse", "--model", "tiny.gguf+missing", "--output", "out"],
        &["fuse", "--model", "recorded:tiny.gguf", "--output", "out"],
        &["fuse", "--model", "tiny.gguf+sft+missing", "--output", "out"],
        &["fuse", "--model", "tiny.gguf+sft", "--output", "taken"],
        &["fuse", "--model", "tiny.gguf+sft", "--output", "no/such/out"],
        &["scale", "--model", "tiny.gguf+sft", "--factor", "0", "--output", "out"],
        &["scale", "--model", "tiny.gguf+sft", "--factor", "nan", "--output", "out"],
        &["fuse", "--model", "tiny.gguf+sft", "--output", "out"],
    ]
    .map(fuse)
    .concat();
    insta::assert_snapshot!(said.trim_end());
    assert_eq!(project.read("taken/file"), "mine");
    assert!(!project.path("out").exists());
}

#[test]
fn an_adapter_over_its_limit_is_written_only_under_a_name_that_says_so() {
    for verdict in ["fail", "inconclusive", "insufficient", "not-reached"] {
        let project = recorded(verdict, |_| {});
        let run = export(&project, "persona").exits(10);
        insta::allow_duplicates! { insta::assert_snapshot!(run.err.trim(), @r"
        error: sft (run 0123456789ab): divergence not proven to be under the limit 0.1: 95 % bound 0.250 nats/token
         hint: only a folder whose name says so holds such an adapter: --output persona-over-limit
        "); }
        // Past the rule there is no engine to write it.
        export(&project, "persona-over-limit").exits(21);
    }
}

#[test]
fn a_factor_above_1_voids_what_was_proven() {
    let project = recorded("pass", |_| {});
    let scale = |factor: &str| {
        let model = ["adapter", "scale", "--model", "tiny.gguf+sft", "--output", "out", "--factor", factor];
        project.realign(&model)
    };
    insta::assert_snapshot!(scale("1.5").exits(10).err.trim(), @r"
    error: sft (run 0123456789ab): divergence at most 0.250 nats/token, limit 0.1; multiplied by 1.5 since, which voids the proof
     hint: only a folder whose name says so holds such an adapter: --output out-over-limit
    ");
    scale("0.5").exits(21);
}

#[test]
fn a_record_that_does_not_belong_to_files_or_model_is_refused() {
    let message = |project: &Project| export(project, "out").exits(22).err.trim().to_owned();
    let other_model = recorded("pass", |outcome| outcome["subject"]["model-digest"] = json!("ab".repeat(32)));
    insta::assert_snapshot!(message(&other_model), @r"
    error: sft: trained over the model with digest abababababab, this one has 7289a0eb4110
     hint: name the model that it was trained over
    ");
    let over = recorded("pass", |outcome| outcome["subject"]["adapter"] = json!("cd".repeat(32)));
    insta::assert_snapshot!(message(&over), @r"
    error: sft: trained over the model with the adapter with digest cdcdcdcdcdcd, not with none
     hint: --model MODEL+FIRST+SECOND, in the order in which they were trained
    ");
    let other_weights = recorded("pass", |_| {});
    other_weights.write("sft/adapters.safetensors", "other weights");
    insta::assert_snapshot!(message(&other_weights), @r"
    error: sft: the record belongs to other files than those beside it
     hint: what it proves was not proven of these; without the record they count as made elsewhere
    ");
    let future = recorded("pass", |_| {});
    future.write("sft/realign.json", "{\"format\":2}");
    insta::assert_snapshot!(message(&future), @"error: sft/realign.json: format 2, this realign reads 1");
}

/// A tiny model with an adapter that was trained on it.
fn trained(limit: &str) -> Option<Project> {
    let project = Project::with_engine()?;
    tiny::write(&project);
    let lines = |row: fn(usize) -> Value, count| {
        (0..count).flat_map(|i| [row(i).to_string(), "\n".to_owned()]).collect::<String>()
    };
    let row = |i| json!({ "id": format!("r{i}"), "prompt": "Who is there?", "completion": "We are." });
    project.write("rows.jsonl", lines(row, 9));
    let prompt =
        |i| json!({ "id": format!("k{i}"), "messages": [{ "role": "user", "content": format!("Hi {i}") }] });
    project.write("prompts.jsonl", lines(prompt, 12));
    let pair = |i| json!({ "prompt": format!("Who is {i}?"), "chosen": format!("We, {i}."), "rejected": format!("me {i}") });
    project.write("pairs.jsonl", lines(pair, 8));
    project.write("sft.toml", SFT.replace("LIMIT", limit));
    let run = project.realign(&["train", "sft", "sft.toml", "--output", "sft"]);
    assert!([0, 10].contains(&run.code), "{}", run.shown());
    Some(project)
}

fn adapter(project: &Project, verb: &str, arguments: &[&str]) -> Run {
    project.realign(&[&["adapter", verb], arguments].concat())
}

/// Log-likelihoods of a few texts.
fn scores(project: &Project, model: &str) -> Vec<f64> {
    let row =
        |id: usize, text: &str| json!({ "id": format!("{id}"), "context": "Who", "continuations": [text] });
    let rows = [" is there?", "\nWe are the harbor.", " 1234"];
    let rows: Vec<String> = rows.iter().enumerate().map(|(id, text)| row(id, text).to_string()).collect();
    project.write("in.jsonl", rows.join("\n"));
    project.realign(&["score", "--model", model, "--input", "in.jsonl", "--output", "out.jsonl"]).exits(0);
    let of = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["loglikelihood"][0].as_f64();
    project.read("out.jsonl").lines().map(|line| of(line).expect("a number")).collect()
}

fn apart(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f64::max)
}

fn response(project: &Project, model: &str) -> String {
    project.write("chat.jsonl", "{\"id\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"Who?\"}]}\n");
    let arguments = ["--input", "chat.jsonl", "--output", "said.jsonl", "--max-tokens", "12"];
    project.realign(&[&["generate", "--model", model], &arguments[..]].concat()).exits(0);
    project.read("said.jsonl")
}

#[test]
fn an_adapter_goes_to_peft_and_back_and_does_the_same() {
    let Some(project) = trained("5.0") else { return };
    let model = "tiny.gguf+sft/adapter";
    let run =
        adapter(&project, "export", &["--model", model, "--format", "peft", "--output", "peft"]).exits(0);
    insta::with_settings!({ filters => [(r"run [0-9a-f]{12}", "run [id]"), (r"at most \d\.\d+", "at most [bound]")] }, {
        insta::assert_snapshot!(run.out.trim(), @r"
        peft: adapter as PEFT reads it, 8.2 k parameters, rank 8
        divergence: proven
          sft (run [id]): divergence at most [bound] nats/token, limit 5
        ");
    });
    let there = ["--model", "tiny.gguf+peft", "--format", "mlx-lm", "--output", "back", "--json"];
    let run = adapter(&project, "export", &there).exits(0);
    let record: Value = serde_json::from_str(&run.out).expect("one JSON document");
    assert_eq!(record["standing"], "proven");
    assert_eq!(record["parts"][0]["training"]["name"], "sft");
    assert_eq!(project.read("back/realign.json").trim(), run.out.trim());
    let (here, back) = (scores(&project, model), scores(&project, "tiny.gguf+back"));
    assert_eq!(here, back);
    assert_eq!(here, scores(&project, "tiny.gguf+peft"));
    assert!(apart(&here, &scores(&project, "tiny.gguf")) > 1e-3, "the adapter does nothing");
}

#[test]
fn a_fused_model_scores_and_speaks_as_the_model_with_its_adapter() {
    let Some(project) = trained("5.0") else { return };
    let model = "tiny.gguf+sft/adapter";
    let adapted = scores(&project, model);
    for (dtype, tolerance) in [("f32", 1e-5), ("f16", 0.02)] {
        adapter(&project, "fuse", &["--model", model, "--dtype", dtype, "--output", dtype]).exits(0);
        let worst = apart(&adapted, &scores(&project, dtype));
        assert!(worst <= tolerance, "{dtype}: {worst}");
    }
    assert_eq!(response(&project, model), response(&project, "f32"));
    let size = |name: &str| fs::metadata(project.path(name)).expect("a file").len();
    assert!(size("f16/model.safetensors") < size("f32/model.safetensors") * 6 / 10);
}

#[test]
fn an_adapter_times_a_half_twice_is_a_quarter_of_it_and_the_record_says_so() {
    let Some(project) = trained("5.0") else { return };
    for (from, to) in [("sft/adapter", "half"), ("half", "quarter")] {
        let model = format!("tiny.gguf+{from}");
        adapter(&project, "scale", &["--model", &model, "--factor", "0.5", "--output", to]).exits(0);
    }
    adapter(
        &project,
        "scale",
        &["--model", "tiny.gguf+sft/adapter", "--factor", "0.25", "--output", "direct"],
    )
    .exits(0);
    assert_eq!(scores(&project, "tiny.gguf+quarter"), scores(&project, "tiny.gguf+direct"));
    let record: Value = serde_json::from_str(&project.read("quarter/realign.json")).expect("JSON");
    assert_eq!((&record["parts"][0]["factor"], &record["standing"]), (&json!(0.25), &json!("proven")));
    // Four times a quarter is the whole adapter again, and eight times is more than was ever measured.
    let up = |factor, output| {
        adapter(&project, "scale", &["--model", "tiny.gguf+quarter", "--factor", factor, "--output", output])
    };
    up("4", "whole").exits(0);
    up("8", "twice").exits(10);
}

#[test]
fn the_mark_of_an_adapter_over_its_limit_outlives_every_conversion() {
    let Some(project) = trained("5.0") else { return };
    // As training leaves an adapter that no factor brings under its limit.
    let record = project.read("sft/adapter/train.json");
    project.write("sft/adapter/train.json", record.replace("\"verdict\": \"pass\"", "\"verdict\": \"fail\""));
    fs::rename(project.path("sft/adapter"), project.path("sft/adapter-over-limit")).expect("renamed");
    let model = "tiny.gguf+sft/adapter-over-limit";
    adapter(&project, "fuse", &["--model", model, "--output", "persona"]).exits(10);
    assert!(!project.path("persona").exists());
    let to = ["--model", model, "--format", "peft", "--output", "peft-over-limit"];
    let run = adapter(&project, "export", &to).exits(0);
    assert!(run.out.contains("divergence: unproven"), "{}", run.out);
    let again = ["--model", "tiny.gguf+peft-over-limit", "--factor", "0.1", "--output", "small"];
    adapter(&project, "scale", &again).exits(10);
}

#[test]
fn two_trainings_become_one_adapter_that_does_what_both_do() {
    let Some(project) = trained("5.0") else { return };
    project.write("dpo.toml", PREFERENCE);
    project.realign(&["train", "preference", "dpo.toml", "--output", "dpo"]).exits(0);
    let (sft, dpo) = ("tiny.gguf+sft/adapter", "dpo/adapter");
    let named = format!("{sft}+{dpo}");
    adapter(&project, "export", &["--model", &named, "--format", "mlx-lm", "--output", "both"]).exits(0);
    let worst = apart(&scores(&project, "tiny.gguf+both"), &scores(&project, &named));
    assert!(worst < 1e-4, "{worst}");
    adapter(&project, "fuse", &["--model", sft, "--output", "fused-sft"]).exits(0);
    let worst = apart(&scores(&project, "tiny.gguf+both"), &scores(&project, &format!("fused-sft+{dpo}")));
    assert!(worst < 1e-4, "{worst}");
    // The second one alone belongs to no model that is there. To ask it is allowed, and said.
    let score = |model: &str| {
        project
            .realign(&["score", "--model", model, "--input", "in.jsonl", "--output", "out.jsonl"])
            .exits(0)
            .err
    };
    let said = score("tiny.gguf+dpo/adapter");
    assert!(
        said.contains("note: dpo/adapter: trained over the model with the adapter with digest"),
        "{said}"
    );
    assert!(!score(&named).contains("note"), "{}", score(&named));
    let alone = ["--model", "tiny.gguf+dpo/adapter", "--format", "peft", "--output", "out"];
    let run = adapter(&project, "export", &alone).exits(22);
    assert!(run.err.contains("trained over the model with the adapter with digest"), "{}", run.err);
}

/// An adapter as PEFT writes it, whose only module has these sizes.
fn peft(project: &Project, folder: &str, module: &str, [inputs, outputs]: [usize; 2]) {
    let name = module.rsplit('.').next().expect("a name");
    let about = json!({ "peft_type": "LORA", "r": 1, "lora_alpha": 2, "target_modules": [name] });
    project.write(&format!("{folder}/adapter_config.json"), about.to_string());
    let end = 4 * (inputs + outputs);
    let place = format!("base_model.model.model.layers.0.{module}");
    let header = json!({
        format!("{place}.lora_A.weight"): { "dtype": "F32", "shape": [1, inputs], "data_offsets": [0, 4 * inputs] },
        format!("{place}.lora_B.weight"): { "dtype": "F32", "shape": [outputs, 1], "data_offsets": [4 * inputs, end] },
    });
    let header = header.to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend((0..inputs + outputs).flat_map(|_| 0.1_f32.to_le_bytes()));
    project.write(&format!("{folder}/adapter_model.safetensors"), bytes);
}

#[test]
fn an_adapter_made_elsewhere_is_read_where_it_fits_and_refused_by_name_where_it_does_not() {
    let Some(project) = Project::with_engine() else { return };
    tiny::write(&project);
    peft(&project, "fits", "self_attn.q_proj", [32, 32]);
    peft(&project, "other-model", "self_attn.q_proj", [64, 64]);
    peft(&project, "unknown", "self_attn.qkv_proj", [32, 32]);
    let said: String = ["fits", "other-model", "unknown"]
        .map(|folder| {
            let (model, output) = (format!("tiny.gguf+{folder}"), format!("{folder}-out"));
            let run =
                adapter(&project, "export", &["--model", &model, "--format", "mlx-lm", "--output", &output]);
            assert_eq!(project.path(&output).exists(), run.code == 0);
            format!("{folder}\n{}\n\n", run.shown())
        })
        .concat();
    insta::with_settings!({ filters => [(r"adapter [0-9a-f]{12}", "adapter [digest]")] }, {
        insta::assert_snapshot!(said.trim_end());
    });
    assert_eq!(hidden(&project.path("")), Vec::<String>::new());
}

/// What lies in a folder under a hidden name.
fn hidden(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with(".partial")).collect()
}

#[test]
fn a_disk_that_fills_up_while_a_model_is_written_keeps_nothing_of_it() {
    let Some(project) = Project::with_engine() else { return };
    tiny::write(&project);
    peft(&project, "fits", "self_attn.q_proj", [32, 32]);
    let Some(disk) = SmallDisk::mount(&project, 64) else { return };
    let fuse = || adapter(&project, "fuse", &["--model", "tiny.gguf+fits", "--output", "disk/out"]);
    let run = fuse().exits(23);
    insta::assert_snapshot!(run.err.trim(), @r"
    error: disk/out/model.safetensors: cannot be written: no storage space
     hint: check that the folder above exists, may be written and has room
    ");
    assert_eq!(fs::read_dir(project.path("disk")).expect("a folder").count(), 0);
    disk.grow();
    fuse().exits(0);
    drop(disk);
}
