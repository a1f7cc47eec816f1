//! Traits by context kinds: a table whose cells are shaded by their share, with the number in each.

use maud::{Markup, html};

use crate::{
    metrics::by_context::{ByContext, TraitRow},
    model::Estimate,
    report::{number, text::clean},
};

/// The heat map.
#[must_use]
pub fn grid(found: &ByContext) -> Markup {
    let caption = "Share of responses with the required verdict, per trait and context kind: darker is more. \
                   Below each share its interval.";
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table.heat {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "trait" }
                    @for kind in &found.kinds { th scope="col" { (clean(kind)) } }
                } }
                tbody { @for row in &found.traits { (line(row)) } }
            }
        }
    }
}

fn line(row: &TraitRow) -> Markup {
    html! { tr {
        th scope="row" { (clean(&row.trait_id)) }
        @for cell in &row.cells {
            @match cell {
                Some(estimate) => {
                    td class={ "number " (shade(estimate)) } {
                        (number::value(estimate.value, "share"))
                        span.interval { (number::interval(estimate, "share")) }
                    }
                }
                None => { td.number { span.quiet { "-" } } }
            }
        }
    } }
}

/// One of ten shades; never so dark that the number in front of it is hard to read.
fn shade(estimate: &Estimate) -> &'static str {
    const SHADES: [&str; 10] =
        ["heat-0", "heat-1", "heat-2", "heat-3", "heat-4", "heat-5", "heat-6", "heat-7", "heat-8", "heat-9"];
    let step = (1..SHADES.len()).take_while(|step| estimate.value * 10.0 >= *step as f64).count();
    SHADES[step]
}
