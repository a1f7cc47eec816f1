//! Divergence against the adapter's factor, drawn: what was measured, the limit, what was chosen and confirmed. Where a suite
//! watched, a second picture below shows what the divergence buys: trait adherence.
//!
//! Both axes of the first are logarithmic: divergence grows about with the square of the factor, which is a straight line there, and
//! a limit far below the whole adapter stays legible. A divergence of 0 is drawn on the lower edge. The background is painted, so that the
//! picture reads the same in light and in dark viewers. Equal frontiers give equal bytes.

mod persona;

use std::{ops::RangeInclusive, path::Path};

use plotters::{
    chart::{ChartBuilder, ChartContext, SeriesLabelPosition},
    coord::{
        Shift,
        cartesian::Cartesian2d,
        combinators::{BindKeyPoints as _, IntoLogRange as _, LogCoord, WithKeyPoints},
    },
    element::{Circle, PathElement, Rectangle},
    prelude::{DrawingArea, IntoDrawingArea as _, SVGBackend},
    series::{DashedLineSeries, LineSeries},
    style::{Color as _, RGBColor, ShapeStyle},
};

use super::palette::{FAINT, FIRST, INK, PAPER, SECOND};
use crate::{error::Result, metrics::Kl, train::outcome::Frontier, write::Output};

const SIZE: (u32, u32) = (800, 500);
/// How far right of the chosen factor its confirmation stands, as a share of it, so that both intervals can be read.
const BESIDE: f64 = 0.05;
/// Half the width of a tick at an upper bound, as a share of the factor.
const TICK: f64 = 0.015;

/// Powers of ten that an axis may reach.
const DECADES: RangeInclusive<i32> = -12..=12;

type Axis = WithKeyPoints<LogCoord<f64>>;
type Plane = Cartesian2d<Axis, Axis>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Plane>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws the frontier of a training beside its numbers, where divergence was measured.
///
/// # Errors
/// It cannot be read, or the picture cannot be written.
pub fn write(root: &Path) -> Result<()> {
    let Some(frontier) = Frontier::read(root)? else { return Ok(()) };
    Output::create(&root.join("frontier.svg"))?.commit(svg(&frontier).as_bytes())
}

/// The picture as an SVG document.
///
/// # Panics
/// If the drawing library cannot write into memory, which is a bug.
#[must_use]
pub fn svg(frontier: &Frontier) -> String {
    let mut text = String::new();
    let watched = frontier.points.iter().any(|point| point.adherence.is_some());
    let size = if watched { (SIZE.0, 2 * SIZE.1) } else { SIZE };
    both(&SVGBackend::with_string(&mut text, size).into_drawing_area(), frontier, watched)
        .expect("a picture in memory is written");
    text
}

fn both(area: &DrawingArea<SVGBackend<'_>, Shift>, frontier: &Frontier, watched: bool) -> Drawn {
    area.fill(&PAPER)?;
    if watched {
        let (upper, lower) = area.split_vertically(SIZE.1);
        draw(&upper, frontier)?;
        persona::draw(&lower, frontier)?;
    } else {
        draw(area, frontier)?;
    }
    area.present()?;
    Ok(())
}

