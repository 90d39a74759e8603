//! What a chart is drawn with.

use serde::Serialize;

use crate::ruler::{self, Face};

/// The size of labels, in points.
pub(super) const SIZE: f64 = 8.0;
/// The height of a line of labels.
pub(super) const LINE: f64 = 10.5;
/// Figures next to their marks, and names.
pub(super) const INK: &str = "#27313b";
/// The axis and what stands at it.
pub(super) const MUTED: &str = "#5b6773";
/// Lines behind the marks.
const GRID: &str = "#dfe4e9";
/// The line that values are measured from.
const AXIS: &str = "#8a96a3";

/// The colours of series, in order. Neighbours differ in lightness, so that they can be told apart
/// in grey.
pub(super) const COLORS: [&str; 8] =
    ["#1f3f66", "#d9913a", "#4a8a92", "#aebfd1", "#963c32", "#e0c88a", "#5f6f7f", "#3d2e52"];

/// The colours of lines, in order: none as light as bars may be.
const LINE_COLORS: [&str; 8] =
    ["#1f3f66", "#d9913a", "#4a8a92", "#963c32", "#7f93a8", "#3d2e52", "#a08436", "#5f6f7f"];

/// The dashes of lines, in order, in points on and off.
const DASHES: [&[f64]; 4] = [&[], &[5.0, 2.5], &[1.2, 2.0], &[7.0, 2.0, 1.2, 2.0]];

/// The shapes of points, in order.
const SHAPES: [Shape; 4] = [Shape::Circle, Shape::Square, Shape::Triangle, Shape::Diamond];

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle, tip up.
    Triangle,
    /// A square on its tip.
    Diamond,
}

/// Which end of a label its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Anchor {
    /// The left end.
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

/// A point, x to the right and y down, in points from the upper left corner.
pub(super) type Point = (f64, f64);

/// One thing drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    /// A filled rectangle.
    Bar { at: Point, width: f64, height: f64, fill: &'static str },
    /// An open path.
    Path { points: Vec<Point>, stroke: &'static str, thickness: f64, dash: &'static [f64] },
    /// A point of a line.
    Dot { at: Point, shape: Shape, fill: &'static str },
    /// A text, centred on its place from top to bottom; `paper` hides what is behind it.
    Label {
        at: Point,
        anchor: Anchor,
        text: String,
        fill: &'static str,
        width: f64,
        turned: bool,
        paper: bool,
    },
}

/// A finished chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Drawing {
    /// In points.
    pub(super) width: f64,
    /// In points.
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
    /// The size of its labels, in points.
    pub(super) size: f64,
}

/// How a series is told in the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swatch {
    /// By its colour.
    Block,
    /// By its colour, dash and shape.
    Line,
}

/// A chart under way.
pub(super) struct Canvas {
    /// How wide it is.
    pub(super) width: f64,
    /// How far down it is in use.
    pub(super) height: f64,
    marks: Vec<Mark>,
}

/// Hundredths of a point are finer than any printer.
fn rounded((x, y): Point) -> Point {
    ((x * 100.0).round() / 100.0, (y * 100.0).round() / 100.0)
}

/// The colour of a series' bars.
pub(crate) fn color(series: usize) -> &'static str {
    COLORS[series % COLORS.len()]
}

/// The colour of a series' line.
pub(crate) fn line_color(series: usize) -> &'static str {
    LINE_COLORS[series % LINE_COLORS.len()]
}

impl Drawing {
    /// How high it is, in points.
    pub(crate) fn height(&self) -> f64 {
        self.height
    }
}

impl Canvas {
    pub(super) fn new(width: f64) -> Self {
        Self { width, height: 0.0, marks: Vec::new() }
    }

    pub(super) fn finish(self) -> Drawing {
        Drawing { width: self.width, height: self.height.ceil(), marks: self.marks, size: SIZE }
    }

    pub(super) fn bar(&mut self, at: Point, width: f64, height: f64, fill: &'static str) {
        let ((x, y), (right, bottom)) = (rounded(at), rounded((at.0 + width, at.1 + height)));
        self.marks.push(Mark::Bar { at: (x, y), width: right - x, height: bottom - y, fill });
    }

    pub(super) fn path(&mut self, points: impl IntoIterator<Item = Point>, series: usize) {
        let points = points.into_iter().map(rounded).collect();
        // A fifth series repeats the first dash in another colour.
        let dash = DASHES[series % DASHES.len()];
        let stroke = line_color(series);
        self.marks.push(Mark::Path { points, stroke, thickness: 1.5, dash });
    }

