//! The curve of a card, drawn: sensitivity against false alarm, with that of length alone and the diagonal of chance.

use plotters::{
    chart::{ChartBuilder, SeriesLabelPosition},
    element::PathElement,
    prelude::{IntoDrawingArea as _, SVGBackend},
    series::{DashedLineSeries, LineSeries},
    style::{Color as _, RGBColor, WHITE},
};

use crate::metrics::card::Separation;

const SIZE: (u32, u32) = (460, 420);
/// Colours that stay apart for people who do not see red and green apart (Okabe and Ito 2008).
const EVALUATOR: RGBColor = RGBColor(0, 114, 178);
const LENGTH: RGBColor = RGBColor(213, 94, 0);
const INK: RGBColor = RGBColor(34, 34, 34);
const FAINT: RGBColor = RGBColor(150, 150, 150);

/// The picture as an SVG document. It shows numbers and fixed words only, nothing that an evaluator said.
///
/// # Panics
/// If the drawing library cannot write into memory, which is a bug.
pub(super) fn curve(separation: &Separation) -> String {
    let mut text = String::new();
    draw(SVGBackend::with_string(&mut text, SIZE), separation).expect("a picture in memory is written");
    text
}

fn draw(backend: SVGBackend<'_>, separation: &Separation) -> Result<(), Box<dyn std::error::Error>> {
    let area = backend.into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    let share = |value: &f64| format!("{:.0} %", 100.0 * value);
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(FAINT.mix(0.3))
        .axis_style(INK)
        .label_style(("sans-serif", 13, &INK))
        .x_desc("other texts taken for right (false alarm)")
        .y_desc("right texts taken for right (sensitivity)")
        .x_label_formatter(&share)
        .y_label_formatter(&share)
        .draw()?;
    chart.draw_series(DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 6, 4, FAINT.stroke_width(1)))?;
    let curves =
        [("length alone", &separation.length_curve, LENGTH), ("evaluator", &separation.curve, EVALUATOR)];
    for (name, corners, colour) in curves {
        chart
            .draw_series(LineSeries::new(corners.iter().copied(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.9))
        .border_style(FAINT)
        .label_font(("sans-serif", 13, &INK))
        .draw()?;
    area.present()?;
    Ok(())
}
