//! Which questions make which report, the most important first.

use super::ask::{self, View};
use super::case::{Case, Ending, ending, telling};
use super::format::{article, long_date, month_name};
use super::period::{Extent, Grain, Period, Window, plus_days};
use super::plan::{Kind, PlannedQuery};
use super::subject::{Dimension, Expr, Role, leaves};
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
/// How many a ranking has where the request does not say.
const RANKED: u32 = 10;

/// The questions for a kind of report.
pub(super) fn of(kind: Kind, case: &Case<'_>) -> Questions {
    match (kind, ending(case.fact)) {
        (Kind::Cancellations, Some(ending)) => cancellations(case, &ending),
        (Kind::Churn, _) => churn(case),
        (Kind::Ranking, _) => ranking(case),
        (Kind::Review, _) => review(case),
        (Kind::Breakdown, _) => breakdown(case),
        (Kind::Trend, _) => trend(case),
        (Kind::Overview | Kind::Empty | Kind::Cancellations, _) => overview(case),
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

fn overview(case: &Case<'_>) -> Questions {
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

fn review(case: &Case<'_>) -> Questions {
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
    let mut all = questions(
        case,
        format!("{} review: {}", capital(grain.adjective()), focus.label()),
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

fn trend(case: &Case<'_>) -> Questions {
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

fn breakdown(case: &Case<'_>) -> Questions {
    let by: Vec<&Dimension> = case.named.iter().copied().take(2).collect();
    let names: Vec<&str> = by.iter().map(|d| d.noun.one.as_str()).collect();
    let time = case.window.as_ref().map_or(String::new(), |w| format!(", {}", w.label));
    let mut all = questions(
        case,
        format!("{} by {}{time}", label(case), names.join(" and ")),
        match case.fact.moment {
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

fn ranking(case: &Case<'_>) -> Questions {
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

fn churn(case: &Case<'_>) -> Questions {
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

fn cancellations(case: &Case<'_>, ending: &Ending) -> Questions {
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
