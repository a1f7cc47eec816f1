//! Trait adherence against divergence, one point per factor: what a nat buys.

use plotters::{
    chart::{ChartBuilder, SeriesLabelPosition},
    coord::Shift,
    element::{Circle, EmptyElement, PathElement, Text},
    prelude::{DrawingArea, SVGBackend},
    series::{DashedLineSeries, LineSeries},
    style::{Color as _, IntoFont as _},
};

use super::{Drawn, axis, heights, short};
use crate::{
    model::Estimate,
    report::palette::{FAINT, FIRST, INK, PAPER},
    train::{outcome::Frontier, search::Point},
};

/// Draws the points that have an adherence; the horizontal axis is that of the divergence above.
pub(super) fn draw(area: &DrawingArea<SVGBackend<'_>, Shift>, frontier: &Frontier) -> Drawn {
    let (left, right) = heights(frontier);
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .caption("Adherence against divergence", ("sans-serif", 20, &INK))
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(axis(left, right), 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(PAPER)
        .bold_line_style(FAINT.mix(0.3))
        .axis_style(INK)
        .label_style(("sans-serif", 14, &INK))
        .x_desc("KL (nats/token), 95 % interval")
        .y_desc("trait adherence on dev families, 95 % interval")
        .x_label_formatter(&|kl| short(*kl))
        .y_label_formatter(&|share| format!("{:.0} %", 100.0 * share))
        .draw()?;
    let limit = frontier.limit;
    chart
        .draw_series(DashedLineSeries::new([(limit, 0.0), (limit, 1.0)], 6, 4, INK.stroke_width(1)))?
        .label(format!("limit {limit}"))
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], INK));

    let at = |value: f64| value.max(left);
    let mut points: Vec<(&Point, Estimate)> =
        frontier.points.iter().filter_map(|point| Some((point, point.adherence?))).collect();
    points.sort_by(|a, b| a.0.factor.total_cmp(&b.0.factor));
    let place = |(point, share): &(&Point, Estimate)| (at(point.kl.evidence.estimate.value), share.value);
    chart.draw_series(LineSeries::new(points.iter().map(place), FIRST.mix(0.4)))?;
    let spreads = points.iter().flat_map(|(point, share)| {
        let kl = &point.kl.evidence.estimate;
        let line = FIRST.stroke_width(1);
        [
            PathElement::new([(at(kl.low), share.value), (at(kl.high), share.value)], line),
            PathElement::new([(at(kl.value), share.low), (at(kl.value), share.high)], line),
        ]
    });
    chart.draw_series(spreads)?;
    let (n, families) = points.first().map_or((0, 0), |(_, share)| (share.n, share.clusters));
    let marks = points.iter().map(|found| {
        let style = ("sans-serif", 13).into_font().color(&INK);
        let label = Text::new(format!("{:.2}", found.0.factor), (8, -16), style);
        EmptyElement::at(place(found)) + Circle::new((0, 0), 4, FIRST.filled()) + label
    });
    chart
        .draw_series(marks)?
        .label(format!("factor (n {n}, {families} families)"))
        .legend(|(x, y)| Circle::new((x + 8, y), 4, FIRST.filled()));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(PAPER.mix(0.9))
        .border_style(FAINT)
        .label_font(("sans-serif", 13, &INK))
        .draw()?;
    Ok(())
}
