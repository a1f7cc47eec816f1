//! What an import brought, as people read it.

use std::fmt::Write as _;

use crate::persona::import::Imported;

/// The whole report; `output` is where the persona file went.
#[must_use]
pub fn render(found: &Imported, output: &str) -> String {
    let persona = &found.persona;
    let mut text = format!(
        "{output}: {}, {} traits, {} guidelines, {} patterns",
        persona.name,
        persona.traits.len(),
        persona.style.guidelines.len(),
        persona.style.behavioural_patterns.len()
    );
    if !found.left_out.is_empty() {
        text += "\n\nleft out:";
        for left_out in &found.left_out {
            let _ = write!(text, "\n  {}: {}", left_out.place, left_out.why);
        }
    }
    text += "\n\nno detector bound, so not measurable yet:";
    for id in &found.unmeasured {
        let _ = write!(text, "\n  {id}");
    }
    text
}
