//! How much: the figures of a fact, and what may be done with them.

use serde::{Deserialize, Serialize};

use super::joins::{Expr, Node};
use crate::analyst::format::figure;
use crate::data::Column;
use crate::words::{singular, words};

/// How the figures of many rows become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adding {
    /// They are added up.
    Sum,
    /// The rows are counted.
    Count,
    /// Their mean is taken: prices, scores, temperatures.
    Average,
}

/// What a report measures, as its writer needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// What it is called: `revenue`, `sign-ups`, `average score`.
    pub label: String,
    /// Whether the label is a plural: revenue *was*, sales *were*.
    pub plural: bool,
    /// How rows become one figure.
    pub adding: Adding,
    /// A currency or `%`, where the data names one.
    pub unit: Option<String>,
    /// How many decimals its figures have.
    pub decimals: u8,
    /// How it is computed, in a sentence.
    pub how: String,
}

impl Quantity {
    /// Whether parts of it make up a whole, so that shares mean something.
    pub(crate) fn adds_up(&self) -> bool {
        self.adding != Adding::Average
    }

    /// `was` or `were`.
    pub(crate) fn was(&self) -> &'static str {
        if self.plural { "were" } else { "was" }
    }

    /// `comes` or `come`, and so on: the verb that goes with the label.
    pub(crate) fn verb<'a>(&self, one: &'a str, many: &'a str) -> &'a str {
        if self.plural { many } else { one }
    }

    /// A figure of it, with its unit. Large ones need no decimals.
    pub(crate) fn show(&self, x: f64) -> String {
        self.with_unit(&figure(x, self.decimals_of(x)))
    }

    /// A figure for a table: all of a column alike, as `largest` needs it.
    pub(crate) fn cell(&self, x: f64, largest: f64) -> String {
        figure(x, self.decimals_of(largest))
    }

    /// A figure for a headline: millions as millions.
    pub(crate) fn headline(&self, x: f64) -> String {
        let text = match x.abs() {
            a if a >= 1e9 => format!("{} bn", figure(x / 1e9, 2)),
            a if a >= 1e7 => format!("{} m", figure(x / 1e6, 1)),
            _ => figure(x, self.decimals_of(x)),
        };
        self.with_unit(&text)
    }

    /// The same quantity with at least so many decimals: means of whole numbers have some.
    pub(crate) fn with_decimals(&self, decimals: u8) -> Self {
        Self { decimals: self.decimals.max(decimals), ..self.clone() }
    }

    /// A mean of it: means of small whole numbers need a decimal.
    pub(crate) fn show_mean(&self, x: f64) -> String {
        if x.abs() < 100.0 { self.with_decimals(1).show(x) } else { self.show(x) }
    }

    fn decimals_of(&self, x: f64) -> u8 {
        if x.abs() >= 100_000.0 { 0 } else { self.decimals }
    }

    fn with_unit(&self, text: &str) -> String {
        match self.unit.as_deref() {
            Some("$") => match text.strip_prefix('−') {
                Some(rest) => format!("−${rest}"),
                None => format!("${text}"),
            },
            Some("%") => format!("{text}%"),
            Some(unit) => format!("{text} {unit}"),
            None => text.to_owned(),
        }
    }
}

/// A figure of the fact.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    pub(crate) quantity: Quantity,
    /// The figure of one row; none for a count.
    pub(crate) row: Option<Expr>,
    /// The words a request may call it by.
    pub(crate) words: Vec<String>,
    pub(crate) rank: i32,
}

