//! Who stays and who leaves.

use super::overview::overview;
use super::{Questions, extent_of, figures, finest, questions, sources};
use crate::analyst::ask::{self, View};
use crate::analyst::case::{Case, Ending};
use crate::analyst::format::{article, long_date};
use crate::analyst::period::{Extent, Grain, plus_days};
use crate::analyst::subject::{Dimension, leaves};
use crate::words::capital;

/// Days of silence after which somebody is counted as lapsed, where the request does not say: one
/// and a half times the usual distance between two of his records, in round figures.
fn lapse_days(case: &Case<'_>, extent: &Extent, actors: u64) -> u32 {
    if let Some(days) = case.wish.lapse_days {
        return days;
    }
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    let each = case.fact.rows() as f64 / actors.max(1) as f64;
    let usual = f64::from(extent.days()) / each.max(1.0) * 1.5;
    let round = [14, 30, 60, 90, 180, 365, 730];
    let mut best = round[0];
    for days in round {
        let distance = |d: u32| (f64::from(d).ln() - usual.max(1.0).ln()).abs();
        if distance(days) < distance(best) {
            best = days;
        }
    }
    // Nobody can be silent for longer than the data is long.
    let half = u32::try_from(extent.days() / 2).unwrap_or(best);
    best.min(half.max(1))
}

pub(super) fn churn(case: &Case<'_>) -> Questions {
    let (Some(extent), Some(who)) = (case.extent(), case.fact.actor()) else {
        return overview(case);
    };
    // What counts is the whole history of each, up to the end of the time asked for.
    let as_of = case.window.as_ref().map_or(extent.last, |w| plus_days(w.to, -1).min(extent.last));
    let lapse = lapse_days(case, extent, who.distinct);
    let quiet = (lapse / 2).max(1);
    let mut all = questions(
        case,
        format!("{} churn", capital(&who.noun.one)),
        format!("Who still comes, who has gone quiet, who is lost, as of {}", long_date(as_of)),
    );
    let record = &case.fact.records.noun.one;
    all.method.push(format!(
        "The data does not say who left. {} {one} counts as lapsed when the last {record} is more than {lapse} days before {as_of}, and as quiet when it is more than {quiet} days before.",
        capital(article(&who.noun.one)),
        one = who.noun.one,
        as_of = long_date(as_of),
    ));
    if case.wish.lapse_days.is_none() {
        all.method.push(format!(
            "{lapse} days is about one and a half times the usual time between two {} of one {}.",
            case.fact.records.noun.many, who.noun.one
        ));
    }
    let view = View { window: None, ..case.view() };
    all.queries.extend(ask::recency(&view, who, as_of, quiet, lapse));
    let grain = match extent.days() {
        ..=500 => Grain::Month,
        501..=1460 => Grain::Quarter,
        _ => Grain::Year,
    };
    all.queries.extend(ask::retention(&view, who, finest(case, grain)));
    all.queries.extend(ask::lapsed(&view, who, case.detail_of(who), as_of, lapse));
    all.method.extend(sources(&[who]));
    all
}

pub(super) fn cancellations(case: &Case<'_>, ending: &Ending) -> Questions {
    let noun = &case.fact.records.noun;
    let mut all = questions(
        case,
        format!("Churn of {}", noun.many),
        format!(
            "How many {} {}, which, and when",
            noun.many,
            if leaves(&noun.one) { "leave" } else { "end" }
        ),
    );
    all.method.push(ending.how.clone());
    let view = case.view();
    let own_flag = |d: &&&Dimension| !ending.flag.sql.contains(&d.key.sql);
    let named = case.named.iter().filter(own_flag).copied();
    let telling = case.telling();
    let mut by: Vec<&Dimension> = named.chain(telling.iter().filter(own_flag).copied()).collect();
    by.retain(|d| d.distinct <= 60 || case.named.iter().any(|n| n.key == d.key));
    let first: Vec<&Dimension> = by.iter().copied().take(3).collect();
    let rest: Vec<&Dimension> = by.iter().copied().skip(3).take(3).collect();
    let figures = figures(case);
    if let (Some(end), Some(extent)) = (&ending.day, extent_of(case)) {
        let grain = match extent.days() {
            ..=120 => Grain::Week,
            121..=1500 => Grain::Month,
            _ => Grain::Quarter,
        };
        all.queries.extend(ask::flow(&view, end, finest(case, grain)));
        all.queries.push(ask::ended(&view, &first, &ending.flag));
        all.queries.extend(ask::tenure(&view, end, extent.last));
    } else {
        all.queries.push(ask::ended(&view, &first, &ending.flag));
    }
    if !figures.is_empty() {
        all.queries.push(ask::profiles(&view, &ending.flag, &figures));
    }
    if !rest.is_empty() {
        all.queries.push(ask::ended(&view, &rest, &ending.flag));
    }
    all.method.extend(sources(&first));
    all
}
