//! Upright bars, side by side for several series.

use longhaul_document::Chart;

use super::canvas::{Anchor, Canvas, INK, LINE, MUTED, SIZE, color};
use super::number::Style;
use super::scale::Scale;
use super::values;
use crate::ruler::{self, Face};

/// The height of the plot, in points.
pub(super) const HEIGHT: f64 = 165.0;

/// How far a turned label reaches, in points along it.
const TURNED: f64 = 92.0;

/// The plot of an upright chart: where its marks go.
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Plot {
    /// Draws the unit, the value axis and its grid, and tells what room they leave; `after` points
    /// at the right stay free of the grid.
    pub(super) fn with_axis(canvas: &mut Canvas, scale: &Scale, unit: Option<&str>, after: f64) -> Self {
        if let Some(unit) = unit.filter(|unit| *unit != "%") {
            let unit = ruler::shortened(unit, Face::Regular, SIZE, canvas.width);
            canvas.label((0.0, canvas.height + LINE / 2.0), Anchor::Start, &unit, MUTED);
            canvas.height += LINE;
        }
        // Half a label of the highest tick, or the figure over the tallest bar.
        let top = canvas.height + LINE;
        let bottom = top + HEIGHT;
        let ticks = scale.ticks(unit);
        let widest =
            ticks.iter().map(|(_, text)| ruler::width(text, Face::Regular, SIZE)).fold(0.0, f64::max);
        let plot = Self { left: widest + 6.0, right: canvas.width - after, top, bottom };
        for (place, text) in ticks {
            let y = plot.y(place);
            canvas.rule((plot.left, y), (plot.right, y), place == scale.base());
            canvas.label((plot.left - 6.0, y), Anchor::End, &text, MUTED);
        }
        canvas.height = bottom;
        plot
    }

    /// The height at which a place on the axis is drawn.
    pub(super) fn y(&self, place: f64) -> f64 {
        self.bottom - place * (self.bottom - self.top)
    }
}

pub(super) fn draw(canvas: &mut Canvas, chart: &Chart) {
    if values(chart).next().is_none() {
        return canvas.nothing_to_show();
    }
    let scale = Scale::over(values(chart), 5, true);
    let unit = chart.unit.as_deref();
    let plot = Plot::with_axis(canvas, &scale, unit, 0.0);
    let slot = (plot.right - plot.left) / chart.labels.len() as f64;
    let group = (slot * 0.66).min(46.0 * chart.series.len() as f64);
    let bar = group / chart.series.len() as f64;
    let gap = if bar > 4.0 { 1.0 } else { 0.0 };

    let style = Style::of(values(chart), unit);
    let room = if chart.series.len() == 1 { slot - 3.0 } else { bar };
    let widest =
        values(chart).map(|value| ruler::width(&style.show(value), Face::Regular, SIZE)).fold(0.0, f64::max);
    let with_figures = widest <= room;

    for (index, series) in chart.series.iter().enumerate() {
        for (position, value) in series.values.iter().enumerate() {
            let Some(value) = *value else { continue };
            let x = plot.left + slot * (position as f64 + 0.5) - group / 2.0 + bar * index as f64;
            let (base, end) = (plot.y(scale.base()), plot.y(scale.place(value)));
            canvas.bar((x, base.min(end)), bar - gap, (base - end).abs(), color(index));
            if with_figures {
                let y = if value < 0.0 { end + LINE / 2.0 } else { end - LINE / 2.0 };
                canvas.figure((x + (bar - gap) / 2.0, y), Anchor::Middle, &style.show(value));
            }
        }
    }
    // The base line over the bars, so that it is one line.
    let base = plot.y(scale.base());
    canvas.rule((plot.left, base), (plot.right, base), true);
    let lowest = values(chart).fold(0.0, f64::min);
    if with_figures && plot.y(scale.place(lowest)) + LINE > plot.bottom && lowest < 0.0 {
        canvas.height += LINE;
    }
    labels(canvas, &chart.labels, &plot, slot);
}

/// Names the bars: flat where the names fit, in up to three lines, else turned.
fn labels(canvas: &mut Canvas, labels: &[String], plot: &Plot, slot: f64) {
    let top = canvas.height + 4.0;
    let room = slot - 4.0;
    let middle = |index: usize| plot.left + slot * (index as f64 + 0.5);
    let lines: Vec<Vec<String>> =
        labels.iter().map(|label| ruler::wrapped(label, Face::Regular, SIZE, room, 3)).collect();
    let flat = lines.iter().zip(labels).all(|(lines, label)| {
        lines.len() <= 3 && lines.join(" ") == label.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    if flat {
        let most = lines.iter().map(Vec::len).max().unwrap_or(0);
        for (index, lines) in lines.iter().enumerate() {
            for (row, line) in lines.iter().enumerate() {
                let y = top + LINE * (row as f64 + 0.5);
                canvas.label((middle(index), y), Anchor::Middle, line, INK);
            }
        }
        canvas.height = top + LINE * most as f64;
        return;
    }
    // Turned labels stand a line apart; where slots are narrower, every so many are named.
    let every = (LINE / slot).ceil().max(1.0) as usize;
    let mut lowest = top;
    for (index, label) in labels.iter().enumerate().step_by(every) {
        // What leans to the left must not lean out of the chart.
        let reach = TURNED.min((middle(index) - 2.0) * std::f64::consts::SQRT_2);
        let label = ruler::shortened(label, Face::Regular, SIZE, reach);
        let drop = ruler::width(&label, Face::Regular, SIZE) / std::f64::consts::SQRT_2;
        lowest = lowest.max(top + drop + LINE / 2.0);
        canvas.turned_label((middle(index) + 2.0, top + 2.0), &label, INK);
    }
    canvas.height = lowest;
}
