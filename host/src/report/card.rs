//! Cards as people read them: one card in full, or a line for each of many. [`page()`] makes a page of them, with curves.

mod plots;
mod row;

use std::fmt::Write as _;

use minijinja::{Environment, context};

use super::{number, record, table};
use crate::{
    gates::Evidence,
    metrics::card::{
        BenchmarkNumbers, Counts, DetectorNumbers, Separation, StyleNumbers, threshold::Confusion,
    },
    persona::profile::Polarity,
    plugins::card::{Card, Numbers},
};

/// The page; a name that ends in `.html` makes minijinja escape everything that is put into it.
const PAGE: (&str, &str) = ("page.html", include_str!("card/page.html"));

/// Cards for the terminal.
#[must_use]
pub fn render(cards: &[Card]) -> String {
    match cards {
        [card] => one(card),
        _ => many(cards),
    }
}

/// Cards as a page: a whole HTML document that needs no other file and no script.
///
/// # Panics
/// If the template does not fit the cards, which is a bug.
#[must_use]
pub fn page(cards: &[Card]) -> String {
    let mut environment = Environment::new();
    environment.add_template(PAGE.0, PAGE.1).expect("the template is valid");
    let shown: Vec<minijinja::Value> = cards.iter().map(section).collect();
    let page = environment.get_template(PAGE.0).expect("it was added");
    page.render(context! { cards => shown }).expect("cards fit their template")
}

/// One card as the template takes it.
fn section(card: &Card) -> minijinja::Value {
    let (separation, thresholds) = match &card.numbers {
        Numbers::Detector(numbers) => (Some(&numbers.separation), row::thresholds(numbers)),
        Numbers::Style(numbers) => (Some(&numbers.separation), Vec::new()),
        Numbers::Benchmark(_) => (None, Vec::new()),
    };
    let confusions: Vec<Vec<String>> = match &card.numbers {
        Numbers::Detector(numbers) => row::confusions(numbers).into_iter().map(row::confusion).collect(),
        Numbers::Style(_) | Numbers::Benchmark(_) => Vec::new(),
    };
    context! {
        name => card.name.as_str(),
        subtitle => subtitle(card),
        texts => separation.map(|found| counted(&found.counts)),
        verdict => record::word(card.decision().verdict),
        reason => card.decision().reason.as_str(),
        curve => separation.map(plots::curve),
        contrasts => separation.map(row::contrasts),
        thresholds,
        confusions,
        facts => row::facts(card),
        worst => card.worst.iter().map(row::mistake).collect::<Vec<_>>(),
        identity => row::identity(card),
    }
}

fn one(card: &Card) -> String {
    let mut text = format!("{}  ({})\n\n", card.name, subtitle(card));
    match &card.numbers {
        Numbers::Detector(numbers) => {
            push_separation(&mut text, &numbers.separation);
            let mut found = table::new(&["at threshold", "share", "value", "95 % interval", "n"], &[2, 3, 4]);
            for row in row::thresholds(numbers) {
                found.add_row(row);
            }
            let _ = write!(text, "\n{}\n", table::text(&found));
            for (name, confusion) in row::confusions(numbers) {
                let Confusion { right_taken, right_refused, other_taken, other_refused } = confusion;
                let _ = writeln!(
                    text,
                    "\n{name}: {right_taken} right taken, {right_refused} refused; {other_taken} others taken, {other_refused} refused"
                );
            }
        }
        Numbers::Style(numbers) => push_separation(&mut text, &numbers.separation),
        Numbers::Benchmark(_) => {}
    }
    for (name, value) in row::facts(card) {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = write!(text, "\n{}: {}", record::word(card.decision().verdict), card.decision().reason);
    if !card.worst.is_empty() {
        text += "\n\nfarthest from where they belong:";
        for mistake in &card.worst {
            let [id, label, score, beginning] = row::mistake(mistake);
            let short: String = beginning.chars().take(72).collect();
            let _ = write!(text, "\n  {id} ({label}, {score})\n    {short}");
        }
    }
    for (name, digest) in row::identity(card) {
        let _ = write!(text, "{}{name} {}", if name == "component" { "\n\n" } else { ", " }, &digest[..12]);
    }
    text
}

fn push_separation(text: &mut String, separation: &Separation) {
    let header = ["right against", "texts", "area", "95 % interval", "length alone", "lead", "95 % interval"];
    let mut found = table::new(&header, &[1, 2, 3, 4, 5, 6]);
    for row in row::contrasts(separation) {
        found.add_row(row);
    }
    let _ = writeln!(text, "{}\n\n{}", counted(&separation.counts), table::text(&found));
}

fn many(cards: &[Card]) -> String {
    let header = ["card", "area", "95 % interval", "length", "sensitivity", "false alarm", "verdict"];
    let mut found = table::new(&header, &[1, 2, 3, 4, 5]);
    for card in cards {
        found.add_row(row::summary(card));
    }
    let mut text = table::text(&found);
    text.push('\n');
    for card in cards {
        let _ = write!(text, "\n{}: {}", card.name, card.decision().reason);
    }
    text
}

fn subtitle(card: &Card) -> String {
    let evaluator = &card.evaluator;
    let polarity = match card.polarity {
        Some(Polarity::Required) => ", required",
        Some(Polarity::Forbidden) => ", forbidden",
        None => "",
    };
    let fitted = if card.cross_fitted { ", fitted fold by fold" } else { "" };
    format!("{} {}, {}{polarity}{fitted}", evaluator.id, evaluator.version, evaluator.kind)
}

fn counted(counts: &Counts) -> String {
    let Counts { right, wrong, none, groups, not_applicable, failed } = counts;
    let mut text = format!(
        "{} texts in {groups} groups: {right} right, {wrong} wrong, {none} without a persona",
        counts.texts()
    );
    for (count, what) in [(not_applicable, "not applicable"), (failed, "failed")] {
        if *count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// A value and its interval; `unit` is as for [`number::value`].
fn pair(evidence: Option<&Evidence>, unit: &str) -> [String; 2] {
    evidence.map_or_else(
        || ["-".into(), "-".into()],
        |found| [number::value(found.estimate.value, unit), number::interval(&found.estimate, unit)],
    )
}

#[cfg(test)]
mod tests;
