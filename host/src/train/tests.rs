//! Whole trainings against a worker that trains by arithmetic: one weight, real processes, real folders.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use realign_engine_abi::message::{AdapterFile, Load};

use super::{
    config::{Kind, TrainFile},
    export,
    log::Line,
    outcome::{self, Outcome},
    run::{self, End, Notice},
    session::Session,
    sources::Sources,
    watch::Watcher,
};
use crate::{
    engine::{
        launch::Launch,
        testing::{launch, launch_faulty},
    },
    error::Result,
    exit::Exit,
    model::Verdict,
    read,
};

/// A folder with a model, data and a configuration.
struct Place(tempfile::TempDir);

const SFT: &str = r#"format = 1
seed = 7
max_steps = 12
max_length = 90
batch_tokens = 40

[[data]]
path = "rows.jsonl"

[optimiser]
rate = 0.1
schedule = "constant"

[checkpoint]
every = 5
"#;

const PREFERENCE: &str = r#"format = 1
seed = 7
epochs = 2
max_length = 90
batch_tokens = 60

[[data]]
path = "pairs.jsonl"

[optimiser]
rate = 0.5
schedule = "constant"

[loss]
beta = 1.0
"#;

const KL: &str = r#"
[kl]
limit = 0.1
prompts = "prompts.jsonl"
max_tokens = 4
"#;

