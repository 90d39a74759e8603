//! How the rows lie in a JSON file.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::value::Row;
use crate::FileFault;
use crate::load::LoadError;

/// Where the rows are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `[{…}, {…}]`
    List,
    /// `{"rows": [{…}, {…}], …}`: the member that holds them.
    Member(String),
    /// An object after the other, on lines of their own or not.
    Lines,
}

/// What is done with a row.
type Visit<'a> = dyn FnMut(Row<'_>) -> Result<(), LoadError> + 'a;

const ADVICE: &str =
    "a table is a list of objects, {\"rows\": [objects]}, or a file with an object on each line";

impl Form {
    /// Looks at how the file begins; where one object is all of it, at what that holds.
    pub(super) fn of(text: &str) -> Result<Self, FileFault> {
        match text.trim_start().bytes().next() {
            None => Err(FileFault::whole("the file is empty", ADVICE)),
            Some(b'[') => Ok(Self::List),
            Some(b'{') => {
                let mut values = serde_json::Deserializer::from_str(text).into_iter::<Members>();
                // What is wrong with a value is said when the rows are read.
                let Some(Ok(Members(members))) = values.next() else { return Ok(Self::Lines) };
                let only = text[values.byte_offset()..].trim().is_empty();
                let mut tables = members.into_iter().filter(|(name, shape)| match shape {
                    Shape::Objects => true,
                    Shape::Empty => name == ROWS,
                    Shape::Object | Shape::Other => false,
                });
                let named = match (tables.next(), tables.next()) {
                    (Some((name, _)), None) => Some(name),
                    (Some((first, _)), Some((second, _))) => {
                        let names = [first, second].into_iter().chain(tables.map(|(name, _)| name));
                        names.into_iter().find(|name| name == ROWS)
                    }
                    (None, _) => None,
                };
                Ok(named.filter(|_| only).map_or(Self::Lines, Self::Member))
            }
            Some(_) => Err(FileFault::at(1, "this is not JSON of rows", ADVICE)),
        }
    }

    /// What a reader must know about where the rows were found.
    pub(super) fn remark(&self) -> Option<String> {
        match self {
            Self::Member(name) if name != ROWS => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
                Some(format!(
                    "The rows are the objects of the member {name}; what is beside it was left out."
                ))
            }
            _ => None,
        }
    }

    /// Reads all rows, from first to last.
    pub(super) fn rows(&self, text: &str, visit: &mut Visit<'_>) -> Result<(), LoadError> {
        let mut failed = None;
        let mut visit = |row: Row<'_>| match visit(row) {
            Ok(()) => true,
            Err(error) => {
                failed = Some(error);
                false
            }
        };
        let read = self.read(text, &mut visit);
        match (failed, read) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(fault(&error).into()),
            (None, Ok(())) => Ok(()),
        }
    }

    fn read(&self, text: &str, visit: &mut dyn FnMut(Row<'_>) -> bool) -> Result<(), serde_json::Error> {
        let mut file = serde_json::Deserializer::from_str(text);
        match self {
            Self::List => {
                Rows(visit).deserialize(&mut file)?;
                file.end()
            }
            Self::Member(name) => {
                file.deserialize_map(Within { name, visit })?;
                file.end()
            }
            Self::Lines => {
                for row in file.into_iter::<Row<'_>>() {
                    if !visit(row?) {
                        break;
                    }
                }
                Ok(())
            }
        }
    }
}

/// The member that holds the rows where several could.
const ROWS: &str = "rows";

/// What the reader said, without its place, which is said in front.
fn fault(error: &serde_json::Error) -> FileFault {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let place = format!(" at line {line} column {column}");
    let problem = said.strip_suffix(place.as_str()).unwrap_or(&said);
    if error.is_data() {
        return FileFault::at((line as u64).max(1), problem, ADVICE);
    }
    let advice = if error.is_eof() { "the file is cut off; get it anew" } else { "mend the JSON there" };
    FileFault::at((line as u64).max(1), format!("{problem} at character {column}"), advice)
}

/// A list of rows.
struct Rows<'a>(&'a mut dyn FnMut(Row<'_>) -> bool);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(row) = list.next_element()? {
            if !(self.0)(row) {
                // Whoever asked knows why; this only ends the reading.
                return Err(A::Error::custom("no further row is wanted"));
            }
        }
        Ok(())
    }
}

/// An object, one member of which is a list of rows.
struct Within<'a> {
    name: &'a str,
    visit: &'a mut dyn FnMut(Row<'_>) -> bool,
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object with a list of rows")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == self.name {
                map.next_value_seed(Rows(&mut *self.visit))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The members of an object, and what each is.
struct Members(Vec<(String, Shape)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// What a value is, as far as it matters for finding the rows.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Object,
    /// A list of nothing but objects.
    Objects,
    /// A list of nothing at all.
    Empty,
    Other,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        let mut list_is = Shape::Empty;
        while let Some(one) = list.next_element()? {
            list_is = match (list_is, one) {
                (Shape::Empty | Shape::Objects, Shape::Object) => Shape::Objects,
                _ => Shape::Other,
            };
        }
        Ok(list_is)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Shape::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        let member = |name: &str| Form::Member(name.to_owned());
        for (text, form) in [
            ("[]", Form::List),
            ("\n [{\"a\":1}]", Form::List),
            ("{\"rows\":[{\"a\":1}]}", member("rows")),
            ("{\"count\":1,\"data\":[{\"a\":1}]}", member("data")),
            ("{\"errors\":[{}],\"rows\":[{\"a\":1}]}", member("rows")),
            ("{\"rows\":[]}", member("rows")),
            ("{\"a\":1}", Form::Lines),
            ("{\"a\":1,\"tags\":[]}", Form::Lines),
            ("{\"a\":1}\n{\"a\":2}", Form::Lines),
            ("{\"rows\":[{}]}\n{\"rows\":[{}]}", Form::Lines),
            ("{\"rows\":[1,2]}", Form::Lines),
            ("{\"left\":[{}],\"right\":[{}]}", Form::Lines),
            ("{\"cut", Form::Lines),
        ] {
            assert_eq!(Form::of(text).unwrap(), form, "{text}");
        }
        assert!(Form::of(" \n").unwrap_err().problem.contains("empty"));
        assert_eq!(Form::of("a,b\n1,2\n").unwrap_err().line, Some(1));
    }
}
