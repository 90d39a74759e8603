//! Whether a value fits a JSON Schema: as much of it as tools use to describe their arguments.
//!
//! Words of a schema that are not known here allow everything: it is the asker who looks again, and
//! asks anew about what it cannot use.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a value does not fit, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Misfit {
    /// The path, such as `to[0].name`; `arguments` for the whole.
    pub place: String,
    /// What is wrong there, and what would be right.
    pub problem: String,
}

/// Looks whether `value` fits `schema`.
///
/// Known are `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`,
/// `minItems`, `maxItems`, `minLength`, `maxLength` (in characters), `minimum`, `maximum`, `anyOf`.
///
/// # Errors
/// The first thing that does not fit.
pub fn fits(schema: &Value, value: &Value) -> Result<(), Misfit> {
    look("", schema, value)
}

fn look(place: &str, schema: &Value, value: &Value) -> Result<(), Misfit> {
    let misfit = |problem: String| Err(Misfit { place: named(place), problem });
    let rules = match schema {
        Value::Object(rules) => rules,
        Value::Bool(false) => return misfit("nothing is allowed here".to_owned()),
        _ => return Ok(()),
    };
    if let Some(wanted) = rules.get("type") {
        let names: Vec<&str> = match wanted {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            name => name.as_str().into_iter().collect(),
        };
        if !names.is_empty() && !names.iter().any(|name| is_a(name, value)) {
            return misfit(format!("it is {}, it must be {}", kind(value), names.join(" or ")));
        }
    }
    if let Some(Value::Array(allowed)) = rules.get("enum")
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        return misfit(format!("it must be one of {}", allowed.join(", ")));
    }
    if let Some(only) = rules.get("const")
        && only != value
    {
        return misfit(format!("it must be {only}"));
    }
    if let Some(Value::Array(ways)) = rules.get("anyOf") {
        let mut ways = ways.iter().map(|way| look(place, way, value));
        let first = ways.next();
        if let Some(Err(first)) = first
            && !ways.any(|way| way.is_ok())
        {
            return Err(first);
        }
    }
    match value {
        Value::Object(members) => object(place, rules, members),
        Value::Array(items) => {
            within(place, rules, "Items", items.len() as f64, "items")?;
            let Some(each) = rules.get("items") else { return Ok(()) };
            items.iter().enumerate().try_for_each(|(n, item)| look(&format!("{place}[{n}]"), each, item))
        }
        Value::String(text) => within(place, rules, "Length", text.chars().count() as f64, "characters"),
        Value::Number(number) => match number.as_f64() {
            Some(number) => within(place, rules, "imum", number, ""),
            None => Ok(()),
        },
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn object(place: &str, rules: &Map<String, Value>, members: &Map<String, Value>) -> Result<(), Misfit> {
    let inside = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    let required = rules.get("required").and_then(Value::as_array).into_iter().flatten();
    if let Some(missing) = required.filter_map(Value::as_str).find(|name| !members.contains_key(*name)) {
        return Err(Misfit { place: inside(missing), problem: "it is missing".to_owned() });
    }
    let known = rules.get("properties").and_then(Value::as_object);
    for (name, member) in members {
        match (known.and_then(|known| known.get(name)), rules.get("additionalProperties")) {
            (Some(rule), _) => look(&inside(name), rule, member)?,
            (None, Some(Value::Bool(false))) => {
                let names: Vec<&str> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                let problem = format!("there is no such member; there are: {}", names.join(", "));
                return Err(Misfit { place: inside(name), problem });
            }
            (None, Some(rule)) => look(&inside(name), rule, member)?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// Looks at the two bounds whose names end alike.
fn within(place: &str, rules: &Map<String, Value>, ending: &str, value: f64, of: &str) -> Result<(), Misfit> {
    let bound = |which: &str| rules.get(&format!("{which}{ending}")).and_then(Value::as_f64);
    let (least, most) = (bound("min"), bound("max"));
    let told = |which: &str, bound: f64| {
        let problem = format!("{value} {of}").trim_end().to_owned();
        Err(Misfit { place: named(place), problem: format!("it has {problem}, {which} {bound} are allowed") })
    };
    match (least, most) {
        (Some(least), _) if value < least => told("at least", least),
        (_, Some(most)) if value > most => told("at most", most),
        _ => Ok(()),
    }
}

fn named(place: &str) -> String {
    if place.is_empty() { "arguments".to_owned() } else { place.to_owned() }
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let schema = json!({
            "type": "object",
            "properties": {
                "sql": {"type": "string", "minLength": 1, "maxLength": 20},
                "purpose": {"type": ["string", "null"]},
                "top": {"type": "integer", "minimum": 1, "maximum": 50},
                "kind": {"enum": ["bars", "line"]},
                "to": {"type": "array", "minItems": 1, "maxItems": 2, "items": {
                    "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]
                }},
                "either": {"anyOf": [{"type": "number"}, {"const": "all"}]},
                "v": {"const": 1},
                "never": false,
                "free": {"pattern": "nobody looks at this"}
            },
            "required": ["sql"],
            "additionalProperties": false
        });
        for good in [
            json!({"sql": "SELECT 1"}),
            json!({"sql": "ä".repeat(20), "purpose": null, "top": 50.0, "kind": "line", "v": 1}),
            json!({"sql": "x", "to": [{"name": "a"}, {"name": "b", "more": 1}], "either": "all", "free": [1]}),
            json!({"sql": "x", "either": 2}),
        ] {
            assert_eq!(fits(&schema, &good), Ok(()), "{good}");
        }
        for (bad, said) in [
            (json!("SELECT 1"), "arguments: it is a string, it must be object"),
            (json!({}), "sql: it is missing"),
            (json!({"sql": 7}), "sql: it is a number, it must be string"),
            (json!({"sql": ""}), "sql: it has 0 characters, at least 1 are allowed"),
            (json!({"sql": "x".repeat(21)}), "sql: it has 21 characters, at most 20 are allowed"),
            (json!({"sql": "x", "purpose": true}), "purpose: it is a boolean, it must be string or null"),
            (json!({"sql": "x", "top": 1.5}), "top: it is a number, it must be integer"),
            (json!({"sql": "x", "top": 0}), "top: it has 0, at least 1 are allowed"),
            (json!({"sql": "x", "kind": "pie"}), r#"kind: it must be one of "bars", "line""#),
            (json!({"sql": "x", "to": []}), "to: it has 0 items, at least 1 are allowed"),
            (json!({"sql": "x", "to": [{"name": "a"}, {}]}), "to[1].name: it is missing"),
            (json!({"sql": "x", "either": "none"}), "either: it is a string, it must be number"),
            (json!({"sql": "x", "v": 2}), "v: it must be 1"),
            (json!({"sql": "x", "never": 0}), "never: nothing is allowed here"),
        ] {
            assert_eq!(fits(&schema, &bad).unwrap_err().to_string(), said);
        }
        let other = fits(&schema, &json!({"sql": "x", "sq": 1})).unwrap_err();
        assert_eq!(other.place, "sq");
        assert!(other.problem.contains("there are:") && other.problem.contains("purpose"), "{other}");
        for open in [json!(true), json!({}), json!({"type": "strange"}), json!({"$ref": "#/x"}), json!(3)] {
            assert_eq!(fits(&open, &json!({"anything": [1]})), Ok(()), "{open}");
        }
    }
}
