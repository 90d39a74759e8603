//! One row of a JSON file, and its values. Nested values go straight into text: a tree of them
//! would take many times the bytes they have in the file.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// An object: its members from first to last.
pub(super) struct Row<'a>(pub(super) Vec<(Cow<'a, str>, Member)>);

/// A value of a row.
#[derive(Debug, PartialEq)]
pub(super) enum Member {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A whole number beyond what 64 bits with a sign hold.
    Long(u64),
    Decimal(f64),
    Text(String),
    /// A list or an object, as JSON.
    Nested(String),
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object as each row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
        let mut members = Vec::with_capacity(map.size_hint().unwrap_or(16));
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Row(members))
    }
}

/// A name, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Member, E> {
        Ok(Member::Boolean(yes))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Member, E> {
        Ok(Member::Integer(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Member, E> {
        Ok(i64::try_from(n).map_or(Member::Long(n), Member::Integer))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Member, E> {
        Ok(Member::Decimal(x))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Member, E> {
        Ok(Member::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Member, A::Error> {
        let mut text = String::new();
        Write(&mut text).visit_seq(list)?;
        Ok(Member::Nested(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
        let mut text = String::new();
        Write(&mut text).visit_map(map)?;
        Ok(Member::Nested(text))
    }
}

/// Writes a value as compact JSON.
struct Write<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Write<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Write<'_> {
    fn scalar(self, value: &serde_json::Value) {
        self.0.push_str(&value.to_string());
    }
}

impl<'de> Visitor<'de> for Write<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push_str("null");
        Ok(())
    }

    fn visit_bool<E>(self, yes: bool) -> Result<(), E> {
        self.0.push_str(if yes { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, n: i64) -> Result<(), E> {
        self.scalar(&n.into());
        Ok(())
    }

    fn visit_u64<E>(self, n: u64) -> Result<(), E> {
        self.scalar(&n.into());
        Ok(())
    }

    fn visit_f64<E>(self, x: f64) -> Result<(), E> {
        self.scalar(&x.into());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.scalar(&text.into());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let text = self.0;
        text.push('[');
        let mut end = text.len();
        while list.next_element_seed(Write(text))?.is_some() {
            end = text.len();
            text.push(',');
        }
        text.truncate(end);
        text.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let text = self.0;
        text.push('{');
        let mut first = true;
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            if !first {
                text.push(',');
            }
            first = false;
            Write(text).scalar(&name.as_ref().into());
            text.push(':');
            map.next_value_seed(Write(text))?;
        }
        text.push('}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &str) -> Vec<(String, Member)> {
        let row: Row<'_> = serde_json::from_str(json).unwrap();
        row.0.into_iter().map(|(name, member)| (name.into_owned(), member)).collect()
    }

    #[test]
    fn values_are_what_they_say() {
        let found =
            members(r#"{"a":null,"b":true,"c":-5,"d":18446744073709551615,"e":0.1,"f":"x","g\n":[]}"#);
        let values: Vec<Member> = found.into_iter().map(|(_, member)| member).collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            values,
            [
                Member::Null,
                Member::Boolean(true),
                Member::Integer(-5),
                Member::Long(u64::MAX),
                Member::Decimal(0.1),
                Member::Text(text("x")),
                Member::Nested(text("[]")),
            ]
        );
    }

    #[test]
    fn nested_values_are_compact_json_in_their_own_order() {
        for (written, kept) in [
            (r#"[ 1, [ ], [ [2 ] , "a\"b\u0001" ] ]"#, r#"[1,[],[[2],"a\"b\u0001"]]"#),
            (
                r#"{ "z" : { } , "a" : [ { "b" : null } , false, 1.5, [[]] ] }"#,
                r#"{"z":{},"a":[{"b":null},false,1.5,[[]]]}"#,
            ),
            (r#"["[", "{", ","]"#, r#"["[","{",","]"#),
        ] {
            let [(_, member)] = <[_; 1]>::try_from(members(&format!("{{\"x\":{written}}}"))).unwrap();
            assert_eq!(member, Member::Nested(kept.to_owned()), "{written}");
        }
    }
}