fn draw(area: &DrawingArea<SVGBackend<'_>, Shift>, frontier: &Frontier) -> Drawn {
    let ((left, right), (bottom, top)) = (widths(frontier), heights(frontier));
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .caption("Divergence against the adapter's factor", ("sans-serif", 20, &INK))
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(axis(left, right), axis(bottom, top))?;
    chart
        .configure_mesh()
        .light_line_style(PAPER)
        .bold_line_style(FAINT.mix(0.3))
        .axis_style(INK)
        .label_style(("sans-serif", 14, &INK))
        .x_desc("factor (times the trained adapter)")
        .y_desc("KL (nats/token), 95 % interval; tick: upper bound")
        .x_label_formatter(&|factor| short(*factor))
        .y_label_formatter(&|kl| short(*kl))
        .draw()?;

    let limit = frontier.limit;
    let line = DashedLineSeries::new([(left, limit), (right, limit)], 6, 4, INK.stroke_width(1));
    chart
        .draw_series(line)?
        .label(format!("limit {limit}"))
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], INK));

    let mut searched: Vec<(f64, &Kl)> =
        frontier.points.iter().map(|point| (f64::from(point.factor), &point.kl)).collect();
    searched.sort_by(|a, b| a.0.total_cmp(&b.0));
    let path = searched.iter().map(|(factor, kl)| (*factor, kl.evidence.estimate.value.max(bottom)));
    chart.draw_series(LineSeries::new(path, FIRST.mix(0.4)))?;
    marks(&mut chart, "searched", &searched, FIRST, bottom)?;
    if let Some(chosen) = frontier.chosen.map(f64::from) {
        let at = searched.iter().filter(|(factor, _)| (factor - chosen).abs() < 1e-9);
        let ring = at.map(|(factor, kl)| {
            Circle::new((*factor, kl.evidence.estimate.value.max(bottom)), 9, FIRST.stroke_width(2))
        });
        chart
            .draw_series(ring)?
            .label(format!("chosen: factor {chosen:.3}"))
            .legend(|(x, y)| Circle::new((x + 8, y), 6, FIRST.stroke_width(2)));
        if let Some(confirmed) = &frontier.confirmed {
            marks(
                &mut chart,
                "confirmed on other prompts",
                &[(chosen * (1.0 + BESIDE), confirmed)],
                SECOND,
                bottom,
            )?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(PAPER.mix(0.9))
        .border_style(FAINT)
        .label_font(("sans-serif", 13, &INK))
        .draw()?;
    Ok(())
}

/// Estimates with their two-sided intervals, and a tick at the one-sided upper bound, which is what the limit is held
/// against.
fn marks(
    chart: &mut Chart<'_, '_>,
    what: &str,
    points: &[(f64, &Kl)],
    colour: RGBColor,
    bottom: f64,
) -> Drawn {
    let at = |value: f64| value.max(bottom);
    chart.draw_series(points.iter().map(|(x, kl)| {
        let estimate = &kl.evidence.estimate;
        PathElement::new([(*x, at(estimate.low)), (*x, at(estimate.high))], colour.stroke_width(1))
    }))?;
    chart.draw_series(points.iter().map(|(x, kl)| {
        let bound = at(kl.evidence.upper);
        PathElement::new([(x * (1.0 - TICK), bound), (x * (1.0 + TICK), bound)], colour.stroke_width(2))
    }))?;
    let filled: ShapeStyle = colour.filled();
    let n = points.first().map_or(0, |(_, kl)| kl.evidence.estimate.n);
    let families = points.first().map_or(0, |(_, kl)| kl.evidence.estimate.clusters);
    chart
        .draw_series(
            points.iter().map(|(x, kl)| Circle::new((*x, at(kl.evidence.estimate.value)), 4, filled)),
        )?
        .label(format!("{what} (n {n}, {families} families)"))
        .legend(move |(x, y)| Rectangle::new([(x + 4, y - 4), (x + 12, y + 4)], filled));
    Ok(())
}

/// A logarithmic axis with marks at 1, 2 and 5 times the powers of ten; at these alone where there are many.
fn axis(low: f64, high: f64) -> Axis {
    let steps: &[f64] = if high / low > 1e5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let marks = DECADES.flat_map(|decade| steps.iter().map(move |step| step * 10.0_f64.powi(decade)));
    (low..high).log_scale().with_key_points(marks.filter(|mark| (low..=high).contains(mark)).collect())
}

/// Ends of the horizontal axis.
fn widths(frontier: &Frontier) -> (f64, f64) {
    let factors = || frontier.points.iter().map(|point| f64::from(point.factor));
    (factors().fold(1.0, f64::min) / 2.0, factors().fold(1.0, f64::max) * 1.25)
}

/// Ends of the vertical axis: everything that is above 0, and the limit, with room for the legend above it.
fn heights(frontier: &Frontier) -> (f64, f64) {
    let all = frontier.points.iter().map(|point| &point.kl).chain(&frontier.confirmed);
    let values = all.flat_map(|kl| {
        let estimate = &kl.evidence.estimate;
        [estimate.low, estimate.value, estimate.high, kl.evidence.upper]
    });
    let shown: Vec<f64> = values.chain([frontier.limit]).filter(|value| *value > 0.0).collect();
    let lowest = shown.iter().copied().fold(frontier.limit, f64::min).max(frontier.limit / 1e4);
    let highest = shown.iter().copied().fold(frontier.limit, f64::max);
    let lowest = lowest / 2.0;
    (lowest, highest * (highest / lowest).powf(0.6))
}

/// A mark of an axis without needless digits.
fn short(value: f64) -> String {
    format!("{value:.8}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{model::Estimate, stats::Evidence, train::search::Point};

    fn kl(value: f64, half: f64) -> Kl {
        let (low, high) = ((value - half).max(0.0), value + half);
        let estimate = Estimate { value, low, high, n: 32, clusters: 16 };
        let evidence = Evidence {
            estimate,
            lower: low,
            upper: value + 0.85 * half,
            effective_n: None,
            long_tail: false,
        };
        Kl { evidence, tokens: 900, p95: value, most: value, per_response: value }
    }

    /// The search over the overfit adapter of the design notes.
    fn overfit() -> Frontier {
        let points = [(1.0, 3.97, 0.6), (0.25, 0.68, 0.12), (0.0937, 0.1, 0.02), (0.0831, 0.08, 0.0155)];
        let point = |&(factor, value, half): &(f32, f64, f64)| Point {
            factor,
            kl: kl(value, half),
            foreseen: value + half,
            adherence: None,
        };
        Frontier {
            format: 1,
            limit: 0.1,
            points: points.iter().map(point).collect(),
            chosen: Some(0.0831),
            confirmed: Some(kl(0.076, 0.02)),
            kinds: BTreeMap::new(),
            neutral: None,
            original: None,
        }
    }

    #[test]
    fn limit_search_choice_and_confirmation_are_drawn_with_their_numbers() {
        insta::assert_snapshot!(svg(&overfit()));
    }

    #[test]
    fn a_search_without_a_choice_shows_neither_choice_nor_confirmation() {
        let text = svg(&Frontier { chosen: None, confirmed: None, ..overfit() });
        assert!(text.contains("limit 0.1") && !text.contains("chosen") && !text.contains("confirmed"));
    }

    #[test]
    fn where_a_suite_watched_adherence_is_drawn_against_divergence() {
        let mut frontier = overfit();
        for (point, value) in frontier.points.iter_mut().zip([0.9, 0.7, 0.45, 0.4]) {
            let estimate = Estimate { value, low: value - 0.1, high: value + 0.1, n: 256, clusters: 8 };
            point.adherence = Some(estimate);
        }
        insta::assert_snapshot!(svg(&frontier));
    }

    proptest! {
        #[test]
        fn whatever_was_measured_stays_inside_of_the_picture(
            values in prop::collection::vec((1e-3_f32..=1.0, 0.0_f64..50.0, 0.0_f64..5.0), 1..6),
            limit in 1e-6_f64..100.0,
        ) {
            let point = |&(factor, value, half): &(f32, f64, f64)| Point { factor, kl: kl(value, half), foreseen: value + half, adherence: None };
            let points: Vec<Point> = values.iter().map(point).collect();
            let chosen = points.first().map(|point| point.factor);
            let confirmed = points.first().map(|point| point.kl);
            let text = svg(&Frontier { format: 1, limit, points, chosen, confirmed, kinds: BTreeMap::new(), neutral: None, original: None });
            let inside = |name: &str, most: f64| {
                text.split(&format!(" {name}=\"")).skip(1).all(|rest| {
                    let number = rest.split('"').next().and_then(|number| number.parse::<f64>().ok());
                    number.is_some_and(|number| (0.0..=most).contains(&number))
                })
            };
            prop_assert!(!text.contains("NaN") && inside("cx", 800.0) && inside("cy", 500.0), "{}", text);
        }
    }
}
