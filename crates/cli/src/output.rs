//! Answers: data on stdout, talk on stderr.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use longhaul_core::{Status, Timestamp, text};
use longhaul_wire::view::SnapshotView;
use serde::Serialize;

use crate::args::Format;
use crate::time::local;

/// Writes one line to stdout. A reader that has gone (`| head`) is not an error.
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    raw(&format!("{}\n", text.as_ref()))
}

/// Writes to stdout as it is.
pub(crate) fn raw(text: &str) -> anyhow::Result<()> {
    bytes(text.as_bytes())
}

/// Writes bytes to stdout as they are.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Says something to whoever watches.
pub(crate) fn say(text: impl AsRef<str>) {
    // There is nobody to tell when stderr is gone.
    let _ = writeln!(io::stderr(), "{}", text.as_ref());
}

/// Whether colours and moving bars are welcome on stderr.
pub(crate) fn lively() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// One answer as JSON, or by `table` for people.
pub(crate) fn one<T: Serialize>(
    format: Format,
    value: &T,
    table: impl FnOnce(&T) -> String,
) -> anyhow::Result<()> {
    match format {
        Format::Table => line(table(value)),
        Format::Json => line(json(value, true)?),
        Format::Ndjson => line(json(value, false)?),
    }
}

/// Several answers: one JSON array, one JSON document a line, or by `table` for people.
pub(crate) fn many<T: Serialize>(
    format: Format,
    values: &[T],
    table: impl FnOnce(&[T]) -> String,
) -> anyhow::Result<()> {
    match format {
        Format::Table => line(table(values)),
        Format::Json => line(json(&values, true)?),
        Format::Ndjson => values.iter().try_for_each(|value| line(json(value, false)?)),
    }
}

/// JSON that may go to a terminal: what could command it is written as an escape. Between strings JSON
/// has nothing of the kind, so this changes no value.
pub(crate) fn json(value: &impl Serialize, pretty: bool) -> anyhow::Result<String> {
    let text = if pretty { serde_json::to_string_pretty(value)? } else { serde_json::to_string(value)? };
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || text::is_plain(c) {
            safe.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Ok(safe)
}

/// A table without lines, as wide as the terminal.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !io::stdout().is_terminal() {
        // Programs read whole cells.
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.into_iter().map(|cell| text::block(&cell)).collect::<Vec<_>>());
    }
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// How long ago, in one unit.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).0 / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A list of tasks.
pub(crate) fn tasks(views: &[SnapshotView], now: Timestamp) -> String {
    if views.is_empty() {
        return "no tasks".to_owned();
    }
    let rows = views.iter().map(|view| {
        vec![
            view.task.to_string(),
            view.status.to_string(),
            view.kind.to_string(),
            view.title.to_string(),
            standing(view),
            view.user.to_string(),
            ago(view.submitted_at, now),
        ]
    });
    table(&["TASK", "STATUS", "KIND", "TITLE", "WHERE IT STANDS", "USER", "AGE"], rows)
}

/// In a few words, what a task is doing or waits for.
pub(crate) fn standing(view: &SnapshotView) -> String {
    let shown = match (&view.waiting, view.status) {
        (Some(waiting), Status::Pending) => waiting.to_string(),
        (_, Status::Running) => match (&view.step, view.progress.as_ref().and_then(|p| p.fraction)) {
            (Some(step), Some(fraction)) => format!("{} {:.0} %", step.name, fraction * 100.0),
            (Some(step), None) => step.name.clone(),
            (None, Some(fraction)) => format!("{:.0} %", fraction * 100.0),
            (None, None) => view.reason_text.clone(),
        },
        _ => view.reason_text.clone(),
    };
    text::line(&shown, 120)
}

