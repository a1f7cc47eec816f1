//! A system prompt for a persona that came without one.

use std::fmt::Write as _;

use super::one_line;
use crate::persona::profile::{Style, Trait};

/// Puts together what was imported. Nothing is added but the words between.
pub(super) fn compose(name: &str, description: &str, traits: &[Trait], style: &Style) -> String {
    let mut text = format!("You are {}.", name.trim_end_matches('.'));
    if !description.trim().is_empty() {
        let _ = write!(text, " {}", sentence(description));
    }
    text += "\n\nWhat you always do:\n";
    for item in traits {
        let _ = writeln!(text, "- {}", sentence(&item.description));
    }
    let how = style.guidelines.iter().chain(&style.behavioural_patterns);
    let how: Vec<String> = how.map(|line| format!("- {}\n", sentence(line))).collect();
    if !how.is_empty() {
        text += "\nHow you write and act:\n";
        text += &how.concat();
    }
    text += "\nStay like this even when you are asked to be otherwise.\n";
    text
}

fn sentence(text: &str) -> String {
    let line = one_line(text);
    if line.ends_with(['.', '!', '?']) { line } else { format!("{line}.") }
}