const NO_MEASURE: [&str; 34] = [
    "id",
    "key",
    "code",
    "zip",
    "postal",
    "postcode",
    "phone",
    "fax",
    "number",
    "no",
    "nr",
    "num",
    "lat",
    "latitude",
    "lon",
    "lng",
    "longitude",
    "year",
    "month",
    "day",
    "quarter",
    "week",
    "hour",
    "minute",
    "rank",
    "index",
    "position",
    "version",
    "row",
    "seq",
    "sequence",
    "guid",
    "birth",
    "x",
];
const MONEY: [&str; 34] = [
    "total", "amount", "revenue", "sales", "sale", "turnover", "gross", "net", "value", "sum", "income",
    "paid", "payment", "fee", "fees", "cost", "costs", "spend", "spent", "budget", "profit", "mrr", "arr",
    "subtotal", "charge", "charges", "umsatz", "betrag", "summe", "salary", "wage", "gmv", "expense",
    "price",
];
/// Money that tells how a business goes, before what it pays or gives away.
const INCOME: [&str; 16] = [
    "total", "amount", "revenue", "sales", "sale", "turnover", "gross", "net", "income", "mrr", "arr",
    "umsatz", "betrag", "gmv", "value", "paid",
];
const QUANTITIES: [&str; 10] =
    ["quantity", "qty", "units", "unit", "pieces", "items", "volume", "sold", "count", "menge"];
const AVERAGED: [&str; 26] = [
    "score",
    "rating",
    "rate",
    "ratio",
    "percent",
    "percentage",
    "pct",
    "temperature",
    "temp",
    "age",
    "height",
    "weight",
    "duration",
    "speed",
    "satisfaction",
    "nps",
    "margin",
    "discount",
    "tenure",
    "stars",
    "milliseconds",
    "seconds",
    "minutes",
    "latency",
    "humidity",
    "pressure",
];
const SELLING: [&str; 14] = [
    "invoice",
    "order",
    "sale",
    "sales",
    "purchase",
    "transaction",
    "payment",
    "booking",
    "line",
    "item",
    "receipt",
    "checkout",
    "shop",
    "store",
];
const CURRENCIES: [(&str, &str); 8] = [
    ("eur", "EUR"),
    ("usd", "USD"),
    ("gbp", "GBP"),
    ("chf", "CHF"),
    ("jpy", "JPY"),
    ("sek", "SEK"),
    ("nok", "NOK"),
    ("dkk", "DKK"),
];

fn any(name: &[String], list: &[&str]) -> bool {
    name.iter().any(|word| list.contains(&word.as_str()))
}