    pub(super) fn dot(&mut self, at: Point, series: usize) {
        let fill = line_color(series);
        self.marks.push(Mark::Dot { at: rounded(at), shape: SHAPES[series % SHAPES.len()], fill });
    }

    /// A label as it is; the caller made it fit.
    pub(super) fn label(&mut self, at: Point, anchor: Anchor, text: &str, fill: &'static str) {
        self.write(at, anchor, text, fill, false, false);
    }

    /// The figure of a mark, clear of the grid.
    pub(super) fn figure(&mut self, at: Point, anchor: Anchor, text: &str) {
        self.write(at, anchor, text, INK, false, true);
    }

    /// A label that rises to its right end.
    pub(super) fn turned_label(&mut self, at: Point, text: &str, fill: &'static str) {
        self.write(at, Anchor::End, text, fill, true, false);
    }

    fn write(
        &mut self,
        at: Point,
        anchor: Anchor,
        text: &str,
        fill: &'static str,
        turned: bool,
        paper: bool,
    ) {
        let width = ruler::width(text, Face::Regular, SIZE);
        self.marks.push(Mark::Label {
            at: rounded(at),
            anchor,
            text: text.to_owned(),
            fill,
            width,
            turned,
            paper,
        });
    }

    /// A line of the grid, or with `strong` the one values are measured from.
    pub(super) fn rule(&mut self, from: Point, to: Point, strong: bool) {
        let (stroke, thickness) = if strong { (AXIS, 0.8) } else { (GRID, 0.6) };
        self.marks.push(Mark::Path {
            points: vec![rounded(from), rounded(to)],
            stroke,
            thickness,
            dash: &[],
        });
    }

    /// The names of the series, in as many rows as they need.
    pub(super) fn legend<'a>(&mut self, names: impl Iterator<Item = &'a str>, swatch: Swatch) {
        let swatch_width = if swatch == Swatch::Line { 20.0 } else { 8.0 };
        let (mut x, mut y) = (0.0, LINE / 2.0);
        for (series, name) in names.enumerate() {
            let name = ruler::shortened(name, Face::Regular, SIZE, self.width - swatch_width - 4.0);
            let entry = swatch_width + 4.0 + ruler::width(&name, Face::Regular, SIZE);
            if x > 0.0 && x + entry > self.width {
                (x, y) = (0.0, y + LINE + 2.0);
            }
            match swatch {
                Swatch::Block => self.bar((x, y - 4.0), 8.0, 8.0, color(series)),
                Swatch::Line => {
                    self.path([(x, y), (x + swatch_width, y)], series);
                    self.dot((x + swatch_width / 2.0, y), series);
                }
            }
            self.label((x + swatch_width + 4.0, y), Anchor::Start, &name, INK);
            x += entry + 16.0;
        }
        self.height = y + LINE / 2.0 + 6.0;
    }

    /// What stands in the place of marks when every value is a gap.
    pub(super) fn nothing_to_show(&mut self) {
        self.height += 2.0 * LINE;
        self.label((self.width / 2.0, self.height), Anchor::Middle, "No values", MUTED);
        self.height += 2.0 * LINE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lightness of a colour as the eye sees it, 0 to 100.
    fn lightness(color: &str) -> f64 {
        let channel = |range| f64::from(u8::from_str_radix(&color[range], 16).unwrap()) / 255.0;
        let linear =
            |value: f64| if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
        let luminance =
            0.2126 * linear(channel(1..3)) + 0.7152 * linear(channel(3..5)) + 0.0722 * linear(channel(5..7));
        116.0 * luminance.cbrt() - 16.0
    }

    #[test]
    fn the_first_series_can_be_told_apart_in_grey() {
        let shades: Vec<f64> = COLORS.iter().map(|color| lightness(color)).collect();
        for (index, shade) in shades.iter().enumerate() {
            for other in &shades[..index.min(4)] {
                let apart = (shade - other).abs();
                assert!(index >= 4 || apart >= 10.0, "{shades:?}");
            }
            // All of them stand out from paper, and neighbours from each other.
            assert!(*shade < 85.0);
            assert!(index == 0 || (shade - shades[index - 1]).abs() >= 10.0, "{shades:?}");
        }
        // Lines are thin, and have dashes besides.
        assert!(LINE_COLORS.iter().all(|color| lightness(color) < 70.0));
    }
}
