//! A chart as SVG, for documents that are read on a screen.

use super::Drawing;
use super::canvas::{Anchor, Mark, Point, Shape};
use crate::markup::Markup;

/// From the middle of a line of labels down to where its letters stand, in ems.
const BASELINE: f64 = 0.33;

/// `drawing` as an `svg` element that grows and shrinks with its place; `description` is what it
/// shows, in words.
pub(crate) fn svg(drawing: &Drawing, description: &str) -> Markup {
    let (width, height) = (figure(drawing.width), figure(drawing.height));
    let mut svg = Markup::default();
    svg.open(
        "svg",
        &[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("viewBox", &format!("0 0 {width} {height}")),
            ("role", "img"),
            ("aria-label", description),
            ("font-size", &figure(drawing.size)),
        ],
    );
    for mark in &drawing.marks {
        draw(mark, drawing.size, &mut svg);
    }
    svg.close();
    svg
}

fn draw(mark: &Mark, size: f64, svg: &mut Markup) {
    match mark {
        Mark::Bar { at: (x, y), width, height, fill } => {
            let place = [figure(*x), figure(*y), figure(width.max(0.0)), figure(height.max(0.0))];
            let [x, y, width, height] = place.each_ref().map(String::as_str);
            svg.empty("rect", &[("x", x), ("y", y), ("width", width), ("height", height), ("fill", fill)]);
        }
        Mark::Path { points, stroke, thickness, dash } => {
            let dash: Vec<_> = dash.iter().copied().map(figure).collect();
            let (points, thickness, dash) = (places(points), figure(*thickness), dash.join(" "));
            let mut attributes = vec![
                ("points", points.as_str()),
                ("fill", "none"),
                ("stroke", stroke),
                ("stroke-width", &thickness),
                ("stroke-linejoin", "round"),
            ];
            if !dash.is_empty() {
                attributes.push(("stroke-dasharray", &dash));
            }
            svg.empty("polyline", &attributes);
        }
        Mark::Dot { at, shape, fill } => dot(*at, *shape, fill, svg),
        Mark::Label { at: (x, y), anchor, text, fill, width, turned, paper } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let (left, base) = (figure(*x), figure(y + size * BASELINE));
            let turn = format!("rotate(-45 {left} {})", figure(*y));
            let mut attributes =
                vec![("x", left.as_str()), ("y", base.as_str()), ("text-anchor", anchor), ("fill", fill)];
            // As wide as was measured, whatever font the reader has: all places were found for that.
            let wide = figure(*width);
            if *width > 0.0 {
                attributes.extend([("textLength", wide.as_str()), ("lengthAdjust", "spacingAndGlyphs")]);
            }
            if *turned {
                attributes.push(("transform", &turn));
            }
            if *paper {
                // The grid behind a figure must not cross it out.
                attributes.extend([
                    ("stroke", "#ffffff"),
                    ("stroke-width", "2.4"),
                    ("paint-order", "stroke"),
                ]);
            }
            svg.element("text", &attributes, text);
        }
    }
}

fn dot((x, y): Point, shape: Shape, fill: &str, svg: &mut Markup) {
    let corners: &[Point] = match shape {
        Shape::Circle => {
            let (x, y) = (figure(x), figure(y));
            svg.empty("circle", &[("cx", &x), ("cy", &y), ("r", "2.1"), ("fill", fill)]);
            return;
        }
        Shape::Square => &[(-1.9, -1.9), (1.9, -1.9), (1.9, 1.9), (-1.9, 1.9)],
        Shape::Triangle => &[(-2.4, 2.1), (0.0, -2.1), (2.4, 2.1)],
        Shape::Diamond => &[(-2.6, 0.0), (0.0, -2.6), (2.6, 0.0), (0.0, 2.6)],
    };
    let corners: Vec<Point> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    svg.empty("polygon", &[("points", &places(&corners)), ("fill", fill)]);
}

fn places(points: &[Point]) -> String {
    let place = |(x, y): &Point| format!("{},{}", figure(*x), figure(*y));
    points.iter().map(place).collect::<Vec<_>>().join(" ")
}

/// A length to hundredths of a point, which are finer than any screen.
fn figure(length: f64) -> String {
    let text = format!("{length:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use longhaul_document::{Chart, ChartKind, Series};

    use super::*;
    use crate::chart;

    #[test]
    fn every_mark_is_drawn_and_no_text_is_markup() {
        let chart = Chart {
            caption: "Sales".to_owned(),
            kind: ChartKind::Line,
            labels: vec!["<Q1>".to_owned(), "Q2".to_owned()],
            series: (0..4)
                .map(|n| Series { name: format!("s{n} & co"), values: vec![Some(1.0), Some(f64::from(n))] })
                .collect(),
            unit: None,
        };
        let drawing = chart::draw(&chart, 400.0, 300.0);
        let text = svg(&drawing, &chart::description(&chart)).finish();
        let count = |what: &str| text.matches(what).count();
        let marks = |is: fn(&Mark) -> bool| drawing.marks.iter().filter(|mark| is(mark)).count();
        assert_eq!(count("<text"), marks(|mark| matches!(mark, Mark::Label { .. })));
        assert_eq!(count("<polyline"), marks(|mark| matches!(mark, Mark::Path { .. })));
        assert_eq!(
            count("<circle") + count("<polygon"),
            marks(|mark| matches!(mark, Mark::Dot { .. })),
            "four series, four shapes: {text}"
        );
        assert!(text.contains("&lt;Q1&gt;") && text.contains("s3 &amp; co") && !text.contains("<Q1>"));
        assert_eq!([0.0, 1.5, -0.001, 12.0].map(figure), ["0", "1.5", "0", "12"]);
    }
}
