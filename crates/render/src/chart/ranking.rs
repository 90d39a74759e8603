//! Lying bars: for rankings with long labels.

use longhaul_document::Chart;

use super::canvas::{Anchor, Canvas, INK, LINE, MUTED, SIZE, color};
use super::number::Style;
use super::scale::Scale;
use super::values;
use crate::ruler::{self, Face};

/// The largest share of the width that the labels may take.
const LABELS: f64 = 0.36;

pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, most_height: f64) {
    if values(chart).next().is_none() {
        return canvas.nothing_to_show();
    }
    if let Some(unit) = chart.unit.as_deref().filter(|unit| *unit != "%") {
        let unit = ruler::shortened(unit, Face::Regular, SIZE, canvas.width);
        canvas.label((0.0, canvas.height + LINE / 2.0), Anchor::Start, &unit, MUTED);
        canvas.height += LINE + 2.0;
    }
    let scale = Scale::over(values(chart), 5, true);
    let style = Style::of(values(chart), chart.unit.as_deref());
    let figure = |value: f64| ruler::width(&style.show(value), Face::Regular, SIZE) + 4.0;

    let most = canvas.width * LABELS;
    let labels: Vec<Vec<String>> =
        chart.labels.iter().map(|label| ruler::wrapped(label, Face::Regular, SIZE, most, 2)).collect();
    let widest =
        labels.iter().flatten().map(|line| ruler::width(line, Face::Regular, SIZE)).fold(0.0, f64::max);

    // Every bar a line high, every group at least as high as its label, all of them on one page.
    let top = canvas.height;
    let wanted = |lines: usize| (chart.series.len() as f64 * LINE).max(lines as f64 * LINE) + 5.0;
    let total: f64 = labels.iter().map(|lines| wanted(lines.len())).sum();
    let squeeze = ((most_height - top) / total).min(1.0);
    let bar_height = LINE * squeeze;

    // Figures stand at the ends of the bars, so both ends leave room for the widest.
    let after = values(chart).filter(|value| *value >= 0.0).map(figure).fold(0.0, f64::max);
    let before = values(chart).filter(|value| *value < 0.0).map(figure).fold(0.0, f64::max);
    let left = widest + 8.0 + before;
    let right = canvas.width - after;
    let x = |place: f64| left + place * (right - left);

    let named = (LINE / (total / labels.len() as f64 * squeeze)).ceil().max(1.0) as usize;
    let mut y = top;
    for (position, lines) in labels.iter().enumerate() {
        let height = wanted(lines.len()) * squeeze;
        let middle = y + height / 2.0;
        if position % named == 0 {
            // Squeezed rows have room for one line.
            let lines = if squeeze < 1.0 { &lines[..lines.len().min(1)] } else { lines };
            let first = middle - LINE * (lines.len() as f64 - 1.0) / 2.0;
            for (row, line) in lines.iter().enumerate() {
                canvas.label((widest, first + LINE * row as f64), Anchor::End, line, INK);
            }
        }
        let first = middle - bar_height * chart.series.len() as f64 / 2.0;
        for (index, series) in chart.series.iter().enumerate() {
            let Some(value) = series.values.get(position).copied().flatten() else { continue };
            let at = first + bar_height * index as f64;
            let (base, end) = (x(scale.base()), x(scale.place(value)));
            canvas.bar(
                (base.min(end), at + 0.5),
                (end - base).abs(),
                (bar_height - 1.0).max(0.3),
                color(index),
            );
            if position % named == 0 && bar_height >= SIZE * 0.9 {
                let (at_end, anchor) =
                    if value < 0.0 { (end - 4.0, Anchor::End) } else { (end + 4.0, Anchor::Start) };
                canvas.figure((at_end, at + bar_height / 2.0), anchor, &style.show(value));
            }
        }
        y += height;
    }
    canvas.rule((x(scale.base()), top), (x(scale.base()), y), true);
    canvas.height = y;
}
