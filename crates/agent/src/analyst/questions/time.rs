//! One period against others, and the course of time.

use super::overview::overview;
use super::{
    LINES, Questions, coarse, detailed, extent_of, finest, label, questions, sources, time_of, weekday,
};
use crate::analyst::ask::{self, View};
use crate::analyst::case::Case;
use crate::analyst::format::{long_date, month_name};
use crate::analyst::period::{Extent, Grain, Period, Window, plus_days};
use crate::analyst::subject::Dimension;
use crate::words::capital;

pub(super) fn review(case: &Case<'_>) -> Questions {
    let grain = match case.window.as_ref().and_then(Window::period) {
        Some(period) if case.wish.grain.is_none() => period.grain,
        _ => case.wish.grain.unwrap_or(Grain::Quarter),
    };
    let grain = finest(case, grain);
    let Some(extent) = case.extent() else {
        return overview(case);
    };
    let focus = match &case.window {
        Some(window) => {
            let last = plus_days(window.to, -1).min(extent.last);
            let period = Period::of(grain, last);
            let whole = period.end() <= window.to && extent.completes(period);
            let earlier = period.plus(-1);
            if whole || earlier.start() < window.from.max(extent.first) { period } else { earlier }
        }
        None => extent.last_complete(grain),
    };
    // A year that is reviewed by its quarters or months is named beside the last of them.
    let year = case.window.as_ref().and_then(Window::period);
    let of = match year.filter(|year| year.grain == Grain::Year && grain < Grain::Year) {
        Some(year) => format!(" of {}", year.label()),
        None => String::new(),
    };
    let mut all = questions(
        case,
        format!("{} review{of}: {}", capital(grain.adjective()), focus.label()),
        format!("{} against the {} before and the year before", label(case), grain.name()),
    );
    if grain == Grain::Year {
        all.subtitle = format!("{} against the year before", label(case));
    }
    if !extent.completes(focus) {
        all.caveats.push(format!(
            "{} is not over in the data, which ends on {}: its figures are those so far.",
            focus.label(),
            long_date(extent.last)
        ));
    }
    if case.window.is_none() && focus.plus(1).start() <= extent.last {
        all.caveats.push(format!(
            "{} is left out: the data ends on {}, before the {} does.",
            focus.plus(1).label(),
            long_date(extent.last),
            grain.name()
        ));
    }
    let view = View { window: None, ..case.view() };
    all.queries.extend(ask::series(&view, grain, Some(focus)));
    let mut by: Vec<&Dimension> = case.named.clone();
    let telling = case.telling();
    if by.is_empty() {
        by.extend(telling.first());
    }
    by.extend(case.fact.actor().filter(|a| !by.iter().any(|d| d.key == a.key)));
    by.truncate(2);
    compare(case, &mut all, &view, &by, focus, extent);
    all.method.extend(sources(&by));
    if let Some((detail, found)) = detailed(case) {
        let two: Vec<&Dimension> = found.into_iter().take(2).collect();
        let view = View { window: None, ..detail };
        compare(case, &mut all, &view, &two, focus, extent);
        all.method.extend(sources(&two));
    } else {
        let rest: Vec<&Dimension> =
            telling.into_iter().filter(|d| !by.iter().any(|b| b.key == d.key)).take(2).collect();
        compare(case, &mut all, &view, &rest, focus, extent);
        all.method.extend(sources(&rest));
    }
    all
}

/// What moved between a period and those before; the parts of the period where nothing was before.
fn compare(
    case: &Case<'_>,
    all: &mut Questions,
    view: &View<'_>,
    by: &[&Dimension],
    focus: Period,
    extent: &Extent,
) {
    if by.is_empty() {
        return;
    }
    let before = focus.plus(-1);
    if before.end() <= extent.first {
        let window = focus.window();
        let view = View { window: Some(&window), actor: view.actor, filters: view.filters.clone(), ..*view };
        all.queries.push(ask::shares(&view, by));
        return;
    }
    let season = focus.grain.season().map(|n| focus.plus(-n));
    let year = season.filter(|period| period.end() > extent.first);
    let year = year.map(Period::window);
    let _ = case;
    all.queries.extend(ask::movers(view, by, &focus.window(), &before.window(), year.as_ref()));
}

pub(super) fn trend(case: &Case<'_>) -> Questions {
    let Some(extent) = extent_of(case) else {
        return overview(case);
    };
    let grain = finest(case, case.wish.grain.unwrap_or_else(|| extent.grain()));
    let time = time_of(case).map_or(String::new(), |time| format!(", {time}"));
    let named = case.named.first().map_or(String::new(), |d| match case.wish.grain {
        Some(_) => format!(" and {}", d.noun.one),
        None => format!(" by {}", d.noun.one),
    });
    let mut all = questions(
        case,
        match case.wish.grain {
            Some(grain) => format!("{} by {}{named}{time}", label(case), grain.name()),
            None => format!("{} over time{named}{time}", label(case)),
        },
        format!("The course of {}, and what drove it", case.measure.quantity.label),
    );
    let view = case.view();
    all.queries.extend(ask::series(&view, grain, None));
    let telling = case.telling();
    let by: Vec<&Dimension> = case.named.iter().copied().chain(telling).take(2).collect();
    if let (Some(first), Some(grain)) = (by.first(), coarse(case)) {
        all.queries.extend(ask::matrix(&view, first, grain, LINES));
    }
    if let Some((now, before)) = halves(&extent) {
        let unwindowed = View { window: None, filters: view.filters.clone(), ..view };
        let query = match detailed(case) {
            Some((detail, found)) => {
                let two: Vec<&Dimension> = found.into_iter().take(2).collect();
                all.method.extend(sources(&two));
                let view = View { window: None, ..detail };
                ask::movers(&view, &two, &now, &before, None)
            }
            None if !by.is_empty() => {
                all.method.extend(sources(&by));
                ask::movers(&unwindowed, &by, &now, &before, None)
            }
            None => None,
        };
        all.queries.extend(query);
    }
    all.method.extend(sources(&by[..by.len().min(1)]));
    if all.queries.len() < 3
        && let Some(weekday) = weekday(case)
    {
        all.queries.push(ask::shares(&view, &[&weekday]));
    }
    all
}

/// The last stretch of the data and the one before it: years where there are two, else halves.
fn halves(extent: &Extent) -> Option<(Window, Window)> {
    let year = extent.last_complete(Grain::Year);
    if extent.begins(year.plus(-1)) && extent.completes(year) {
        return Some((year.window(), year.plus(-1).window()));
    }
    let window = |from, to, label: String| Window { from, to, label };
    let month = extent.last_complete(Grain::Month);
    let first = Period::of(Grain::Month, extent.first);
    let first = if extent.begins(first) { first } else { first.plus(1) };
    let half = (month.index - first.index + 1) / 2;
    if half >= 1 {
        let months = |last: Period| {
            let first = last.plus(1 - half);
            let label = match (half, first.start().year() == last.start().year()) {
                (1, _) => last.label(),
                (_, true) => format!("{} to {}", month_name(first.start().month()), last.label()),
                (_, false) => format!("{} to {}", first.label(), last.label()),
            };
            window(first.start(), last.end(), label)
        };
        return Some((months(month), months(month.plus(-half))));
    }
    let days = extent.days() / 2;
    let middle = plus_days(extent.last, 1 - days);
    (days >= 2).then(|| {
        (
            window(middle, plus_days(extent.last, 1), "the later half".to_owned()),
            window(plus_days(middle, -days), middle, "the earlier half".to_owned()),
        )
    })
}
