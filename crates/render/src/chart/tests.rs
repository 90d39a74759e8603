use longhaul_document::Series;

use super::canvas::{Anchor, Mark};
use super::*;

const WIDTH: f64 = 480.0;

fn chart(kind: ChartKind, labels: Vec<String>, series: Vec<Vec<Option<f64>>>) -> Chart {
    let series = series
        .into_iter()
        .enumerate()
        .map(|(index, values)| Series { name: format!("Series {index}"), values })
        .collect();
    Chart { caption: "A chart".to_owned(), kind, labels, series, unit: Some("USD".to_owned()) }
}

/// Charts from tame to wild, of every kind.
fn charts() -> Vec<Chart> {
    let short = |count: usize| (0..count).map(|index| format!("{}", 2_000 + index)).collect::<Vec<_>>();
    let long = |count: usize| {
        (0..count)
            .map(|index| format!("A rather long name of a category, number {index}"))
            .collect::<Vec<_>>()
    };
    let unbroken =
        |count: usize| (0..count).map(|index| format!("{}{index}", "W".repeat(200))).collect::<Vec<_>>();
    let wave = |count: usize, size: f64| {
        (0..count).map(|index| Some((index as f64 * 0.7).sin() * size)).collect::<Vec<_>>()
    };
    let up = |count: usize, size: f64| (0..count).map(|index| Some(index as f64 * size)).collect::<Vec<_>>();
    let mut out = Vec::new();
    for kind in [ChartKind::Bars, ChartKind::Line, ChartKind::Ranking] {
        for labels in [&short as &dyn Fn(usize) -> Vec<String>, &long, &unbroken] {
            for count in [1, 2, 5, 12, 60, 400] {
                out.push(chart(kind, labels(count), vec![up(count, 123.45)]));
                out.push(chart(kind, labels(count), vec![wave(count, 1e15)]));
                out.push(chart(
                    kind,
                    labels(count),
                    vec![wave(count, 50.0), vec![None; count], up(count, 1e-9)],
                ));
                out.push(chart(
                    kind,
                    labels(count),
                    (1..9).map(|index| up(count, f64::from(index))).collect(),
                ));
                out.push(chart(kind, labels(count), vec![vec![Some(0.0); count]]));
                out.push(chart(kind, labels(count), vec![vec![None; count]]));
            }
        }
    }
    out
}

/// The corners of what a mark covers: left, top, right, bottom.
fn extent(mark: &Mark) -> (f64, f64, f64, f64) {
    match mark {
        Mark::Bar { at: (x, y), width, height, .. } => (*x, *y, x + width, y + height),
        Mark::Dot { at: (x, y), .. } => (x - 2.0, y - 2.0, x + 2.0, y + 2.0),
        Mark::Path { points, .. } => points.iter().fold(
            (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY),
            |(left, top, right, bottom), (x, y)| (left.min(*x), top.min(*y), right.max(*x), bottom.max(*y)),
        ),
        Mark::Label { at: (x, y), width, turned: true, .. } => {
            let reach = width / std::f64::consts::SQRT_2;
            (x - reach, *y - 3.0, *x, y + reach)
        }
        Mark::Label { at: (x, y), anchor, width, .. } => {
            let left = match anchor {
                Anchor::Start => *x,
                Anchor::Middle => x - width / 2.0,
                Anchor::End => x - width,
            };
            (left, y - 3.0, left + width, y + 3.0)
        }
    }
}

#[test]
fn everything_is_drawn_inside_the_chart() {
    for chart in charts() {
        let drawing = draw(&chart, WIDTH, 600.0);
        assert!(drawing.height <= 640.0, "{} {:?}", drawing.height, chart.kind);
        for mark in &drawing.marks {
            let (left, top, right, bottom) = extent(mark);
            let inside =
                left >= -0.6 && top >= -0.6 && right <= drawing.width + 0.6 && bottom <= drawing.height + 0.6;
            assert!(
                inside,
                "{:?} {} labels: {mark:?} of {}x{}",
                chart.kind,
                chart.labels.len(),
                drawing.width,
                drawing.height
            );
        }
    }
}

#[test]
fn labels_do_not_run_into_each_other() {
    for chart in charts() {
        let drawing = draw(&chart, WIDTH, 600.0);
        let flat: Vec<_> = drawing
            .marks
            .iter()
            .filter(|mark| matches!(mark, Mark::Label { turned: false, .. }))
            .map(|mark| (mark, extent(mark)))
            .collect();
        for (index, (mark, a)) in flat.iter().enumerate() {
            for (other, b) in &flat[..index] {
                let apart = a.2 <= b.0 + 0.1 || b.2 <= a.0 + 0.1 || a.3 <= b.1 + 0.1 || b.3 <= a.1 + 0.1;
                assert!(apart, "{:?} {} labels: {mark:?} and {other:?}", chart.kind, chart.labels.len());
            }
        }
    }
}

#[test]
fn every_value_has_a_mark_and_gaps_have_none() {
    let labels = || ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let values = vec![Some(3.0), None, Some(-1.0), Some(0.0)];
    for kind in [ChartKind::Bars, ChartKind::Ranking] {
        let drawing = draw(&chart(kind, labels(), vec![values.clone()]), WIDTH, 600.0);
        let bars = drawing.marks.iter().filter(|mark| matches!(mark, Mark::Bar { .. })).count();
        assert_eq!(bars, 3, "{kind:?}");
    }
    let drawing = draw(&chart(ChartKind::Line, labels(), vec![values]), WIDTH, 600.0);
    let dots = drawing.marks.iter().filter(|mark| matches!(mark, Mark::Dot { .. })).count();
    assert_eq!(dots, 3);
}

#[test]
fn bars_are_as_long_as_their_values() {
    let labels = vec!["a".to_owned(), "b".to_owned()];
    let drawing = draw(&chart(ChartKind::Ranking, labels, vec![vec![Some(50.0), Some(-25.0)]]), WIDTH, 600.0);
    let lengths: Vec<f64> = drawing
        .marks
        .iter()
        .filter_map(|mark| if let Mark::Bar { width, .. } = mark { Some(*width) } else { None })
        .collect();
    assert!((lengths[0] - 2.0 * lengths[1]).abs() < 0.05, "{lengths:?}");
}

#[test]
fn a_ranking_names_each_bar_and_figure_while_there_is_room() {
    let labels: Vec<String> = (0..30).map(|index| format!("Customer {index}")).collect();
    let values = (0..30).map(|index| Some(f64::from(index) + 0.25)).collect();
    let drawing = draw(&chart(ChartKind::Ranking, labels.clone(), vec![values]), WIDTH, 600.0);
    let texts: Vec<&str> = drawing
        .marks
        .iter()
        .filter_map(|mark| if let Mark::Label { text, .. } = mark { Some(text.as_str()) } else { None })
        .collect();
    for (index, label) in labels.iter().enumerate() {
        assert!(texts.contains(&label.as_str()), "{label}");
        assert!(texts.contains(&format!("{index}.25").as_str()), "{index}");
    }
}
