//! Which words of a request nothing was made of.

use super::super::request::is_vocabulary;
use super::Case;
use super::fit::{FIGURES, is_synonym};
use crate::analyst::subject::Fact;
use crate::data::Schema;
use crate::words::{singular, words};

/// Words that carry no wish of their own: those of grammar, of politeness, and those that only
/// say that a report is wanted.
const PLAIN: &str = "a about above across after against ago all also am among an analyse analysis analytics analyze \
    and any anything are around as ask at be because been before being below between board both \
    break breakdown brief briefing business but by can change changed chart come company compare \
    compared comparing comparison could create dashboard data database dataset date deep default \
    detail detailed develop developed did different distribution dive do document does doing down \
    draft each every everything evolve explain far figure file find for from full general generate \
    get give go going good graph graphs had happen happened happening has have help here how i if \
    important in insight interesting into is it its itself just key kpi let like list look main make \
    management manager many may me meeting metric more much my need new no not now number of on only \
    or our out over overall overview page pdf per perform performance performing picture please \
    prepare produce provide quick quickly really sell selling sells shall share short should show \
    showing simple since size so some something sold sort spend spending spent split state statistic \
    status story table tables tell than that the their them then there these they thing this those \
    till time to too until up us using value versus very visual volume vs want was we well went were \
    what when where which who whole whose why will with within without would write you your";

/// The words of the request that neither the data nor the analyst knows, as they were written.
/// What one of the `told` sentences speaks of already is not told again.
pub(in crate::analyst) fn unheard<'w>(schema: &Schema, case: &'w Case<'_>, told: &[String]) -> Vec<&'w str> {
    let (wish, filters) = (&case.wish, case.filters.iter().flat_map(|filter| &filter.values));
    // The values that the report is about were understood, each word of them.
    let told: Vec<String> = told.iter().chain(filters).flat_map(|said| words(said)).collect();
    let numbers_used = wish.when.is_some() || wish.count.is_some() || wish.lapse_days.is_some();
    let mut unheard: Vec<&str> = Vec::new();
    for (raw, one) in wish.raw.iter().zip(&wish.words) {
        let is = |known: &str| known == raw || known == one;
        let is_number = raw.chars().all(char::is_numeric);
        let heard = if is_number {
            numbers_used
        } else {
            raw.chars().count() < 2
                || PLAIN.split(' ').chain(FIGURES).any(is)
                || is_vocabulary(raw)
                || is_vocabulary(one)
                || is_synonym(one)
        };
        if !heard
            && !told.iter().any(|word| is(word))
            && !in_data(schema, case.facts, raw, one)
            && !unheard.contains(&raw.as_str())
        {
            unheard.push(raw);
        }
    }
    unheard
}

/// Whether a table, a column, a value or a figure is called so. One word of a longer value names
/// nothing: the report does not go by it.
fn in_data(schema: &Schema, facts: &[Fact<'_>], raw: &str, one: &str) -> bool {
    let is = |word: &String| word == raw || word == one;
    let has = |name: &str| words(name).iter().any(|word| word == raw || singular(word) == one);
    has(&schema.source)
        || schema.tables.iter().any(|t| has(&t.name) || t.columns.iter().any(|c| has(&c.name)))
        || facts.iter().any(|fact| {
            has(&fact.records.noun.one)
                || fact.measures.iter().flat_map(|m| &m.words).any(is)
                || fact.dimensions.iter().flat_map(|d| &d.values).any(|v| v.to_lowercase() == raw)
                || fact.dimensions.iter().flat_map(|d| d.names.iter().flatten()).any(is)
        })
}
