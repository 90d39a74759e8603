//! By what: the ways in which the rows of a fact can be told apart and grouped.

use super::joins::{Expr, Node};
use crate::data::{Column, ColumnKind};
use crate::words::{Noun, singular, words};

/// What sort of thing a dimension names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Who buys, signs up, visits.
    Actor,
    /// Where.
    Place,
    /// What kind.
    Category,
    /// What, exactly.
    Product,
    /// Who on our side.
    Staff,
    /// Something else.
    Other,
}

/// A way to group the rows.
#[derive(Debug, Clone)]
pub(crate) struct Dimension {
    pub(crate) noun: Noun,
    pub(crate) role: Role,
    /// What the reader sees.
    pub(crate) label: Expr,
    /// What tells two of them apart, as two customers may have one name.
    pub(crate) key: Expr,
    /// How many there are.
    pub(crate) distinct: u64,
    /// Joins from the fact to it.
    pub(crate) depth: usize,
    /// The word sequences, in singular, by which a request may name it; the best first.
    pub(crate) names: Vec<Vec<String>>,
    /// Its values, where they are few.
    pub(crate) values: Vec<String>,
    /// Where it comes from, as a document names it.
    pub(crate) source: String,
    /// Whether it names rows of a table of their own.
    pub(crate) is_entity: bool,
    /// Whether each row of the fact has one of its own: it can be ranked, but groups nothing.
    pub(crate) is_unique: bool,
    /// The share of rows of its table that have no value.
    pub(crate) missing: f64,
}

/// Categories that say more about how a thing is kept than about what it is.
const WEAK: [&str; 7] = ["type", "status", "source", "media", "method", "medium", "priority"];

impl Dimension {
    /// Whether it says little about the things it groups.
    pub(crate) fn is_weak(&self) -> bool {
        self.role == Role::Category && WEAK.iter().any(|word| self.noun.one.ends_with(word))
    }

    /// The day of the week, Monday first.
    pub(crate) fn weekday(day: &Expr) -> Self {
        let number = format!("(strftime('%w', {}) + 6) % 7", day.sql);
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        let cases: Vec<String> =
            names.iter().enumerate().map(|(n, name)| format!("WHEN {n} THEN '{name}'")).collect();
        Self {
            noun: Noun::of(&["weekday".to_owned()]),
            role: Role::Other,
            label: Expr { sql: format!("CASE {number} {} END", cases.join(" ")), node: day.node },
            key: Expr { sql: number, node: day.node },
            distinct: 7,
            depth: 0,
            names: Vec::new(),
            values: Vec::new(),
            source: "the day of the week of its date".to_owned(),
            is_entity: false,
            missing: 0.0,
            is_unique: false,
        }
    }
}

const ACTORS: [&str; 22] = [
    "customer",
    "client",
    "user",
    "account",
    "member",
    "subscriber",
    "buyer",
    "patient",
    "student",
    "guest",
    "donor",
    "player",
    "company",
    "tenant",
    "household",
    "visitor",
    "kunde",
    "subscription",
    "shopper",
    "patron",
    "passenger",
    "policyholder",
];
const PLACES: [&str; 20] = [
    "country",
    "region",
    "state",
    "city",
    "area",
    "territory",
    "market",
    "location",
    "store",
    "branch",
    "site",
    "filiale",
    "ort",
    "land",
    "stadt",
    "province",
    "county",
    "continent",
    "nation",
    "district",
];
const CATEGORIES: [&str; 26] = [
    "genre",
    "category",
    "type",
    "segment",
    "channel",
    "plan",
    "department",
    "brand",
    "class",
    "group",
    "tier",
    "source",
    "campaign",
    "device",
    "media",
    "status",
    "kategorie",
    "reason",
    "method",
    "industry",
    "platform",
    "browser",
    "contract",
    "medium",
    "priority",
    "warengruppe",
];
const PRODUCTS: [&str; 15] = [
    "product", "item", "sku", "track", "article", "book", "film", "title", "service", "artikel", "album",
    "movie", "artist", "course", "produkt",
];
const STAFF: [&str; 9] =
    ["employee", "rep", "salesperson", "agent", "seller", "manager", "staff", "owner", "consultant"];
/// Columns that describe one row each and group nothing.
const NO_DIMENSION: [&str; 30] = [
    "email",
    "mail",
    "phone",
    "fax",
    "address",
    "street",
    "url",
    "link",
    "website",
    "zip",
    "postal",
    "postcode",
    "comment",
    "comments",
    "note",
    "notes",
    "description",
    "text",
    "body",
    "message",
    "password",
    "hash",
    "token",
    "uuid",
    "guid",
    "path",
    "image",
    "latitude",
    "longitude",
    "iban",
];
const LABELS: [&str; 6] = ["name", "title", "label", "caption", "designation", "bezeichnung"];

