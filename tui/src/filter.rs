//! Which tasks a list shows: what is typed after `/`.
//!
//! Words are AND; `!` before one turns it round. `status:`, `org:`, `user:`, `conv:`, `kind:`,
//! `executor:`, `id:`, `waits:` ask for one part (of which the beginning suffices, for `status:` the whole
//! word), `age>1h`, `age<5m`, `tokens>1000` compare. Any other word is the status, or is looked for in
//! title, note, step and id.

use longhaul_core::{Millis, Status, TaskId, Timestamp};
use longhaul_wire::query;

use crate::store::{Row, Standing, Store};

/// Which tasks a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    text: String,
    /// Shows what does not match.
    inverse: bool,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    not: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Word(String),
    Status(String),
    Org(String),
    User(String),
    Conversation(String),
    Kind(String),
    Executor(String),
    Id(String),
    Waits(String),
    /// Exactly this organisation and user.
    Owner(String, String),
    OlderThan(Millis),
    YoungerThan(Millis),
    TokensOver(u64),
    TokensUnder(u64),
}

impl Filter {
    /// Reads what was typed. Whatever is typed means something: a word that is no term is searched for.
    pub(crate) fn parse(text: &str) -> Self {
        let inverse = text.trim_start().starts_with("! ");
        let words = if inverse { text.trim_start().trim_start_matches("! ") } else { text };
        let terms = words.split_whitespace().filter(|word| *word != "!").map(Term::parse).collect();
        Self { text: text.to_owned(), inverse, terms }
    }

    /// One user's tasks.
    pub(crate) fn owned_by(org: &str, user: &str) -> Self {
        let what = What::Owner(org.to_owned(), user.to_owned());
        Self { text: String::new(), inverse: false, terms: vec![Term { not: false, what }] }
    }

    /// Of the first word that can match nothing, or not what it looks like: what is wrong with it, and
    /// what there is, in lines.
    pub(crate) fn misread(&self) -> Option<Vec<String>> {
        self.text.split_whitespace().find_map(|word| misread(word.trim_start_matches('!')))
    }

    /// What was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything pass.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it says the same of a task for as long as that is there.
    pub(crate) fn is_steady(&self) -> bool {
        self.terms.iter().all(|term| matches!(term.what, What::Owner(..)))
    }

    /// What to ask a projector for so that it finds what may be shown, the rest of which is for
    /// [`Self::matches`] to say. Nothing: it could not narrow it down.
    pub(crate) fn asked_of_projector(&self, now: Timestamp) -> Option<query::Filter> {
        let mut asked = query::Filter::default();
        let terms = self.terms.iter().filter(|term| !term.not && !self.inverse);
        for term in terms {
            match &term.what {
                What::Word(word) | What::Status(word) if status(word).is_some() => {
                    asked.status.extend(status(word));
                }
                What::Word(word) if asked.text.is_none() => asked.text = Some(word.clone()),
                What::Org(word) => asked.org = word.parse().ok(),
                What::User(word) => asked.user = word.parse().ok(),
                What::Conversation(word) => asked.conversation = word.parse().ok(),
                What::Kind(word) => asked.kind = word.parse().ok(),
                What::OlderThan(span) => asked.until = Some(Timestamp(now.0.saturating_sub_unsigned(span.0))),
                _ => {}
            }
        }
        (asked != query::Filter::default()).then_some(asked)
    }

    /// Whether a task is shown.
    pub(crate) fn matches(&self, store: &Store, row: &Row, now: Timestamp) -> bool {
        self.is_empty()
            || self.terms.iter().all(|term| term.what.holds(store, row, now) != term.not) != self.inverse
    }
}

/// Why a word is no term though it looks like one, and what there is.
fn misread(word: &str) -> Option<Vec<String>> {
    let shown = crate::text::fit(word, 30);
    let known = |word: &str| status(word).is_some() || Standing::ALL.iter().any(|one| one.word() == word);
    let compares = ["age>", "age<", "tokens>", "tokens<"].iter().any(|prefix| word.starts_with(prefix));
    match What::parse(&word.to_lowercase()) {
        What::Status(named) if !known(&named) => {
            let words: Vec<_> = Standing::ALL.iter().map(|one| one.word()).collect();
            let lines = words.chunks(6).map(|some| some.join(", "));
            Some([format!("{shown}: no such status. There are")].into_iter().chain(lines).collect())
        }
        What::Word(_) if compares && word.starts_with("age") => {
            Some(vec![format!("{shown} is no time: age>90s, age<5m, age>2h, age>3d")])
        }
        What::Word(_) if compares => Some(vec![format!("{shown} is no number: tokens>1000, tokens<50")]),
        What::Word(word) => {
            let (name, _) = word.split_once(':')?;
            let named = !name.is_empty() && name.chars().all(char::is_alphabetic);
            let parts = "status: org: user: conv: kind: executor: id: waits:".to_owned();
            named.then(|| vec![format!("{shown}: there is no {}:", crate::text::fit(name, 20)), parts])
        }
        _ => None,
    }
}

