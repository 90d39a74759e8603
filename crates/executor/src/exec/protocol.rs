//! The words a program says on its events descriptor: one JSON object a line. Pure.
//!
//! | line | says |
//! | --- | --- |
//! | `{"step": "fetch", "of": 3}` | a step begins; the one before it is done |
//! | `{"result": …}` | the result of the step under way |
//! | `{"progress": 0.4}` | how far the whole task is, 0 to 1 |
//! | `{"message": "…"}` | what it is doing |
//! | `{"text": "…"}` | a piece of text |
//! | `{"usage": {"input_tokens": 7, …}, "model": "m"}` | what a call cost |
//! | `{"artifact": "out/report.pdf", "name": "report.pdf", "media_type": "application/pdf"}` | a file to keep |
//! | `{"output": …}` | the task's output; the last one counts |
//!
//! A line may say several of these at once. Members it does not know are passed over, as long as it
//! knows one: programs may be newer than the executor.

use longhaul_core::Usage;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Longest line, in bytes, its end not counted.
pub const MAX_LINE: usize = 1024 * 1024;

/// Something a program says.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// A step begins.
    Step {
        /// Its name.
        name: String,
        /// Of how many, if known.
        of: Option<u32>,
    },
    /// What the step under way gave.
    Result(Value),
    /// How far the whole task is, 0 to 1.
    Progress(f64),
    /// What it is doing.
    Message(String),
    /// A piece of text.
    Text(String),
    /// What a call cost.
    Usage {
        /// The cost.
        usage: Usage,
        /// Which model, where one was called.
        model: Option<String>,
    },
    /// A file to keep.
    Artifact {
        /// Where it is, from the program's working directory.
        path: String,
        /// What it is kept as; the last part of the path otherwise.
        name: Option<String>,
        /// Its media type; guessed from the name otherwise.
        media_type: Option<String>,
    },
    /// The task's output.
    Output(Value),
}

/// Why a line says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Longer than [`MAX_LINE`].
    #[error("it is longer than {MAX_LINE} bytes")]
    TooLong,
    /// Not a JSON object with members of the right form.
    #[error("it is not usable: {0}")]
    NotUsable(String),
    /// None of the members known here.
    #[error(
        "it says nothing known: step, result, progress, message, text, usage, artifact or output is expected"
    )]
    NothingKnown,
    /// The progress is not between 0 and 1.
    #[error("the progress goes from 0 to 1")]
    Progress,
}

/// What a line says, or why it says nothing.
pub type Said = Result<Vec<Word>, BadLine>;

#[derive(Deserialize)]
struct Line {
    step: Option<String>,
    of: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    progress: Option<f64>,
    message: Option<String>,
    text: Option<String>,
    usage: Option<Usage>,
    model: Option<String>,
    artifact: Option<String>,
    name: Option<String>,
    media_type: Option<String>,
    #[serde(default, deserialize_with = "present")]
    output: Option<Value>,
}

/// A member that is there, be it null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What a line says, in the order of [`Word`]'s variants; nothing for a blank line.
///
/// # Errors
/// [`BadLine`] if it cannot be understood.
pub fn parse(line: &[u8]) -> Said {
    if line.len() > MAX_LINE {
        return Err(BadLine::TooLong);
    }
    if line.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let line: Line = serde_json::from_slice(line).map_err(|why| BadLine::NotUsable(why.to_string()))?;
    if line.progress.is_some_and(|progress| !(0.0..=1.0).contains(&progress)) {
        return Err(BadLine::Progress);
    }
    let words: Vec<Word> = [
        line.step.map(|name| Word::Step { name, of: line.of }),
        line.result.map(Word::Result),
        line.progress.map(Word::Progress),
        line.message.map(Word::Message),
        line.text.map(Word::Text),
        line.usage.map(|usage| Word::Usage { usage, model: line.model }),
        line.artifact.map(|path| Word::Artifact { path, name: line.name, media_type: line.media_type }),
        line.output.map(Word::Output),
    ]
    .into_iter()
    .flatten()
    .collect();
    if words.is_empty() { Err(BadLine::NothingKnown) } else { Ok(words) }
}

/// Cuts a stream of bytes into lines, never keeping more than one of them.
#[derive(Debug, Default)]
pub struct Lines {
    open: Vec<u8>,
    /// The line under way is too long: it is passed over to its end.
    too_long: bool,
}

