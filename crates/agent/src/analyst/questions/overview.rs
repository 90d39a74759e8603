//! Everything in brief.

use super::{
    LINES, Questions, coarse, detailed, extent_of, figures, finest, label, questions, sources, time_of,
    weekday,
};
use crate::analyst::ask::{self, View};
use crate::analyst::case::Case;
use crate::analyst::subject::Dimension;

pub(super) fn overview(case: &Case<'_>) -> Questions {
    let q = &case.measure.quantity;
    let subtitle = match (&case.measure.row, case.fact.moment.is_some()) {
        (Some(_), true) if !q.adds_up() => format!("How the {} developed, and where it is high", q.label),
        (Some(_), false) if !q.adds_up() => format!("Where the {} is high, and where low", q.label),
        (Some(_), true) => {
            format!("How {} developed, and where {} from", q.label, q.verb("it comes", "they come"))
        }
        (Some(_), false) => format!("Where {} {} from", q.label, q.verb("comes", "come")),
        (None, true) => format!("How many {} there were, and when", q.label),
        (None, false) => format!("How many {} there are, and of what kind", q.label),
    };
    let title = match time_of(case) {
        Some(time) => format!("{} overview, {time}", label(case)),
        None => format!("{} overview", label(case)),
    };
    let mut all = questions(case, title, subtitle);
    let view = case.view();
    if let Some(extent) = extent_of(case) {
        all.queries.extend(ask::series(&view, finest(case, extent.grain()), None));
    }
    let telling = case.telling();
    let actor = case.fact.actor();
    let mut first: Vec<&Dimension> = telling.iter().copied().take(1).collect();
    if let Some(actor) = actor
        && !first.iter().any(|d| d.key == actor.key)
    {
        first.push(actor);
    }
    let rest: Vec<&Dimension> =
        telling.iter().copied().filter(|d| !first.iter().any(|f| f.key == d.key)).take(2).collect();
    if !first.is_empty() {
        all.queries.push(ask::shares(&view, &first));
        all.method.extend(sources(&first));
    }
    match detailed(case) {
        Some((detail, found)) => {
            let two: Vec<&Dimension> = found.into_iter().take(2).collect();
            all.queries.push(ask::shares(&detail, &two));
            all.method.extend(sources(&two));
        }
        None if !rest.is_empty() => {
            all.queries.push(ask::shares(&view, &rest));
            all.method.extend(sources(&rest));
        }
        None => {}
    }
    fill(case, &view, &mut all, &telling);
    all
}

/// Questions for data that has little to group by: weekdays, the range of its figures.
fn fill(case: &Case<'_>, view: &View<'_>, all: &mut Questions, telling: &[&Dimension]) {
    if let Some(first) = telling.first() {
        let grain = coarse(case);
        all.queries.extend(grain.and_then(|g| ask::matrix(view, first, g, LINES)));
        if let Some(second) = telling.get(1) {
            all.queries.push(ask::cross(view, first, second));
        }
    }
    if all.queries.len() < 3
        && let Some(weekday) = weekday(case)
    {
        all.queries.push(ask::shares(view, &[&weekday]));
    }
    let figures = figures(case);
    if all.queries.len() < 3 && !figures.is_empty() && case.fact.rows() > 3 {
        all.queries.push(ask::spread(view, &figures));
    }
    if all.queries.is_empty() || case.fact.rows() <= 3 {
        all.queries.insert(0, ask::listing(view));
    }
}
