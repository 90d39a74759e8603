//! What a statement may want of PostgreSQL, looked at before it is sent.
//!
//! The engine itself refuses to write: the transaction is read-only and always rolled back, and the
//! role is nobody's who may do more. But a read-only transaction lets functions through that change
//! what lies outside of it (settings, locks, notices, large objects, other servers), and a database may
//! have any function of its own. So a statement may call what is known to read its arguments and
//! nothing else, and may read what is not the engine's own. What cannot be looked through is refused.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement, TableFactor, Visit, Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};

use crate::error::QueryError;
use crate::guard::{LONGEST_PARSED, kind};

/// Functions that read their arguments and nothing else.
const FUNCTIONS: &[&str] = &[
    "abs",
    "acos",
    "age",
    "array_agg",
    "array_length",
    "array_position",
    "array_to_json",
    "array_to_string",
    "ascii",
    "asin",
    "atan",
    "atan2",
    "avg",
    "bit_and",
    "bit_length",
    "bit_or",
    "bool_and",
    "bool_or",
    "btrim",
    "cardinality",
    "cbrt",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "chr",
    "coalesce",
    "concat",
    "concat_ws",
    "corr",
    "cos",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "date_bin",
    "date_part",
    "date_trunc",
    "degrees",
    "dense_rank",
    "div",
    "every",
    "exp",
    "extract",
    "first_value",
    "floor",
    "format",
    "gcd",
    "generate_series",
    "greatest",
    "grouping",
    "initcap",
    "isfinite",
    "json_agg",
    "json_array_elements",
    "json_array_elements_text",
    "json_array_length",
    "json_build_array",
    "json_build_object",
    "json_each",
    "json_each_text",
    "json_extract_path",
    "json_extract_path_text",
    "json_object_agg",
    "json_object_keys",
    "json_typeof",
    "jsonb_agg",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_array_length",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_extract_path",
    "jsonb_extract_path_text",
    "jsonb_object_agg",
    "jsonb_object_keys",
    "jsonb_typeof",
    "justify_days",
    "justify_hours",
    "justify_interval",
    "lag",
    "last_value",
    "lcm",
    "lead",
    "least",
    "left",
    "length",
    "ln",
    "localtime",
    "localtimestamp",
    "log",
    "log10",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "make_time",
    "make_timestamp",
    "max",
    "md5",
    "min",
    "mod",
    "mode",
    "now",
    "nth_value",
    "ntile",
    "nullif",
    "num_nonnulls",
    "num_nulls",
    "octet_length",
    "overlay",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "pi",
    "position",
    "pow",
    "power",
    "quote_literal",
    "radians",
    "random",
    "range_agg",
    "rank",
    "regexp_count",
    "regexp_match",
    "regexp_matches",
    "regexp_replace",
    "regexp_split_to_array",
    "regexp_split_to_table",
    "regexp_substr",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "row_number",
    "row_to_json",
    "rpad",
    "rtrim",
    "sign",
    "sin",
    "split_part",
    "sqrt",
    "starts_with",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "string_to_array",
    "string_to_table",
    "strpos",
    "substr",
    "substring",
    "sum",
    "tan",
    "to_char",
    "to_date",
    "to_hex",
    "to_json",
    "to_jsonb",
    "to_number",
    "to_timestamp",
    "translate",
    "trim",
    "trunc",
    "unnest",
    "upper",
    "var_pop",
    "var_samp",
    "variance",
    "width_bucket",
];

/// Looks at a statement; gives what is to be run, without a semicolon behind it.
pub(super) fn check(sql: &str) -> Result<String, QueryError> {
    let not_a_query = |reason: String| Err(QueryError::NotAQuery { reason });
    if sql.len() > LONGEST_PARSED {
        return not_a_query(format!("the text has more than {LONGEST_PARSED} characters"));
    }
    // A line ends where the engine thinks it does, too: or a comment would end elsewhere.
    let sql = sql.replace("\r\n", "\n");
    if sql.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return not_a_query("the text has a control character".to_owned());
    }
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, &sql).map_err(|error| {
        let said = match error {
            ParserError::TokenizerError(said) | ParserError::ParserError(said) => said,
            ParserError::RecursionLimitExceeded => "it is nested too deep".to_owned(),
        };
        QueryError::Invalid { reason: said.chars().take(300).collect() }
    })?;
    let query = match statements.as_slice() {
        [Statement::Query(query)] => query,
        [other] => return not_a_query(format!("this is {}", kind(other))),
        [] => return not_a_query("there is no statement".to_owned()),
        many => return not_a_query(format!("these are {} statements", many.len())),
    };
    if let ControlFlow::Break(reason) = query.visit(&mut Look) {
        return Err(QueryError::Refused { reason });
    }
    Ok(sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace()).to_owned())
}

/// Goes through a query and breaks off at what it wants beyond reading.
struct Look;

fn refuse(what: impl Into<String>) -> ControlFlow<String> {
    ControlFlow::Break(what.into())
}

impl Visitor for Look {
    type Break = String;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<String> {
        refuse(format!("there is {} inside of it", kind(statement)))
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        if !query.locks.is_empty() {
            return refuse("it locks rows");
        }
        match query.body.as_ref() {
            // Its name is a text that nobody looks at any further.
            SetExpr::Table(_) => refuse("it uses TABLE; write SELECT * FROM instead"),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                refuse("it changes rows")
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        if select.into.is_some() {
            refuse("it makes a table (SELECT INTO)")
        } else {
            ControlFlow::Continue(())
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let Some(names) = names(relation) else {
            return refuse("a name in it is not one of a table");
        };
        let engines = |name: &String| name.starts_with("pg_") || name == "information_schema";
        if names.iter().any(engines) {
            return refuse(format!("it reads {relation}, which is not part of the data set"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => call(name),
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => refuse("it reads from something that is neither a table nor a query"),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Function(function) => call(&function.name),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn call(function: &ObjectName) -> ControlFlow<String> {
    let known = match names(function).as_deref() {
        Some([name]) => FUNCTIONS.contains(&name.as_str()),
        Some([schema, name]) => schema == "pg_catalog" && FUNCTIONS.contains(&name.as_str()),
        _ => false,
    };
    if known { ControlFlow::Continue(()) } else { refuse(format!("it calls the function {function}")) }
}

/// The parts of a name, in small letters.
fn names(name: &ObjectName) -> Option<Vec<String>> {
    let part = |part: &ObjectNamePart| part.as_ident().map(|ident| ident.value.to_ascii_lowercase());
    name.0.iter().map(part).collect()
}
