use std::fs;

use super::*;
use crate::exit::Exit;

const SMALLEST: &str =
    "format = 1\nseed = 1\nepochs = 1\n[[data]]\npath = \"rows.jsonl\"\n[optimiser]\nrate = 1e-4\n";

fn read(kind: Kind, text: &str) -> Result<TrainFile> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.toml");
    fs::write(&path, text).unwrap();
    TrainFile::read(&path, kind, |_| {})
}

fn refusal(kind: Kind, text: &str) -> String {
    let error = read(kind, text).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage, "{error}");
    let message = error.to_string();
    message[message.find("train.toml").expect("the file is named")..].to_owned()
}

#[test]
fn the_smallest_file_has_the_documented_defaults() {
    let file = read(Kind::Sft, SMALLEST).unwrap();
    assert_eq!((file.max_length, file.batch_tokens, file.accumulate), (1024, BatchTokens::Fixed(1024), 1));
    assert_eq!(file.adapter, Adapter::default());
    assert_eq!((file.adapter.rank, file.adapter.modules.len()), (8, 7));
    assert_eq!(file.optimiser.adam().clip_norm, Some(1.0));
    assert_eq!(file.optimiser.schedule, ScheduleShape::Cosine);
    assert!(file.loss.is_none());
}

#[test]
fn preference_training_without_a_loss_is_dpo() {
    let file = read(Kind::Preference, SMALLEST).unwrap();
    insta::assert_compact_json_snapshot!(
        file.loss.unwrap().objective(),
        @r#"{"preference": {"loss": {"dpo": {"beta": 0.1}}, "nll": 0.0}}"#
    );
}

#[test]
fn blocks_are_all_or_a_number() {
    let with = |layers: &str| read(Kind::Sft, &format!("{SMALLEST}[adapter]\nlayers = {layers}\n"));
    assert_eq!(with("\"all\"").unwrap().adapter.layers.of(30), 30);
    assert_eq!(with("4").unwrap().adapter.layers.of(30), 4);
    assert!(with("\"some\"").is_err());
}

#[test]
fn what_cannot_be_meant_is_refused_with_file_field_and_limit() {
    let sft = |more: &str| refusal(Kind::Sft, &format!("{SMALLEST}{more}"));
    insta::assert_snapshot!(sft("beta3 = 1\n"), @"train.toml line 8: unknown field `beta3`, expected one of `rate`, `schedule`, `warmup_steps`, `warmup_share`, `beta1`, `beta2`, `epsilon`, `weight_decay`, `clip_norm`");
    insta::assert_snapshot!(sft("warmup_steps = 3\nwarmup_share = 0.1\n"), @"train.toml: optimiser.warmup_steps, optimiser.warmup_share: both are given");
    insta::assert_snapshot!(sft("[adapter]\nrank = 0\n"), @"train.toml: adapter.rank: 0 is outside 1 to 1024");
    insta::assert_snapshot!(sft("[adapter]\nmodules = [\"q_proj\"]\n"), @"train.toml: adapter.modules: `q_proj` is none of self_attn.q_proj, self_attn.k_proj, self_attn.v_proj, self_attn.o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj");
    insta::assert_snapshot!(sft("[loss]\nkind = \"dpo\"\n"), @"train.toml: loss: belongs to preference training alone");
    insta::assert_snapshot!(sft("[kl]\nweight = 1.0\n"), @"train.toml: kl.weight: nothing costs anything without `anchors`");
    insta::assert_snapshot!(sft("[kl]\nevery = 5\n"), @"train.toml: kl.every: nothing can be measured without `prompts`");
    insta::assert_snapshot!(refusal(Kind::Sft, &SMALLEST.replace("epochs = 1\n", "")), @"train.toml: epochs, max_steps: neither is given");
    insta::assert_snapshot!(refusal(Kind::Sft, &SMALLEST.replace("1e-4", "3")), @"train.toml: optimiser.rate: 3 is outside 0.000000001 to 1");
    insta::assert_snapshot!(refusal(Kind::Preference, &format!("{SMALLEST}[loss]\nkind = \"orpo\"\nbeta = 0.1\n")), @"train.toml: loss.beta: `orpo` has no such number");
}
