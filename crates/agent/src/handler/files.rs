//! The files of a report: what they are set as and called.

use std::time::Duration;

use longhaul_document::{Document, Format};
use longhaul_executor::{Artifact, Failure, Step};

use super::data::{chain, end_if_aborted};
use super::{Agent, Input};
use crate::render::{RenderError, RenderLimits, render};

/// Sets the document in every format asked for; gives the names of the files.
pub(crate) async fn rendering(
    agent: &Agent,
    step: &Step,
    input: &Input,
    document: &Document,
) -> Result<Vec<String>, Failure> {
    step.message("setting the document");
    let formats = formats(input);
    let mut names = Vec::with_capacity(formats.len());
    for (n, format) in formats.iter().copied().enumerate() {
        let file = tokio::select! {
            file = render(document, format, &agent.renderer, &agent.render_limits) => {
                Some(file.map_err(render_failure)?)
            }
            () = step.cancelled() => None,
        };
        if step.abort_requested() && input.model.is_some() {
            let draft = Document { title: format!("Draft: {}", document.title), ..document.clone() };
            keep_draft(agent, &draft, async |name: &str, media: &str, file| {
                step.artifact(name, media, file).await
            })
            .await;
        }
        end_if_aborted(step).await?;
        let file =
            file.ok_or_else(|| Failure::retryable("render_failed", "setting the document was interrupted"))?;
        let wanted = input.file_name.as_deref().and_then(|given| file_name(given, format));
        let name = wanted.unwrap_or_else(|| name_of(&document.title, format));
        step.artifact(&name, format.media_type(), file).await?;
        names.push(name);
        step.progress(80 + 20 * (n + 1) / formats.len(), 100);
    }
    Ok(names)
}

/// What there is of a report that was not finished.
const DRAFT: &str = "draft.md";
/// How long setting it may take: whoever aborts a task waits for it.
const DRAFT_TIME: Duration = Duration::from_secs(2);

/// Keeps what there is of a report, so that it stays readable. Whatever goes wrong with that is left
/// alone: the task ends for another reason, and that is what shall be told.
pub(crate) async fn keep_draft<K>(agent: &Agent, document: &Document, keep: K)
where
    K: AsyncFnOnce(&str, &str, Vec<u8>) -> Result<Artifact, Failure>,
{
    let limits =
        RenderLimits { time: DRAFT_TIME.min(agent.render_limits.time), ..agent.render_limits.clone() };
    if let Ok(file) = render(document, Format::Markdown, &agent.renderer, &limits).await {
        let _ = keep(DRAFT, Format::Markdown.media_type(), file).await;
    }
}

/// The formats asked for, each once.
pub(crate) fn formats(input: &Input) -> Vec<Format> {
    let mut formats = Vec::new();
    for format in &input.formats {
        if !formats.contains(format) {
            formats.push(*format);
        }
    }
    if formats.is_empty() { vec![Format::default()] } else { formats }
}

fn render_failure(error: RenderError) -> Failure {
    if error.is_retryable() {
        Failure::retryable("render_failed", chain(&error))
    } else {
        Failure::permanent("document_unusable", chain(&error))
    }
}

/// A name that someone gave, if it can be one: a single path component, with the format's ending in
/// place of another format's.
pub(crate) fn file_name(given: &str, format: Format) -> Option<String> {
    let given = given.trim();
    let usable = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')' | ',');
    let plain = !given.is_empty() && !given.starts_with('.') && given.chars().all(usable);
    if !plain || given.chars().count() > 100 {
        return None;
    }
    Some(match given.rsplit_once('.').map(|(stem, ending)| (stem, ending.parse::<Format>())) {
        Some((_, Ok(named))) if named == format => given.to_owned(),
        Some((stem, Ok(_))) => format!("{stem}.{}", format.ending()),
        _ => format!("{given}.{}", format.ending()),
    })
}

/// A name from a title: `Quarterly review: Q4 2011` is `quarterly-review-q4-2011.pdf`.
pub(crate) fn name_of(title: &str, format: Format) -> String {
    let mut name = String::new();
    for c in title.to_lowercase().chars().take(80) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches('-');
    format!("{}.{}", if name.is_empty() { "report" } else { name }, format.ending())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyst::Analyst;

    #[test]
    fn names_are_single_components() {
        assert_eq!(name_of("Quarterly review: Q4 2011", Format::Pdf), "quarterly-review-q4-2011.pdf");
        assert_eq!(name_of("../../etc/passwd", Format::Markdown), "etc-passwd.md");
        assert_eq!(name_of("Übersicht", Format::Pdf), "bersicht.pdf");
        assert_eq!(name_of("中", Format::Html), "report.html");
        let named = |given, format| file_name(given, format).unwrap();
        assert_eq!(named("My report", Format::Pdf), "My report.pdf");
        assert_eq!(named("a.PDF", Format::Pdf), "a.PDF");
        assert_eq!(named("a.pdf", Format::Docx), "a.docx");
        assert_eq!(named("v1.2", Format::Docx), "v1.2.docx");
        for bad in ["", "..", "../x", "a/b", ".hidden", "a\nb", "a\0", &"x".repeat(200)] {
            assert_eq!(file_name(bad, Format::Pdf), None, "{bad:?}");
        }
    }

    #[test]
    fn input_is_read_as_it_is_sent() {
        let read = |json| serde_json::from_value::<Input>(json).map_err(|e| e.to_string());
        let input = read(serde_json::json!({"data": "a.csv", "prompt": "by country"})).unwrap();
        assert_eq!((input.analyst, input.queries), (Analyst::BuiltIn, None));
        assert_eq!(formats(&input), [Format::Pdf]);
        let two = serde_json::json!({"data": "a", "prompt": "b", "formats": ["docx", "html", "docx"]});
        assert_eq!(formats(&read(two).unwrap()), [Format::Docx, Format::Html]);
        let none = serde_json::json!({"data": "a", "prompt": "b", "formats": ["odt"]});
        assert!(read(none).unwrap_err().contains("markdown"));
        assert!(read(serde_json::json!({"data": "a.csv"})).unwrap_err().contains("prompt"));
        let model = serde_json::json!({"data": "a.csv", "prompt": "x", "analyst": "some-model"});
        assert!(read(model).unwrap_err().contains("built_in"));
    }
}