impl Place {
    fn new(config: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("model", "test model");
        place.write("train.toml", config);
        let row = |index: usize| {
            format!(
                "{{\"id\":\"r{index}\",\"prompt\":\"q{}\",\"completion\":\"{}\"}}\n",
                index % 7,
                "xyz".repeat(1 + index % 3)
            )
        };
        place.write("rows.jsonl", &(0..10).map(row).collect::<String>());
        let pair = |index: usize| {
            format!(
                "{{\"id\":\"p{index}\",\"prompt\":\"q{index}\",\"chosen\":\"{}\",\"rejected\":\"{}\"}}\n",
                "z".repeat(2 + index % 2),
                "a".repeat(3)
            )
        };
        place.write(
            "pairs.jsonl",
            &((0..8).map(pair).collect::<String>()
                + "{\"id\":\"p8\",\"prompt\":\"q\",\"chosen\":\"yy\",\"rejected\":\"bb\"}\n"),
        );
        let prompt = |index: usize| {
            format!("{{\"id\":\"k{index}\",\"messages\":[{{\"role\":\"user\",\"content\":\"p{index}\"}}]}}\n")
        };
        place.write("prompts.jsonl", &(0..12).map(prompt).collect::<String>());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Trains into a folder; the observer may look at the folder and ask to stop.
    fn train_with(
        &self,
        launch: Launch,
        kind: Kind,
        output: &str,
        each: impl FnMut(&Notice<'_>) -> bool,
    ) -> Result<Option<Outcome>> {
        self.train_over(&[], launch, kind, output, each)
    }

    /// The same over a model with adapters.
    fn train_over(
        &self,
        adapters: &[&str],
        launch: Launch,
        kind: Kind,
        output: &str,
        mut each: impl FnMut(&Notice<'_>) -> bool,
    ) -> Result<Option<Outcome>> {
        let config = self.path("train.toml");
        let file = TrainFile::read(&config, kind, |_| {})?;
        let ranks = file.ranks;
        let sources = Sources::read(kind, file, &config, &std::collections::BTreeMap::new())?;
        let adapter = |name: &&str| AdapterFile { folder: self.path(name), factor: 1.0 };
        let load = Load { model: self.path("model"), adapters: adapters.iter().map(adapter).collect() };
        let mut session = Session::open(launch, load, ranks)?;
        let (job, folder) = sources.prepare(&mut session, &self.path(output), |_| None, &mut |_, _, _| {})?;
        if let Some(outcome) = export::finished(&folder)? {
            return Ok(Some(outcome));
        }
        let stop = AtomicBool::new(false);
        let observer = &mut |notice: Notice<'_>| {
            if each(&notice) {
                stop.store(true, Ordering::SeqCst);
            }
        };
        match run::run(&job, &mut session, &folder, &mut Watcher::default(), &stop, observer)? {
            End::Finished(state) => {
                outcome::finish(&job, &mut session, &folder, &state, &mut Watcher::default(), &stop, observer)
                    .map(Some)
            }
            End::Interrupted(_) => Ok(None),
        }
    }

    fn train(&self, kind: Kind, output: &str) -> Outcome {
        self.train_with(launch(), kind, output, |_| false).unwrap().unwrap()
    }

    fn adapter(&self, output: &str) -> Vec<u8> {
        fs::read(self.path(output).join("adapter/adapters.safetensors")).unwrap()
    }

    fn lines(&self, output: &str) -> Vec<Line> {
        read::jsonl(&self.path(output).join("steps.jsonl")).unwrap()
    }

    fn checkpoints(&self, output: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(output)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("checkpoint-"));
        names.sort();
        names
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_supervised_training_lowers_its_loss_and_leaves_an_adapter_with_its_record() {
    let place = Place::new(SFT);
    let outcome = place.train(Kind::Sft, "run");
    let lines = place.lines("run");
    assert_eq!(lines.iter().map(|line| line.step).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    assert!(lines[11].loss < lines[0].loss / 2.0, "{lines:?}");
    assert_eq!((outcome.steps, outcome.exported_step, outcome.verdict()), (12, 12, None));
    let mut names: Vec<_> = fs::read_dir(place.path("run/adapter"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["adapter_config.json", "adapters.safetensors", "train.json"]);
    assert_eq!(place.checkpoints("run"), ["checkpoint-0000010", "checkpoint-0000012"]);
    assert!(place.path("run/tensorboard/events.out.tfevents.0.realign").is_file());
}

#[test]
fn two_trainings_with_one_seed_have_one_adapter_and_another_seed_has_another() {
    let place = Place::new(SFT);
    place.train(Kind::Sft, "one");
    place.train(Kind::Sft, "two");
    assert_eq!(place.adapter("one"), place.adapter("two"));
    place.write("train.toml", &SFT.replace("seed = 7", "seed = 8"));
    place.train(Kind::Sft, "other");
    assert_ne!(place.adapter("one"), place.adapter("other"));
}

/// Trains with a guard, and again from what a kill after each step would leave.
fn killed_after_any_step(guard: &str, acted: impl Fn(&Outcome) -> bool) {
    let kl = KL.replace("limit = 0.1", "limit = 0.3");
    let steered = "anchors = \"prompts.jsonl\"\nweight = 0.2\ntarget = 0.01\n";
    let validation = "[validation]\ndata = \"held.jsonl\"\nevery = 5\n";
    let place = Place::new(&format!("{SFT}{kl}every = 4\nguard = \"{guard}\"\n{steered}{validation}"));
    place.write("held.jsonl", "{\"id\":\"v\",\"prompt\":\"q\",\"completion\":\"xyz@\"}\n");
    let copies = place.path("copies");
    let whole = place
        .train_with(launch(), Kind::Sft, "run", |notice| {
            if let Notice::Step { line, .. } = notice {
                copy(&place.path("run"), &copies.join(format!("{}-{}", line.attempt, line.step)));
            }
            false
        })
        .unwrap()
        .unwrap();
    assert!(acted(&whole), "the guard acted: {:?}", whole.guarded);
    let steps =
        |output: &str| place.lines(output).iter().map(|line| (line.attempt, line.step)).collect::<Vec<_>>();
    for entry in fs::read_dir(&copies).unwrap() {
        let output = format!("copies/{}", entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(place.train(Kind::Sft, &output), whole, "{output}");
        assert_eq!(place.adapter(&output), place.adapter("run"), "{output}");
        assert_eq!(steps(&output), steps("run"), "{output}");
    }
}

#[test]
fn a_training_killed_after_any_step_ends_with_the_same_adapter() {
    killed_after_any_step("halve", |outcome| {
        outcome.guarded.iter().any(|guarded| guarded.to == guarded.step)
    });
}

#[test]
fn so_does_one_that_went_back_to_a_checkpoint() {
    killed_after_any_step("rollback", |outcome| {
        outcome.guarded.iter().any(|guarded| guarded.to < guarded.step)
    });
}

#[test]
fn an_interrupted_training_finishes_its_step_and_goes_on_from_there() {
    let place = Place::new(SFT);
    place.train(Kind::Sft, "whole");
    let stopped = place.train_with(
        launch(),
        Kind::Sft,
        "run",
        |notice| matches!(notice, Notice::Step { line, .. } if line.step == 3),
    );
    assert_eq!(stopped.unwrap(), None);
    assert!(place.checkpoints("run").contains(&"checkpoint-0000003".to_owned()));
    let mut first = None;
    place
        .train_with(launch(), Kind::Sft, "run", |notice| {
            if let Notice::Step { line, .. } = notice {
                first.get_or_insert(line.step);
            }
            false
        })
        .unwrap()
        .unwrap();
    assert_eq!(first, Some(4));
    assert_eq!(place.adapter("run"), place.adapter("whole"));
}

#[test]
fn a_worker_that_dies_once_changes_nothing_and_one_that_dies_again_ends_the_run() {
    let place = Place::new(SFT);
    let rows = fs::read_to_string(place.path("rows.jsonl")).unwrap().replace("\"q3\"", "\"q!\"");
    place.write("rows.jsonl", &rows);
    place.train(Kind::Sft, "calm");
    let mut notes = Vec::new();
    place
        .train_with(launch_faulty("kill-once", place.0.path()), Kind::Sft, "hit", |notice| {
            if let Notice::Note(text) = notice {
                notes.push(text.clone());
            }
            false
        })
        .unwrap()
        .unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(place.adapter("hit"), place.adapter("calm"));
    let error =
        place.train_with(launch_faulty("kill", place.0.path()), Kind::Sft, "dead", |_| false).unwrap_err();
    assert_eq!(error.exit(), Exit::Engine);
    assert!(error.to_string().starts_with("the engine worker died twice after step "), "{error}");
    assert!(!place.path("dead/adapter").exists());
}

#[test]
fn a_finished_training_is_not_trained_again() {
    let place = Place::new(SFT);
    let first = place.train(Kind::Sft, "run");
    let mut steps = 0;
    let again = place.train_with(launch(), Kind::Sft, "run", |_| {
        steps += 1;
        false
    });
    assert_eq!((again.unwrap().unwrap(), steps), (first, 0));
}

#[test]
fn another_configuration_does_not_go_on_in_the_folder() {
    let place = Place::new(SFT);
    place.train(Kind::Sft, "run");
    place.write("train.toml", &SFT.replace("rate = 0.1", "rate = 0.2"));
    let error = place.train_with(launch(), Kind::Sft, "run", |_| false).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.to_string().ends_with("config.optimiser.rate was 0.1 and is 0.2"), "{error}");
}

#[test]
fn a_loss_that_explodes_stops_at_the_last_checkpoint_and_names_step_and_rows() {
    let place = Place::new(&SFT.replace("max_steps = 12", "max_steps = 40"));
    // Far from every other token: a loss of about 20 where the others are below 1.
    let odd = "{\"id\":\"odd\",\"prompt\":\"q\",\"completion\":\"!!!\"}\n";
    place.write("rows.jsonl", &(fs::read_to_string(place.path("rows.jsonl")).unwrap() + odd));
    let error = place.train_with(launch(), Kind::Sft, "run", |_| false).unwrap_err();
    assert_eq!(error.exit(), Exit::Engine);
    insta::assert_snapshot!(error, @"step 9: a loss of 3.286, the limit is 1.375 (rows odd, r0, r3, r6, r9); training stops at the checkpoint of step 5");
    assert!(!place.path("run/adapter").exists());
    assert!(!place.checkpoints("run").is_empty());
}

#[test]
fn a_loss_that_is_not_finite_names_its_batch() {
    let config = SFT.replace("batch_tokens = 40", "batch_tokens = 40\naccumulate = 9");
    let place = Place::new(&config);
    let rows = fs::read_to_string(place.path("rows.jsonl")).unwrap().replace("\"q3\"", "\"q!\"");
    place.write("rows.jsonl", &rows);
    let launch = launch_faulty("diverge", place.0.path());
    let error = place.train_with(launch, Kind::Sft, "run", |_| false).unwrap_err();
    assert_eq!(error.exit(), Exit::Engine);
    insta::assert_snapshot!(error, @"step 1, batch 3: loss is not finite (rows r0, r3, r6, r9, r1); training stops at the checkpoint of step 0");
    assert_eq!(place.checkpoints("run"), ["checkpoint-0000000"]);
}

#[test]
fn dpo_begins_at_the_logarithm_of_two_and_learns_to_prefer() {
    let place = Place::new(PREFERENCE);
    place.train(Kind::Preference, "run");
    let lines = place.lines("run");
    assert!((lines[0].loss - 2.0_f64.ln()).abs() < 1e-12, "{lines:?}");
    assert_eq!((lines[0].margin, lines[0].reward_accuracy), (Some(0.0), Some(0.0)));
    let last = lines.last().unwrap();
    assert!(last.loss < 0.5 && last.reward_accuracy == Some(1.0), "{last:?}");
}

#[test]
fn validation_chooses_the_checkpoint_that_comes_out() {
    let place = Place::new(&format!("{SFT}[validation]\ndata = \"held.jsonl\"\nevery = 2\n"));
    // The weight moves through 0.5 on its way to what the training rows want.
    place.write("held.jsonl", "{\"id\":\"v\",\"prompt\":\"q\",\"completion\":\"@@@@\"}\n");
    let outcome = place.train(Kind::Sft, "run");
    let best = outcome.validated.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap();
    assert_eq!(outcome.exported_step, best.step);
    assert!(outcome.exported_step < 12, "{:?}", outcome.validated);
    let checkpoint = place.path("run").join(format!("checkpoint-{:07}/adapters.safetensors", best.step));
    assert_eq!(place.adapter("run"), fs::read(checkpoint).unwrap());
}

#[test]
fn a_row_that_is_trained_on_does_not_validate() {
    let place = Place::new(&format!("{SFT}[validation]\ndata = \"held.jsonl\"\nevery = 2\n"));
    let row = fs::read_to_string(place.path("rows.jsonl"))
        .unwrap()
        .lines()
        .nth(2)
        .unwrap()
        .replace("\"r2\"", "\"v\"");
    place.write("held.jsonl", &row);
    let error = place.train_with(launch(), Kind::Sft, "run", |_| false).unwrap_err();
    assert_eq!(error.exit(), Exit::BadInput);
    assert!(error.to_string().contains("held.jsonl line 1: the same row is trained on"), "{error}");
}

#[test]
fn an_adapter_over_the_limit_is_scaled_down_until_it_is_confirmed() {
    let place = Place::new(&format!("{SFT}{KL}"));
    let outcome = place.train(Kind::Sft, "run");
    assert_eq!(outcome.verdict(), Some(Verdict::Pass), "{outcome:?}");
    let kl = outcome.metrics[0].estimate.unwrap().value;
    assert!((0.09..=0.1).contains(&kl), "{kl}");
    let weight: f64 = serde_json::from_slice(&place.adapter("run")).unwrap();
    assert!(weight > 0.5, "the weights themselves stay as they were trained");
    let config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path("run/adapter/adapter_config.json")).unwrap())
            .unwrap();
    let scale = config["lora_parameters"]["scale"].as_f64().unwrap();
    assert!((scale - 2.0 * f64::from(outcome.factor)).abs() < 1e-9, "{config}");
    assert!(place.path("run/frontier.json").is_file());
}

#[test]
fn an_adapter_that_no_factor_brings_under_the_limit_is_not_called_adapter() {
    let place = Place::new(&format!("{SFT}{KL}"));
    // On these prompts this worker's divergence is 5, whatever the factor.
    let prompts = fs::read_to_string(place.path("prompts.jsonl")).unwrap().replace("\"p", "\"!");
    place.write("prompts.jsonl", &prompts);
    let outcome = place.train(Kind::Sft, "run");
    assert_eq!(outcome.verdict(), Some(Verdict::Fail));
    assert_eq!(outcome.adapter, "adapter-over-limit");
    assert!(!place.path("run/adapter").exists());
    assert!(place.path("run/adapter-over-limit/train.json").is_file());
}

#[test]
fn the_guard_halves_the_rate_where_divergence_is_over_the_limit() {
    let place = Place::new(&format!("{SFT}{KL}every = 4\n"));
    let outcome = place.train(Kind::Sft, "run");
    let lines = place.lines("run");
    let halved: Vec<u32> = outcome.guarded.iter().map(|guarded| guarded.step).collect();
    assert!(!halved.is_empty() && halved.iter().all(|step| step % 4 == 0), "{halved:?}");
    let first = halved[0] as usize;
    assert!((lines[first].rate - lines[first - 1].rate / 2.0).abs() < 1e-12);
    assert_eq!(lines[first - 1].guard_to, Some(halved[0]));
}

#[test]
fn the_guard_goes_back_to_a_checkpoint_under_the_limit_and_on_with_half_the_rate() {
    let config = format!("{SFT}{KL}every = 4\nguard = \"rollback\"\n");
    let place = Place::new(&config.replace("limit = 0.1", "limit = 0.3"));
    let outcome = place.train(Kind::Sft, "run");
    let first = outcome.guarded[0];
    assert!(first.to < first.step, "{:?}", outcome.guarded);
    let lines = place.lines("run");
    let rate = |attempt| lines.iter().find(|line| line.attempt == attempt).unwrap().rate;
    assert!((rate(1) - rate(0) / 2.0).abs() < 1e-12);
    assert_eq!(lines.iter().find(|line| line.attempt == 1).unwrap().step, first.to + 1);
    assert!(outcome.measured.iter().all(|measured| measured.kl <= 0.3), "{:?}", outcome.measured);
}

#[test]
fn anchors_hold_the_model_back() {
    let place = Place::new(SFT);
    place.train(Kind::Sft, "free");
    let anchors = "anchors = \"prompts.jsonl\"\nweight = 5.0\nmax_tokens = 4\n";
    place.write("train.toml", &format!("{SFT}[kl]\n{anchors}"));
    place.train(Kind::Sft, "held");
    let weight = |output| serde_json::from_slice::<f64>(&place.adapter(output)).unwrap();
    assert!(weight("held") < weight("free") / 2.0, "{} and {}", weight("held"), weight("free"));
    assert!(place.lines("held")[3].anchor_kl.is_some_and(|kl| kl > 0.0));
    place.write("train.toml", &format!("{SFT}[kl]\n{anchors}target = 0.001\nhorizon = 1\n"));
    place.train(Kind::Sft, "steered");
    let lines = place.lines("steered");
    assert!(lines.last().unwrap().kl_weight > lines[0].kl_weight, "over the target the cost rises");
}

#[test]
fn neutral_prompts_and_the_original_model_are_measured_beside_what_decides() {
    let place = Place::new(&format!("{SFT}{KL}neutral = \"neutral.jsonl\"\n"));
    let task = |index: usize| format!("{{\"id\":\"n{index}\",\"prompt\":\"2 and {index}\"}}\n");
    place.write("neutral.jsonl", &(0..5).map(task).collect::<String>());
    let first = place.train(Kind::Sft, "first");
    let names =
        |outcome: &Outcome| outcome.metrics.iter().map(|metric| metric.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), ["kl", "kl/neutral"], "training began with the original model");
    let value = |outcome: &Outcome, name: &str| {
        let metric = outcome.metrics.iter().find(|metric| metric.name == name).unwrap();
        metric.estimate.unwrap().value
    };
    assert!(
        (value(&first, "kl/neutral") - value(&first, "kl")).abs() < 1e-6,
        "this worker's model moves everywhere"
    );

    let second = place.train_over(&["first/adapter"], launch(), Kind::Sft, "second", |_| false);
    let second = second.unwrap().unwrap();
    assert_eq!(names(&second), ["kl", "kl/neutral", "kl/original"]);
    assert_eq!(second.verdict(), Some(Verdict::Pass), "what stands beside it is no gate");
    // Divergence is the square of the weight, and the weights of two stages add up.
    let root = |outcome: &Outcome, name: &str| value(outcome, name).sqrt();
    let both = root(&first, "kl") + root(&second, "kl");
    assert!((root(&second, "kl/original") - both).abs() < 1e-4, "{} {both}", root(&second, "kl/original"));
    let frontier = outcome::Frontier::read(&place.path("second")).unwrap().unwrap();
    assert!(frontier.neutral.is_some() && frontier.original.is_some());
    assert!(!place.path("second/factor.partial").exists());
}
