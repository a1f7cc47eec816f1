//! Stage 2, persona definition: traits that are described, shown, and bound to detectors that tell them apart.
//!
//! Each detector's card ([`crate::metrics::card`]) is made of the suite's held-out texts and of the labelled texts that the
//! pipeline names. A detector that is not proven to do better than chance, and than length alone, leaves its trait
//! unmeasurable, whatever its name says. Digest and threshold of every detector are in its card, and the plan holds both.

use std::{collections::BTreeSet, path::Path};

use super::{Context, Stage, StageRecord, models, record::Check};
use crate::{
    error::Result,
    metrics::card::detector::AtThreshold,
    opening,
    persona::scenarios::Split,
    plugins::card::{Card, Numbers, text},
    run::folder,
    suite::{
        cards::{Alone, cards},
        evaluators::Evaluators,
        judge::Judge,
        load::Suite,
        run::Means,
    },
    train::run::Notice,
};

/// The cards' file.
const CARDS: &str = "cards.json";

/// Checks the profile, and makes the cards.
///
/// # Errors
/// The suite or a labelled text cannot be read; those of evaluators and engine.
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Definition, context.inputs.clone());
    let suite = models::suite(context, Split::Dev, Some(0))?;
    record.checks = profile(&suite);
    let cards = detectors(context, &suite)?;
    record.checks.extend(cards.iter().map(check));
    let path = context.folder.stage(Stage::Definition)?.join(CARDS);
    folder::put(&path, &cards)?;
    record.artefacts.insert("cards".into(), context.file_artefact(Path::new(&path))?);
    Ok(record)
}

/// A card of every detector.
fn detectors(context: &mut Context<'_>, suite: &Suite) -> Result<Vec<Card>> {
    let mut texts = Vec::new();
    for name in &context.file.definition.texts {
        texts.extend(text::read(&context.path(name))?);
    }
    let evaluators =
        Evaluators::prepare(suite, context.sandbox).map_err(|error| error.within(suite.path.display()))?;
    let traits: BTreeSet<String> =
        suite.file.detector.iter().map(|detector| detector.trait_id.clone()).collect();
    if suite.file.detector.iter().all(|detector| detector.grants.is_empty()) {
        return cards(suite, &evaluators, &traits, &texts, &mut Alone);
    }
    context.go_on()?;
    let mut backend = opening::files(context.settings, context.base)?;
    let means = &mut Means { backend: &mut backend, sandbox: context.sandbox, store: context.store };
    let observer = &mut *context.observer;
    let mut told = |stage: &str, done: usize, total: usize| observer(Notice::Stage(stage, done, total));
    let judge = &mut Judge { means, seed: suite.file.seed, observer: &mut told };
    cards(suite, &evaluators, &traits, &texts, judge)
}

/// What a card says of its trait.
fn check(card: &Card) -> Check {
    let decision = card.decision();
    let mut evidence = decision.reason.clone();
    if let Numbers::Detector(numbers) = &card.numbers
        && let Some(AtThreshold { threshold, .. }) = &numbers.at_given
    {
        evidence = format!("{evidence}; threshold {threshold}");
    }
    Check {
        what: format!("the detector of {} discriminates", card.name),
        verdict: decision.verdict,
        evidence,
    }
}

/// What a profile has to hold. That there are 5 to 10 traits, each with one detector, was refused before the run began.
fn profile(suite: &Suite) -> Vec<Check> {
    let persona = &suite.persona;
    let bare: Vec<&str> =
        persona.traits.iter().filter(|item| item.examples.is_empty()).map(|item| item.id.as_str()).collect();
    let style = &persona.style;
    let shown = &persona.example_interactions;
    let interactions = [
        ("greeting", &shown.greeting),
        ("clarification", &shown.clarification),
        ("conclusion", &shown.conclusion),
    ];
    let missing: Vec<&str> =
        interactions.iter().filter(|(_, text)| text.trim().is_empty()).map(|(name, _)| *name).collect();
    let all = |missing: &[&str], said: &str| {
        if missing.is_empty() { said.to_owned() } else { format!("missing: {}", missing.join(", ")) }
    };
    vec![
        Check::of(
            "5 to 10 traits, each bound to a detector",
            true,
            format!("{} traits, {} detectors", persona.traits.len(), suite.file.detector.len()),
        ),
        Check::of("every trait is shown by examples", bare.is_empty(), all(&bare, "all")),
        Check::of(
            "style guidelines and behavioural patterns are written down",
            !style.guidelines.is_empty() && !style.behavioural_patterns.is_empty(),
            format!("{} guidelines, {} patterns", style.guidelines.len(), style.behavioural_patterns.len()),
        ),
        Check::of(
            "greeting, clarification and conclusion are shown",
            missing.is_empty(),
            all(&missing, "all three"),
        ),
    ]
}