/// The status of that name.
fn status(word: &str) -> Option<Status> {
    Status::ALL.into_iter().find(|status| status.as_str() == word)
}

impl Term {
    fn parse(word: &str) -> Self {
        let (not, word) = match word.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, word),
        };
        Self { not, what: What::parse(&word.to_lowercase()) }
    }
}

impl What {
    fn parse(word: &str) -> Self {
        if let Some((name, value)) = word.split_once(':') {
            let value = value.to_owned();
            match name {
                "status" | "s" => return Self::Status(value),
                "org" => return Self::Org(value),
                "user" => return Self::User(value),
                "conv" | "conversation" => return Self::Conversation(value),
                "kind" => return Self::Kind(value),
                "waits" | "why" => return Self::Waits(value),
                "executor" | "worker" => return Self::Executor(value),
                "id" => return Self::Id(value),
                _ => {}
            }
        }
        let compared = [("age>", 0), ("age<", 1), ("tokens>", 2), ("tokens<", 3)];
        for (prefix, which) in compared {
            let Some(value) = word.strip_prefix(prefix) else { continue };
            let found = match which {
                0 => span(value).map(Self::OlderThan),
                1 => span(value).map(Self::YoungerThan),
                2 => value.parse().ok().map(Self::TokensOver),
                _ => value.parse().ok().map(Self::TokensUnder),
            };
            if let Some(found) = found {
                return found;
            }
        }
        Self::Word(word.to_owned())
    }

    fn holds(&self, store: &Store, row: &Row, now: Timestamp) -> bool {
        let begins = |text: &str, with: &str| {
            text.len() >= with.len() && text.as_bytes()[..with.len()].eq_ignore_ascii_case(with.as_bytes())
        };
        match self {
            Self::Word(word) => {
                row.standing().word() == word
                    || contains(row.title.as_str(), word)
                    || contains(&row.note, word)
                    || contains(store.name(row.step), word)
                    || is_in_id(row.key.task, word)
            }
            Self::Status(word) => row.standing().word() == word || row.status.as_str() == word,
            Self::Org(word) => begins(store.name(row.key.org), word),
            Self::User(word) => begins(store.name(row.user), word),
            Self::Conversation(word) => begins(store.name(row.conversation), word),
            Self::Kind(word) => begins(store.name(row.kind), word),
            Self::Executor(word) => {
                row.executor.is_some_and(|id| crate::text::short(id.0).contains(word.as_str()))
            }
            Self::Id(word) => is_in_id(row.key.task, word),
            Self::Waits(word) => {
                store.waiting(row.key).is_some_and(|waiting| begins(waiting.reason.code(), word))
            }
            Self::Owner(org, user) => store.name(row.key.org) == org && store.name(row.user) == user,
            Self::OlderThan(span) => row.age(now) > *span,
            Self::YoungerThan(span) => row.age(now) < *span,
            Self::TokensOver(n) => row.tokens > *n,
            Self::TokensUnder(n) => row.tokens < *n,
        }
    }
}

/// Whether `text` has `word` in it, upper or lower case; `word` is lower case.
fn contains(text: &str, word: &str) -> bool {
    if word.is_empty() {
        return true;
    }
    if text.is_ascii() {
        // A hundred thousand tasks are looked through at each key.
        let (text, word) = (text.as_bytes(), word.as_bytes());
        let begins = |part: &[u8]| part[0].to_ascii_lowercase() == word[0];
        return text.windows(word.len()).any(|part| begins(part) && part.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

/// Whether a task's id has `word` in it.
fn is_in_id(task: TaskId, word: &str) -> bool {
    let fits = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    word.bytes().all(fits) && task.0.hyphenated().encode_lower(&mut [0; 36]).contains(word)
}

/// `90s`, `5m`, `2h`, `3d`.
pub(crate) fn span(text: &str) -> Option<Millis> {
    let unit = match text.chars().next_back()? {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit).map(Millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_something() {
        for word in ["status:", ":", "age>", "age>x", "!", "!!", "tokens>-1", "s:failed", "ä:ö"] {
            assert_eq!(Filter::parse(word).text(), word);
        }
        assert_eq!(What::parse("age>2h"), What::OlderThan(Millis(7_200_000)));
        assert_eq!(What::parse("age>x"), What::Word("age>x".into()));
        assert!(Filter::parse("  ").is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let first = |text: &str| Filter::parse(text).misread().map(|lines| lines[0].clone());
        assert_eq!(first("billing status:bogus").unwrap(), "status:bogus: no such status. There are");
        assert_eq!(first("!age>xyz").unwrap(), "age>xyz is no time: age>90s, age<5m, age>2h, age>3d");
        assert_eq!(first("tokens<few").unwrap(), "tokens<few is no number: tokens>1000, tokens<50");
        assert_eq!(first("foo:bar").unwrap(), "foo:bar: there is no foo:");
        for fine in ["", "billing", "12:30", "status:stalled s:failed", "age>1h", "user:ana", ":", "!"] {
            assert_eq!(first(fine), None, "{fine}");
        }
    }
}
