//! The work of one pass: pairs that differ in what is weak, a training on all pairs so far, an evaluation on dev.

use std::path::{Path, PathBuf};

use super::{
    super::{
        Context, Stage,
        models::{self, Given},
        pairs,
    },
    adjust::Adjustment,
    pass::{self, Pass},
    target::{TARGETED, target},
};
use crate::{
    data::pairs::{file::PairsFile, record::PairsRecord},
    error::{Error, Result},
    model::Verdict,
    opening,
    persona::scenarios::Split,
    run::folder,
    train::config::{Kind, TrainFile},
};

/// What a pass leaves behind, in its folder.
const PASS: &str = "pass.json";

/// One pass: pairs that differ in what is weak, a training on all pairs, an evaluation.
pub(super) fn one(
    context: &mut Context<'_>,
    number: u32,
    weak: &[String],
    adjustment: Adjustment,
    passes: &[Pass],
    best: usize,
    place: &Path,
) -> Result<Pass> {
    if let Some(pass) = folder::json::<Pass>(&place.join(PASS))? {
        return Ok(pass);
    }
    std::fs::create_dir_all(place).map_err(|error| Error::unwritable(place, &error))?;
    let policy = context.with(context.folder.path(&passes[best].adapter));
    let families = context.file.iterate.families;
    let seed = context.file.seed.derive(&format!("pass-{number}"));
    let (file, suite) = pairs::settings(context, |file: &mut PairsFile| {
        file.seed = seed;
        file.families = families.or(file.families);
    })?;
    let mut asked = opening::files(context.settings, &policy)?;
    let _: PairsRecord = pairs::build(context, (&file, &suite), (&policy, &mut asked), place)?;
    // Training loads the model anew.
    drop(asked);
    let targeted = target(place, weak)?;
    let root = place.join("train");
    let mut given = Given::default();
    add(&mut given, "stage-3", pairs::file_of(&context.folder.path(Stage::Pairs.folder()))?);
    for earlier in 1..number {
        let path = place.with_file_name(format!("pass-{earlier}")).join(TARGETED);
        if path.is_file() {
            add(&mut given, &format!("pass-{earlier}"), path);
        }
    }
    if targeted > 0 {
        add(&mut given, &format!("pass-{number}"), place.join(TARGETED));
    }
    let change = |file: &mut TrainFile| adjustment.apply(file);
    given.change = Some(&change);
    let reference = context.reference();
    let config = context.file.optimise.config.clone();
    let outcome = models::train(context, Kind::Preference, &config, &reference, &root, &given)?;
    let adapter = root.join(&outcome.adapter);
    let label = format!("6-pass-{number}");
    let dev = models::suite(context, Split::Dev, context.file.evaluation.items)?;
    let measured = models::evaluate(context, &dev, &context.with(adapter.clone()), &label)?;
    let lost = pass::lost(&super::kept(context, &measured)?, &outcome);
    let under_limit = outcome.verdict() == Some(Verdict::Pass);
    let adherence = super::value(&measured, "adherence");
    let pass = Pass {
        number,
        weak: weak.to_vec(),
        targeted,
        adjustment,
        adherence,
        under_limit,
        direction: pass::direction(&passes[best], adherence, under_limit, lost.is_some()),
        lost,
        adapter: context.folder.relative(&adapter),
        training: context.folder.relative(&root),
        label,
    };
    folder::put(&place.join(PASS), &pass)?;
    Ok(pass)
}

/// Adds a file of pairs under a name that is the same on every machine.
fn add(given: &mut Given<'_>, name: &str, path: PathBuf) {
    let name = PathBuf::from(format!("{name}.jsonl"));
    given.pairs.push(name.clone());
    given.overlay.insert(name, path);
}
