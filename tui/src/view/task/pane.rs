//! The right side of an opened task: what one asks to see of it. Only what is in sight is made.

use longhaul_client::fleet::Happening;
use longhaul_core::{Priority, Snapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::app::{App, Find, Opened, Pane, wrapped};
use crate::store::Standing;
use crate::text::{fit, number, pad, width};
use crate::theme::Tone;
use crate::view::{frame, nothing, on_edge, over, put, scrollbar};

use super::why;

/// Wider than any line.
const WHOLE: usize = 4096;

pub(super) fn draw(app: &App, opened: &Opened, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme;
    let mut tabs = vec![Span::raw(" ")];
    for pane in Pane::ALL {
        let style = if pane == opened.pane { theme.accent() } else { theme.dim() };
        tabs.push(Span::styled(pane.name(), style));
        tabs.push(Span::raw(" "));
    }
    let inner = frame(theme, Line::from(tabs), area, buffer);
    if let Some(why) = &opened.trouble {
        return nothing(theme, &["It cannot be read:", why, "It is tried again."], inner, buffer);
    }
    if opened.snapshot.is_none() {
        return nothing(theme, &["Reading its history…"], inner, buffer);
    }
    let (room, len) = (usize::from(inner.height), len(app, opened));
    if len == 0 {
        let why = match opened.pane {
            Pane::Events => "Nothing has happened yet.",
            Pane::Text => "It has written no text.",
            Pane::Output => "It has given nothing yet.",
            Pane::Artifacts => "It has made no files.",
            Pane::Input => "It was given nothing.",
            Pane::Usage => "It has used nothing yet.",
            Pane::Chain => "It has not run yet.",
            Pane::Asked => "It has asked for nothing.",
            Pane::About | Pane::Why => "",
        };
        return nothing(theme, &[why], inner, buffer);
    }
    let top = top(app, opened);
    for (at, spans) in (0..).zip(content(app, opened, top, room, inner.width.into())) {
        let spans = match &opened.find {
            Some(find) => marked(find, spans, find.line() == Some(top + usize::from(at))),
            None => spans,
        };
        put(buffer, inner, at, spans);
    }
    scrollbar(theme, top, len, inner, buffer);
    chip(app, opened, follows(opened), area, buffer);
    found(app, opened, area, buffer);
}

fn follows(opened: &Opened) -> bool {
    opened.follow && matches!(opened.pane, Pane::Events | Pane::Text)
}

/// The first line in sight.
pub(crate) fn top(app: &App, opened: &Opened) -> usize {
    let end = len(app, opened).saturating_sub(super::pane(app).height.into());
    if follows(opened) { end } else { opened.top.min(end) }
}

/// A line with what is looked for marked in it: underlined, and reversed in the line one is at.
fn marked<'a>(find: &Find, spans: Vec<Span<'a>>, here: bool) -> Vec<Span<'a>> {
    let whole: String = spans.iter().map(|span| span.content.as_ref()).collect();
    let ranges = find.ranges(&whole);
    if ranges.is_empty() {
        return spans;
    }
    let mut style = Modifier::UNDERLINED | Modifier::BOLD;
    if here {
        style |= Modifier::REVERSED;
    }
    let mut parts = Vec::new();
    let mut begin = 0;
    for span in spans {
        let end = begin + span.content.len();
        // Where the span is cut: at its ends, and where something found begins or ends in it.
        let bounds = ranges.iter().flat_map(|range| [range.start, range.end]);
        let mut cuts: Vec<usize> = bounds.filter(|at| (begin..end).contains(at)).collect();
        cuts.extend([begin, end]);
        cuts.sort_unstable();
        for (from, to) in cuts.iter().zip(cuts.iter().skip(1)).filter(|(from, to)| from < to) {
            let within = ranges.iter().any(|range| range.contains(from));
            let text = span.content[from - begin..to - begin].to_owned();
            parts.push(Span::styled(text, if within { span.style.add_modifier(style) } else { span.style }));
        }
        begin = end;
    }
    parts
}

/// On the lower edge: what is looked for, and the how manieth of how many lines one is at.
fn found(app: &App, opened: &Opened, area: Rect, buffer: &mut Buffer) {
    let Some(find) = &opened.find else { return };
    let (place, style) = match find.place() {
        Some((at, of)) => (format!("{at}/{of}"), app.theme.accent()),
        None => ("not found".to_owned(), app.theme.tone(Tone::Warning)),
    };
    let room = usize::from(area.width).saturating_sub(width(&place) + 30);
    let text = format!(" /{} {place} ", fit(find.text(), room));
    let at = Rect { x: area.x + 2, y: area.y + area.height.saturating_sub(1), height: 1, ..area };
    let wide = u16::try_from(width(&text)).unwrap_or(u16::MAX);
    if area.height > 0 && wide + 4 < area.width {
        over(buffer, Rect { width: wide, ..at }, &text, style);
    }
}

