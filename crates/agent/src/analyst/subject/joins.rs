//! The tables that a fact leads to, and how SQL names their columns.

use crate::data::{Schema, Table};

/// A table as it stands in the `FROM` of a query: the fact itself, or one that it leads to.
#[derive(Debug, Clone)]
pub(crate) struct Node<'s> {
    pub(crate) table: &'s Table,
    pub(crate) alias: String,
    /// How it is reached; none for the fact itself.
    pub(crate) from: Option<Edge>,
    pub(crate) depth: usize,
}

/// A join from a child to the one row it names.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) parent: usize,
    /// The column of the child.
    pub(crate) column: String,
    /// The column of this table that it names.
    pub(crate) to: String,
}

/// An SQL expression, and the node whose columns it reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    pub(crate) sql: String,
    pub(crate) node: usize,
}

/// Further away than this, a table says little about the fact.
const DEEPEST: usize = 4;
const MOST_NODES: usize = 24;

/// The fact and every table it leads to, nearest first. Only from a row to the row it names, so
/// that no join ever doubles a row.
pub(crate) fn reach<'s>(schema: &'s Schema, fact: &'s Table) -> Vec<Node<'s>> {
    let mut nodes = vec![Node { table: fact, alias: ident(&fact.name), from: None, depth: 0 }];
    let mut at = 0;
    while at < nodes.len() {
        let (table, depth) = (nodes[at].table, nodes[at].depth);
        for key in &table.foreign_keys {
            let Some(target) = schema.table(&key.table) else {
                continue;
            };
            let known = target.rows.is_some_and(|rows| rows > 0);
            let full = nodes.len() == MOST_NODES || depth == DEEPEST;
            if !known || full || on_path(&nodes, at, target) {
                continue;
            }
            let alias = alias(&nodes, &target.name);
            nodes.push(Node {
                table: target,
                alias,
                from: Some(Edge { parent: at, column: key.column.clone(), to: key.to.clone() }),
                depth: depth + 1,
            });
        }
        at += 1;
    }
    nodes
}

/// Whether the way to a node already leads through the table: an employee's manager.
fn on_path(nodes: &[Node<'_>], mut at: usize, target: &Table) -> bool {
    loop {
        if nodes[at].table.name == target.name {
            return true;
        }
        match &nodes[at].from {
            Some(edge) => at = edge.parent,
            None => return false,
        }
    }
}

fn alias(nodes: &[Node<'_>], table: &str) -> String {
    let mut name = ident(table);
    let mut copy = 2;
    while nodes.iter().any(|node| node.alias == name) {
        name = ident(&format!("{table}_{copy}"));
        copy += 1;
    }
    name
}

/// The `FROM` of a query that reads these nodes.
pub(crate) fn from_clause(nodes: &[Node<'_>], used: impl IntoIterator<Item = usize>) -> String {
    let mut needed = vec![false; nodes.len()];
    for node in used {
        let mut at = node;
        while !needed[at] {
            needed[at] = true;
            match &nodes[at].from {
                Some(edge) => at = edge.parent,
                None => break,
            }
        }
    }
    let mut sql = format!("FROM {}", nodes[0].alias);
    for node in nodes.iter().enumerate().filter(|(n, _)| needed[*n]) {
        let (_, node) = node;
        let Some(edge) = &node.from else { continue };
        let table = ident(&node.table.name);
        let naming = if table == node.alias { table } else { format!("{table} AS {}", node.alias) };
        // A row whose key leads nowhere still counts.
        sql.push_str(&format!(
            "\nLEFT JOIN {naming} ON {alias}.{to} = {parent}.{column}",
            alias = node.alias,
            to = ident(&edge.to),
            parent = nodes[edge.parent].alias,
            column = ident(&edge.column),
        ));
    }
    sql
}

impl Node<'_> {
    /// A column of this node.
    pub(crate) fn column(&self, name: &str) -> String {
        format!("{}.{}", self.alias, ident(name))
    }
}

/// Words that SQL keeps for itself and that are likely as names.
const KEYWORDS: [&str; 40] = [
    "add",
    "all",
    "and",
    "as",
    "between",
    "by",
    "case",
    "check",
    "column",
    "commit",
    "create",
    "default",
    "delete",
    "distinct",
    "drop",
    "else",
    "end",
    "exists",
    "from",
    "group",
    "having",
    "in",
    "index",
    "insert",
    "into",
    "is",
    "join",
    "limit",
    "not",
    "null",
    "on",
    "or",
    "order",
    "primary",
    "references",
    "select",
    "set",
    "table",
    "then",
    "where",
];
const MORE_KEYWORDS: [&str; 12] = [
    "to",
    "transaction",
    "union",
    "unique",
    "update",
    "using",
    "values",
    "when",
    "with",
    "having",
    "filter",
    "over",
];

/// A name as SQL needs it: bare where that is allowed, which reads better, else in quotes.
pub(crate) fn ident(name: &str) -> String {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let lower = name.to_ascii_lowercase();
    let kept = KEYWORDS.contains(&lower.as_str()) || MORE_KEYWORDS.contains(&lower.as_str());
    if starts && plain && !kept { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
