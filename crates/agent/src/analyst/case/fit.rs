//! Fitting the words of a request to tables, columns and values.

use super::super::ask::Filter;
use super::super::request::{Aim, Wish};
use super::super::subject::{Adding, Dimension, Fact, Measure, Role};
use crate::words::{singular, words};

/// The fact that serves the request best, and what of the request it serves.
pub(super) struct Choice {
    pub(super) fact: usize,
    pub(super) named: Vec<usize>,
    pub(super) filters: Vec<Filter>,
    /// The request counts things: customers by country, not sales.
    pub(super) counts_things: bool,
}

/// Words that a request may use for a column that is called otherwise.
const SYNONYMS: [(&str, &[&str]); 16] = [
    ("nation", &["country"]),
    ("market", &["country", "region"]),
    ("geography", &["country", "region", "state", "city"]),
    ("area", &["region"]),
    ("client", &["customer", "account", "user"]),
    ("buyer", &["customer", "client", "user"]),
    ("customer", &["client", "account", "user", "subscriber", "member", "company", "subscription"]),
    ("user", &["customer", "member", "account"]),
    ("product", &["item", "sku", "article", "track", "title", "service"]),
    ("item", &["product", "sku", "article", "track"]),
    ("song", &["track", "title"]),
    ("category", &["genre", "type", "segment", "group", "department"]),
    ("style", &["genre"]),
    ("rep", &["employee", "agent", "salesperson", "seller"]),
    ("salesperson", &["employee", "rep", "agent", "seller"]),
    ("seller", &["employee", "rep", "agent", "salesperson"]),
];

