//! A chart for Word to draw: its figures and how they are to look.

use longhaul_document::{Chart, ChartKind, Series};

use super::XML;
use crate::chart::{line_color, series_color};
use crate::markup::Markup;

pub(super) const CHART: &str = "http://schemas.openxmlformats.org/drawingml/2006/chart";
pub(super) const DRAWING: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";

/// Up to how many values of one series stand beside its bars; of several, where they would meet, none.
const LABELLED: usize = 24;
/// Up to how many places of a line are named: more would be turned, or lie on each other.
const TOLD: usize = 10;
/// Up to how many points of a line are marked.
const MARKED: usize = 24;
/// Dashes of lines, in order, and their markers.
const DASHES: [&str; 4] = ["solid", "dash", "sysDot", "dashDot"];
const MARKERS: [&str; 4] = ["circle", "square", "triangle", "diamond"];

/// The part that holds `chart`.
pub(super) fn chart(chart: &Chart) -> String {
    let mut xml = Markup::new(XML);
    xml.open("c:chartSpace", &[("xmlns:c", CHART), ("xmlns:a", DRAWING)]);
    value(&mut xml, "c:roundedCorners", "0");
    xml.open("c:chart", &[]);
    value(&mut xml, "c:autoTitleDeleted", "1");
    xml.open("c:plotArea", &[]).empty("c:layout", &[]);
    let line = chart.kind == ChartKind::Line;
    xml.open(if line { "c:lineChart" } else { "c:barChart" }, &[]);
    if !line {
        value(&mut xml, "c:barDir", if chart.kind == ChartKind::Ranking { "bar" } else { "col" });
    }
    value(&mut xml, "c:grouping", if line { "standard" } else { "clustered" });
    value(&mut xml, "c:varyColors", "0");
    for (at, one) in chart.series.iter().enumerate() {
        series(&mut xml, chart, at, one);
    }
    if line {
        value(&mut xml, "c:marker", "1");
    } else {
        value(&mut xml, "c:gapWidth", "60");
    }
    value(&mut xml, "c:axId", "1");
    value(&mut xml, "c:axId", "2");
    xml.close();
    axes(&mut xml, chart);
    xml.close();
    if chart.series.len() > 1 {
        xml.open("c:legend", &[]);
        value(&mut xml, "c:legendPos", "t");
        value(&mut xml, "c:overlay", "0");
        xml.close();
    }
    value(&mut xml, "c:plotVisOnly", "1");
    value(&mut xml, "c:dispBlanksAs", "gap");
    xml.close();
    xml.open("c:spPr", &[]).empty("a:noFill", &[]);
    xml.open("a:ln", &[]).empty("a:noFill", &[]).close().close();
    letters(&mut xml);
    xml.finish()
}

fn value(xml: &mut Markup, name: &'static str, value: &str) {
    xml.empty(name, &[("val", value)]);
}

/// `#1f3f66` as it is written there.
fn hex(color: &str) -> String {
    color.trim_start_matches('#').to_uppercase()
}

fn fill(xml: &mut Markup, color: &str) {
    xml.open("a:solidFill", &[]).empty("a:srgbClr", &[("val", &hex(color))]).close();
}

fn stroke(xml: &mut Markup, color: &str, width: &str, dash: &str) {
    xml.open("a:ln", &[("w", width)]);
    fill(xml, color);
    value(xml, "a:prstDash", dash);
    xml.close();
}

