//! The one table style: no frame, at most 100 columns, numbers to the right.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

/// Widest table.
pub(super) const WIDTH: u16 = 100;

/// An empty table with a header; columns named in `right` are aligned to the right.
#[must_use]
pub fn new(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH);
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // Names are what a reader looks for: they are never broken over two lines.
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Marks with a text each, which goes on below itself.
#[must_use]
pub fn list(rows: &[(String, String)]) -> String {
    let mut table = new(&[], &[]);
    for (mark, text) in rows {
        table.add_row([mark, text]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    if let Some(marks) = table.column_mut(0) {
        marks.set_constraint(ColumnConstraint::ContentWidth);
    }
    text(&table)
}

/// The table as text without blanks at line ends.
#[must_use]
pub fn text(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
