//! `data pairs`: pairs from the model's own answers.

use std::path::{Path, PathBuf};

use super::super::{args, model, push_json_line, terminal};
use crate::{
    data::pairs::{self, Built, candidates::OpenBare, file::PairsFile, record::PairsRecord},
    engine::model_ref::ModelRef,
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
    persona::scenarios::Split,
    report,
    sandbox::{Limits, Sandbox},
    settings::Settings,
    store::Store,
    suite::{
        load::{Selection, Suite},
        run::Means,
    },
    write::Output,
};

/// Builds, judges, writes.
pub(super) fn run(settings: &Settings, arguments: &args::Pairs) -> Result<Exit> {
    let path = &arguments.config;
    let file = PairsFile::read(path, |file| file.model = arguments.model.clone().or(file.model.take()))?;
    let Some(name) = file.model.clone() else {
        return Err(Error::usage(format!("{}: model: no model is named", path.display()))
            .hint("add model = \"smollm2\", or give --model"));
    };
    let suite = path.parent().unwrap_or(Path::new("")).join(&file.suite);
    let selection = Selection {
        families: file.families,
        items: Some(0),
        deploy_prompt: file.deploy_prompt,
        split: Some(Split::Train),
        ..Selection::default()
    };
    let suite = Suite::load(&suite, selection)?;
    file.check_against(&suite).map_err(|error| error.within(path.display()))?;
    // Before the model is asked anything: an unwritable folder costs nothing then.
    let lines = Output::create(&arguments.output)?;
    let record_path = record_path(&arguments.output);
    let record = Output::create(&record_path)?;

    let store = Store::open(&settings.store)?;
    let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
    let reference = ModelRef::parse(&name, &settings.home)?;
    let bare = reference.without_adapters();
    let mut backend = model::open_reference(settings, &reference)?;
    let mut open_bare = bare.map(|bare| move || model::open_reference(settings, &bare));
    let bare = open_bare.as_mut().map(|open| open as &mut OpenBare<'_>);
    let mut means = Means { backend: &mut backend, sandbox: &sandbox, store: &store };
    let bar = terminal::bar("");
    let built = pairs::build(&file, path, &suite, bare, &mut means, &mut |stage, done, total| {
        bar.set_prefix(stage.to_owned());
        terminal::advance(&bar, done, total);
    });
    bar.finish_and_clear();
    let found = write(built?, lines, record)?;
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        terminal::print(&report::pairs::render(&found, &arguments.output.display().to_string()))?;
    }
    Ok(super::exit(found.verdict()))
}

/// Writes the pairs, then the record that names their digest.
fn write(built: Built, lines: Output, record: Output) -> Result<PairsRecord> {
    let Built { rows, record: mut found } = built;
    let mut bytes = Vec::new();
    for row in &rows {
        push_json_line(&mut bytes, row);
    }
    found.digests.insert("pairs".into(), Digest::of(&bytes));
    lines.commit(&bytes)?;
    let mut bytes = serde_json::to_vec_pretty(&found).expect("a record is JSON");
    bytes.push(b'\n');
    record.commit(&bytes)?;
    Ok(found)
}

/// `pairs.jsonl` has its record in `pairs.record.json`.
fn record_path(output: &Path) -> PathBuf {
    output.with_extension("record.json")
}
