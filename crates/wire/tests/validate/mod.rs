//! As much of JSON Schema as the schemas here use. Stricter than the standard in one thing: a member
//! the schema does not name is a fault, so that none is forgotten.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong with `instance`, by where it is.
pub(crate) fn faults(schema: &Value, instance: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, instance, "$", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, instance: &Value, at: &str, faults: &mut Vec<String>) {
    let Value::Object(rules) = schema else {
        if *schema != Value::Bool(true) {
            faults.push(format!("{at}: nothing is allowed here"));
        }
        return;
    };
    if let Some(Value::String(reference)) = rules.get("$ref") {
        let pointer = reference.trim_start_matches('#');
        return match root.pointer(pointer) {
            Some(target) => check(root, target, instance, at, faults),
            None => faults.push(format!("{at}: {reference} is not there")),
        };
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(Value::Array(alternatives)) = rules.get(alternatives) {
            let passes = |alternative: &&Value| {
                let mut found = Vec::new();
                check(root, alternative, instance, at, &mut found);
                found.is_empty()
            };
            if alternatives.iter().filter(passes).count() != 1 {
                faults.push(format!("{at}: {instance} is none, or several, of the alternatives"));
            }
        }
    }
    if let Some(expected) = rules.get("type") {
        let is = |name: &Value| is_a(instance, name.as_str().unwrap_or_default());
        if !(is(expected) || expected.as_array().is_some_and(|names| names.iter().any(is))) {
            faults.push(format!("{at}: {instance} is no {expected}"));
        }
    }
    if rules.get("const").is_some_and(|value| value != instance)
        || rules.get("enum").and_then(Value::as_array).is_some_and(|values| !values.contains(instance))
    {
        faults.push(format!("{at}: {instance} is not one of those allowed"));
    }
    if let Value::Array(items) = instance {
        let bound = |name: &str| rules.get(name).and_then(Value::as_u64);
        let few = bound("minItems").is_some_and(|least| (items.len() as u64) < least);
        let many = bound("maxItems").is_some_and(|most| items.len() as u64 > most);
        if few || many {
            faults.push(format!("{at}: {} items are too few or too many", items.len()));
        }
        if let Some(rule) = rules.get("items") {
            for (n, item) in items.iter().enumerate() {
                check(root, rule, item, &format!("{at}[{n}]"), faults);
            }
        }
    }
    if let Value::Object(members) = instance
        && rules.get("type").is_some()
    {
        let named = rules.get("properties").and_then(Value::as_object);
        for (name, member) in members {
            let rule = named.and_then(|named| named.get(name)).or(rules.get("additionalProperties"));
            match rule {
                Some(rule) => check(root, rule, member, &format!("{at}.{name}"), faults),
                None => faults.push(format!("{at}.{name}: the schema does not name it")),
            }
        }
        for name in rules.get("required").and_then(Value::as_array).into_iter().flatten() {
            if !members.contains_key(name.as_str().unwrap_or_default()) {
                faults.push(format!("{at}: {name} is missing"));
            }
        }
    }
}

fn is_a(instance: &Value, name: &str) -> bool {
    match name {
        "null" => instance.is_null(),
        "boolean" => instance.is_boolean(),
        "integer" => instance.is_i64() || instance.is_u64(),
        "number" => instance.is_number(),
        "string" => instance.is_string(),
        "array" => instance.is_array(),
        "object" => instance.is_object(),
        _ => false,
    }
}

/// Every member that a schema names, itself or deeper.
pub(crate) fn named(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Array(all) => all.iter().for_each(|schema| named(schema, names)),
        Value::Object(rules) => {
            if let Some(Value::Object(properties)) = rules.get("properties") {
                names.extend(properties.keys().cloned());
            }
            rules.values().for_each(|schema| named(schema, names));
        }
        _ => {}
    }
}

/// Every member of a value, itself or deeper.
pub(crate) fn members(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| members(value, names)),
        Value::Object(all) => {
            names.extend(all.keys().cloned());
            all.values().for_each(|value| members(value, names));
        }
        _ => {}
    }
}