impl Lines {
    /// Takes in more bytes; gives what the lines that ended in them say.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.add(&bytes[..end]);
            said.push(self.end());
            bytes = &bytes[end + 1..];
        }
        self.add(bytes);
        said
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.open.len() + bytes.len() > MAX_LINE {
            self.too_long = true;
        }
        if self.too_long {
            self.open = Vec::new();
        } else {
            self.open.extend_from_slice(bytes);
        }
    }

    /// What the line under way says, as if it ended here.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn end(&mut self) -> Said {
        if std::mem::take(&mut self.too_long) {
            return Err(BadLine::TooLong);
        }
        let said = parse(&self.open);
        self.open.clear();
        said
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_word_is_understood() {
        let usage = Usage { input_tokens: 7, queries: 1, exact: false, ..Usage::default() };
        let text = |text: &str| text.to_owned();
        for (line, expected) in [
            (r#"{"step":"fetch","of":3}"#, vec![Word::Step { name: text("fetch"), of: Some(3) }]),
            (r#"{"result":null}"#, vec![Word::Result(json!(null))]),
            (r#" {"progress":1} "#, vec![Word::Progress(1.0)]),
            (r#"{"message":"m","newer":{}}"#, vec![Word::Message(text("m"))]),
            (r#"{"text":"ä\n"}"#, vec![Word::Text(text("ä\n"))]),
            (
                r#"{"usage":{"input_tokens":7,"queries":1,"exact":false},"model":"m"}"#,
                vec![Word::Usage { usage, model: Some(text("m")) }],
            ),
            (
                r#"{"artifact":"a/b.pdf","media_type":"a/b"}"#,
                vec![Word::Artifact { path: text("a/b.pdf"), name: None, media_type: Some(text("a/b")) }],
            ),
            (r#"{"output":{"a":[1]}}"#, vec![Word::Output(json!({"a": [1]}))]),
            (
                r#"{"progress":0.5,"step":"b"}"#,
                vec![Word::Step { name: text("b"), of: None }, Word::Progress(0.5)],
            ),
            ("", vec![]),
            (" \r", vec![]),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn nonsense_says_why() {
        for line in ["x", "[]", "3", r#"{"step":3}"#, r#"{"step":"a""#, "{\"text\":\"\u{1}\"}"] {
            assert!(matches!(parse(line.as_bytes()), Err(BadLine::NotUsable(_))), "{line}");
        }
        assert!(matches!(parse(b"{\"text\":\"\xff\"}"), Err(BadLine::NotUsable(_))));
        assert_eq!(parse(br#"{"stop":"a"}"#), Err(BadLine::NothingKnown));
        assert_eq!(parse(b"{}"), Err(BadLine::NothingKnown));
        assert_eq!(parse(br#"{"progress":40}"#), Err(BadLine::Progress));
        let deep = format!("{{\"output\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(parse(deep.as_bytes()), Err(BadLine::NotUsable(_))));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_not_kept() {
        let mut lines = Lines::default();
        let mut said = Vec::new();
        for _ in 0..40 {
            said.extend(lines.push(&[b'x'; 64 * 1024]));
            assert!(lines.open.len() <= MAX_LINE);
        }
        said.extend(lines.push(b"\n{\"progress\":0}\n"));
        assert_eq!(said, [Err(BadLine::TooLong), Ok(vec![Word::Progress(0.0)])]);
    }

    fn any_line() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(br#"{"step":"a"}"#.to_vec()),
            Just(br#"{"progress":0.25,"text":"t"}"#.to_vec()),
            "\\PC{0,30}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..60),
        ]
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut lines = Lines::default();
            lines.push(&bytes);
            let _ = lines.end();
        }

        #[test]
        fn where_the_stream_is_cut_does_not_matter(
            lines in proptest::collection::vec(any_line(), 0..12),
            cuts in proptest::collection::vec(1_usize..20, 1..40),
        ) {
            let stream = lines.join(&b'\n');
            let mut whole = Lines::default();
            let mut expected = whole.push(&stream);
            expected.push(whole.end());
            let mut cut = Lines::default();
            let mut said = Vec::new();
            let (mut rest, mut sizes) = (stream.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                said.extend(cut.push(piece));
                rest = later;
            }
            said.push(cut.end());
            prop_assert_eq!(said, expected);
        }
    }
}
