//! Who stays and who leaves, told by what was done and when.

use jiff::civil::Date;
use longhaul_document::{Block, Chart, ChartKind, Series as Line};

use super::cells::{DASH, amount, as_count, count, date, label, number};
use super::{Finding, left, note, paragraph, plain_figure, right, table, without_empty_columns};
use crate::analyst::format::{long_date, percent, share, whole};
use crate::analyst::period::{Grain, Period};
use crate::analyst::plan::{Plan, PlannedQuery};
use crate::data::Rows;
use crate::words::{Noun, capital};

/// Those of one stage.
#[derive(Default, Clone, Copy)]
struct Stage {
    people: f64,
    once: f64,
    value: f64,
}

fn whom(query: &PlannedQuery) -> Noun {
    query.actors.clone().unwrap_or_else(Noun::record)
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn part(n: f64, all: u64) -> String {
    share(n, all as f64).map_or(DASH.to_owned(), percent)
}

pub(super) fn recency(
    plan: &Plan,
    query: &PlannedQuery,
    rows: &Rows,
    quiet_days: u32,
    lapse_days: u32,
    as_of: Date,
) -> Finding {
    let q = &query.measure;
    let who = whom(query);
    let mut stages = [Stage::default(); 3];
    for row in &rows.rows {
        let Some(stage) = usize::try_from(count(row, 0)).ok().and_then(|n| stages.get_mut(n)) else {
            continue;
        };
        stage.people += amount(row, 2);
        stage.value += amount(row, 3);
        if count(row, 1) == 1 {
            stage.once += amount(row, 2);
        }
    }
    let people: f64 = stages.iter().map(|s| s.people).sum();
    let value: f64 = stages.iter().map(|s| s.value).sum();
    let once: f64 = stages.iter().map(|s| s.once).sum();
    let all = as_count(people);
    if all == 0 {
        let text = format!("There are no {} with a date.", who.many);
        return Finding {
            bullets: vec![text.clone()],
            ..Finding::section("Who is still there", vec![note(text)])
        };
    }
    let [active, quiet, lapsed] = stages;
    let mut bullets = vec![format!(
        "{} of {} have lapsed ({}): no {} in the {lapse_days} days before {}.",
        whole(as_count(lapsed.people)),
        who.count(all),
        part(lapsed.people, all),
        plan.records.one,
        long_date(as_of)
    )];
    if lapsed.people == 0.0 {
        bullets[0] = format!(
            "None of the {} has lapsed: each was there within {lapse_days} days before {}.",
            who.count(all),
            long_date(as_of)
        );
    } else if let Some(lost) = share(lapsed.value, value).filter(|_| q.adds_up()) {
        bullets.push(format!(
            "The lapsed {} brought {} over the years, {} of all {}.",
            who.many,
            q.show(lapsed.value),
            percent(lost),
            q.label
        ));
    }
    if quiet.people > 0.0 {
        bullets.push(format!(
            "{} more {} quiet, silent for {quiet_days} to {lapse_days} days: they are still within reach.",
            whole(as_count(quiet.people)),
            if quiet.people < 1.5 { "has gone" } else { "have gone" },
        ));
    }
    let mut said = Vec::new();
    if once > 0.0 {
        said.push(format!(
            "{} of the {} came only once{}.",
            whole(as_count(once)),
            whole(all),
            share(lapsed.once, once)
                .map_or(String::new(), |p| format!(", {} of whom have lapsed", percent(p)))
        ));
    } else {
        said.push(format!("Every one of the {} came more than once.", who.many));
    }
    let name = |n: usize| match n {
        0 => format!("Active (within {quiet_days} days)"),
        1 => format!("Quiet ({quiet_days} to {lapse_days} days)"),
        _ => format!("Lapsed (over {lapse_days} days)"),
    };
    let mut columns = vec![left("Stage"), right(capital(&who.many)), right("Share"), right("Came once")];
    if q.adds_up() {
        columns.push(right(format!("{} to date", capital(&q.label))));
        columns.push(right("Share"));
    }
    let line = |name: String, stage: &Stage| {
        let mut row = vec![
            name,
            whole(as_count(stage.people)),
            part(stage.people, all),
            if once > 0.0 { whole(as_count(stage.once)) } else { String::new() },
        ];
        if q.adds_up() {
            row.push(q.cell(stage.value, value));
            row.push(share(stage.value, value).map_or(DASH.to_owned(), percent));
        }
        row
    };
    let rows = stages.iter().enumerate().map(|(n, s)| line(name(n), s)).collect();
    let mut made = table(format!("{} by the time since they last came", capital(&who.many)), columns, rows);
    made.total = Some(line("All".to_owned(), &Stage { people, once, value }));
    let chart = Chart {
        caption: format!("{} by stage", capital(&who.many)),
        kind: ChartKind::Ranking,
        labels: (0..3).map(name).collect(),
        series: vec![Line {
            name: capital(&who.many),
            values: stages.iter().map(|s| Some(s.people)).collect(),
        }],
        unit: None,
    };
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    blocks.push(Block::Chart(chart));
    blocks.push(Block::Table(without_empty_columns(made)));
    let mut finding = Finding::section("Who is still there", blocks);
    finding.figures = vec![
        plain_figure(capital(&who.many), whole(all)),
        plain_figure("Active", part(active.people, all)),
        plain_figure("Quiet", part(quiet.people, all)),
        plain_figure("Lapsed", part(lapsed.people, all)),
    ];
    finding.bullets = bullets;
    finding
}

/// One period's comings and goings.
struct Turn {
    period: Period,
    active: f64,
    stayed: f64,
    new: f64,
    after: f64,
    whole: bool,
}

pub(super) fn retention(plan: &Plan, query: &PlannedQuery, rows: &Rows, grain: Grain) -> Finding {
    let who = whom(query);
    let one = grain.name();
    let whole_period = |p: Period| plan.extent.is_some_and(|extent| extent.begins(p) && extent.completes(p));
    let turns: Vec<Turn> = rows
        .rows
        .iter()
        .filter_map(|row| {
            let period = Period { grain, index: i32::try_from(count(row, 0)).ok()? };
            Some(Turn {
                period,
                active: amount(row, 1),
                stayed: amount(row, 2),
                new: amount(row, 3),
                after: amount(row, 4),
                whole: whole_period(period),
            })
        })
        .collect();
    // Whether they came back can only be told where the next period is over.
    let told: Vec<(&Turn, f64)> = turns
        .iter()
        .zip(turns.iter().skip(1))
        .filter(|(now, next)| now.whole && next.whole && next.period == now.period.plus(1))
        .filter_map(|(now, _)| share(now.after, now.active).map(|rate| (now, rate)))
        .collect();
    let heading = format!("Who comes back, {one} by {one}");
    let mut said = Vec::new();
    let mut finding = Finding::default();
    if let (Some((first, early)), Some((last, late))) = (told.first(), told.last()) {
        let text = format!(
            "Of the {} active in {}, {} came again in the {one} after{}.",
            who.many,
            last.period.label(),
            percent(*late),
            if told.len() > 1 {
                format!(" (of those in {}: {})", first.period.label(), percent(*early))
            } else {
                String::new()
            }
        );
        finding.bullets.push(text.clone());
        said.push(text);
    }
    if told.len() > 2
        && let (Some(best), Some(worst)) =
            (told.iter().max_by(|a, b| a.1.total_cmp(&b.1)), told.iter().min_by(|a, b| a.1.total_cmp(&b.1)))
    {
        said.push(format!(
            "The best {one} kept {} ({}), the worst {} ({}).",
            percent(best.1),
            best.0.period.label(),
            percent(worst.1),
            worst.0.period.label()
        ));
    }
    let newest = turns.iter().rev().find(|turn| turn.new > 0.0);
    if let (Some(newest), Some(last)) = (newest, turns.last()) {
        said.push(if newest.period == last.period {
            format!("{} were new in {}.", capital(&who.count(as_count(last.new))), last.period.label())
        } else {
            format!(
                "No new {} since {}: all that is active now was won before.",
                who.many,
                newest.period.label()
            )
        });
    }
    let shown = &turns[turns.len().saturating_sub(16)..];
    let columns = vec![
        left(capital(one)),
        right("Active"),
        right(format!("Also the {one} before")),
        right("New"),
        right("Returned after a break"),
        right(format!("Back the {one} after")),
        right("Kept"),
    ];
    let lines = shown
        .iter()
        .map(|turn| {
            let rate = told.iter().find(|(t, _)| t.period == turn.period).map(|(_, rate)| *rate);
            vec![
                turn.period.label(),
                whole(as_count(turn.active)),
                whole(as_count(turn.stayed)),
                whole(as_count(turn.new)),
                whole(as_count(turn.active - turn.stayed - turn.new)),
                rate.map_or(DASH.to_owned(), |_| whole(as_count(turn.after))),
                rate.map_or(DASH.to_owned(), percent),
            ]
        })
        .collect();
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    if shown.len() > 2 {
        let drawn: Vec<&Turn> = shown.iter().filter(|turn| turn.whole).collect();
        blocks.push(Block::Chart(Chart {
            caption: format!("Active and new {} by {one}", who.many),
            kind: ChartKind::Line,
            labels: drawn.iter().map(|t| t.period.short()).collect(),
            series: vec![
                Line { name: "Active".to_owned(), values: drawn.iter().map(|t| Some(t.active)).collect() },
                Line { name: "New".to_owned(), values: drawn.iter().map(|t| Some(t.new)).collect() },
            ],
            unit: None,
        }));
    }
    blocks.push(Block::Table(table(format!("{} by {one}", capital(&who.many)), columns, lines)));
    finding.sections = Finding::section(heading, blocks).sections;
    finding
}

pub(super) fn lapsed(query: &PlannedQuery, rows: &Rows, detail: Option<&Noun>, lapse_days: u32) -> Finding {
    let q = &query.measure;
    let who = whom(query);
    let heading = "Whom to win back first";
    if rows.rows.is_empty() {
        return Finding::section(
            heading,
            vec![note(format!("No {} has been silent for more than {lapse_days} days.", who.one))],
        );
    }
    let largest = rows.rows.iter().map(|row| amount(row, 2)).fold(0.0, f64::max);
    let mut columns = vec![left(capital(&who.one))];
    columns.extend(detail.map(|d| left(capital(&d.one))));
    columns.push(right(format!("{} to date", capital(&q.label))));
    if let Some(noun) = &query.records {
        columns.push(right(capital(&noun.many)));
    }
    columns.push(right("Last date"));
    columns.push(right("Days since"));
    let lines: Vec<Vec<String>> = rows
        .rows
        .iter()
        .map(|row| {
            let mut line = vec![label(row.first())];
            if detail.is_some() {
                line.push(label(row.get(1)));
            }
            line.push(number(row, 2).map_or(DASH.to_owned(), |v| q.cell(v, largest)));
            if query.records.is_some() {
                line.push(whole(count(row, 3)));
            }
            line.push(date(row, 4).map_or(DASH.to_owned(), |day| day.to_string()));
            line.push(whole(count(row, 5)));
            line
        })
        .collect();
    let first = &rows.rows[0];
    let text = format!(
        "Among those lapsed, {} brought most: {} of {} to date, silent for {} days.",
        label(first.first()),
        q.label,
        q.show(amount(first, 2)),
        whole(count(first, 5))
    );
    let said =
        [text.clone(), format!("The list has the {} that brought most before they fell silent.", who.many)];
    let caption = format!("Lapsed {}, highest {} first", who.many, q.label);
    let mut blocks: Vec<Block> = paragraph(&said).into_iter().collect();
    blocks.push(Block::Table(without_empty_columns(table(caption, columns, lines))));
    let mut finding = Finding::section(heading, blocks);
    finding.bullets.push(text);
    finding
}
