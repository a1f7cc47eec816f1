//! Stage 2, persona definition: traits that are described, shown, and bound to detectors that tell them apart.

use super::{Context, Stage, StageRecord, models, record::Check};
use crate::{error::Result, persona::scenarios::Split, suite::load::Suite};

/// Checks the profile.
///
/// # Errors
/// The suite cannot be read.
pub fn run(context: &mut Context<'_>) -> Result<StageRecord> {
    let mut record = StageRecord::new(Stage::Definition, context.inputs.clone());
    let suite = models::suite(context, Split::Dev, Some(0))?;
    record.checks = profile(&suite);
    Ok(record)
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
    vec![
        Check::of(
            "5 to 10 traits, each bound to a detector",
            true,
            format!("{} traits, {} detectors", persona.traits.len(), suite.file.detector.len()),
        ),
        Check::of(
            "every trait is shown by examples",
            bare.is_empty(),
            if bare.is_empty() { "all".into() } else { format!("none for {}", bare.join(", ")) },
        ),
        Check::of(
            "style guidelines and behavioural patterns are written down",
            !style.guidelines.is_empty() && !style.behavioural_patterns.is_empty(),
            format!("{} guidelines, {} patterns", style.guidelines.len(), style.behavioural_patterns.len()),
        ),
        Check::of(
            "greeting, clarification and conclusion are shown",
            missing.is_empty(),
            if missing.is_empty() { "all three".into() } else { format!("missing: {}", missing.join(", ")) },
        ),
    ]
}
