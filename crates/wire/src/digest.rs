//! SHA-256, of bytes and of JSON.

use longhaul_core::Digest;
use serde_json::Value;

/// SHA-256 of bytes: the name of an object.
pub fn sha256(bytes: &[u8]) -> Digest {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    Digest(out)
}

/// SHA-256 of a JSON value's canonical text: what an approval and an idempotency key are bound to.
///
/// The canonical text is UTF-8 without white space, the members of every object ordered by the
/// bytes of their keys, strings with the escapes JSON requires and no others, numbers as written
/// in the value (an integer without point or exponent, else the shortest decimal that reads back
/// the same).
pub fn canonical_digest(value: &Value) -> Digest {
    sha256(canonical(value).as_bytes())
}

/// The canonical text of a JSON value; see [`canonical_digest`].
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(&members[key.as_str()], out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn known_digests() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b"").to_string(), empty);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc").to_string(), abc);
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_that_of_items_does() {
        let one: Value = serde_json::from_str(r#"{"b":[1,2.50,"x\n"],"a":{"d":null,"c":true}}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"a":{"c":true,"d":null},"b":[1,2.5,"x\u000a"]}"#).unwrap();
        assert_eq!(canonical(&one), r#"{"a":{"c":true,"d":null},"b":[1,2.5,"x\n"]}"#);
        assert_eq!(canonical_digest(&one), canonical_digest(&two));
        assert_ne!(canonical_digest(&json!([1, 2])), canonical_digest(&json!([2, 1])));
        assert_ne!(canonical_digest(&json!(1)), canonical_digest(&json!("1")));
    }
}
