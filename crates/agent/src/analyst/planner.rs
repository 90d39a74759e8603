//! From a schema and a request to a plan.

use jiff::civil::Date;

use super::case::{Case, ending, names_actor, unheard};
use super::format::{list, long_date, whole};
use super::period::{Grain, Window};
use super::plan::{Kind, Plan};
use super::questions;
use super::request::Aim;
use super::subject::{Quantity, facts};
use crate::data::Schema;
use crate::words::Noun;

/// What a plan is made from, beside the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// The request, in the words of whoever asks.
    pub prompt: String,
    /// How many queries may be run.
    pub queries: u32,
    /// The day on the first page, where one shall stand there.
    pub prepared_on: Option<Date>,
}

/// Plans a report: decides what is asked for, and which queries answer it within the budget.
#[must_use]
pub fn plan(schema: &Schema, brief: &Brief) -> Plan {
    let facts = facts(schema);
    let Some(mut case) = Case::read(&facts, &brief.prompt) else {
        return empty(schema, brief);
    };
    let kind = kind(&mut case);
    let mut asked = questions::of(kind, &case);
    let budget = usize::try_from(brief.queries).unwrap_or(usize::MAX);
    let mut notices = std::mem::take(&mut case.caveats);
    notices.extend(misheard(&unheard(schema, &case, &notices), kind));
    let mut caveats = notices.clone();
    caveats.extend(data_caveats(&case));
    caveats.append(&mut asked.caveats);
    if asked.queries.len() > budget && budget < 3 {
        let left: Vec<String> =
            asked.queries[budget..].iter().map(|query| super::format::lower_first(&query.purpose)).collect();
        caveats.push(format!(
            "The budget of {} left no room for: {}.",
            Noun::of(&["query".to_owned()]).count(brief.queries.into()),
            list(&left)
        ));
    }
    asked.queries.truncate(budget);
    let mut method: Vec<String> = Vec::new();
    for line in asked.method {
        if !line.is_empty() && !method.contains(&line) {
            method.push(line);
        }
    }
    caveats.extend(schema.remarks.iter().cloned());
    Plan {
        kind,
        title: asked.title,
        subtitle: asked.subtitle,
        facts: first_page(schema, &case, brief, kind),
        measure: case.measure.quantity.clone(),
        records: case.fact.records.noun.clone(),
        rows: case.fact.rows(),
        extent: case.extent().copied(),
        // A review and a look at churn see the whole history.
        window: case.window.clone().filter(|_| !matches!(kind, Kind::Review | Kind::Churn)),
        queries: asked.queries,
        method,
        notices,
        caveats,
    }
}

fn empty(schema: &Schema, brief: &Brief) -> Plan {
    let tables = schema.tables.len() as u64;
    let what = match tables {
        0 => "It has no tables.".to_owned(),
        1 => format!("Its only table, {}, has no rows.", schema.tables[0].name),
        n => format!("None of its {} has rows.", Noun::of(&["table".to_owned()]).count(n)),
    };
    let mut caveats = vec![format!("There is nothing to report on in {}. {what}", schema.source)];
    caveats.extend(schema.remarks.iter().cloned());
    Plan {
        kind: Kind::Empty,
        title: format!("No data in {}", schema.source),
        subtitle: what,
        facts: vec![
            ("Data".to_owned(), schema.source.clone()),
            ("Request".to_owned(), brief.prompt.trim().to_owned()),
        ],
        measure: Quantity {
            label: "records".to_owned(),
            plural: true,
            adding: super::subject::Adding::Count,
            unit: None,
            decimals: 0,
            how: String::new(),
        },
        records: Noun::record(),
        rows: 0,
        extent: None,
        window: None,
        queries: Vec::new(),
        method: Vec::new(),
        notices: Vec::new(),
        caveats,
    }
}

/// How many words that were not understood are named.
const MOST_UNHEARD: usize = 8;

/// What is said of words that were not understood.
fn misheard(unheard: &[&str], kind: Kind) -> Option<String> {
    if unheard.is_empty() {
        return None;
    }
    let shown: Vec<String> = unheard
        .iter()
        .take(MOST_UNHEARD)
        .map(|word| format!("\"{}\"", super::format::cut(word, 40)))
        .collect();
    let (words, were) = if unheard.len() == 1 { ("word", "was") } else { ("words", "were") };
    let more = if unheard.len() > MOST_UNHEARD { " and others" } else { "" };
    let instead = if kind == Kind::Overview { "this is an overview" } else { "the report goes by the rest" };
    Some(format!("Of the request, the {words} {}{more} {were} not understood; {instead}.", shown.join(", ")))
}

