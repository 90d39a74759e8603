//! The tools as a language model calls them.

use longhaul_agent::skills::Skills;
use longhaul_agent::tools::Tools;
use serde_json::json;

use crate::support::chinook;

fn tools() -> Tools {
    Tools::new(chinook(), Skills::default(), 3)
}

#[test]
fn the_schema_tells_what_a_query_needs() {
    let schema = tools().call("get_schema", json!({}));
    let table =
        |name: &str| schema["tables"].as_array().unwrap().iter().find(|t| t["name"] == name).unwrap().clone();
    let invoice = table("Invoice");
    assert_eq!(invoice["rows"], 412);
    assert_eq!(invoice["primary_key"], json!(["InvoiceId"]));
    assert_eq!(
        invoice["foreign_keys"],
        json!([{"column": "CustomerId", "table": "Customer", "to": "CustomerId"}])
    );
    let date = invoice["columns"].as_array().unwrap().iter().find(|c| c["name"] == "InvoiceDate").unwrap();
    assert_eq!(date["kind"], "date");
    assert_eq!((date["min"].as_str(), date["max"].as_str()), (Some("2007-01-01"), Some("2011-12-22")));
    let country =
        invoice["columns"].as_array().unwrap().iter().find(|c| c["name"] == "BillingCountry").unwrap();
    assert_eq!((country["distinct"].as_u64(), &country["samples"][0]), (Some(24), &json!("USA")));
    assert_eq!(schema["queries_left"], 3);
}

#[test]
fn queries_are_answered_within_the_budget() {
    let mut tools = tools();
    let call = |sql: &str| json!({"sql": sql, "purpose": "a test"});
    let answer = tools.call("execute_sql", call("SELECT count(*) AS n FROM Track"));
    assert_eq!((&answer["columns"], &answer["rows"]), (&json!(["n"]), &json!([[3503]])));
    assert_eq!((answer["truncated"].as_bool(), answer["queries_left"].as_u64()), (Some(false), Some(2)));

    // What is refused before it runs costs nothing.
    for (sql, code) in [
        ("DELETE FROM Track", "refused"),
        ("SELECT load_extension('x')", "refused"),
        ("SELECT nope FROM Track", "invalid"),
    ] {
        let answer = tools.call("execute_sql", call(sql));
        assert_eq!(answer["error"]["code"], code, "{sql}: {answer}");
        assert_eq!(answer["queries_left"], 2);
    }
    // What fails while it runs costs as much as what succeeds.
    let answer = tools.call("execute_sql", call("SELECT length(printf('%.*c', 100000000, 'x')) FROM Track"));
    assert_eq!(answer["error"]["code"], "failed");
    assert_eq!(answer["queries_left"], 1);
    tools.call("execute_sql", call("SELECT 1"));
    let answer = tools.call("execute_sql", call("SELECT 2"));
    assert_eq!(answer["error"]["code"], "budget_spent");
    assert!(answer["error"]["message"].as_str().unwrap().contains("budget of 3"));
    assert_eq!((tools.queries_used(), tools.queries_left()), (3, 0));
}

#[test]
fn calls_of_every_sort_are_answers() {
    let mut tools = tools();
    for (name, input, code) in [
        ("execute_sql", json!({}), "bad_call"),
        ("execute_sql", json!({"sql": 7, "purpose": "x"}), "bad_call"),
        ("execute_sql", json!("SELECT 1"), "bad_call"),
        ("execute_sql", json!({"sql": "SELECT 1", "purpose": "x", "limit": 5}), "bad_call"),
        ("read_skill", json!({"name": "juggling"}), "not_found"),
        ("read_skill", json!(null), "bad_call"),
        ("drop_table", json!({}), "not_found"),
    ] {
        let answer = tools.call(name, input.clone());
        assert_eq!(answer["error"]["code"], code, "{name} {input}: {answer}");
    }
    let skill = tools.call("read_skill", json!({"name": "churn"}));
    assert!(skill["body"].as_str().unwrap().starts_with("# Churn"));
    let named: Vec<&str> = tools.definitions().iter().map(|d| d.name).collect();
    assert_eq!(named, ["get_schema", "execute_sql", "read_skill"]);
    for definition in tools.definitions() {
        assert_eq!(definition.input_schema["type"], "object");
    }
}
