//! The parts of a whole, and who is first.

use super::overview::overview;
use super::{LINES, Questions, coarse, detailed, extent_of, finest, label, questions, sources};
use crate::analyst::ask::{self, View};
use crate::analyst::case::Case;
use crate::analyst::plan::PlannedQuery;
use crate::analyst::subject::{Dimension, Role};

/// How many a ranking has where the request does not say.
const RANKED: u32 = 10;

pub(super) fn breakdown(case: &Case<'_>) -> Questions {
    let by: Vec<&Dimension> = case.named.iter().copied().take(2).collect();
    let names: Vec<&str> = by.iter().map(|d| d.noun.one.as_str()).collect();
    let time = case.window.as_ref().map_or(String::new(), |w| format!(", {}", w.label));
    let mut all = questions(
        case,
        format!("{} by {}{time}", label(case), names.join(" and ")),
        match case.fact.moment {
            _ if !case.measure.quantity.adds_up() => {
                "Where it is high and where low, and how that came".to_owned()
            }
            Some(_) => "Shares, development and what stands behind them".to_owned(),
            None => "Shares and what stands behind them".to_owned(),
        },
    );
    let view = case.view();
    all.queries.push(ask::shares(&view, &by));
    let grain = case.wish.grain.map(|g| finest(case, g)).or_else(|| coarse(case));
    let first = by[0];
    if first.distinct > 1 {
        all.queries.extend(grain.and_then(|g| ask::matrix(&view, first, g, LINES)));
    }
    match by.get(1) {
        Some(second) => all.queries.push(ask::cross(&view, first, second)),
        None => all.queries.extend(beside(case, &view, first, &mut all.method)),
    }
    if all.queries.len() < 3
        && let Some(extent) = extent_of(case)
    {
        all.queries.extend(ask::series(&view, finest(case, extent.grain()), None));
    }
    all.method.extend(sources(&by));
    all
}

/// What leads within each group of a dimension: by something the detail knows, or the fact.
fn beside(
    case: &Case<'_>,
    view: &View<'_>,
    outer: &Dimension,
    method: &mut Vec<String>,
) -> Option<PlannedQuery> {
    if let Some((detail, found)) = detailed(case) {
        let same = detail.fact.dimensions.iter().find(|d| d.noun == outer.noun);
        if let (Some(same), Some(inner)) = (same, found.first()) {
            method.extend(sources(&[inner]));
            return Some(ask::cross(&detail, same, inner));
        }
    }
    let rank = |d: &&Dimension| match d.role {
        _ if d.is_weak() => 5,
        Role::Place => 0,
        Role::Category => 1,
        Role::Product => 2,
        Role::Actor => 3,
        Role::Staff | Role::Other => 4,
    };
    let inner = case
        .telling()
        .into_iter()
        .chain(case.fact.actor())
        // The country of a customer is the same for each of his invoices.
        .filter(|d| d.key != outer.key && !same_thing(d, outer))
        .min_by_key(rank)?;
    method.extend(sources(&[inner]));
    Some(ask::cross(view, outer, inner))
}

/// Whether one of the two says where or of what sort the other is: no news in crossing them.
fn same_thing(a: &Dimension, b: &Dimension) -> bool {
    a.label.node == b.label.node && (a.is_entity || b.is_entity)
        || a.role == Role::Place && b.role == Role::Place
}

pub(super) fn ranking(case: &Case<'_>) -> Questions {
    let telling = case.telling();
    let target =
        case.named.first().copied().or_else(|| case.fact.actor()).or_else(|| telling.first().copied());
    let Some(target) = target else {
        return overview(case);
    };
    let count = case.wish.count.unwrap_or(RANKED);
    let lowest = case.wish.lowest;
    let shown = u32::try_from(target.distinct).unwrap_or(count).min(count).max(1);
    let side = if lowest { "Bottom" } else { "Top" };
    let time = case.window.as_ref().map_or(String::new(), |w| format!(", {}", w.label));
    let mut all = questions(
        case,
        format!("{side} {shown} {} by {}{time}", target.noun.many, case.measure.quantity.label),
        if lowest {
            "Who is last, and by how much".to_owned()
        } else {
            match case.fact.moment {
                Some(_) => "Who is first, how much depends on them, and where they are heading".to_owned(),
                None => "Who is first, and how much depends on them".to_owned(),
            }
        },
    );
    let view = case.view();
    let second = case.named.get(1).copied();
    let detail = second.filter(|d| d.label.node == target.label.node).or_else(|| case.detail_of(target));
    all.queries.push(ask::top(&view, target, detail, count.max(1), lowest));
    if target.distinct >= 50 && case.measure.quantity.adds_up() {
        all.queries.push(ask::tenths(&view, target));
    }
    let grain = coarse(case).filter(|_| !lowest);
    all.queries.extend(grain.and_then(|g| ask::matrix(&view, target, g, count.min(LINES))));
    if all.queries.len() < 3 {
        let inner = second.filter(|d| d.key != target.key);
        match inner {
            Some(inner) => all.queries.push(ask::cross(&view, target, inner)),
            None => all.queries.extend(beside(case, &view, target, &mut all.method)),
        }
    }
    all.method.extend(sources(&[target]));
    all
}
