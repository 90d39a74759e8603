//! Lines: for change over time.

use longhaul_document::Chart;

use super::bars::Plot;
use super::canvas::{Anchor, Canvas, INK, LINE, Point, SIZE};
use super::number::Style;
use super::scale::Scale;
use super::values;
use crate::ruler::{self, Face};

/// Up to how many points each is marked; beyond, the line alone is clearer.
const MARKED: usize = 36;

/// The widest label under the axis, in points.
const WIDEST: f64 = 90.0;

/// How many labels are passed over for one that is written: months come in twelves.
const STRIDES: [usize; 12] = [1, 2, 3, 4, 6, 12, 18, 24, 36, 48, 96, 192];

pub(super) fn draw(canvas: &mut Canvas, chart: &Chart) {
    if values(chart).next().is_none() {
        return canvas.nothing_to_show();
    }
    let scale = Scale::over(values(chart), 5, false);
    let unit = chart.unit.as_deref();
    let style = Style::of(values(chart), unit);
    // A single line says its last figure where it ends.
    let last = match chart.series.as_slice() {
        [series] => series.values.iter().copied().flatten().last(),
        _ => None,
    };
    let after = last.map_or(0.0, |last| ruler::width(&style.show(last), Face::Regular, SIZE) + 4.0);
    let mut plot = Plot::with_axis(canvas, &scale, unit, after);
    // The line keeps off the edges, so that its first and last points are whole.
    plot.left += 8.0;
    plot.right -= 8.0;
    let steps = chart.labels.len().saturating_sub(1).max(1) as f64;
    let x = |position: usize| {
        if chart.labels.len() == 1 {
            return (plot.left + plot.right) / 2.0;
        }
        plot.left + (plot.right - plot.left) * position as f64 / steps
    };

    for (index, series) in chart.series.iter().enumerate() {
        let points: Vec<_> = series
            .values
            .iter()
            .enumerate()
            .map(|(position, value)| value.map(|value| (x(position), plot.y(scale.place(value)))))
            .collect();
        // A gap parts the line.
        for run in points.split(|point| point.is_none()) {
            if run.len() > 1 {
                canvas.path(run.iter().copied().flatten(), index);
            }
            if run.len() == 1 || points.len() <= MARKED {
                run.iter().copied().flatten().for_each(|point| canvas.dot(point, index));
            }
        }
    }
    if let [series] = chart.series.as_slice() {
        figures(canvas, &series.values, &style, &plot, |position, value| {
            (x(position), plot.y(scale.place(value)))
        });
    }
    labels(canvas, &chart.labels, x);
}

/// Writes the figures of a single line's last point, beside it, and of its highest, above it.
fn figures(
    canvas: &mut Canvas,
    values: &[Option<f64>],
    style: &Style,
    plot: &Plot,
    place: impl Fn(usize, f64) -> Point,
) {
    let known: Vec<(usize, f64)> =
        values.iter().enumerate().filter_map(|(position, value)| Some((position, (*value)?))).collect();
    let Some(&last) = known.last() else { return };
    let (x, y) = place(last.0, last.1);
    canvas.figure((x + 6.0, y), Anchor::Start, &style.show(last.1));
    let highest =
        known.iter().copied().fold(last, |highest, point| if point.1 > highest.1 { point } else { highest });
    if highest.0 != last.0 {
        let (x, y) = place(highest.0, highest.1);
        let text = style.show(highest.1);
        let half = ruler::width(&text, Face::Regular, SIZE) / 2.0;
        let middle = x.max(plot.left + half - 6.0).min(plot.right - half);
        canvas.figure((middle, y - LINE * 0.8), Anchor::Middle, &text);
    }
}

/// Writes as many labels as fit, at an even stride, from the first on.
fn labels(canvas: &mut Canvas, labels: &[String], x: impl Fn(usize) -> f64) {
    let labels: Vec<String> =
        labels.iter().map(|label| ruler::shortened(label, Face::Regular, SIZE, WIDEST)).collect();
    let widest = labels.iter().map(|label| ruler::width(label, Face::Regular, SIZE)).fold(0.0, f64::max);
    let slot = if labels.len() > 1 { x(1) - x(0) } else { canvas.width };
    let stride = STRIDES
        .into_iter()
        .find(|&stride| stride as f64 * slot >= widest + 8.0)
        .unwrap_or(labels.len().max(1));
    let y = canvas.height + 4.0 + LINE / 2.0;
    let mut taken = f64::NEG_INFINITY;
    for (position, label) in labels.iter().enumerate().step_by(stride) {
        let half = ruler::width(label, Face::Regular, SIZE) / 2.0;
        let middle = x(position).min(canvas.width - half).max(half);
        // Kept inside the chart, the last label may have come too near to the one before.
        if middle - half > taken + 4.0 {
            canvas.label((middle, y), Anchor::Middle, label, INK);
            taken = middle + half;
        }
    }
    canvas.height = y + LINE / 2.0;
}
