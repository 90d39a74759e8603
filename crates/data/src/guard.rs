//! Nothing but reading: what a connection refuses, whatever a query says.
//!
//! The parser comes first, because it can say what is wrong in words. It is not what keeps the
//! data safe: that is the engine, by a read-only file, by `query_only`, by its authorizer, which
//! sees every table and function of a statement before it runs, and by `Statement::readonly`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use sqlparser::ast::Statement;
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;

use super::error::QueryError;

/// Functions that a query may call: they read their arguments and nothing else, and what they
/// give is bounded by the limit on values.
const FUNCTIONS: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "ceil",
    "ceiling",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_quote",
    "json_tree",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "max",
    "median",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "percentile",
    "percentile_cont",
    "percentile_disc",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "random",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "subtype",
    "sum",
    "tan",
    "tanh",
    "time",
    "timediff",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unhex",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
    "->",
    "->>",
];

/// Bytes of the largest value that may come up inside a query.
const LONGEST_VALUE: i32 = 8 * 1024 * 1024;
/// Bytes of the longest statement.
const LONGEST_STATEMENT: i32 = 100_000;
/// Bytes of the longest statement that is looked at before the engine does. The parser makes a chain
/// of operators into a tree that is as deep as the chain is long, and it is taken down by recursion:
/// longer ones would overflow the stack, which ends the process. The engine bounds the depth itself.
pub(super) const LONGEST_PARSED: usize = 10_000;

/// What the authorizer has seen of a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Seen>>);

/// What a statement wants.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What was refused first, for the message.
    pub(super) refused: Option<String>,
    /// The tables it reads, by the names that they were made with.
    pub(super) reads: BTreeSet<String>,
}

impl Watch {
    /// What was seen since this was asked last.
    pub(super) fn take(&self) -> Seen {
        self.0.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default()
    }

    fn note(&self, what: String) {
        if let Ok(mut seen) = self.0.lock() {
            // The first is the cause, what follows comes of it.
            seen.refused.get_or_insert(what);
        }
    }

    fn reads(&self, table: &str) {
        if let Ok(mut seen) = self.0.lock()
            && !seen.reads.contains(table)
        {
            seen.reads.insert(table.to_owned());
        }
    }
}

/// Settings that must come before the first table is looked at: a database file is a stranger.
pub(super) fn distrust(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A name in double quotes that is no column is an error, not a text.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.execute_batch("PRAGMA cell_size_check = ON")
}

/// Locks a connection to reading, for good.
///
/// SQLite's limit on its heap is one for the whole process: a query that reached it would fail all
/// others with it. What bounds the memory of one query here is the size of a single value; sorting
/// and grouping keep a few megabytes and go to temporary files beyond.
pub(super) fn lock(connection: &mut Connection) -> Result<Watch, rusqlite::Error> {
    connection.execute_batch("PRAGMA query_only = ON")?;
    let limits = [
        (Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, LONGEST_STATEMENT),
        (Limit::SQLITE_LIMIT_COLUMN, 600),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ];
    for (limit, value) in limits {
        connection.set_limit(limit, value)?;
    }
    let watch = Watch::default();
    let notes = watch.clone();
    connection.authorizer(Some(move |context: AuthContext<'_>| match wants(&context.action) {
        None => {
            if let AuthAction::Read { table_name, .. } = context.action {
                notes.reads(table_name);
            }
            Authorization::Allow
        }
        Some(what) => {
            notes.note(what);
            Authorization::Deny
        }
    }))?;
    Ok(watch)
}

/// Tables that the engine makes up about itself: pages of the file, statements, settings.
const ENGINE_TABLES: [&str; 5] = ["dbstat", "sqlite_dbpage", "sqlite_stmt", "bytecode", "tables_used"];

/// What an action wants beyond reading the data set; `None` for that.
fn wants(action: &AuthAction<'_>) -> Option<String> {
    Some(match action {
        AuthAction::Select | AuthAction::Recursive => return None,
        AuthAction::Read { table_name, .. } => {
            let name = table_name.to_ascii_lowercase();
            if !name.starts_with("pragma_") && !ENGINE_TABLES.contains(&name.as_str()) {
                return None;
            }
            format!("it reads {table_name}, which is not part of the data set")
        }
        AuthAction::Function { function_name } => {
            if FUNCTIONS.contains(&function_name.to_ascii_lowercase().as_str()) {
                return None;
            }
            format!("it calls the function {function_name}")
        }
        AuthAction::Pragma { pragma_name, .. } => format!("it uses the pragma {pragma_name}"),
        AuthAction::Attach { .. } => "it attaches another database".to_owned(),
        AuthAction::Detach { .. } => "it detaches a database".to_owned(),
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => format!("it writes to the table {table_name}"),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            "it controls a transaction".to_owned()
        }
        _ => "it changes the database".to_owned(),
    })
}

/// Looks at a statement before the engine does. What the parser does not know, or what is too long for
/// it, is left to the engine, whose dialect is its own.
pub(super) fn check(sql: &str) -> Result<(), QueryError> {
    if sql.trim().is_empty() {
        return Err(QueryError::NotAQuery { reason: "there is no statement".to_owned() });
    }
    if sql.contains('\0') {
        return Err(QueryError::NotAQuery { reason: "the text has a NUL character".to_owned() });
    }
    if sql.len() > usize::try_from(LONGEST_STATEMENT).unwrap_or(usize::MAX) {
        return Err(QueryError::NotAQuery {
            reason: format!("the text has more than {LONGEST_STATEMENT} characters"),
        });
    }
    if sql.len() > LONGEST_PARSED {
        return Ok(());
    }
    let Ok(statements) = Parser::parse_sql(&SQLiteDialect {}, sql) else {
        return Ok(());
    };
    match statements.as_slice() {
        [Statement::Query(_)] => Ok(()),
        [other] => Err(QueryError::NotAQuery { reason: format!("this is {}", kind(other)) }),
        [] => Err(QueryError::NotAQuery { reason: "there is no statement".to_owned() }),
        many => Err(QueryError::NotAQuery { reason: format!("these are {} statements", many.len()) }),
    }
}

/// The statement's first word, with an article.
pub(super) fn kind(statement: &Statement) -> String {
    let text = statement.to_string();
    let word = text.split_whitespace().next().unwrap_or("statement");
    let word: String = word.chars().take(20).collect();
    let article = if word.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    format!("{article} {word}")
}
