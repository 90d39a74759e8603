//! What happened: the tables whose rows are events, most likely first.

use super::dimension::{Dimension, Role, dimensions, role};
use super::joins::{Expr, Node, from_clause, reach};
use super::measure::{Adding, Measure, Quantity, measures, sells};
use super::time::{self, Moment};
use crate::data::{Schema, Table};
use crate::words::{Noun, singular, words};

/// A table of events, with everything that its rows lead to.
#[derive(Debug, Clone)]
pub(crate) struct Fact<'s> {
    pub(crate) table: &'s Table,
    pub(crate) nodes: Vec<Node<'s>>,
    pub(crate) moment: Option<Moment>,
    /// Its figures, the most telling first; never empty, as rows can always be counted.
    pub(crate) measures: Vec<Measure>,
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) records: Records,
    /// How likely it is what the data is about.
    pub(crate) score: f64,
}

/// What one event is called and how events are counted.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    pub(crate) noun: Noun,
    /// An aggregate: of the lines of invoices, the invoices are counted.
    pub(crate) count: String,
    /// The node that is counted, where it is not the fact's own rows.
    header: Option<usize>,
}

const EVENTS: [&str; 25] = [
    "invoice",
    "order",
    "sale",
    "transaction",
    "payment",
    "booking",
    "subscription",
    "event",
    "signup",
    "visit",
    "session",
    "purchase",
    "ticket",
    "claim",
    "shipment",
    "log",
    "trip",
    "rental",
    "measurement",
    "reading",
    "response",
    "click",
    "view",
    "lead",
    "donation",
];
const GENERIC: [&str; 16] = [
    "data", "export", "table", "sheet", "file", "report", "record", "list", "csv", "dump", "row", "result",
    "fact", "main", "input", "final",
];

/// Every table with rows as a possible fact, the likeliest first.
pub(crate) fn facts(schema: &Schema) -> Vec<Fact<'_>> {
    let mut facts: Vec<Fact<'_>> = schema
        .tables
        .iter()
        .filter(|table| table.rows.is_some_and(|rows| rows > 0))
        .map(|table| fact(schema, table))
        .collect();
    facts.sort_by(|a, b| b.score.total_cmp(&a.score));
    facts
}

