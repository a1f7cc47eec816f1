//! Tables of numbers: the first column names the row, an estimate has its interval below it.

use maud::{Markup, html};

use crate::{model::Estimate, report::number, report::text::clean};

/// A table.
#[derive(Debug)]
pub struct Table<'a> {
    /// What it shows, in a sentence.
    pub caption: &'a str,
    /// One per column.
    pub columns: &'a [Column<'a>],
    /// Cells in the order of the columns.
    pub rows: Vec<Vec<Cell>>,
}

/// Head of a column.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// Left-aligned.
    Text(&'a str),
    /// Right-aligned.
    Number(&'a str),
    /// Left-aligned sentences.
    Wide(&'a str),
}

/// One cell.
#[derive(Debug)]
pub enum Cell {
    /// Any text; control characters are replaced.
    Text(String),
    /// Made by another part of this toolkit.
    Part(Markup),
    /// Nothing was measured.
    Absent,
}

impl Cell {
    /// Any text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(clean(text.as_ref()))
    }

    /// A count.
    #[must_use]
    pub fn count(count: usize) -> Self {
        Self::Text(count.to_string())
    }

    /// A value with its two-sided 95 % interval.
    #[must_use]
    pub fn estimate(estimate: Option<&Estimate>, unit: &str) -> Self {
        let Some(estimate) = estimate else {
            return Self::Absent;
        };
        Self::Part(html! {
            (number::value(estimate.value, unit))
            span.interval { (number::interval(estimate, unit)) }
        })
    }

    /// A number in its unit.
    #[must_use]
    pub fn number(value: Option<f64>, unit: &str) -> Self {
        value.map_or(Self::Absent, |value| Self::Text(number::value(value, unit)))
    }
}

impl Table<'_> {
    /// The table in a box that scrolls.
    #[must_use]
    pub fn markup(&self) -> Markup {
        html! {
            div.scroll role="region" aria-label=(self.caption) tabindex="0" {
                table {
                    caption { (self.caption) }
                    thead { tr { @for column in self.columns {
                        th scope="col" class=[column.class()] { (column.name()) }
                    } } }
                    tbody { @for row in &self.rows { tr {
                        @for (index, (cell, column)) in row.iter().zip(self.columns).enumerate() {
                            @if index == 0 {
                                th scope="row" { (cell.markup()) }
                            } @else {
                                td class=[column.class()] { (cell.markup()) }
                            }
                        }
                    } } }
                }
            }
        }
    }
}

impl<'a> Column<'a> {
    const fn name(&self) -> &'a str {
        match self {
            Self::Text(name) | Self::Number(name) | Self::Wide(name) => name,
        }
    }

    const fn class(&self) -> Option<&'static str> {
        match self {
            Self::Text(_) => None,
            Self::Number(_) => Some("number"),
            Self::Wide(_) => Some("wide"),
        }
    }
}

impl Cell {
    fn markup(&self) -> Markup {
        match self {
            Self::Text(text) => html! { (text) },
            Self::Part(part) => part.clone(),
            Self::Absent => html! { span.quiet { "-" } },
        }
    }
}
