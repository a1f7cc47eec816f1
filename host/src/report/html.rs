//! Reports as one HTML file each: nothing is loaded, nothing leaves.
//!
//! ```text
//! page (shell, policy, style) <- sections <- badge, table, figure
//! ```
//!
//! # Invariants
//!
//! - Every text passes maud's escaping; the only unescaped parts are the style sheet, the script, drawings of our own
//!   and the samples as JSON, in which `<` is written as `\u003c`.
//! - The page's own Content-Security-Policy allows its style sheet and, where it shows samples, its one script by hash,
//!   and nothing else: no image, no connection, no form, no frame, no text that becomes an element.
//! - The verdict stands first. Colour never carries a meaning alone. Everything is reached by keyboard; what is
//!   wider than the screen scrolls inside its own box, which can take the focus.
//! - Equal records give equal bytes.
//!
//! # Choice
//!
//! maud: templates are Rust functions that return markup, so a part is reused by calling it, and a value that is
//! not escaped does not compile. It adds three small crates.

mod badge;
mod checks;
pub mod comparison;
mod figure;
mod grid;
pub mod history;
pub mod leaderboard;
mod many;
mod page;
pub mod pipeline;
pub mod run;
mod samples;
mod table;

pub use self::{
    badge::{Tone, badge, change_tone, verdict},
    checks::{conclusion, table as check_table},
    figure::figure,
    grid::grid,
    page::{Page, Section},
    samples::Run,
    table::{Cell, Column, Table},
};