/// Every line of the pane one looks at, whole.
pub(crate) fn lines(app: &App, opened: &Opened) -> Vec<String> {
    // Reasons are made to fit; other lines are cut only where they are drawn.
    let columns = if opened.pane == Pane::Why { super::pane(app).width.into() } else { WHOLE };
    let lines = content(app, opened, 0, usize::MAX, columns);
    lines.into_iter().map(|spans| spans.iter().map(|span| span.content.as_ref()).collect()).collect()
}

/// On the lower edge: whether the end is followed, and what came since it is not.
fn chip(app: &App, opened: &Opened, follows: bool, area: Rect, buffer: &mut Buffer) {
    if !matches!(opened.pane, Pane::Events | Pane::Text) {
        return;
    }
    let (text, style) = match (follows, opened.fresh) {
        (true, _) => (" following ".to_owned(), app.theme.dim()),
        (false, 0) => (" f follows ".to_owned(), app.theme.dim()),
        (false, n) => (format!(" {} new, f follows ", number(n)), app.theme.tone(Tone::Warning)),
    };
    on_edge(area, &text, style, buffer);
}

/// How many lines the pane one looks at has.
pub(crate) fn len(app: &App, opened: &Opened) -> usize {
    let Some(snapshot) = &opened.snapshot else { return 0 };
    match opened.pane {
        Pane::Events => opened.event_lines() + usize::from(opened.dropped > 0),
        Pane::Text => opened.lines().len() + usize::from(opened.forgotten > 0),
        Pane::Output | Pane::Input | Pane::Asked => opened.lines().len(),
        Pane::Artifacts => snapshot.artifacts.len(),
        Pane::Usage => usage(snapshot).len(),
        Pane::About => about(snapshot).len(),
        Pane::Why => {
            let columns = super::pane(app).width;
            why::lines(app, opened, columns.into()).len()
        }
        Pane::Chain => turns(opened).count(),
    }
}

/// The lines in sight of the pane one looks at.
fn content<'a>(app: &App, opened: &'a Opened, top: usize, room: usize, columns: usize) -> Vec<Vec<Span<'a>>> {
    let Some(snapshot) = &opened.snapshot else { return Vec::new() };
    let plain = |text: String| vec![Span::raw(fit(&text, columns))];
    match opened.pane {
        Pane::Events => {
            let dropped = (opened.dropped > 0).then(|| {
                let text = format!("… {} earlier ones are not kept here", number(opened.dropped));
                vec![Span::styled(text, app.theme.dim())]
            });
            let above = usize::from(dropped.is_some());
            let first = dropped.filter(|_| top == 0);
            let (skip, events) = opened.events_from(top.saturating_sub(above));
            let told = events.flat_map(|event| match opened.wraps() {
                true => whole(app, event, super::pane(app).width.into()),
                false => vec![happening(app, event, columns)],
            });
            first.into_iter().chain(told.skip(skip)).take(room).collect()
        }
        Pane::Text | Pane::Output | Pane::Input | Pane::Asked => {
            let forgotten = (opened.pane == Pane::Text && opened.forgotten > 0).then(|| {
                let text = format!("… {} bytes of earlier text are not kept here", number(opened.forgotten));
                vec![Span::styled(text, app.theme.dim())]
            });
            let above = usize::from(forgotten.is_some());
            let lines = opened.lines().iter().skip(top.saturating_sub(above));
            let lines = lines.map(|line| match opened.wraps() {
                true => vec![Span::raw(line.as_str())],
                false => plain(line.clone()),
            });
            forgotten.filter(|_| top == 0).into_iter().chain(lines).take(room).collect()
        }
        Pane::Artifacts => {
            let told = |file: &longhaul_core::Artifact| {
                format!("{}  {}  {} bytes", file.name, file.media_type, number(file.size))
            };
            snapshot.artifacts.iter().skip(top).take(room).map(|file| plain(told(file))).collect()
        }
        Pane::Usage => usage(snapshot).into_iter().skip(top).take(room).map(plain).collect(),
        Pane::About => about(snapshot).into_iter().skip(top).take(room).map(plain).collect(),
        Pane::Why => why::lines(app, opened, columns)
            .into_iter()
            .skip(top)
            .take(room)
            .map(|(text, style)| vec![Span::styled(text, style)])
            .collect(),
        Pane::Chain => {
            turns(opened).skip(top).take(room).map(|event| happening(app, event, columns)).collect()
        }
    }
}

