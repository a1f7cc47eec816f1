//! Estimates with their intervals, drawn below each other: a forest plot.
//!
//! A row is a name, a point with its interval, perhaps a second one beside it, and perhaps a mark that has to be
//! reached. A dashed line stands where nothing changed, or at the margin. Equal rows give equal bytes.

use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{Shift, cartesian::Cartesian2d, types::RangedCoordf64},
    element::{Circle, PathElement, Text},
    prelude::{DrawingArea, IntoDrawingArea as _, SVGBackend},
    series::DashedLineSeries,
    style::{
        Color as _, IntoFont as _, RGBColor,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    number,
    palette::{FAINT, FIRST, INK, PAPER, SECOND},
    text::{clean, short},
};
use crate::{model::Estimate, stats::Interval};

const WIDTH: u32 = 760;
/// Height of a row, and of everything that is not a row.
const ROW: u32 = 30;
const REST: u32 = 76;
/// Room for names, and what fits into it.
const NAMES: u32 = 230;
const NAME: usize = 32;

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is about.
    pub name: String,
    /// The point and its interval.
    pub estimate: Estimate,
    /// What it is compared with, drawn below it in the second colour.
    pub beside: Option<Estimate>,
    /// What has to be reached, drawn as an upright tick.
    pub mark: Option<f64>,
}

/// A drawing.
#[derive(Debug, Clone)]
pub struct Forest<'a> {
    /// What the horizontal axis counts.
    pub axis: &'a str,
    /// `share` shows per cent.
    pub unit: &'a str,
    /// Where the dashed line stands.
    pub line: Option<f64>,
    /// Ends of the axis; by default what the rows need.
    pub range: Option<Interval>,
    /// From top to bottom.
    pub rows: &'a [Row],
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The drawing as an SVG document.
///
/// # Panics
/// If the drawing library cannot write into memory, which is a bug.
#[must_use]
pub fn svg(forest: &Forest<'_>) -> String {
    let mut text = String::new();
    let height = REST + ROW * u32::try_from(forest.rows.len()).unwrap_or(u32::MAX / ROW / 2);
    draw(&SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area(), forest)
        .expect("a picture in memory is written");
    text
}

fn draw(area: &DrawingArea<SVGBackend<'_>, Shift>, forest: &Forest<'_>) -> Drawn {
    let count = forest.rows.len();
    area.fill(&PAPER)?;
    let Interval { low, high } = forest.range.unwrap_or_else(|| ends(forest));
    // The first row is the uppermost one.
    let place = |index: usize| (count - 1 - index) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .margin_right(28)
        .x_label_area_size(44)
        .y_label_area_size(NAMES)
        .build_cartesian_2d(low..high, -0.6..count as f64 - 0.4)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(PAPER)
        .bold_line_style(FAINT.mix(0.3))
        .axis_style(FAINT)
        .label_style(("sans-serif", 15, &INK))
        .x_desc(forest.axis)
        .x_labels(6)
        .x_label_formatter(&|value| tick(*value, forest.unit))
        .draw()?;
    let style = ("sans-serif", 15).into_font().color(&INK).pos(Pos::new(HPos::Right, VPos::Center));
    for (index, row) in forest.rows.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(low, place(index)));
        area.draw(&Text::new(short(&clean(&row.name), NAME), (x - 8, y), style.clone()))?;
    }
    if let Some(line) = forest.line {
        let ends = [(line, -0.6), (line, count as f64 - 0.4)];
        chart.draw_series(DashedLineSeries::new(ends, 5, 4, INK.stroke_width(1)))?;
    }
    for (index, row) in forest.rows.iter().enumerate() {
        let shift = if row.beside.is_some() { 0.18 } else { 0.0 };
        let shown = Interval { low, high };
        whisker(&mut chart, place(index) + shift, &row.estimate, shown, FIRST)?;
        if let Some(beside) = &row.beside {
            whisker(&mut chart, place(index) - shift, beside, shown, SECOND)?;
        }
        if let Some(mark) = row.mark.filter(|mark| shown.contains(*mark)) {
            let tick = [(mark, place(index) - 0.35), (mark, place(index) + 0.35)];
            chart.draw_series([PathElement::new(tick, INK.stroke_width(2))])?;
        }
    }
    area.present()?;
    Ok(())
}

