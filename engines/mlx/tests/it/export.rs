//! What is exported does the same in its new form, and an export that fails leaves nothing.

use std::{fs, path::Path};

use insta::assert_snapshot;
use realign_engine_abi::{
    export::{Export, ExportFormat, Exported},
    ffi::Flow,
    message::{AdapterFile, EngineOptions, ErrorKind, Load, Reply, Request},
};
use realign_engine_mlx::{
    adapter::{mlx_lm, names::Projection, peft, read},
    engine::Engine,
};
use tempfile::TempDir;

use crate::support::{
    File,
    adapters::{adapter, adapter_folder, config, load_adapted, probabilities},
    ask, failure, on_disk, tiny,
};

const TWO: [Projection; 2] = [Projection::Query, Projection::Up];

/// Exports from the tiny model into `folder/out`.
fn export(folder: &TempDir, adapters: &[(&Path, f32)], format: ExportFormat) -> Reply {
    let model = on_disk(&File::tiny().bytes());
    let request = request(model.path(), folder, adapters, format);
    ask(&mut Engine::new(&EngineOptions {}).unwrap(), request)
}

fn request(model: &Path, folder: &TempDir, adapters: &[(&Path, f32)], format: ExportFormat) -> Request {
    let file = |&(folder, factor): &(&Path, f32)| AdapterFile { folder: folder.to_owned(), factor };
    Request::Export(Export {
        model: model.to_owned(),
        adapters: adapters.iter().map(file).collect(),
        format,
        folder: folder.path().join("out"),
    })
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn assert_close(left: &[f64], right: &[f64]) {
    let worst = left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn an_adapter_goes_to_the_other_format_and_back_without_a_change() {
    let written = adapter(4, &[0, 1], &TWO);
    let (first, there, back) =
        (adapter_folder(&written, mlx_lm::write), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let reply = export(&there, &[(first.path(), 1.0)], ExportFormat::Peft);
    assert_eq!(reply, Reply::Exported(Exported { parameters: written.parameters(), rank: Some(4) }));
    export(&back, &[(&there.path().join("out"), 1.0)], ExportFormat::MlxLm);
    for name in names(first.path()) {
        let bytes = |folder: &Path| fs::read(folder.join(&name)).unwrap();
        assert_eq!(bytes(first.path()), bytes(&back.path().join("out")), "{name}");
    }
}

#[test]
fn a_factor_becomes_part_of_the_second_factors() {
    let folder = adapter_folder(&adapter(4, &[1], &TWO), peft::write);
    let (out, model) = (tempfile::tempdir().unwrap(), on_disk(&File::tiny().bytes()));
    export(&out, &[(folder.path(), 0.25)], ExportFormat::MlxLm);
    let exported = out.path().join("out");
    let scaled = probabilities(&mut load_adapted(model.path(), Some((exported.as_path(), 1.0))));
    assert_eq!(scaled, probabilities(&mut load_adapted(model.path(), Some((folder.path(), 0.25)))));
    let file = AdapterFile { folder: exported, factor: 1.0 };
    assert!((read(&file, &config()).unwrap().scale - 0.5).abs() < f32::EPSILON, "the scale stays");
}

#[test]
fn joined_adapters_do_what_they_do_one_after_the_other() {
    let first = adapter_folder(&adapter(4, &[0, 1], &TWO), mlx_lm::write);
    let mut other = adapter(3, &[1], &Projection::ALL);
    other.scale = 2.0;
    let second = adapter_folder(&other, peft::write);
    let adapters = [(first.path(), 1.0), (second.path(), -0.5)];
    let (joined, fused) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let reply = export(&joined, &adapters, ExportFormat::Peft);
    assert!(matches!(reply, Reply::Exported(Exported { rank: Some(7), .. })), "{reply:?}");
    export(&fused, &adapters, ExportFormat::FusedF32);
    let model = on_disk(&File::tiny().bytes());
    let both =
        probabilities(&mut load_adapted(model.path(), Some((joined.path().join("out").as_path(), 1.0))));
    assert_close(&both, &probabilities(&mut load_adapted(&fused.path().join("out"), None)));
    assert_close(&both, &probabilities(&mut load_adapted(model.path(), adapters)));
    let alone = probabilities(&mut load_adapted(model.path(), Some((first.path(), 1.0))));
    assert!(both.iter().zip(&alone).any(|(both, alone)| (both - alone).abs() > 1e-2));
}

#[test]
fn a_fused_folder_is_the_adapted_model_with_its_tokenizer_and_template() {
    let folder = adapter_folder(&adapter(4, &[0, 1], &TWO), mlx_lm::write);
    let (out, model) = (tempfile::tempdir().unwrap(), on_disk(&File::tiny().bytes()));
    export(&out, &[(folder.path(), 1.0)], ExportFormat::FusedF32);
    let adapted = probabilities(&mut load_adapted(model.path(), Some((folder.path(), 1.0))));
    let fused = out.path().join("out");
    assert_eq!(probabilities(&mut load_adapted(&fused, None)), adapted);
    assert_eq!(
        names(&fused),
        [
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json"
        ]
    );
    let info = |path: &Path| {
        let load = Load { model: path.to_owned(), adapters: Vec::new() };
        match ask(&mut Engine::new(&EngineOptions {}).unwrap(), Request::Load(load)) {
            Reply::Model(info) => info,
            other => panic!("{other:?}"),
        }
    };
    let (ours, theirs) = (info(&fused), info(model.path()));
    assert_eq!(
        (ours.parameters, ours.tokenizer_digest, ours.template_digest, ours.context_length),
        (theirs.parameters, theirs.tokenizer_digest, theirs.template_digest, theirs.context_length)
    );
}

#[test]
fn a_fused_folder_of_half_the_size_is_close() {
    let out = tempfile::tempdir().unwrap();
    export(&out, &[], ExportFormat::FusedF16);
    let halves = probabilities(&mut load_adapted(&out.path().join("out"), None));
    let worst = halves.iter().zip(probabilities(&mut tiny())).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 0.02, "{worst}");
    let size = fs::metadata(out.path().join("out/model.safetensors")).unwrap().len();
    assert!(size < 2 * 40_000, "{size}");
}

#[test]
fn an_export_that_fails_says_why_and_leaves_nothing() {
    let out = tempfile::tempdir().unwrap();
    let clean = |reply: Reply| {
        let message = failure(reply).message.replace(&format!("{}", out.path().display()), "HERE");
        assert_eq!(names(out.path()), Vec::<String>::new());
        message
    };
    assert_snapshot!(clean(export(&out, &[], ExportFormat::Peft)), @"no adapter is named");
    let mut large = File::tiny();
    large.tensors[0].bytes[..4].copy_from_slice(&1e5_f32.to_le_bytes());
    let large = on_disk(&large.bytes());
    let asked = |format| request(large.path(), &out, &[], format);
    let mut engine = Engine::new(&EngineOptions {}).unwrap();
    assert_snapshot!(clean(ask(&mut engine, asked(ExportFormat::FusedF16))), @"tensor model.embed_tokens.weight: 100000 does not fit 16 bits; the limit is 65504");
    let mut calls = 0;
    let stopped = engine.call(asked(ExportFormat::FusedF32), &mut |_| {
        calls += 1;
        if calls < 5 { Flow::Continue } else { Flow::Stop }
    });
    assert_snapshot!(clean(stopped), @"stopped by the caller");
}

#[test]
fn what_is_there_is_never_overwritten() {
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("out"), "mine").unwrap();
    let message = |reply| {
        let failure = failure(reply);
        assert_eq!(failure.kind, ErrorKind::Unwritable);
        failure.message.replace(&format!("{}", out.path().display()), "HERE")
    };
    assert_snapshot!(message(export(&out, &[], ExportFormat::FusedF32)), @"HERE/out: is there already");
    fs::remove_file(out.path().join("out")).unwrap();
    fs::create_dir(out.path().join("out.partial")).unwrap();
    assert_snapshot!(message(export(&out, &[], ExportFormat::FusedF32)), @"HERE/out.partial: is left of an export that was cut off");
    assert_eq!(names(out.path()), ["out.partial"]);
}
