//! Adapter folders: what is written can be read, and what does not fit the model is refused by name.

use std::{fs, path::Path};

use insta::assert_snapshot;
use realign_engine_abi::message::{AdapterFile, EngineOptions, Load, Request};
use realign_engine_mlx::{
    adapter::{Adapter, fold::fold, mlx_lm, names::Projection, peft, read},
    engine::Engine,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    File,
    adapters::{adapter, adapter_folder, config, load_adapted, probabilities},
    ask, failure,
    folders::{Files, safetensors, with_header},
    on_disk, tiny,
};

const TWO: [Projection; 2] = [Projection::Query, Projection::Down];

type Write = fn(&Path, &Adapter, usize) -> realign_engine_mlx::error::Result<()>;
const FORMATS: [(Write, &str); 2] = [(mlx_lm::write, mlx_lm::TENSORS), (peft::write, peft::TENSORS)];

fn about(folder: &TempDir) -> Value {
    let text = fs::read_to_string(folder.path().join("adapter_config.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn refusal(folder: &TempDir, factor: f32) -> String {
    let file = AdapterFile { folder: folder.path().to_owned(), factor };
    let error = read(&file, &config()).unwrap_err().to_string();
    error.replace(&format!("{}: ", folder.path().display()), "")
}

/// A refusal of a good folder whose configuration was changed.
fn changed(write: Write, change: impl FnOnce(&mut Value)) -> String {
    let folder = adapter_folder(&adapter(5, &[0, 1], &TWO), write);
    let mut value = about(&folder);
    change(&mut value);
    fs::write(folder.path().join("adapter_config.json"), value.to_string()).unwrap();
    refusal(&folder, 1.0)
}

/// A refusal of a good mlx-lm folder with other tensors.
fn tensors(name: &str, shape: &[usize], numbers: &[f32]) -> String {
    let folder = adapter_folder(&adapter(2, &[1], &TWO), mlx_lm::write);
    let tensors = [(name.to_owned(), (shape.to_vec(), numbers.to_vec()))].into();
    fs::write(folder.path().join(mlx_lm::TENSORS), safetensors(&tensors, "F32")).unwrap();
    refusal(&folder, 1.0)
}

#[test]
fn both_formats_hold_exactly_what_was_written() {
    for blocks in [&[0, 1][..], &[1]] {
        for (write, _) in FORMATS {
            let written = adapter(5, blocks, &TWO);
            let folder = adapter_folder(&written, write);
            let file = AdapterFile { folder: folder.path().to_owned(), factor: 1.0 };
            assert_eq!(read(&file, &config()).unwrap(), written);
        }
    }
}

#[test]
fn configurations_say_what_the_other_programs_ask_for() {
    let one_block = adapter(4, &[1], &TWO);
    assert_snapshot!(about(&adapter_folder(&one_block, mlx_lm::write)), @r#"{"fine_tune_type":"lora","lora_parameters":{"dropout":0.0,"keys":["self_attn.q_proj","mlp.down_proj"],"rank":4,"scale":0.5},"num_layers":1}"#);
    assert_snapshot!(about(&adapter_folder(&one_block, peft::write)), @r#"{"base_model_name_or_path":null,"bias":"none","fan_in_fan_out":false,"inference_mode":true,"layers_pattern":"layers","layers_to_transform":[1],"lora_alpha":2,"lora_dropout":0.0,"peft_type":"LORA","r":4,"target_modules":["q_proj","down_proj"],"task_type":"CAUSAL_LM"}"#);
    let everywhere = adapter(3, &[0, 1], &TWO);
    assert_eq!(about(&adapter_folder(&everywhere, mlx_lm::write))["num_layers"], 2);
    assert_eq!(about(&adapter_folder(&everywhere, peft::write))["layers_to_transform"], Value::Null);
    assert_eq!(about(&adapter_folder(&everywhere, peft::write))["lora_alpha"], 1.5);
}

#[test]
fn folded_weights_compute_what_the_adapter_adds() {
    let adapter = adapter(5, &[1], &Projection::ALL);
    for (&site, factors) in &adapter.corrections {
        let (inputs, outputs) = site.projection.shape(&config());
        let weights: Vec<f32> = (0..inputs * outputs).map(|index| (index % 23) as f32 / 23.0 - 0.5).collect();
        let input: Vec<f64> = (0..inputs).map(|index| (index % 7) as f64 / 3.0 - 1.0).collect();
        let folded = fold(&adapter, site, weights.clone()).unwrap();
        let times = |weights: &[f32], output: usize| -> f64 {
            (0..inputs).map(|i| input[i] * f64::from(weights[output * inputs + i])).sum()
        };
        let middle =
            |r: usize| -> f64 { (0..inputs).map(|i| input[i] * f64::from(factors.a[i * 5 + r])).sum() };
        for output in 0..outputs {
            let added: f64 = (0..5).map(|r| middle(r) * f64::from(factors.b[r * outputs + output])).sum();
            let expected = times(&weights, output) + 0.5 * added;
            assert!((times(&folded, output) - expected).abs() < 1e-4, "{site}: output {output}");
        }
    }
}

#[test]
fn an_adapted_engine_computes_what_weights_that_were_changed_by_hand_compute() {
    let adapter = adapter(3, &[0, 1], &Projection::ALL);
    let mut files = Files::tiny();
    for (site, factors) in &adapter.corrections {
        let (inputs, outputs) = site.projection.shape(&config());
        let weights = &mut files.tensors.get_mut(&format!("{site}.weight")).unwrap().1;
        for output in 0..outputs {
            for input in 0..inputs {
                let product = (0..3).map(|r| factors.a[input * 3 + r] * factors.b[r * outputs + output]);
                weights[output * inputs + input] += 2.0 * 0.5 * product.sum::<f32>();
            }
        }
    }
    let by_hand = files.write();
    let expected = probabilities(&mut load_adapted(by_hand.path(), None));
    for (write, _) in FORMATS {
        let folder = adapter_folder(&adapter, write);
        let got = probabilities(&mut load_adapted(Files::tiny().write().path(), Some((folder.path(), 2.0))));
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-4, "{worst}");
        let without =
            probabilities(&mut load_adapted(Files::tiny().write().path(), Some((folder.path(), 0.0))));
        assert_eq!(without, probabilities(&mut tiny()), "factor 0 is the model itself");
    }
    assert_ne!(expected, probabilities(&mut tiny()));
}

#[test]
fn an_mlx_lm_configuration_that_this_engine_does_not_know_is_refused() {
    let lora =
        |key: &str, value: Value| changed(mlx_lm::write, |about| about["lora_parameters"][key] = value);
    assert_snapshot!(changed(mlx_lm::write, |about| about["fine_tune_type"] = json!("dora")), @r#"adapter_config.json: fine_tune_type is "dora", not "lora""#);
    assert_snapshot!(changed(mlx_lm::write, |about| about["num_layers"] = json!("all")), @r#"adapter_config.json: num_layers is "all", not a whole number"#);
    assert_snapshot!(changed(mlx_lm::write, |about| about["num_layers"] = json!(1)), @"adapters.safetensors: tensor model.layers.0.mlp.down_proj.lora_a: is outside of what adapter_config.json says is adapted");
    assert_snapshot!(changed(mlx_lm::write, |about| about["lora_parameters"] = Value::Null), @"adapter_config.json: lora_parameters is missing, not an object");
    assert_snapshot!(lora("alpha", json!(16)), @"adapter_config.json: lora_parameters: key alpha is 16 and not supported");
    assert_snapshot!(lora("rank", json!(0)), @"adapter_config.json: lora_parameters: rank is 0, not a whole number from 1 to 4096");
    assert_snapshot!(lora("rank", json!(6)), @"adapters.safetensors: tensor model.layers.0.mlp.down_proj.lora_a has shape [64, 5], not [64, 6]");
    assert_snapshot!(lora("scale", json!(0.0)), @"adapter_config.json: lora_parameters: scale is 0.0, not a number from 1e-6 to 1e6");
    assert_snapshot!(lora("keys", json!(["self_attn.q_proj", "mlp.experts"])), @r#"adapter_config.json: module "mlp.experts" cannot be adapted"#);
    assert_snapshot!(lora("keys", json!(["self_attn.q_proj"])), @"adapters.safetensors: tensor model.layers.0.mlp.down_proj.lora_a: is outside of what adapter_config.json says is adapted");
}

#[test]
fn an_mlx_lm_folder_with_settings_of_its_training_is_read() {
    for layers in [0, -1, 2, 16] {
        let adapter = adapter(5, &[0, 1], &TWO);
        let folder = adapter_folder(&adapter, mlx_lm::write);
        let mut value = about(&folder);
        value["num_layers"] = json!(layers);
        value["learning_rate"] = json!(1e-5);
        value["lora_parameters"]["keys"] = Value::Null;
        fs::write(folder.path().join("adapter_config.json"), value.to_string()).unwrap();
        let file = AdapterFile { folder: folder.path().to_owned(), factor: 1.0 };
        assert_eq!(read(&file, &config()).unwrap(), adapter);
    }
}

#[test]
fn a_variant_of_peft_that_this_engine_does_not_know_is_refused() {
    let with = |key: &str, value: Value| changed(peft::write, |about| about[key] = value);
    assert_snapshot!(with("peft_type", json!("IA3")), @r#"adapter_config.json: peft_type is "IA3", not "LORA""#);
    assert_snapshot!(with("use_dora", json!(true)), @"adapter_config.json: key use_dora is true and not supported");
    assert_snapshot!(with("use_rslora", json!(true)), @"adapter_config.json: key use_rslora is true and not supported");
    assert_snapshot!(with("rank_pattern", json!({ "q_proj": 4 })), @"adapter_config.json: key rank_pattern is an object of 1 and not supported");
    assert_snapshot!(with("modules_to_save", json!(["lm_head"])), @"adapter_config.json: key modules_to_save is a list of 1 and not supported");
    assert_snapshot!(with("bias", json!("all")), @r#"adapter_config.json: bias is "all", not "none""#);
    assert_snapshot!(with("init_lora_weights", json!("pissa")), @r#"adapter_config.json: init_lora_weights is "pissa", not a start that leaves the model alone"#);
    assert_snapshot!(with("target_modules", json!("all-linear")), @r#"adapter_config.json: target_modules is "all-linear", not a list of texts"#);
    assert_snapshot!(with("target_modules", json!(["q_proj", "lm_head"])), @r#"adapter_config.json: module "lm_head" cannot be adapted"#);
    assert_snapshot!(with("target_modules", json!(["q_proj"])), @"adapter_model.safetensors: tensor base_model.model.model.layers.0.mlp.down_proj.lora_A.weight: is outside of what adapter_config.json says is adapted");
    assert_snapshot!(with("lora_alpha", json!(-1)), @"adapter_config.json: lora_alpha is -1, not a number from 1e-6 to 4.096e9");
    assert_snapshot!(with("r", json!(6)), @"adapter_model.safetensors: tensor base_model.model.model.layers.0.mlp.down_proj.lora_A.weight has shape [5, 64], not [6, 64]");
}

#[test]
fn tensors_of_another_model_or_method_are_refused_by_name() {
    let good = "model.layers.1.self_attn.q_proj.lora_a";
    assert_snapshot!(tensors(good, &[32, 2], &[0.5; 64]), @"adapters.safetensors: factor B of model.layers.1.self_attn.q_proj is missing");
    assert_snapshot!(tensors(good, &[64, 2], &[0.5; 128]), @"adapters.safetensors: tensor model.layers.1.self_attn.q_proj.lora_a has shape [64, 2], not [32, 2]");
    assert_snapshot!(tensors(good, &[32, 2], &[f32::NAN; 64]), @"adapters.safetensors: tensor model.layers.1.self_attn.q_proj.lora_a holds NaN at 0");
    assert_snapshot!(tensors("model.layers.1.self_attn.q_proj.m", &[32], &[0.5; 32]), @"adapters.safetensors: tensor model.layers.1.self_attn.q_proj.m: ends in neither .lora_a nor .lora_b");
    assert_snapshot!(tensors("model.layers.2.self_attn.q_proj.lora_a", &[32, 2], &[0.5; 64]), @"adapters.safetensors: tensor model.layers.2.self_attn.q_proj.lora_a: block 2 is beyond the model's 2 blocks");
    assert_snapshot!(tensors("model.layers.0.self_attn.q_proj.lora_a", &[32, 2], &[0.5; 64]), @"adapters.safetensors: tensor model.layers.0.self_attn.q_proj.lora_a: is outside of what adapter_config.json says is adapted");
    assert_snapshot!(tensors("model.layers.1.mlp.experts.lora_a", &[32, 2], &[0.5; 64]), @r#"adapters.safetensors: tensor model.layers.1.mlp.experts.lora_a: module "mlp.experts" cannot be adapted"#);
    assert_snapshot!(tensors("model.embed_tokens.lora_a", &[32, 2], &[0.5; 64]), @"adapters.safetensors: tensor model.embed_tokens.lora_a: does not lead to a projection of a block");
    let foreign = adapter_folder(&adapter(2, &[1], &TWO), peft::write);
    let tensors = [("base_model.model.lm_head.weight".to_owned(), (vec![2], vec![0.0; 2]))].into();
    fs::write(foreign.path().join(peft::TENSORS), safetensors(&tensors, "F32")).unwrap();
    assert_snapshot!(refusal(&foreign, 1.0), @"adapter_model.safetensors: tensor base_model.model.lm_head.weight: is not base_model.model.<path> and .lora_A.weight or .lora_B.weight");
}

#[test]
fn a_folder_that_is_no_adapter_says_what_is_missing() {
    let empty = tempfile::tempdir().unwrap();
    assert_snapshot!(refusal(&empty, 1.0), @"holds neither adapters.safetensors nor adapter_model.safetensors");
    let folder = adapter_folder(&adapter(2, &[1], &TWO), mlx_lm::write);
    fs::write(folder.path().join(peft::TENSORS), b"").unwrap();
    assert_snapshot!(refusal(&folder, 1.0), @"holds both adapters.safetensors and adapter_model.safetensors");
    let folder = adapter_folder(&adapter(2, &[1], &TWO), mlx_lm::write);
    assert_snapshot!(refusal(&folder, f32::NAN), @"adapter factor NaN is not a finite number");
    fs::write(folder.path().join(mlx_lm::TENSORS), with_header("{}", &[])).unwrap();
    assert_snapshot!(refusal(&folder, 1.0), @"adapters.safetensors: holds no tensors");
    fs::remove_file(folder.path().join("adapter_config.json")).unwrap();
    assert_snapshot!(refusal(&folder, 1.0), @"adapter_config.json: cannot be read: entity not found");
}

#[test]
fn an_adapter_that_breaks_the_weights_is_blamed_and_leaves_no_model() {
    let mut broken = adapter(2, &[1], &TWO);
    broken.corrections.values_mut().for_each(|factors| {
        factors.a.fill(3e30);
        factors.b.fill(3e30);
    });
    let folder = adapter_folder(&broken, mlx_lm::write);
    let file = on_disk(&File::tiny().bytes());
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    let adapters = vec![AdapterFile { folder: folder.path().to_owned(), factor: 1.0 }];
    let error = failure(ask(&mut engine, Request::Load(Load { model: file.path().to_owned(), adapters })));
    let message = error.message.replace(&format!("{}: ", file.path().display()), "");
    assert_snapshot!(message, @"the adapter makes weights of model.layers.1.self_attn.q_proj that are not finite");
}
