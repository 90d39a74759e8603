//! A chart in words, for readers who cannot see it.

use std::fmt::Write;

use longhaul_document::{Chart, ChartKind};

use super::number::Style;
use super::values;

/// Up to how many values are all said; of more, the ends and extremes.
const SAID: usize = 60;

/// What `chart` shows, with its figures.
pub(crate) fn description(chart: &Chart) -> String {
    let kind = match chart.kind {
        ChartKind::Bars => "Bar chart",
        ChartKind::Ranking => "Ranking",
        ChartKind::Line => "Line chart",
    };
    let style = Style::of(values(chart), chart.unit.as_deref());
    let mut out = format!("{kind}: {}", chart.caption);
    if let Some(unit) = chart.unit.as_deref().filter(|unit| *unit != "%") {
        // Writing to a string cannot fail.
        let _ = write!(out, ", in {unit}");
    }
    out.push('.');
    let all = values(chart).count() <= SAID;
    for series in &chart.series {
        let known: Vec<(&str, f64)> = chart
            .labels
            .iter()
            .zip(&series.values)
            .filter_map(|(label, value)| Some((label.as_str(), (*value)?)))
            .collect();
        let name = if series.name.is_empty() { "Values" } else { &series.name };
        let _ = write!(out, " {name}: ");
        let said: Vec<String> = if all {
            known.iter().map(|(label, value)| format!("{label} {}", style.show(*value))).collect()
        } else {
            outline(&known)
                .into_iter()
                .map(|(word, (label, value))| format!("{word} {} at {label}", style.show(value)))
                .collect()
        };
        out.push_str(if said.is_empty() { "no values" } else { "" });
        out.push_str(&said.join(", "));
        out.push('.');
    }
    out
}

/// The ends and extremes of a series.
fn outline<'a>(known: &[(&'a str, f64)]) -> Vec<(&'static str, (&'a str, f64))> {
    let (Some(&first), Some(&last)) = (known.first(), known.last()) else { return Vec::new() };
    let lowest =
        known.iter().copied().fold(first, |least, point| if point.1 < least.1 { point } else { least });
    let highest =
        known.iter().copied().fold(first, |most, point| if point.1 > most.1 { point } else { most });
    vec![("first", first), ("lowest", lowest), ("highest", highest), ("last", last)]
}

#[cfg(test)]
mod tests {
    use longhaul_document::Series;

    use super::*;

    fn chart(values: Vec<Option<f64>>) -> Chart {
        Chart {
            caption: "Sales by year".to_owned(),
            kind: ChartKind::Line,
            labels: (0..values.len()).map(|index| format!("{}", 2_000 + index)).collect(),
            series: vec![Series { name: "North".to_owned(), values }],
            unit: Some("USD".to_owned()),
        }
    }

    #[test]
    fn a_small_chart_is_told_in_full() {
        assert_eq!(
            description(&chart(vec![Some(1.0), None, Some(1_234.5)])),
            "Line chart: Sales by year, in USD. North: 2000 1.0, 2002 1,234.5."
        );
        assert_eq!(description(&chart(vec![None])), "Line chart: Sales by year, in USD. North: no values.");
    }

    #[test]
    fn a_large_chart_is_told_in_outline() {
        let said = description(&chart((0..100).map(|index| Some(f64::from((index * 7) % 100))).collect()));
        assert_eq!(
            said,
            "Line chart: Sales by year, in USD. North: first 0 at 2000, lowest 0 at 2000, highest 99 at 2057, last 93 at 2099."
        );
    }
}
