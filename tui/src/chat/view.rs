//! How a conversation looks: lines that are finished, and those at the bottom that change. Pure.

use longhaul_core::Status;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::state::Chat;
use super::told::{Ended, Live};
use crate::store::Standing;
use crate::text::{fit, pad, width, wrap};
use crate::theme::{Theme, Tone, glyph};

/// The widest that running text is set.
const WIDEST: usize = 100;
/// Tasks that have a line.
const TASKS: usize = 4;
/// Columns of a bar.
const BAR: usize = 12;
/// Sentences of a report that are shown.
const SENTENCES: usize = 5;
/// What turns while something is done.
const TURNING: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"];

/// Who says a line, or in which tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// The person, now.
    Person,
    /// The person, before.
    Before,
    /// Why something is done as it is.
    Why,
    /// A report.
    Report,
    /// A word on what was done.
    Note,
    /// Something that was not done.
    Warning,
}

/// The bottom of the terminal: its lines, and the row and column in which one types.
pub(super) struct Bottom {
    pub(super) lines: Vec<Line<'static>>,
    pub(super) cursor: (usize, usize),
}

/// The columns of running text.
pub(super) fn measure(chat: &Chat) -> usize {
    usize::from(chat.size.0).saturating_sub(3).clamp(10, WIDEST)
}

/// Says something, as finished lines.
pub(super) fn say(chat: &mut Chat, voice: Voice, text: &str) {
    let theme = chat.theme;
    let (mark, mark_style, style) = match voice {
        Voice::Person => ("› ", theme.accent(), Style::new().add_modifier(Modifier::BOLD)),
        Voice::Before => ("› ", theme.dim(), theme.dim()),
        Voice::Why | Voice::Note => ("  ", theme.dim(), theme.dim()),
        Voice::Report => ("► ", theme.standing(Standing::Running), Style::new()),
        Voice::Warning => ("! ", theme.tone(Tone::Warning), Style::new()),
    };
    if matches!(voice, Voice::Person | Voice::Before) {
        chat.finished.push(Line::default());
    }
    for (n, line) in wrap(text, measure(chat)).into_iter().enumerate() {
        let mark = if n == 0 { mark } else { "  " };
        chat.finished.push(Line::from(vec![Span::styled(mark, mark_style), Span::styled(line, style)]));
    }
}

/// A line of an answer.
pub(super) fn answer_line(chat: &mut Chat, line: &str) {
    chat.finished.push(Line::from(format!("  {}", line.trim_end())));
}

/// Files that are there to be had.
pub(super) fn files(chat: &mut Chat, files: &[String]) {
    let theme = chat.theme;
    let hinted = chat.size.0 >= 40;
    let room = measure(chat).saturating_sub(if hinted { 20 } else { 2 });
    for (n, file) in files.iter().enumerate() {
        let mut spans = vec![Span::raw("  "), Span::styled(format!("▸ {}", fit(file, room)), theme.accent())];
        if n == 0 && hinted {
            spans.push(Span::styled("   /open  /save", theme.dim()));
        }
        chat.finished.push(Line::from(spans));
    }
}

/// A report that has ended, with what it found and made.
pub(super) fn ended(chat: &mut Chat, ended: &Ended) {
    let theme = chat.theme;
    let standing = standing(ended.status);
    let title = fit(&ended.title, measure(chat).saturating_sub(2));
    let mark = format!("{} ", glyph(standing));
    chat.finished.push(Line::default());
    chat.finished.push(Line::from(vec![
        Span::styled(mark, theme.standing(standing)),
        Span::styled(title, Style::new().add_modifier(Modifier::BOLD)),
    ]));
    let width = measure(chat);
    if ended.status != Status::Completed {
        let why = ended.why.trim_end_matches('.');
        let said = why.starts_with(ended.status.as_str());
        let why = if said { why.to_owned() } else { format!("{}: {why}", ended.status) };
        let why = format!("{why}; /retry tries it again");
        for line in wrap(&why, width) {
            answer_line(chat, &line);
        }
    }
    for sentence in ended.summary.iter().take(SENTENCES) {
        for (n, line) in wrap(sentence, width.saturating_sub(2)).into_iter().enumerate() {
            let mark = if n == 0 { "· " } else { "  " };
            answer_line(chat, &format!("{mark}{line}"));
        }
    }
    if ended.summary.len() > SENTENCES {
        say(chat, Voice::Why, &format!("({} more in the document)", ended.summary.len() - SENTENCES));
    }
    files(chat, &ended.files);
}

/// How a status is drawn.
fn standing(status: Status) -> Standing {
    match status {
        Status::Pending => Standing::Pending,
        Status::Running => Standing::Running,
        Status::Paused => Standing::Paused,
        Status::Aborting => Standing::Aborting,
        Status::Completed => Standing::Completed,
        Status::Failed => Standing::Failed,
        Status::Aborted => Standing::Aborted,
        Status::Expired => Standing::Expired,
    }
}

