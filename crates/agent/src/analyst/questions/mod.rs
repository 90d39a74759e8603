//! Which questions make which report, the most important first.

mod leaving;
mod overview;
mod parts;
mod time;

use super::ask::View;
use super::case::{Case, ending, telling};
use super::format::article;
use super::period::{Extent, Grain, plus_days};
use super::plan::{Kind, PlannedQuery};
use super::subject::{Dimension, Expr, Role};
use crate::words::capital;

/// The queries of a report, and what it is called.
pub(super) struct Questions {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) queries: Vec<PlannedQuery>,
    pub(super) method: Vec<String>,
    pub(super) caveats: Vec<String>,
}

/// How many of a dimension a chart over time shows.
const LINES: u32 = 5;

/// The questions for a kind of report.
pub(super) fn of(kind: Kind, case: &Case<'_>) -> Questions {
    match (kind, ending(case.fact)) {
        (Kind::Cancellations, Some(ending)) => leaving::cancellations(case, &ending),
        (Kind::Churn, _) => leaving::churn(case),
        (Kind::Ranking, _) => parts::ranking(case),
        (Kind::Review, _) => time::review(case),
        (Kind::Breakdown, _) => parts::breakdown(case),
        (Kind::Trend, _) => time::trend(case),
        (Kind::Overview | Kind::Empty | Kind::Cancellations, _) => overview::overview(case),
    }
}

fn questions(case: &Case<'_>, title: String, subtitle: String) -> Questions {
    let mut method = vec![case.measure.quantity.how.clone()];
    if let Some(moment) = &case.fact.moment {
        let one = &case.fact.records.noun.one;
        method.push(format!("The date of {} {one} is {}.", article(one), moment.named));
    }
    Questions { title: title + &suffix(case), subtitle, queries: Vec::new(), method, caveats: Vec::new() }
}

/// `: Germany`, what the title ends with when the report is about one value only.
fn suffix(case: &Case<'_>) -> String {
    let values: Vec<&str> = case.filters.iter().flat_map(|f| &f.values).map(String::as_str).collect();
    if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) }
}

fn label(case: &Case<'_>) -> String {
    capital(&case.measure.quantity.label)
}

/// The stretch of time a title names.
fn time_of(case: &Case<'_>) -> Option<String> {
    if let Some(window) = &case.window {
        return Some(window.label.clone());
    }
    let extent = case.extent()?;
    let (first, last) = (extent.first.year(), extent.last.year());
    Some(if first == last { first.to_string() } else { format!("{first} to {last}") })
}

/// The data's extent, cut to the window.
fn extent_of(case: &Case<'_>) -> Option<Extent> {
    let mut extent = *case.extent()?;
    if let Some(window) = &case.window {
        extent.first = extent.first.max(window.from);
        extent.last = extent.last.min(plus_days(window.to, -1));
    }
    Some(extent)
}

fn finest(case: &Case<'_>, grain: Grain) -> Grain {
    let finest = case.fact.moment.as_ref().map_or(Grain::Day, |m| m.finest);
    grain.max(finest)
}

/// What the sources of dimensions are, for the section on method.
fn sources(dimensions: &[&Dimension]) -> Vec<String> {
    dimensions
        .iter()
        // That the region is the column region goes without saying.
        .filter(|d| !d.source.to_lowercase().starts_with(&format!("{} in ", d.noun.one)))
        .map(|d| format!("{} is {}.", capital(&d.noun.one), d.source))
        .collect()
}

/// Dimensions of the detail fact that the fact itself does not have, and the view on them.
fn detailed<'c>(case: &'c Case<'_>) -> Option<(View<'c>, Vec<&'c Dimension>)> {
    let (fact, measure) = case.detail()?;
    let filters = case.filters_for(fact)?;
    let known: Vec<&Dimension> = case.fact.dimensions.iter().collect();
    let mut found: Vec<&Dimension> = telling(fact, &case.named)
        .into_iter()
        .filter(|d| !known.iter().any(|k| k.noun == d.noun))
        .filter(|d| !filters.iter().any(|f| f.label == d.label))
        .collect();
    // After what sort of thing was sold comes what it was, not a second sort.
    let product = found
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, d)| d.role == Role::Product && d.distinct > 1)
        .min_by_key(|(_, d)| d.distinct)
        .map(|(n, _)| n);
    if let Some(n) = product {
        let product = found.remove(n);
        found.insert(1, product);
    }
    if found.is_empty() {
        return None;
    }
    let view = View { fact, measure, actor: fact.actor(), window: case.window.as_ref(), filters };
    Some((view, found))
}

/// The figures of the fact by name, for means and ranges.
fn figures(case: &Case<'_>) -> Vec<(String, Expr)> {
    case.fact
        .measures
        .iter()
        .filter_map(|m| Some((m.quantity.label.clone(), m.row.clone()?)))
        .take(8)
        .collect()
}

/// The day of the week as a dimension, where the dates are days.
fn weekday(case: &Case<'_>) -> Option<Dimension> {
    let moment = case.fact.moment.as_ref()?;
    let long = moment.extent.days() >= 28 && moment.finest == Grain::Day;
    long.then(|| Dimension::weekday(&moment.day))
}

/// A grain that gives a handful of columns over the data's extent.
fn coarse(case: &Case<'_>) -> Option<Grain> {
    let extent = extent_of(case)?;
    let grain = match extent.days() {
        ..=45 => Grain::Week,
        46..=400 => Grain::Month,
        401..=1100 => Grain::Quarter,
        _ => Grain::Year,
    };
    Some(finest(case, grain))
}
