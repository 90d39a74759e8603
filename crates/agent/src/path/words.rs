//! What the words of a request say about its way.

use longhaul_document::Format;

use super::Reason;
use crate::words::{singular, words};

/// A request, heard for what decides its way.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The words that say what it is about.
    pub(super) subjects: Vec<String>,
    /// What it wants done with something that is there.
    pub(super) change: Option<Reason>,
    /// The word by which it asks for a document.
    pub(super) document: Option<String>,
    /// The word by which it asks for what no row that was read can hold.
    pub(super) fresh: Option<String>,
    /// Whether it points back.
    pub(super) points_back: bool,
}

const EXPORTS: &[&str] = &[
    "export", "convert", "save", "download", "print", "send", "email", "mail", "share", "attach", "turn",
    "put", "render",
];
const SUMMARISES: &[&str] = &[
    "summarise",
    "summarize",
    "summary",
    "recap",
    "shorten",
    "shorter",
    "condense",
    "brief",
    "briefly",
    "tldr",
    "tl",
    "dr",
    "gist",
    "bullet",
    "takeaway",
    "highlight",
    "short",
];
const RESHAPES: &[&str] = &[
    "reformat",
    "reword",
    "rewrite",
    "rephrase",
    "translate",
    "simplify",
    "simpler",
    "sort",
    "reorder",
    "rename",
    "restructure",
    "pager",
    "onepager",
    "rank",
    "round",
    "format",
    "tidy",
    "polish",
    "chart",
    "plot",
    "graph",
    "table",
    "slide",
    "redo",
    "drop",
    "remove",
    "leave",
];
/// Words that ask for a document.
const DOCUMENTS: &[&str] = &[
    "report",
    "review",
    "analysis",
    "memo",
    "whitepaper",
    "dossier",
    "paper",
    "deck",
    "presentation",
    "document",
    "writeup",
    "briefing",
    "pdf",
    "docx",
    "word",
    "html",
    "markdown",
];
/// Words that ask for more than was read.
const FRESH: &[&str] = &[
    "why",
    "new",
    "newest",
    "latest",
    "fresh",
    "update",
    "updated",
    "refresh",
    "rerun",
    "again",
    "full",
    "fuller",
    "deep",
    "deeper",
    "dive",
    "drill",
    "detailed",
    "investigate",
    "explore",
    "forecast",
    "predict",
    "cause",
];
/// Words that point at something there is.
const BACK: &[&str] = &[
    "this",
    "that",
    "it",
    "these",
    "those",
    "them",
    "above",
    "result",
    "finding",
    "found",
    "previous",
    "last",
    "same",
    "earlier",
    "conversation",
    "chat",
    "so",
    "far",
    "pulled",
    "discussed",
    "said",
    "you",
];
/// Words that say nothing about the subject.
const EMPTY: &[&str] = &[
    "a",
    "an",
    "the",
    "and",
    "or",
    "of",
    "in",
    "on",
    "at",
    "to",
    "for",
    "from",
    "by",
    "with",
    "without",
    "about",
    "as",
    "into",
    "per",
    "our",
    "my",
    "your",
    "we",
    "i",
    "me",
    "us",
    "is",
    "are",
    "was",
    "were",
    "be",
    "been",
    "do",
    "does",
    "did",
    "done",
    "has",
    "have",
    "had",
    "can",
    "could",
    "would",
    "should",
    "will",
    "please",
    "pls",
    "plz",
    "kindly",
    "just",
    "also",
    "now",
    "then",
    "here",
    "there",
    "which",
    "what",
    "who",
    "where",
    "when",
    "how",
    "many",
    "much",
    "show",
    "give",
    "get",
    "make",
    "create",
    "generate",
    "write",
    "build",
    "produce",
    "prepare",
    "compile",
    "draft",
    "tell",
    "list",
    "let",
    "need",
    "want",
    "like",
    "see",
    "look",
    "find",
    "run",
    "pull",
    "use",
    "using",
    "explain",
    "compare",
    "break",
    "down",
    "up",
    "out",
    "over",
    "all",
    "any",
    "some",
    "more",
    "less",
    "most",
    "least",
    "one",
    "two",
    "three",
    "five",
    "ten",
    "page",
    "section",
    "paragraph",
    "sentence",
    "line",
    "word",
    "file",
    "copy",
    "version",
    "thing",
    "stuff",
    "everything",
    "data",
    "question",
    "answer",
    "quick",
    "quickly",
    "nice",
    "nicely",
    "good",
    "great",
    "ok",
    "okay",
    "cool",
    "hi",
    "hello",
    "hey",
    "thanks",
    "thank",
    "cheer",
    "morning",
    "afternoon",
    "help",
    "work",
    "mean",
    "bye",
    "yes",
    "no",
    "sure",
    "perfect",
    "am",
    "if",
    "but",
    "not",
    "only",
    "again",
    "back",
    "team",
    "bos",
    "boss",
    "manager",
    "board",
    "ceo",
    "s",
    "t",
    "m",
    "re",
    "ll",
    "ve",
    "d",
    "executive",
    "management",
    "csv",
    "english",
    "german",
    "french",
    "spanish",
    "top",
    "high",
    "highest",
    "low",
    "lowest",
    "best",
    "worst",
    "biggest",
    "largest",
    "smallest",
    "total",
    "number",
    "figure",
    "by",
    "each",
    "every",
    "between",
    "than",
    "its",
    "their",
    "first",
    "second",
    "third",
    "bit",
    "lot",
    "too",
    "very",
    "really",
    "something",
    "way",
    "well",
    "know",
    "think",
    "add",
    "came",
    "come",
    "go",
    "going",
    "keep",
    "start",
    "including",
    "include",
    "based",
    "titled",
    "called",
    "key",
    "long",
];