fn fact<'s>(schema: &'s Schema, table: &'s Table) -> Fact<'s> {
    let nodes = reach(schema, table);
    let header = header(&nodes);
    let own = time::moment(&nodes, 0);
    let moment = own.clone().or_else(|| header.and_then(|n| time::moment(&nodes, n)));
    let name: Vec<String> = words(&table.name).iter().map(|w| singular(w)).collect();
    let sells = sells(&table.name) || header.is_some_and(|n| sells_node(&nodes[n]));
    let mut records = records(&nodes, header, own.is_some(), schema.tables.len() == 1);
    let mut measures = measures(&nodes, sells);
    // "300 emissions of 5.0 each": where table and figure have one name, the rows need another.
    if measures.iter().any(|m| m.quantity.label == records.noun.one || m.quantity.label == records.noun.many)
    {
        records.noun = Noun::record();
    }
    let best = measures.first().map_or(0, |measure| measure.rank);
    measures.push(count(&records, table));

    let rows = table.rows.unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a score")]
    let mut score = (rows as f64).log10();
    score += match (own.is_some(), moment.is_some()) {
        (true, _) => 4.0,
        (false, true) => 3.0,
        (false, false) => 0.0,
    };
    score += match best {
        9.. => 4.0,
        4..=8 => 3.0,
        1..=3 => 1.5,
        _ => 0.0,
    };
    if name.iter().any(|word| EVENTS.contains(&word.as_str())) {
        score += 2.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a score")]
    let leads = table.foreign_keys.len().min(3) as f64;
    score += leads * 0.5;
    if own.is_none() && header.is_some() {
        score -= 1.0;
    }
    // A table that holds the people or things of another is what events are about.
    let named_by = schema
        .tables
        .iter()
        .filter(|other| other.name != table.name)
        .flat_map(|other| &other.foreign_keys)
        .filter(|key| key.table.eq_ignore_ascii_case(&table.name))
        .count();
    if named_by > 0 && !name.iter().any(|word| EVENTS.contains(&word.as_str())) {
        score -= 2.0;
    }
    Fact { table, dimensions: dimensions(&nodes), nodes, moment, measures, records, score }
}

/// The node of which the fact's rows are lines: the invoice of an invoice line.
fn header(nodes: &[Node<'_>]) -> Option<usize> {
    let own: Vec<String> = words(&nodes[0].table.name).iter().map(|w| singular(w)).collect();
    nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.depth == 1)
        .find(|(n, node)| {
            let name: Vec<String> = words(&node.table.name).iter().map(|w| singular(w)).collect();
            let related = name.iter().any(|word| own.contains(word));
            let event = name.iter().any(|word| EVENTS.contains(&word.as_str()));
            (related || event) && time::moment(nodes, *n).is_some()
        })
        .map(|(n, _)| n)
}

fn sells_node(node: &Node<'_>) -> bool {
    sells(&node.table.name)
}

fn records(nodes: &[Node<'_>], header: Option<usize>, own_moment: bool, alone: bool) -> Records {
    let edge = header.and_then(|n| nodes[n].from.as_ref().map(|edge| (n, edge)));
    if let Some((n, edge)) = edge
        && !own_moment
    {
        return Records {
            noun: noun(nodes[n].table, false),
            count: format!("COUNT(DISTINCT {})", nodes[edge.parent].column(&edge.column)),
            header: Some(n),
        };
    }
    Records { noun: noun(nodes[0].table, alone), count: "COUNT(*)".to_owned(), header: None }
}

/// What a row of the table is called: as the table is, or as its key is; `record` where neither
/// tells. The name of a lone file is a name for its rows only where it is a plural or a known one.
fn noun(table: &Table, alone: bool) -> Noun {
    let named = named_rows(table);
    let telling = |word: &String| {
        singular(word) != *word
            || EVENTS.contains(&word.as_str())
            || role(std::slice::from_ref(word)) != Role::Other
    };
    match named.last() {
        Some(last) if !alone || telling(last) => Noun::of(&named),
        _ => keyed_rows(table).map_or_else(Noun::record, |name| Noun::of(&name)),
    }
}

/// What the key of the rows calls them: `customer` for a column `customerID` that differs in each.
fn keyed_rows(table: &Table) -> Option<Vec<String>> {
    let rows = table.rows?;
    table.columns.iter().filter(|c| c.distinct == rows && c.nulls == 0).find_map(|column| {
        let mut name = words(&column.name);
        name.pop_if(|last| last == "id")?;
        (!name.is_empty()).then_some(name)
    })
}

/// The table's name as far as it can be the name of its rows.
fn named_rows(table: &Table) -> Vec<String> {
    let mut name: Vec<String> =
        words(&table.name).into_iter().filter(|word| !word.chars().all(char::is_numeric)).collect();
    while name.last().is_some_and(|word| GENERIC.contains(&singular(word).as_str())) {
        name.pop();
    }
    let last = name.last().map_or(0, |word| word.chars().count());
    if last < 3 || name.len() > 3 {
        name.clear();
    }
    name
}

fn count(records: &Records, table: &Table) -> Measure {
    Measure {
        quantity: Quantity {
            label: records.noun.many.clone(),
            plural: true,
            adding: Adding::Count,
            unit: None,
            decimals: 0,
            how: format!("Each row of {} is counted once.", table.name),
        },
        row: None,
        words: records
            .noun
            .one
            .split(' ')
            .map(str::to_owned)
            .chain(["count".to_owned(), "number".to_owned()])
            .collect(),
        rank: 0,
    }
}

impl Fact<'_> {
    /// The `FROM` that the expressions need.
    pub(crate) fn from(&self, used: &[&Expr]) -> String {
        from_clause(&self.nodes, used.iter().map(|expr| expr.node))
    }

    /// The customers, users, members: whoever acts in the rows.
    pub(crate) fn actor(&self) -> Option<&Dimension> {
        // Where the rows themselves are customers, nobody acts in them.
        if role(&words(&self.records.noun.one)) == Role::Actor && self.records.count == "COUNT(*)" {
            return None;
        }
        self.dimensions
            .iter()
            .filter(|d| d.role == Role::Actor && d.distinct > 1 && d.missing < 0.5 && !d.is_unique)
            // An entity with a name before a mere number, near before far.
            .min_by_key(|d| (d.depth, !d.is_entity))
    }

    /// Whether each record falls into one group only: an invoice has one country, but lines of
    /// several genres.
    pub(crate) fn splits_whole_records(&self, by: &Dimension) -> bool {
        let Some(header) = self.records.header else {
            return true;
        };
        let mut at = by.key.node;
        loop {
            if at == header {
                return true;
            }
            match &self.nodes[at].from {
                Some(edge) => at = edge.parent,
                None => return false,
            }
        }
    }

    /// The rows of the fact's table.
    pub(crate) fn rows(&self) -> u64 {
        self.table.rows.unwrap_or(0)
    }

    /// The measure that counts.
    pub(crate) fn counting(&self) -> Option<&Measure> {
        self.measures.iter().find(|m| m.quantity.adding == Adding::Count)
    }
}