pub(super) fn choose(facts: &[Fact<'_>], wish: &Wish, request: &str) -> Option<Choice> {
    let candidates = facts.iter().enumerate().map(|(n, fact)| {
        let filters = filters(fact, wish, request);
        let counts_things = counts_things(fact, wish);
        let mut named = named(fact, wish, counts_things);
        // What is fixed to one value needs no breakdown, and what is counted is not its own group.
        named.retain(|d| {
            let dimension = &fact.dimensions[*d];
            let fixed = filters.iter().any(|f| f.label == dimension.label);
            let counted = counts_things && dimension.noun == fact.records.noun;
            !fixed && !counted
        });
        // Several values of one dimension are there to be compared.
        let compared = filters.iter().filter(|f| f.values.len() > 1);
        let dimensions = &fact.dimensions;
        named.extend(compared.filter_map(|f| dimensions.iter().position(|d| d.label == f.label)));
        #[expect(clippy::cast_precision_loss, reason = "a score")]
        let mut score = fact.score + 3.0 * (named.len() + filters.len()) as f64;
        score += if counts_things { 30.0 } else { 0.0 };
        score += if names_table(fact, wish) { 6.0 } else { 0.0 };
        let choice = Choice { fact: n, named, filters, counts_things };
        (score, choice)
    });
    // Of equals the first, which is the likeliest.
    let mut best: Option<(f64, Choice)> = None;
    for (score, choice) in candidates {
        if best.as_ref().is_none_or(|(seen, _)| score > *seen) {
            best = Some((score, choice));
        }
    }
    best.map(|(_, choice)| choice)
}

/// `customers by country`, `how many tracks`: the rows of that table are counted.
fn counts_things(fact: &Fact<'_>, wish: &Wish) -> bool {
    let noun: Vec<String> = words(&fact.records.noun.one).iter().map(|w| singular(w)).collect();
    let own: Vec<String> = words(&fact.table.name).iter().map(|w| singular(w)).collect();
    let Some(at) = wish.position(&noun).filter(|_| noun == own) else {
        return false;
    };
    let after = wish.words.get(at + noun.len()).map(String::as_str);
    let grouped = matches!(after, Some("by" | "per" | "in" | "across"));
    let starts =
        at == 0 || ["our", "the", "all", "show", "list", "of"].contains(&wish.words[at - 1].as_str());
    let counted = wish.counting
        && at > 0
        && ["many", "of", "the", "our", "count"].contains(&wish.words[at - 1].as_str());
    let plain = wish.aim == Aim::Open && grouped && starts;
    counted || plain
}

/// The request names the table itself: `support tickets by month`.
fn names_table(fact: &Fact<'_>, wish: &Wish) -> bool {
    let own: Vec<String> = words(&fact.table.name).iter().map(|w| singular(w)).collect();
    fact.moment.is_some() && wish.position(&own).is_some()
}

/// The dimensions that the request names, in its order.
fn named(fact: &Fact<'_>, wish: &Wish, counts_things: bool) -> Vec<usize> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let own: Vec<String> = words(&fact.records.noun.one);
    for start in 0..wish.words.len() {
        // The customers that are counted are no group of customers.
        if counts_things && wish.words[start..].starts_with(&own) {
            continue;
        }
        if found.iter().any(|(at, d)| {
            let length = fact.dimensions[*d].names.iter().map(Vec::len).max().unwrap_or(1);
            start > *at && start < at + length && spans(&fact.dimensions[*d], wish, *at, start)
        }) {
            continue;
        }
        let best = best_at(fact, wish, start).or_else(|| synonym_at(fact, wish, start));
        if let Some(d) = best
            && !found.iter().any(|(_, known)| fact.dimensions[*known].noun == fact.dimensions[d].noun)
        {
            found.push((start, d));
        }
    }
    found.into_iter().map(|(_, d)| d).collect()
}

/// Whether the name that matched at `at` reaches as far as `start`.
fn spans(dimension: &Dimension, wish: &Wish, at: usize, start: usize) -> bool {
    dimension.names.iter().any(|name| {
        let end = at + name.len();
        end > start && wish.words.get(at..end).is_some_and(|part| part == name)
    })
}

/// The dimension whose name begins at this word: longest name first, then nearest.
fn best_at(fact: &Fact<'_>, wish: &Wish, start: usize) -> Option<usize> {
    let rest = &wish.words[start..];
    fact.dimensions
        .iter()
        .enumerate()
        .filter_map(|(n, d)| {
            let (place, name) = d.names.iter().enumerate().find(|(_, name)| rest.starts_with(name))?;
            // An attribute's last word alone is a weaker name than its whole, and an entity
            // stands before a column of its own name.
            Some(((name.len(), d.is_entity, std::cmp::Reverse(d.depth), std::cmp::Reverse(place)), n))
        })
        .max_by_key(|(key, n)| (*key, std::cmp::Reverse(*n)))
        .map(|(_, n)| n)
}

fn synonym_at(fact: &Fact<'_>, wish: &Wish, start: usize) -> Option<usize> {
    let word = &wish.words[start];
    let (_, others) = SYNONYMS.iter().find(|(name, _)| name == word)?;
    others.iter().find_map(|other| {
        let mut alone = wish.clone();
        alone.words = vec![(*other).to_owned()];
        best_at(fact, &alone, 0)
    })
}

/// Whether a request may call a column by this word, though no column has it for a name.
pub(super) fn is_synonym(word: &str) -> bool {
    SYNONYMS.iter().any(|(name, _)| *name == word)
}

/// Words that are no value of anything, whatever a column holds.
const NO_VALUES: [&str; 27] = [
    "all", "other", "unknown", "none", "total", "new", "yes", "no", "true", "false", "report", "review",
    "sales", "revenue", "quarter", "month", "year", "the", "and", "for", "data", "music", "general",
    "active", "top", "best", "overview",
];

/// Values that the request names: `sales in Germany`, `USA and Canada`. The longest first.
fn filters(fact: &Fact<'_>, wish: &Wish, request: &str) -> Vec<Filter> {
    let asked: Vec<String> = words(request);
    let mut found: Vec<(usize, usize, usize, &Dimension, &String)> = Vec::new();
    for dimension in &fact.dimensions {
        for value in &dimension.values {
            let wanted = words(value);
            if wanted.is_empty() || is_no_value(&wanted, value, request, wish) {
                continue;
            }
            if let Some(at) = asked.windows(wanted.len()).position(|part| part == wanted) {
                found.push((wanted.len(), at, dimension.depth, dimension, value));
            }
        }
    }
    found.sort_by_key(|(length, at, depth, ..)| (std::cmp::Reverse(*length), *depth, *at));
    let mut taken: Vec<std::ops::Range<usize>> = Vec::new();
    let mut filters: Vec<Filter> = Vec::new();
    for (length, at, _, dimension, value) in found {
        let range = at..at + length;
        let overlaps = taken.iter().any(|t| t.start < range.end && range.start < t.end);
        if overlaps {
            continue;
        }
        let same = filters.iter().position(|f| f.label == dimension.label);
        match same {
            Some(n) => filters[n].values.push(value.clone()),
            None if filters.len() < 3 => filters.push(Filter {
                noun: dimension.noun.clone(),
                values: vec![value.clone()],
                label: dimension.label.clone(),
            }),
            None => continue,
        }
        taken.push(range);
    }
    filters
}

fn is_no_value(wanted: &[String], value: &str, request: &str, wish: &Wish) -> bool {
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    // `US` is a country and "us" is not; `IT`, `NO`, `IN` likewise.
    let short = letters <= 3 && !request.split(|c: char| !c.is_alphanumeric()).any(|w| w == value);
    let common =
        wanted.iter().all(|word| NO_VALUES.contains(&word.as_str()) || word.chars().all(char::is_numeric));
    // "customers by country" is not about the customer called Country.
    let grouping =
        wish.groupings().iter().any(|n| wanted.len() == 1 && wish.words[*n] == singular(&wanted[0]));
    letters < 2 || short || common || grouping
}

/// The measure that the request names, else the most telling one.
pub(super) fn measure(
    fact: &Fact<'_>,
    wish: &Wish,
    counts_things: bool,
    caveats: &mut Vec<String>,
) -> Measure {
    let fallback = || fact.measures.first().cloned();
    let counting = || fact.counting().cloned();
    let chosen = if counts_things {
        counting()
    } else {
        named_measure(fact, wish).or_else(|| if wish.counting { counting() } else { fallback() })
    };
    // `facts` gives every fact a count, so one of these is always there.
    let mut measure = chosen.or_else(counting).or_else(fallback).unwrap_or_else(|| Measure {
        quantity: super::super::subject::Quantity {
            label: "records".to_owned(),
            plural: true,
            adding: Adding::Count,
            unit: None,
            decimals: 0,
            how: String::new(),
        },
        row: None,
        words: Vec::new(),
        rank: 0,
    });
    if wish.averaging && measure.quantity.adding == Adding::Sum && fact.records.count == "COUNT(*)" {
        let q = &mut measure.quantity;
        q.how = format!("{} The report shows its mean per {}.", q.how, fact.records.noun.one);
        q.label = format!("average {} per {}", q.label, fact.records.noun.one);
        q.adding = Adding::Average;
        q.plural = false;
        q.decimals = q.decimals.max(2);
    }
    missing_figure(fact, wish, &measure, caveats);
    measure
}

fn named_measure(fact: &Fact<'_>, wish: &Wish) -> Option<Measure> {
    let generic = ["count", "number", "total", "value", "amount", "unit"];
    let names = |measure: &&Measure| {
        let own = measure.quantity.adding != Adding::Count;
        let mut telling = measure.words.iter().filter(|w| !generic.contains(&w.as_str()));
        own && telling.any(|word| wish.says(&[word.as_str()]))
    };
    let exact = fact.measures.iter().find(names);
    // "units sold" names the quantity even though "unit" alone says little.
    let units = || {
        let asks = wish.says(&["unit", "quantity", "piece"]);
        let has = |m: &&Measure| m.words.iter().any(|w| w == "quantity" || w == "qty");
        asks.then(|| fact.measures.iter().find(has)).flatten()
    };
    exact.or_else(units).cloned()
}

/// Figures that are asked for by name; [`missing_figure`] tells which the data lacks.
pub(super) const FIGURES: [&str; 12] = [
    "profit",
    "margin",
    "cost",
    "budget",
    "discount",
    "rating",
    "score",
    "salary",
    "price",
    "tax",
    "conversion",
    "forecast",
];

/// A figure that the request asks for and the data does not have.
fn missing_figure(fact: &Fact<'_>, wish: &Wish, measure: &Measure, caveats: &mut Vec<String>) {
    for figure in FIGURES {
        let has = fact.measures.iter().any(|m| m.words.iter().any(|w| w == figure));
        if wish.says(&[figure]) && !has {
            caveats.push(if figure == "forecast" {
                "The request asks for a forecast; the report shows what happened and forecasts nothing."
                    .to_owned()
            } else {
                format!(
                    "The request asks for {figure}; the data has no such figure. The report shows {} instead.",
                    measure.quantity.label
                )
            });
        }
    }
}

/// What the request wants to group by and the data does not know.
pub(super) fn unmet(facts: &[Fact<'_>], wish: &Wish, caveats: &mut Vec<String>) {
    let known = [
        "day", "week", "month", "quarter", "year", "date", "time", "customer", "revenue", "sale", "value",
        "volume", "default", "far", "itself", "size", "amount", "number", "count", "spend", "spending",
    ];
    for at in wish.groupings() {
        let word = &wish.words[at];
        let is_time = known.contains(&word.as_str()) || word.chars().any(char::is_numeric);
        let is_dimension = facts.iter().any(|fact| {
            best_at(fact, wish, at).is_some()
                || synonym_at(fact, wish, at).is_some()
                || words(&fact.records.noun.one).iter().any(|w| singular(w) == *word)
                || fact.measures.iter().any(|m| m.words.contains(word))
                || values_have(fact, word)
        });
        // `by billing country`: the second word names it.
        let next = wish.words.get(at + 1).is_some()
            && facts.iter().any(|fact| best_at(fact, wish, at + 1).is_some());
        if !is_time && !is_dimension && !next {
            caveats.push(format!(
                "The request asks for figures by {word}; the data has no column for that, so the report shows other breakdowns."
            ));
        }
    }
}

fn values_have(fact: &Fact<'_>, word: &str) -> bool {
    let mut values = fact.dimensions.iter().flat_map(|d| &d.values);
    values.any(|value| words(value).iter().any(|w| w == word))
}

/// Whether the request names those who act, in a word of its own or of the data.
pub(in crate::analyst) fn names_actor(fact: &Fact<'_>, wish: &Wish) -> bool {
    fact.actor().is_some_and(|actor| {
        actor.role == Role::Actor
            && (actor.names.iter().any(|name| wish.position(name).is_some())
                || wish.says(&["customer", "client", "buyer", "user", "account"]))
    })
}