/// More values than this cannot be grouped to any use, unless they are things of their own.
const MOST_VALUES: u64 = 2_000;
const LONGEST_VALUE: f64 = 60.0;

/// Whether a noun names somebody who leaves, rather than something that ends.
pub(crate) fn leaves(noun: &str) -> bool {
    let last = noun.rsplit(' ').next().unwrap_or(noun);
    ACTORS.contains(&last) && last != "subscription" || STAFF.contains(&last)
}

/// Whether a noun names a place, in which things happen.
pub(crate) fn is_place(noun: &str) -> bool {
    role(&words(noun)) == Role::Place
}

pub(super) fn role(name: &[String]) -> Role {
    let last_first = name.iter().rev();
    let lists: [(&[&str], Role); 5] = [
        (&ACTORS, Role::Actor),
        (&STAFF, Role::Staff),
        (&PLACES, Role::Place),
        (&CATEGORIES, Role::Category),
        (&PRODUCTS, Role::Product),
    ];
    for word in last_first {
        if let Some((_, role)) = lists.iter().find(|(list, _)| list.contains(&word.as_str())) {
            return *role;
        }
    }
    Role::Other
}

/// The dimensions of a fact, nearest first.
pub(crate) fn dimensions(nodes: &[Node<'_>]) -> Vec<Dimension> {
    let mut found = Vec::new();
    for (n, node) in nodes.iter().enumerate() {
        if let Some(entity) = entity(nodes, n) {
            found.push(entity);
        }
        for column in &node.table.columns {
            found.extend(attribute(nodes, n, column));
        }
    }
    shorten_nouns(&mut found);
    found
}

/// A row of another table that the fact names: a customer, a track.
fn entity(nodes: &[Node<'_>], n: usize) -> Option<Dimension> {
    let node = &nodes[n];
    let edge = node.from.as_ref()?;
    let label = label(node)?;
    let table: Vec<String> = words(&node.table.name).iter().map(|w| singular(w)).collect();
    let column = column_words(&edge.column);
    // A support rep is an employee, but that is not what the reader calls him here.
    let named = if column.is_empty() || table.ends_with(&column) || column.ends_with(&table) {
        table.clone()
    } else {
        column.clone()
    };
    let mut names = vec![named.clone()];
    for other in [table, column] {
        if !other.is_empty() && !names.contains(&other) {
            names.push(other);
        }
    }
    let role = match role(&named) {
        Role::Other => names.iter().map(|name| role(name)).find(|r| *r != Role::Other),
        known => Some(known),
    };
    let spoken =
        if named == column_words(&edge.column) { spoken(&edge.column) } else { spoken(&node.table.name) };
    Some(Dimension {
        noun: Noun::of(&spoken),
        role: role.unwrap_or(Role::Other),
        label: Expr { sql: label.sql, node: n },
        key: Expr { sql: nodes[edge.parent].column(&edge.column), node: edge.parent },
        // As many as the rows name, not as many as there are.
        distinct: nodes[edge.parent].table.column(&edge.column).map_or(0, |c| c.distinct),
        depth: node.depth,
        names,
        values: label.values,
        source: format!("{} in {}", label.named, node.table.name),
        is_entity: true,
        missing: 0.0,
        is_unique: false,
    })
}

/// The words of a key without the one that says it is one: `customer` of `CustomerId`.
fn spoken(name: &str) -> Vec<String> {
    let mut spoken = words(name);
    if spoken.len() > 1 {
        spoken.pop_if(|last| ["id", "key", "code", "fk"].contains(&last.as_str()));
    }
    spoken
}

fn column_words(name: &str) -> Vec<String> {
    let mut column = words(name);
    column.pop_if(|last| ["id", "key", "code", "fk"].contains(&last.as_str()));
    column.iter().map(|w| singular(w)).collect()
}

/// How a row of a table is called: its name, its title, first and last name.
fn label(node: &Node<'_>) -> Option<Label> {
    let texts: Vec<(&Column, Vec<String>)> = node
        .table
        .columns
        .iter()
        .filter(|c| c.kind == ColumnKind::Text)
        .map(|c| (c, words(&c.name)))
        .collect();
    let with = |wanted: &[&str]| {
        texts
            .iter()
            .find(|(_, name)| name.len() == 2 && name.iter().zip(wanted).all(|(a, b)| a == b))
            .map(|(column, _)| *column)
    };
    let first = with(&["first", "name"]).or_else(|| with(&["given", "name"]));
    let last = with(&["last", "name"])
        .or_else(|| with(&["family", "name"]))
        .or_else(|| texts.iter().find(|(_, n)| n.iter().any(|w| w == "surname")).map(|(c, _)| *c));
    if let (Some(first), Some(last)) = (first, last) {
        let sql = format!("{} || ' ' || {}", node.column(&first.name), node.column(&last.name));
        let named = format!("{} and {}", first.name, last.name);
        return Some(Label { sql, named, values: Vec::new() });
    }
    let own: Vec<String> = words(&node.table.name).iter().map(|w| singular(w)).collect();
    let best = texts
        .iter()
        .filter_map(|(column, name)| {
            let last = name.last()?;
            let rank = match () {
                () if name.len() == 1 && LABELS.contains(&last.as_str()) => 4,
                () if LABELS.contains(&last.as_str()) => 3,
                () if name.iter().map(|w| singular(w)).collect::<Vec<_>>() == own => 3,
                () => return None,
            };
            Some((rank, *column))
        })
        .rev()
        .max_by_key(|(rank, _)| *rank);
    best.map(|(_, column)| Label {
        sql: node.column(&column.name),
        named: column.name.clone(),
        values: column.values.clone(),
    })
}

/// What the rows of a table are called by.
struct Label {
    sql: String,
    /// The column, as a document names it.
    named: String,
    /// Its values, where they are few.
    values: Vec<String>,
}

/// A column whose values group the rows.
fn attribute(nodes: &[Node<'_>], n: usize, column: &Column) -> Option<Dimension> {
    let node = &nodes[n];
    let mut name: Vec<String> = words(&column.name).iter().map(|w| singular(w)).collect();
    let rows = node.table.rows.unwrap_or(0);
    let is_key = node.table.is_key(&column.name);
    let names_thing =
        name.len() > 1 && ["id", "name", "code", "key"].contains(&name[name.len() - 1].as_str());
    let few = column.distinct >= 2 && column.distinct <= MOST_VALUES;
    let repeats = column.distinct < rows || rows <= 12;
    let fits = match column.kind {
        ColumnKind::Boolean => true,
        ColumnKind::Text => few && (repeats || n == 0) && column.text_length <= LONGEST_VALUE,
        // A number that names somebody: `customer_id` in a file of its own.
        ColumnKind::Integer => {
            name.last().is_some_and(|w| w == "id") && name.len() > 1 && column.distinct < rows
        }
        _ => false,
    };
    let actor_key = names_thing && role(&name) == Role::Actor && column.distinct >= 2 && repeats;
    let useless = name.iter().any(|word| NO_DIMENSION.contains(&word.as_str()));
    // The name of a thing stands for the thing, which is a dimension of its own.
    let personal = name.len() == 2
        && ["first", "last", "given", "family", "middle"].contains(&name[0].as_str())
        && name[1] == "name";
    let is_label = personal || n > 0 && name.len() == 1 && LABELS.contains(&name[0].as_str());
    if !(fits || actor_key) || useless || is_key || is_label || name.is_empty() {
        return None;
    }
    let mut spoken = words(&column.name);
    if names_thing {
        name.pop();
        spoken.pop();
    }
    let key = Expr { sql: node.column(&column.name), node: n };
    let label = match column.kind {
        ColumnKind::Boolean => Expr { sql: format!("IIF({}, 'yes', 'no')", key.sql), node: n },
        _ => key.clone(),
    };
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let missing = column.nulls as f64 / rows.max(1) as f64;
    let mut names = vec![name.clone()];
    if name.len() > 1 {
        names.push(name[name.len() - 1..].to_vec());
    }
    let role = role(&name);
    Some(Dimension {
        noun: Noun::of(&spoken),
        role,
        label,
        key,
        distinct: column.distinct,
        depth: node.depth,
        names,
        values: column.values.clone(),
        source: format!("{} in {}", column.name, node.table.name),
        is_entity: false,
        missing,
        is_unique: n == 0 && column.distinct >= rows && (!repeats || role == Role::Other),
    })
}

/// `Billing country` is `country` to the reader, unless the same table also has a shipping country.
fn shorten_nouns(dimensions: &mut [Dimension]) {
    let heads: Vec<(usize, Option<String>)> =
        dimensions.iter().map(|d| (d.label.node, d.names[0].last().cloned())).collect();
    for (n, dimension) in dimensions.iter_mut().enumerate() {
        let name = &dimension.names[0];
        let keeps = dimension.is_entity || name.len() < 2 || dimension.role == Role::Other;
        let same = heads.iter().filter(|head| **head == heads[n]).count();
        if !keeps && same == 1 && dimension.role == Role::Place {
            dimension.noun = Noun::of(&name[name.len() - 1..]);
        }
    }
}