fn whisker(
    chart: &mut Chart<'_, '_>,
    place: f64,
    estimate: &Estimate,
    shown: Interval,
    colour: RGBColor,
) -> Drawn {
    let Estimate { value, low, high, .. } = *estimate;
    let at = |value: f64| value.clamp(shown.low, shown.high);
    chart.draw_series([PathElement::new([(at(low), place), (at(high), place)], colour.stroke_width(2))])?;
    chart.draw_series([Circle::new((at(value), place), 5, colour.filled())])?;
    Ok(())
}

/// Ends of the axis: everything that is shown, with a little room.
fn ends(forest: &Forest<'_>) -> Interval {
    let estimates = forest.rows.iter().flat_map(|row| [Some(row.estimate), row.beside]).flatten();
    let values = estimates.flat_map(|estimate| [estimate.low, estimate.value, estimate.high]);
    let marks = forest.rows.iter().filter_map(|row| row.mark).chain(forest.line);
    let (low, high) = values
        .chain(marks)
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return Interval { low: 0.0, high: 1.0 };
    }
    let room = ((high - low) * 0.05).max(1e-6);
    Interval { low: low - room, high: high + room }
}

fn tick(value: f64, unit: &str) -> String {
    let text = if unit == "share" { format!("{:.0} %", 100.0 * value) } else { number::value(value, unit) };
    if text == "-0 %" { "0 %".into() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn estimate(value: f64, half: f64) -> Estimate {
        Estimate { value, low: value - half, high: value + half, n: 40, clusters: 20 }
    }

    #[test]
    fn rows_with_their_marks_and_what_stands_beside_them_are_drawn() {
        let rows = [
            Row { name: "facts".into(), estimate: estimate(0.9, 0.05), beside: None, mark: Some(0.95) },
            Row {
                name: "prose".into(),
                estimate: estimate(1.0, 0.02),
                beside: Some(estimate(0.97, 0.1)),
                mark: None,
            },
        ];
        let forest = Forest { axis: "share kept", unit: "share", line: Some(1.0), range: None, rows: &rows };
        insta::assert_snapshot!(svg(&forest));
    }

    #[test]
    fn a_hostile_name_is_text_and_a_long_one_is_cut() {
        let name = format!("<script>{}</script>\u{1b}", "x".repeat(100));
        let rows = [Row { name, estimate: estimate(0.5, 0.1), beside: None, mark: None }];
        let text = svg(&Forest { axis: "share", unit: "share", line: None, range: None, rows: &rows });
        assert!(
            text.contains("&lt;script&gt;xxx") && text.contains('…') && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn no_rows_make_a_drawing_all_the_same() {
        assert!(
            svg(&Forest { axis: "share", unit: "share", line: None, range: None, rows: &[] }).contains("svg")
        );
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_stays_inside(
            values in prop::collection::vec((-1e3_f64..1e3, 0.0_f64..1e3), 1..12),
        ) {
            let row = |&(value, half): &(f64, f64)| Row { name: "a".into(), estimate: estimate(value, half), beside: None, mark: None };
            let rows: Vec<Row> = values.iter().map(row).collect();
            let range = Some(Interval { low: -10.0, high: 10.0 });
            let text = svg(&Forest { axis: "m", unit: "m", line: Some(0.0), range, rows: &rows });
            let inside = text.split(" cx=\"").skip(1).all(|rest| {
                rest.split('"').next().and_then(|x| x.parse::<f64>().ok()).is_some_and(|x| (0.0..=760.0).contains(&x))
            });
            prop_assert!(inside && !text.contains("NaN"), "{}", text);
        }
    }
}