fn series(xml: &mut Markup, chart: &Chart, at: usize, one: &Series) {
    let number = at.to_string();
    let line = chart.kind == ChartKind::Line;
    xml.open("c:ser", &[]);
    value(xml, "c:idx", &number);
    value(xml, "c:order", &number);
    xml.open("c:tx", &[]).element("c:v", &[], &one.name).close();
    xml.open("c:spPr", &[]);
    if line {
        stroke(xml, line_color(at), "19050", DASHES[at % DASHES.len()]);
        xml.close().open("c:marker", &[]);
        let marked = chart.labels.len() <= MARKED;
        value(xml, "c:symbol", if marked { MARKERS[at % MARKERS.len()] } else { "none" });
        value(xml, "c:size", "5");
        xml.open("c:spPr", &[]);
        fill(xml, line_color(at));
        xml.close().close();
    } else {
        fill(xml, series_color(at));
        xml.close();
        value(xml, "c:invertIfNegative", "0");
    }
    if chart.series.len() == 1 && chart.labels.len() <= LABELLED && !line {
        xml.open("c:dLbls", &[]);
        let shown = ["c:showLegendKey", "c:showVal", "c:showCatName", "c:showSerName", "c:showPercent"];
        for name in shown {
            value(xml, name, if name == "c:showVal" { "1" } else { "0" });
        }
        value(xml, "c:showBubbleSize", "0");
        xml.close();
    }
    let count = chart.labels.len().to_string();
    xml.open("c:cat", &[]).open("c:strLit", &[]);
    value(xml, "c:ptCount", &count);
    for (at, label) in chart.labels.iter().enumerate() {
        xml.open("c:pt", &[("idx", &at.to_string())]).element("c:v", &[], label).close();
    }
    xml.close().close().open("c:val", &[]).open("c:numLit", &[]);
    let percent = if chart.unit.as_deref() == Some("%") { "\"%\"" } else { "" };
    xml.element("c:formatCode", &[], &format!("{}{percent}", format_of(&one.values)));
    value(xml, "c:ptCount", &count);
    for (at, figure) in one.values.iter().enumerate() {
        // A gap is a point that is not there.
        if let Some(figure) = figure.filter(|figure| figure.is_finite()) {
            xml.open("c:pt", &[("idx", &at.to_string())]).element("c:v", &[], &figure.to_string()).close();
        }
    }
    xml.close().close();
    if line {
        value(xml, "c:smooth", "0");
    }
    xml.close();
}

/// As many decimals for all figures as the longest has, two at most.
fn format_of(values: &[Option<f64>]) -> &'static str {
    let fits = |scale: f64| {
        let dust = |x: &f64| ((x * scale).round() / scale - x).abs() <= 1e-9 * x.abs().max(1.0);
        values.iter().flatten().filter(|x| x.is_finite()).all(dust)
    };
    match (fits(1.0), fits(10.0)) {
        (true, _) => "#,##0",
        (false, true) => "#,##0.0",
        (false, false) => "#,##0.00",
    }
}

fn axes(xml: &mut Markup, chart: &Chart) {
    let ranking = chart.kind == ChartKind::Ranking;
    xml.open("c:catAx", &[]);
    value(xml, "c:axId", "1");
    // The first of a ranking stands at the top.
    xml.open("c:scaling", &[]);
    value(xml, "c:orientation", if ranking { "maxMin" } else { "minMax" });
    xml.close();
    value(xml, "c:delete", "0");
    value(xml, "c:axPos", if ranking { "l" } else { "b" });
    ticks(xml, "low");
    xml.open("c:spPr", &[]);
    stroke(xml, "#8a96a3", "9525", "solid");
    xml.close();
    value(xml, "c:crossAx", "2");
    value(xml, "c:crosses", "autoZero");
    value(xml, "c:auto", "0");
    value(xml, "c:lblAlgn", "ctr");
    value(xml, "c:lblOffset", "100");
    if chart.kind == ChartKind::Line && chart.labels.len() > TOLD {
        value(xml, "c:tickLblSkip", &chart.labels.len().div_ceil(TOLD).to_string());
    }
    value(xml, "c:noMultiLvlLbl", "1");
    xml.close().open("c:valAx", &[]);
    value(xml, "c:axId", "2");
    xml.open("c:scaling", &[]);
    value(xml, "c:orientation", "minMax");
    xml.close();
    value(xml, "c:delete", "0");
    value(xml, "c:axPos", if ranking { "t" } else { "l" });
    xml.open("c:majorGridlines", &[]).open("c:spPr", &[]);
    stroke(xml, "#dfe4e9", "7620", "solid");
    xml.close().close();
    ticks(xml, "nextTo");
    xml.open("c:spPr", &[]).open("a:ln", &[]).empty("a:noFill", &[]).close().close();
    value(xml, "c:crossAx", "1");
    value(xml, "c:crosses", if ranking { "max" } else { "autoZero" });
    value(xml, "c:crossBetween", "between");
    xml.close();
}

fn ticks(xml: &mut Markup, labels: &str) {
    xml.empty("c:numFmt", &[("formatCode", "[>=10]#,##0;[<=-10]-#,##0;General"), ("sourceLinked", "0")]);
    value(xml, "c:majorTickMark", "none");
    value(xml, "c:minorTickMark", "none");
    value(xml, "c:tickLblPos", labels);
}

fn letters(xml: &mut Markup) {
    xml.open("c:txPr", &[]).empty("a:bodyPr", &[]).open("a:p", &[]).open("a:pPr", &[]);
    xml.open("a:defRPr", &[("sz", "850")]);
    fill(xml, "#27313b");
    xml.close().close().empty("a:endParaRPr", &[("lang", "en-US")]).close().close();
}
