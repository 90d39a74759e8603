//! A request held against the data: which fact, which measure, by what, of when.

mod ending;
mod fit;
mod heard;

use super::ask::{Filter, View};
use super::period::{Extent, Window};
use super::request::Wish;
use super::subject::{Adding, Dimension, Fact, Measure, Role};

pub(super) use ending::{Ending, ending};
pub(super) use fit::names_actor;
pub(super) use heard::unheard;

/// Everything that a planner decides by.
pub(super) struct Case<'a> {
    pub(super) wish: Wish,
    /// All facts, the likeliest first.
    pub(super) facts: &'a [Fact<'a>],
    /// The one that the report is about.
    pub(super) fact: &'a Fact<'a>,
    pub(super) measure: Measure,
    /// The dimensions that the request names, in its order.
    pub(super) named: Vec<&'a Dimension>,
    pub(super) filters: Vec<Filter>,
    pub(super) window: Option<Window>,
    /// What of the request could not be done as asked, in sentences.
    pub(super) caveats: Vec<String>,
}

impl<'a> Case<'a> {
    /// Reads the request over the data; none where there are no rows.
    pub(super) fn read(facts: &'a [Fact<'a>], request: &str) -> Option<Self> {
        let wish = Wish::read(request);
        let mut caveats = Vec::new();
        let chosen = fit::choose(facts, &wish, request)?;
        let fact = &facts[chosen.fact];
        let named: Vec<&Dimension> = chosen.named.iter().map(|n| &fact.dimensions[*n]).collect();
        let measure = fit::measure(fact, &wish, chosen.counts_things, &mut caveats);
        let window = match (wish.when, fact.moment.as_ref()) {
            (None, _) => None,
            (Some(when), Some(moment)) => match when.window(&moment.extent) {
                Ok(window) => Some(window),
                Err(caveat) => {
                    caveats.push(caveat);
                    None
                }
            },
            (Some(_), None) => {
                caveats.push(format!(
                    "The request names a time, but {} has no dates, so the report covers everything.",
                    fact.table.name
                ));
                None
            }
        };
        fit::unmet(facts, &wish, &mut caveats);
        Some(Self { filters: chosen.filters, wish, facts, fact, measure, named, window, caveats })
    }

    /// The fact seen with this case's measure, window and filters.
    pub(super) fn view(&self) -> View<'_> {
        View {
            fact: self.fact,
            measure: &self.measure,
            actor: self.fact.actor(),
            window: self.window.as_ref(),
            filters: self.filters.clone(),
        }
    }

    pub(super) fn extent(&self) -> Option<&'a Extent> {
        self.fact.moment.as_ref().map(|moment| &moment.extent)
    }

    /// The dimensions that suit a breakdown nobody named, the most telling first: few enough
    /// groups to read, near the fact, and of a sort that managers ask for.
    pub(super) fn telling(&self) -> Vec<&'a Dimension> {
        telling(self.fact, &self.taken())
    }

    /// Dimensions that are spoken for: named, or fixed to one value by a filter.
    fn taken(&self) -> Vec<&'a Dimension> {
        let filtered = self
            .fact
            .dimensions
            .iter()
            .filter(|d| self.filters.iter().any(|f| f.label == d.label || f.noun == d.noun));
        self.named.iter().copied().chain(filtered).collect()
    }

    /// A fact that knows more than this one of the same events: the lines of its invoices. With
    /// a measure of its own for the same thing.
    pub(super) fn detail(&self) -> Option<(&'a Fact<'a>, &'a Measure)> {
        if self.measure.quantity.adding == Adding::Average {
            return None;
        }
        self.facts.iter().find_map(|other| {
            let is_line = other.table.name != self.fact.table.name
                && other.records.count != "COUNT(*)"
                && other.records.noun == self.fact.records.noun
                && other.nodes.iter().any(|node| node.table.name == self.fact.table.name);
            let same = |measure: &&Measure| measure.quantity.label == self.measure.quantity.label;
            let measure = other.measures.iter().find(same)?;
            is_line.then_some((other, measure))
        })
    }

    /// The filters and named dimensions as a detail fact has them; none if it lacks one.
    pub(super) fn filters_for(&self, other: &'a Fact<'a>) -> Option<Vec<Filter>> {
        self.filters
            .iter()
            .map(|filter| {
                let same = other
                    .dimensions
                    .iter()
                    .find(|d| d.noun == filter.noun && filter.values.iter().all(|v| d.values.contains(v)))?;
                Some(Filter { label: same.label.clone(), ..filter.clone() })
            })
            .collect()
    }

    /// What tells most about one of a dimension: the country of a customer, the artist of a track.
    pub(super) fn detail_of(&self, of: &Dimension) -> Option<&'a Dimension> {
        if !of.is_entity {
            return None;
        }
        let node = of.label.node;
        let parents = |d: &Dimension| {
            self.fact.nodes[d.label.node].from.as_ref().is_some_and(|edge| edge.parent == node)
        };
        let near = |d: &&Dimension| d.distinct > 1 && d.key != of.key;
        let candidates = || self.fact.dimensions.iter().filter(near);
        candidates()
            .filter(|d| d.label.node == node && d.role == Role::Place)
            .min_by_key(|d| place_rank(d))
            .or_else(|| candidates().find(|d| d.is_entity && parents(d) && d.role == Role::Product))
            .or_else(|| candidates().find(|d| d.is_entity && parents(d)))
            .or_else(|| candidates().find(|d| d.label.node == node && d.role == Role::Category))
    }
}

/// Countries before regions before cities.
fn place_rank(dimension: &Dimension) -> usize {
    let order = ["country", "nation", "region", "market", "territory", "area", "state", "store", "city"];
    order.iter().position(|word| dimension.noun.one.ends_with(word)).unwrap_or(order.len())
}

/// How well a dimension suits a breakdown; none where it does not.
pub(super) fn telling<'a>(fact: &'a Fact<'a>, taken: &[&Dimension]) -> Vec<&'a Dimension> {
    let mut found: Vec<(i32, &Dimension)> = fact
        .dimensions
        .iter()
        .filter(|d| !taken.iter().any(|t| t.key == d.key || t.noun == d.noun))
        .filter_map(|d| suits(d, fact.rows()).map(|score| (score, d)))
        .collect();
    found.sort_by_key(|(score, _)| -score);
    let mut nouns: Vec<&str> = Vec::new();
    found
        .into_iter()
        .map(|(_, d)| d)
        .filter(|d| {
            let new = !nouns.contains(&d.noun.one.as_str());
            nouns.push(&d.noun.one);
            new
        })
        .collect()
}

fn suits(dimension: &Dimension, rows: u64) -> Option<i32> {
    let groups = match dimension.distinct {
        0 | 1 => return None,
        2..=40 => 10,
        41..=150 => 4,
        _ => 0,
    };
    // Groups of one row each are no groups.
    if dimension.is_unique || dimension.distinct * 2 > rows && dimension.distinct > 10 {
        return None;
    }
    let role = match dimension.role {
        Role::Place => 12 - i32::try_from(place_rank(dimension)).unwrap_or(0),
        Role::Category if dimension.is_weak() => 5,
        Role::Category => 10,
        Role::Product => 7,
        Role::Staff => 2,
        Role::Actor => 3,
        Role::Other => 2,
    };
    let depth = i32::try_from(dimension.depth).unwrap_or(4);
    // Who serves a customer says little about a sale; what kind of thing was sold, much.
    let far = if dimension.role == Role::Category { depth } else { depth * 3 };
    let sparse = if dimension.missing > 0.4 { 8 } else { 0 };
    Some(groups + role - far - sparse)
}
