//! Draws charts: from figures to rectangles, lines and labels at their places.
//!
//! All geometry is decided here, in points, and the template only puts it on the page. Values stay
//! `f64` to the end, so that a label shows the figure and not something near it.

mod bars;
mod canvas;
mod line;
mod number;
mod ranking;
mod scale;
mod svg;
mod words;

use longhaul_document::{Chart, ChartKind};

pub(crate) use canvas::{Drawing, color as series_color, line_color};
pub(crate) use number::set_apart;
pub(crate) use svg::svg;
pub(crate) use words::description;

use canvas::{Canvas, Swatch};

/// Draws `chart`, `width` wide and at most `most_height` high, both in points.
pub(crate) fn draw(chart: &Chart, width: f64, most_height: f64) -> Drawing {
    let mut canvas = Canvas::new(width);
    if chart.series.len() > 1 {
        let swatch = if chart.kind == ChartKind::Line { Swatch::Line } else { Swatch::Block };
        canvas.legend(chart.series.iter().map(|series| series.name.as_str()), swatch);
    }
    match chart.kind {
        ChartKind::Bars => bars::draw(&mut canvas, chart),
        ChartKind::Line => line::draw(&mut canvas, chart),
        ChartKind::Ranking => ranking::draw(&mut canvas, chart, most_height),
    }
    canvas.finish()
}

/// How the values of a chart are written.
pub(crate) fn shown(chart: &Chart) -> impl Fn(f64) -> String + use<> {
    let style = number::Style::of(values(chart), chart.unit.as_deref());
    move |value| style.show(value)
}

/// Every value of the chart that is not a gap.
fn values(chart: &Chart) -> impl Iterator<Item = f64> + Clone + '_ {
    chart.series.iter().flat_map(|series| series.values.iter().copied().flatten())
}

#[cfg(test)]
mod tests;