impl Heard {
    pub(super) fn new(request: &str) -> Self {
        let mut heard = Self::default();
        let said = words(request);
        let asked: Vec<String> = said.iter().map(|word| subject(word)).collect();
        // Into what, is for the words after these to say.
        let turns = asked.iter().any(|word| ["turn", "put", "convert"].contains(&word.as_str()));
        let exports = asked.iter().any(|word| is(EXPORTS, word));
        for (n, (word, said)) in asked.iter().zip(&said).enumerate() {
            let format = if exports { meant(word) } else { word.parse().ok() };
            let empty = [word, said].iter().any(|word| EMPTY.contains(&word.as_str()));
            if is(SUMMARISES, word) {
                // "A summary" as a thing is asked for; as a deed it is done to what is there.
                heard.change.get_or_insert(Reason::Summarises);
            } else if exports && (is(EXPORTS, word) || format.is_some()) {
                heard.change = Some(Reason::Exports { format: format.or(heard.format()) });
            } else if is(RESHAPES, word) {
                let open = turns && heard.change == Some(Reason::Exports { format: None });
                heard.change = heard.change.filter(|_| !open).or(Some(Reason::Reshapes));
            } else if is(FRESH, word) {
                heard.fresh.get_or_insert_with(|| word.clone());
            } else if BACK.contains(&word.as_str()) && !is_time(asked.get(n + 1)) {
                heard.points_back |= word != "you" && word != "so" && word != "far";
            } else if !empty && !is(DOCUMENTS, word) && !BACK.contains(&word.as_str()) {
                heard.subjects.push(word.clone());
            }
            if exports && format.is_some() && heard.points_back {
                // The format of what there is, not a document of its own.
            } else if is(DOCUMENTS, word) && !is_pointed_at(&asked, n) {
                heard.document.get_or_insert_with(|| word.clone());
            } else if is(DOCUMENTS, word) {
                heard.points_back = true;
            }
            if format.is_some() && heard.change.is_none() && heard.points_back {
                heard.change = Some(Reason::Exports { format });
            }
        }
        heard.subjects.dedup();
        heard
    }

    fn format(&self) -> Option<Format> {
        match self.change {
            Some(Reason::Exports { format }) => format,
            _ => None,
        }
    }
}

/// The format that a word means where something is exported.
fn meant(word: &str) -> Option<Format> {
    match word {
        "word" | "doc" => Some(Format::Docx),
        word => word.parse().ok(),
    }
}

/// `the report`, `this report`: one that is there, unless it is said what about.
fn is_pointed_at(asked: &[String], n: usize) -> bool {
    let before = n.checked_sub(1).and_then(|at| asked.get(at)).map(String::as_str);
    let about = matches!(asked.get(n + 1).map(String::as_str), Some("about" | "of" | "on" | "for"));
    matches!(before, Some("the" | "this" | "that" | "same" | "last" | "previous")) && !about
}

/// `last month`, `this quarter`: a time, not something that is there.
fn is_time(next: Option<&String>) -> bool {
    let times = ["day", "week", "month", "quarter", "year", "decade", "season"];
    next.is_some_and(|next| times.contains(&next.as_str()))
}

/// A word as it is compared: small, in the singular.
pub(super) fn subject(word: &str) -> String {
    singular(&word.to_lowercase())
}

fn is(list: &[&str], word: &str) -> bool {
    list.iter().any(|known| *known == word || alike(known, word))
}

/// Whether two long words differ by one slip: a letter more, less, another, or two in each other's place.
pub(super) fn alike(one: &str, other: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if a.len().min(b.len()) < 5 || a.len().abs_diff(b.len()) > 1 || a.iter().any(char::is_ascii_digit) {
        return false;
    }
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a, b) {
        ([], []) => true,
        _ if a.len() > b.len() => a[1..] == *b,
        _ if a.len() < b.len() => *a == b[1..],
        ([p, q, a @ ..], [r, s, b @ ..]) if p == s && q == r => a == b,
        _ => a[1..] == b[1..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_forgiven() {
        for (a, b) in
            [("export", "exprot"), ("summarise", "sumarise"), ("country", "countrry"), ("sales", "salez")]
        {
            assert!(alike(a, b) && alike(b, a), "{a} {b}");
        }
        for (a, b) in [("sales", "sites"), ("year", "yeah"), ("export", "expert s"), ("2011", "2012")] {
            assert!(!alike(a, b), "{a} {b}");
        }
    }
}
