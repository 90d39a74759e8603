//! Words of identifiers and nouns of sentences.

use serde::{Deserialize, Serialize};

pub(crate) use longhaul_data::words::{singular, words};

/// A word with its plural ending.
#[must_use]
pub(crate) fn plural(word: &str) -> String {
    let irregular = [
        ("person", "people"),
        ("child", "children"),
        ("man", "men"),
        ("woman", "women"),
        ("staff", "staff"),
        ("series", "series"),
        ("news", "news"),
        ("media", "media"),
        ("data", "data"),
    ];
    if let Some((_, many)) = irregular.iter().find(|(one, _)| *one == word) {
        return (*many).to_owned();
    }
    let before_y = word.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    if let Some(stem) = before_y {
        return format!("{stem}ies");
    }
    if ["s", "x", "ch", "sh", "z"].iter().any(|end| word.ends_with(end)) {
        return format!("{word}es");
    }
    format!("{word}s")
}

/// A thing that is counted in sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noun {
    /// One of it: `country`.
    pub one: String,
    /// Several: `countries`.
    pub many: String,
}

impl Noun {
    /// The noun that names one and several with these words; the last is the one that bends.
    #[must_use]
    pub(crate) fn of(words: &[String]) -> Self {
        let Some((last, before)) = words.split_last() else {
            return Self::record();
        };
        // `x_y` and `a_b_2` are no words that bend: they stand as they are.
        if last.chars().count() < 2 || last.chars().any(char::is_numeric) {
            let name = format!("\"{}\"", words.join(" "));
            return Self { one: name.clone(), many: name };
        }
        let one = singular(last);
        let many = plural(&one);
        let phrase = |head: &str| {
            let mut all: Vec<&str> = before.iter().map(String::as_str).collect();
            all.push(head);
            all.join(" ")
        };
        Self { one: phrase(&one), many: phrase(&many) }
    }

    /// What a row is called whose table has no telling name.
    #[must_use]
    pub(crate) fn record() -> Self {
        Self { one: "record".to_owned(), many: "records".to_owned() }
    }

    /// `1 country`, `24 countries`.
    #[must_use]
    pub(crate) fn count(&self, n: u64) -> String {
        format!("{} {}", crate::analyst::format::whole(n), self.for_count(n))
    }

    /// The form that goes with a count.
    #[must_use]
    pub(crate) fn for_count(&self, n: u64) -> &str {
        if n == 1 { &self.one } else { &self.many }
    }
}

/// The first letter in capitals.
#[must_use]
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_bend() {
        for (one, many) in [
            ("country", "countries"),
            ("sale", "sales"),
            ("address", "addresses"),
            ("status", "statuses"),
            ("box", "boxes"),
            ("branch", "branches"),
            ("key", "keys"),
            ("person", "people"),
            ("genre", "genres"),
            ("movie", "movies"),
        ] {
            assert_eq!(plural(one), many);
            if one != "movie" {
                assert_eq!(singular(many), one);
            }
        }
        let noun = Noun::of(&words("MediaTypes"));
        assert_eq!((noun.one.as_str(), noun.many.as_str()), ("media type", "media types"));
        assert_eq!(noun.count(1), "1 media type");
        assert_eq!(Noun::of(&words("x_y")).many, "\"x y\"");
    }
}