fn usage(snapshot: &Snapshot) -> Vec<String> {
    let used = &snapshot.usage;
    let exact = if used.exact { "as the provider counts" } else { "partly estimated" };
    let mut lines = vec![
        format!("tokens in    {}", used.input_tokens),
        format!("tokens out   {}", used.output_tokens),
        format!("model calls  {}", used.model_calls),
        format!("queries      {}", used.queries),
        format!("figures      {exact}"),
    ];
    if let Some(left) = snapshot.tokens_left() {
        lines.push(format!("tokens left  {left}"));
    }
    if let Some(left) = snapshot.queries_left() {
        lines.push(format!("queries left {left}"));
    }
    lines
}

/// What it was submitted with, and where it comes from.
fn about(snapshot: &Snapshot) -> Vec<String> {
    let (limits, retry, lineage) = (&snapshot.limits, &snapshot.retry, &snapshot.lineage);
    let priority = match snapshot.priority {
        Priority::Interactive => "interactive",
        Priority::Normal => "normal",
        Priority::Batch => "batch",
    };
    let mut lines = vec![
        format!("task         {}", snapshot.task),
        format!("sequence     {}", snapshot.sequence),
        format!("events       {}, refused {}", snapshot.events, snapshot.ignored),
        format!("priority     {priority}"),
        format!("slice, span  {}, {}; ran {}", limits.slice, limits.span, snapshot.ran),
        format!("attempts     {} of {} by itself", snapshot.attempt, retry.max_attempts),
    ];
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("{name:<13}{value}"));
        }
    };
    say("lane", (!snapshot.lane.is_background()).then(|| "foreground".to_owned()));
    say("not before", snapshot.not_before.map(|at| at.to_string()));
    say("key", snapshot.key.as_ref().map(|key| key.key.clone()));
    say("continues", lineage.continues.map(|task| task.to_string()));
    say("run again of", lineage.rerun_of.map(|task| task.to_string()));
    let fork = lineage.forked_from.map(|from| format!("{} at {}", from.task, from.sequence));
    say("forked from", fork);
    say("parent", lineage.parent.map(|task| task.to_string()));
    for (key, value) in &snapshot.labels {
        say("label", Some(format!("{key}={value}")));
    }
    if let Some(error) = &snapshot.error {
        let again = if error.retryable { "may succeed later" } else { "will fail again" };
        say("error", Some(format!("{} ({again})", error.code)));
        say("", Some(error.message.clone()));
    }
    lines
}

/// What began and what ended its runs and attempts.
fn turns(opened: &Opened) -> impl Iterator<Item = &Happening> {
    const TURNS: [&str; 12] = [
        "submitted",
        "started",
        "continued",
        "lost",
        "retried",
        "approval_requested",
        "approval_decided",
        "abort_requested",
        "completed",
        "failed",
        "aborted",
        "expired",
    ];
    opened.events().filter(|event| TURNS.contains(&event.name))
}

/// One event in as many lines as it takes.
fn whole<'a>(app: &App, event: &Happening, columns: usize) -> Vec<Vec<Span<'a>>> {
    let mut parts = wrapped(event, columns).into_iter();
    let mut head = happening(app, event, 0);
    head.truncate(2);
    let indent = head.iter().map(|span| width(&span.content)).sum();
    head.extend(parts.next().map(Span::raw));
    let rest = parts.map(move |part| vec![Span::raw(" ".repeat(indent)), Span::raw(part)]);
    [head].into_iter().chain(rest).collect()
}

/// One event in a line.
pub(in crate::view) fn happening<'a>(app: &App, event: &Happening, columns: usize) -> Vec<Span<'a>> {
    let style = match event.name {
        "failed" | "expired" | "lost" => app.theme.standing(Standing::Failed),
        "approval_requested" | "abort_requested" => app.theme.standing(Standing::Paused),
        "completed" => app.theme.standing(Standing::Completed),
        _ => Style::new(),
    };
    let head = format!("{:>8} {} ", event.sequence.0, app.when(event.at));
    let name = pad(event.name, 19);
    let room = columns.saturating_sub(width(&head) + width(&name));
    vec![Span::styled(head, app.theme.dim()), Span::styled(name, style), Span::raw(fit(&event.text, room))]
}