/// Everything about one task, for people.
pub(crate) fn task(view: &SnapshotView) -> String {
    let mut rows: Vec<(&str, String)> = vec![
        ("task", view.task.to_string()),
        ("title", view.title.to_string()),
        ("kind", view.kind.to_string()),
        ("status", format!("{}: {}", view.status, view.reason_text)),
        ("owner", format!("{} of {}", view.user, view.org)),
    ];
    let mut row = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    row("conversation", view.conversation.as_ref().map(ToString::to_string));
    row("lane", (!view.lane.is_background()).then(|| "foreground".to_owned()));
    row("waiting", view.waiting.as_ref().map(ToString::to_string));
    row("behind", view.waiting.as_ref().filter(|waiting| !waiting.blockers.is_empty()).map(behind));
    row("run", (view.run.0 > 0).then(|| format!("{}, attempt {}", view.run, view.attempt)));
    row("step", view.step.as_ref().map(|step| format!("{} ({}{})", step.name, step.index + 1, of(step.of))));
    row("progress", view.progress.as_ref().map(progress));
    let waits = view.progress.as_ref().and_then(|progress| progress.waits.as_ref());
    row("waits for", waits.map(|waits| format!("{waits}, until {}", local(waits.until))));
    row(
        "approval",
        view.approval
            .as_ref()
            .map(|open| format!("{} {} until {}", open.action, open.arguments, local(open.expires_at))),
    );
    row("asked because", view.approval.as_ref().and_then(|open| open.note.clone()));
    row("abort", view.abort.as_ref().map(abort));
    row("error", view.error.as_ref().map(|error| format!("{}: {}", error.code, error.message)));
    row("output", view.output.as_ref().map(|output| text::line(&output.to_string(), 400)));
    for artifact in &view.artifacts {
        row("file", Some(format!("{} ({}, {} bytes)", artifact.name, artifact.media_type, artifact.size)));
    }
    for (key, value) in &view.labels {
        row("label", Some(format!("{key}={value}")));
    }
    let usage = &view.usage;
    row(
        "usage",
        (usage.tokens() > 0 || usage.queries > 0).then(|| {
            let estimated = if usage.exact { "" } else { ", estimated" };
            format!(
                "{} tokens in {} calls, {} queries{estimated}",
                usage.tokens(),
                usage.model_calls,
                usage.queries
            )
        }),
    );
    row("submitted", Some(local(view.submitted_at)));
    row("started", view.started_at.map(local));
    row("ended", view.ended_at.map(local));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|(name, value)| format!("{name:width$}  {}", text::block(value))).collect();
    lines.join("\n")
}

/// Who is in the way.
fn behind(waiting: &longhaul_core::board::Waiting) -> String {
    waiting.blockers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn of(all: Option<u32>) -> String {
    all.map(|all| format!(" of {all}")).unwrap_or_default()
}

fn progress(progress: &longhaul_wire::view::ProgressView) -> String {
    let percent = progress.fraction.map(|fraction| format!("{:.0} %", fraction * 100.0));
    [percent, progress.message.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The story of an abort.
pub(crate) fn abort(abort: &longhaul_wire::view::AbortView) -> String {
    let mut story = format!("asked for by {} at {}", abort.requested_by, local(abort.requested_at));
    if let Some(reason) = &abort.reason {
        story.push_str(&format!(" ({reason})"));
    }
    if let Some(at) = abort.observed_at {
        match &abort.checkpoint {
            Some(checkpoint) => story.push_str(&format!("; stopped at {checkpoint}, {}", local(at))),
            None => story.push_str("; nothing was under way"),
        }
    }
    if !abort.steps_after.is_empty() {
        story.push_str(&format!("; completed in between: {}", abort.steps_after.join(", ")));
    }
    story
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_json_commands_the_terminal() {
        let value = serde_json::json!({ "said": "a\u{9b}31m\u{202e}\u{7f}\u{1b}\u{e0041}ü中\n" });
        let text = json(&value, true).unwrap();
        assert!(text.chars().all(|c| c == '\n' || text::is_plain(c)), "{text:?}");
        assert!(text.contains("ü中"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