/// What the first page says about the report.
fn first_page(schema: &Schema, case: &Case<'_>, brief: &Brief, kind: Kind) -> Vec<(String, String)> {
    let fact = case.fact;
    let row = Noun::of(&["row".to_owned()]);
    let rows = format!("{} of {}", row.count(fact.rows()), fact.table.name);
    let mut facts = vec![("Data".to_owned(), format!("{} ({rows})", schema.source))];
    match (&case.window, case.extent()) {
        (Some(window), _) if kind != Kind::Churn => {
            facts.push(("Period".to_owned(), window.in_full()));
        }
        (_, Some(extent)) => facts.push((
            "Period".to_owned(),
            format!("{} to {}", long_date(extent.first), long_date(extent.last)),
        )),
        _ => {}
    }
    if !case.filters.is_empty() {
        let only: Vec<String> = case
            .filters
            .iter()
            .map(|filter| format!("{} {}", filter.noun.one, list(&filter.values)))
            .collect();
        facts.push(("Only".to_owned(), only.join("; ")));
    }
    let prompt = brief.prompt.trim();
    if !prompt.is_empty() {
        facts.push(("Request".to_owned(), super::format::cut(prompt, 300)));
    }
    if let Some(day) = brief.prepared_on {
        facts.push(("Prepared".to_owned(), long_date(day)));
    }
    facts
}

fn data_caveats(case: &Case<'_>) -> Vec<String> {
    let mut caveats = Vec::new();
    match case.fact.moment.as_ref() {
        None => caveats.push(format!(
            "The table {} has no date column, so nothing can be said about change over time.",
            case.fact.table.name
        )),
        Some(moment) if moment.missing > 0 => {
            let (rows, have) = if moment.missing == 1 { ("row", "has") } else { ("rows", "have") };
            caveats.push(format!(
                "{} {rows} {have} no date and count only where no time is involved.",
                whole(moment.missing),
            ));
        }
        Some(_) => {}
    }
    let counts_only = case.fact.measures.len() == 1;
    if counts_only && case.measure.row.is_none() && !case.wish.counting {
        caveats.push(format!(
            "The table {} has no column with amounts, so its rows are counted.",
            case.fact.table.name
        ));
    }
    if case.fact.table.sampled {
        caveats.push(format!(
            "{} is large: the plan rests on its first rows, the figures on all of them.",
            case.fact.table.name
        ));
    }
    caveats
}

/// Which sort of report the request asks for and the data allows.
fn kind(case: &mut Case<'_>) -> Kind {
    let has_dates = case.fact.moment.is_some();
    let wish = &case.wish;
    if wish.aim == Aim::Churn {
        if ending(case.fact).is_some() {
            return Kind::Cancellations;
        }
        if has_dates && case.fact.actor().is_some() {
            return Kind::Churn;
        }
        case.caveats.push(format!(
            "The request is about churn. {} neither says who a record belongs to and when it happened, nor what has ended, so churn cannot be told.",
            case.fact.table.name
        ));
    }
    let wish = &case.wish;
    let one_period = case.window.as_ref().and_then(Window::period);
    let same_grain = one_period.is_some_and(|period| Some(period.grain) == wish.grain);
    let asks_review = has_dates
        && (wish.review || same_grain)
        && matches!(wish.grain, Some(Grain::Month | Grain::Quarter | Grain::Year));
    let asks_period = has_dates && wish.review && one_period.is_some();
    let grouped = !wish.groupings().is_empty();
    let who = names_actor(case.fact, wish);
    let only_actor = match case.named.as_slice() {
        [] => who,
        [one] => case.fact.actor().is_some_and(|actor| actor.key == one.key),
        _ => false,
    };
    let rankable = !case.named.is_empty() || case.fact.actor().is_some();
    if wish.aim == Aim::Ranking && case.named.is_empty() && wish.grain.is_some() && has_dates {
        return Kind::Trend;
    }
    if wish.aim == Aim::Ranking && (rankable || !case.telling().is_empty()) {
        return Kind::Ranking;
    }
    if asks_review && (case.named.is_empty() || wish.review) || asks_period && case.named.is_empty() {
        return Kind::Review;
    }
    if only_actor && !grouped && wish.aim == Aim::Open && case.fact.actor().is_some() {
        return Kind::Ranking;
    }
    if !case.named.is_empty() && wish.aim != Aim::Trend {
        return Kind::Breakdown;
    }
    if has_dates && (wish.aim == Aim::Trend || wish.grain.is_some()) {
        return Kind::Trend;
    }
    Kind::Overview
}
