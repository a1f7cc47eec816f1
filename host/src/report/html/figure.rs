//! A drawing with its caption. On a narrow screen it scrolls instead of shrinking to what nobody can read.

use maud::{Markup, PreEscaped, html};

/// A drawing made by this crate; `alternative` says in a sentence what it shows, for those who do not see it.
///
/// The numbers themselves have to stand in a table beside it.
#[must_use]
pub fn figure(svg: &str, alternative: &str, caption: &str) -> Markup {
    html! {
        figure {
            div.scroll role="img" aria-label=(alternative) tabindex="0" { (PreEscaped(svg)) }
            figcaption { (caption) }
        }
    }
}