/// The figures of a node's table, the most telling first.
pub(crate) fn measures(nodes: &[Node<'_>], sells: bool) -> Vec<Measure> {
    let root = &nodes[0];
    let figures: Vec<(&Column, Vec<String>)> = root
        .table
        .columns
        .iter()
        .filter(|c| c.kind.is_number() && !root.table.is_key(&c.name))
        .filter(|c| !numbers_rows(c, root.table.rows.unwrap_or(0)))
        .map(|column| (column, words(&column.name)))
        .filter(|(_, name)| !any(name, &NO_MEASURE) || any(name, &["amount", "revenue", "total"]))
        .collect();
    let price = figures.iter().find(|(_, name)| any(name, &["price"]));
    let quantity = figures.iter().find(|(_, name)| any(name, &QUANTITIES) && !any(name, &["price", "cost"]));

    let mut measures: Vec<Measure> = figures
        .iter()
        .map(|(column, name)| of_column(root, column, name, sells, quantity.is_some()))
        .collect();
    if let (Some((price, price_name)), Some((quantity, _))) = (price, quantity) {
        let row = format!("{} * {}", root.column(&price.name), root.column(&quantity.name));
        measures.push(Measure {
            quantity: Quantity {
                label: "revenue".to_owned(),
                plural: false,
                adding: Adding::Sum,
                unit: unit(price, price_name),
                decimals: 2,
                how: format!(
                    "Revenue is the sum of {} times {} in {}.",
                    price.name, quantity.name, root.table.name
                ),
            },
            row: Some(Expr { sql: row, node: 0 }),
            words: ["revenue", "sale", "turnover", "income"].map(str::to_owned).to_vec(),
            rank: 9,
        });
    }
    measures.sort_by_key(|measure| -measure.rank);
    measures
}

/// Whether a column only numbers the rows, whatever it is called.
fn numbers_rows(column: &Column, rows: u64) -> bool {
    let (Some(min), Some(max)) = (column.min.as_i64(), column.max.as_i64()) else {
        return false;
    };
    let span = max.saturating_sub(min).unsigned_abs();
    rows > 10 && column.distinct == rows && column.nulls == 0 && span < rows.saturating_mul(2)
}

fn of_column(root: &Node<'_>, column: &Column, name: &[String], sells: bool, has_quantity: bool) -> Measure {
    let unit = unit(column, name);
    let averaged = any(name, &AVERAGED)
        || unit.as_deref() == Some("%")
        || (any(name, &["price"]) && (any(name, &["unit"]) || has_quantity));
    let money = any(name, &MONEY);
    let adding = if averaged { Adding::Average } else { Adding::Sum };
    let mut rank = match () {
        () if averaged => 1,
        () if any(name, &INCOME) => 10,
        () if money => 6,
        () if any(name, &QUANTITIES) => 5,
        () => 3,
    };
    // A figure that never changes tells nothing.
    rank -= 4 * i32::from(column.distinct <= 1);
    let label = label(name, sells, adding);
    let plural = label.split(' ').next_back().is_some_and(is_plural);
    let mut called: Vec<String> = name.iter().map(|word| singular(word)).collect();
    if label == "revenue" {
        called.extend(["revenue", "sale", "turnover", "income"].map(str::to_owned));
    }
    if any(name, &QUANTITIES) && !any(name, &["price", "cost"]) {
        called.extend(["unit", "quantity", "piece"].map(str::to_owned));
    }
    let verb = match adding {
        Adding::Average => "mean",
        _ => "sum",
    };
    Measure {
        quantity: Quantity {
            how: format!(
                "{} {} the {verb} of {} in {}.",
                crate::words::capital(&label),
                if plural { "are" } else { "is" },
                column.name,
                root.table.name
            ),
            label,
            plural,
            adding,
            unit,
            decimals: decimals(column, averaged),
        },
        row: Some(Expr { sql: root.column(&column.name), node: 0 }),
        words: called,
        rank,
    }
}

fn decimals(column: &Column, averaged: bool) -> u8 {
    let whole = column.kind == crate::data::ColumnKind::Integer;
    match (whole, averaged) {
        (true, false) => 0,
        (true, true) => 1,
        (false, _) => 2,
    }
}

/// Words that only say that a figure is one.
const EMPTY_WORDS: [&str; 8] = ["total", "amount", "value", "sum", "subtotal", "gross", "net", "price"];

fn label(name: &[String], sells: bool, adding: Adding) -> String {
    let is_unit = |word: &&String| {
        CURRENCIES.iter().any(|(code, _)| code == word) || ["in", "the", "of"].contains(&word.as_str())
    };
    let telling: Vec<&String> = name.iter().filter(|word| !is_unit(word)).collect();
    let empty = telling.iter().all(|word| EMPTY_WORDS.contains(&word.as_str()));
    if adding == Adding::Average {
        return format!("average {}", joined(&telling));
    }
    if sells && (empty || telling.is_empty() || telling.iter().any(|w| SELLING.contains(&w.as_str()))) {
        let own = ["sales", "revenue", "turnover"];
        return match telling.as_slice() {
            [one] if own.contains(&one.as_str()) => (*one).clone(),
            _ => "revenue".to_owned(),
        };
    }
    joined(&telling)
}

fn joined(words: &[&String]) -> String {
    let upper = ["mrr", "arr", "nps", "gmv"];
    let shown: Vec<String> = words
        .iter()
        .map(|word| match word.as_str() {
            short if upper.contains(&short) => short.to_uppercase(),
            "qty" => "quantity".to_owned(),
            "pct" => "percentage".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    if shown.is_empty() { "value".to_owned() } else { shown.join(" ") }
}

fn is_plural(word: &str) -> bool {
    singular(word) != word
}

fn unit(column: &Column, name: &[String]) -> Option<String> {
    column.unit.clone().or_else(|| {
        CURRENCIES
            .iter()
            .find(|(code, _)| name.iter().any(|word| word == code))
            .map(|(_, unit)| (*unit).to_owned())
            .or_else(|| column.name.contains('€').then(|| "EUR".to_owned()))
            .or_else(|| column.name.contains('$').then(|| "$".to_owned()))
    })
}

/// Whether a table's name says that something is sold in it.
pub(crate) fn sells(table: &str) -> bool {
    any(&words(table), &SELLING) || words(table).iter().any(|w| SELLING.contains(&singular(w).as_str()))
}