/// What stands at the bottom.
pub(super) fn bottom(chat: &Chat) -> Bottom {
    let theme = chat.theme;
    let columns = usize::from(chat.size.0).max(10);
    let mut lines = Vec::new();
    match chat.busy {
        true => lines.extend(answering(chat, columns)),
        false => lines.push(Line::default()),
    }
    let shown = chat.live.len().min(TASKS);
    for live in &chat.live[..shown] {
        lines.push(task(theme, live, columns));
    }
    if chat.live.len() > shown {
        let more = format!("  and {} more", chat.live.len() - shown);
        lines.push(Line::styled(more, theme.dim()));
    }
    for queued in &chat.queue {
        let text = format!("  next: {}", fit(queued, columns.saturating_sub(9)));
        lines.push(Line::styled(text, theme.dim()));
    }
    lines.push(rule(chat, columns));
    let (line, column) = input(chat, columns);
    let row = lines.len();
    lines.push(line);
    lines.push(hints(chat, columns));
    // A terminal of few rows shows the end of it.
    let over = lines.len().saturating_sub(usize::from(chat.size.1).max(3) - 1).min(row);
    lines.drain(..over);
    let lines = lines.into_iter().map(|line| clipped(line, columns)).collect();
    Bottom { lines, cursor: (row - over, column) }
}

/// A line that is no wider than the terminal: one that were would be two.
fn clipped(mut line: Line<'static>, columns: usize) -> Line<'static> {
    let mut room = columns;
    for span in &mut line.spans {
        if span.width() > room {
            span.content = fit(&span.content, room).into();
        }
        room -= span.width();
    }
    line
}

/// The answer under way: its last line, and what is done for it.
fn answering(chat: &Chat, columns: usize) -> Vec<Line<'static>> {
    let theme = chat.theme;
    let turn = chat.turn.as_ref();
    let mut lines = Vec::new();
    if let Some(turn) = turn.filter(|turn| !turn.rest.is_empty()) {
        lines.push(Line::from(format!("  {}", fit(&turn.rest, columns.saturating_sub(3)))));
    }
    let doing = match turn {
        Some(turn) if turn.stopping => "stopping",
        Some(turn) if !turn.doing.is_empty() => &turn.doing,
        _ => "thinking",
    };
    let mark = TURNING[chat.tick % TURNING.len()];
    lines.push(Line::from(vec![
        Span::styled(format!("{mark} "), theme.accent()),
        Span::styled(fit(doing, columns.saturating_sub(3)), theme.dim()),
    ]));
    lines
}

/// A task that goes on: what it is for, how far it is, what it does or waits for.
fn task(theme: Theme, live: &Live, columns: usize) -> Line<'static> {
    let standing = standing(live.status);
    let style = theme.standing(standing);
    let titled = (columns / 3).clamp(8, 40);
    let mut spans = vec![
        Span::styled(format!("{} ", glyph(standing)), theme.glyph_style(standing)),
        Span::raw(pad(&live.title, titled)),
        Span::raw(" "),
    ];
    let mut used = titled + 3;
    if columns >= 60 {
        let (done, left) = theme.bar(live.done.unwrap_or(0), BAR);
        spans.push(Span::styled(done, style));
        spans.push(Span::styled(left, theme.border()));
        used += BAR;
    }
    let percent = live.done.map_or_else(|| "      ".to_owned(), |done| format!("{:>4} %", done / 10));
    used += percent.len() + 2;
    spans.push(Span::raw(percent));
    spans.push(Span::styled(format!("  {}", fit(&live.doing, columns.saturating_sub(used))), theme.dim()));
    Line::from(spans)
}

/// A line between what is said and what is typed.
fn rule(chat: &Chat, columns: usize) -> Line<'static> {
    let name = fit(&chat.conversation, 24);
    let named = if columns > 50 && !name.is_empty() { format!(" {name} ") } else { String::new() };
    let line = "─".repeat(columns.saturating_sub(width(&named) + 2));
    Line::styled(format!("{line}{named}──"), chat.theme.border())
}

/// What is typed, and the column of the cursor.
fn input(chat: &Chat, columns: usize) -> (Line<'static>, usize) {
    let room = columns.saturating_sub(3);
    let scroll = chat.input.visual_scroll(room);
    let mut skipped = 0;
    let mut rest = chat.input.value();
    // A wide character that is half out of sight is out of sight.
    while skipped < scroll {
        let Some(c) = rest.chars().next() else { break };
        skipped += width(c.encode_utf8(&mut [0; 4]));
        rest = &rest[c.len_utf8()..];
    }
    let mut shown = String::new();
    for c in rest.chars() {
        if width(&shown) + width(c.encode_utf8(&mut [0; 4])) > room {
            break;
        }
        shown.push(c);
    }
    let mark = Span::styled("› ", chat.theme.accent());
    let column = 2 + chat.input.visual_cursor().saturating_sub(skipped);
    (Line::from(vec![mark, Span::raw(shown)]), column)
}

/// What can be done now.
fn hints(chat: &Chat, columns: usize) -> Line<'static> {
    let theme = chat.theme;
    let text = if chat.asks_which {
        let named: Vec<String> = chat
            .live
            .iter()
            .enumerate()
            .map(|(n, live)| format!("{} {}", n + 1, fit(&live.title, 24)))
            .collect();
        return Line::styled(
            fit(&format!("  stop which? {}  Esc none", named.join("  ")), columns),
            theme.tone(Tone::Warning),
        );
    } else if let Some(hint) = &chat.hint {
        format!("  {hint}")
    } else if chat.busy {
        "  Enter says it next   Esc stops the answer".to_owned()
    } else if chat.live.is_empty() {
        "  Enter sends   ↑ earlier lines   /help   Ctrl-D leaves".to_owned()
    } else {
        "  Enter sends   Esc stops a report   /help   Ctrl-D leaves, reports go on".to_owned()
    };
    Line::styled(fit(&text, columns), theme.dim())
}
