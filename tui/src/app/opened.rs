//! The task one has opened.

use std::collections::VecDeque;

use longhaul_client::fleet::{Happening, StoryThen};
use longhaul_core::{Decision, Payload, Sequence, Snapshot, TaskRef};

use super::{Find, Paper};
use crate::text::{dated, wrap};

/// How many events are kept of it.
const TAIL: usize = 10_000;
/// How much of its text is kept, in bytes.
const TEXT: usize = 1 << 20;

/// What its right side shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum Pane {
    #[default]
    Events,
    Text,
    Output,
    Artifacts,
    Input,
    Usage,
    Chain,
    Asked,
    /// Why it stands as it does.
    Why,
    About,
}

impl Pane {
    pub(crate) const ALL: [Self; 10] = [
        Self::Events,
        Self::Text,
        Self::Output,
        Self::Artifacts,
        Self::Input,
        Self::Usage,
        Self::Chain,
        Self::Asked,
        Self::Why,
        Self::About,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Text => "Text",
            Self::Output => "Output",
            Self::Artifacts => "Artifacts",
            Self::Input => "Input",
            Self::Usage => "Usage",
            Self::Chain => "Chain",
            Self::Asked => "Asked",
            Self::Why => "Why",
            Self::About => "About",
        }
    }

    /// The one `by` places further, round and round.
    pub(crate) fn further(self, by: isize) -> Self {
        let len = Self::ALL.len().cast_signed();
        Self::ALL[(self as isize + by).rem_euclid(len).cast_unsigned()]
    }
}

/// The task one has opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) at: TaskRef,
    /// Its whole state; nothing until it is read.
    pub(crate) snapshot: Option<Box<Snapshot>>,
    /// Why it cannot be read or followed.
    pub(crate) trouble: Option<String>,
    pub(crate) pane: Pane,
    events: VecDeque<Happening>,
    /// How many lines each event takes; none if it is not shown.
    heights: VecDeque<u8>,
    /// What those are of: columns, whether long ones are wrapped, whether all are shown.
    measured: (usize, bool, bool),
    /// Events that were kept no longer.
    pub(crate) dropped: u64,
    text: String,
    /// Bytes of its text that were kept no longer.
    pub(crate) forgotten: u64,
    /// What is read as running text in the pane one looks at, and of what state.
    paper: Paper,
    paper_of: Option<(Pane, Sequence)>,
    /// The pane shows its end, whatever comes.
    pub(crate) follow: bool,
    /// Every event is shown; else only those that matter.
    pub(crate) all_levels: bool,
    /// Long lines are cut where they would be wrapped, and the other way round: events are cut, texts
    /// wrapped.
    pub(crate) wrap_turned: bool,
    /// What is looked for in the pane.
    pub(crate) find: Option<Find>,
    /// Changes whenever what is to be read does.
    version: u64,
    /// The first line in sight, where the end is not followed.
    pub(crate) top: usize,
    /// Lines that came since one stopped following.
    pub(crate) fresh: u64,
    /// Only the pane is shown.
    pub(crate) zoomed: bool,
}

impl Opened {
    pub(crate) fn new(at: TaskRef) -> Self {
        Self {
            at,
            snapshot: None,
            trouble: None,
            pane: Pane::default(),
            events: VecDeque::new(),
            heights: VecDeque::new(),
            measured: (0, false, false),
            dropped: 0,
            text: String::new(),
            forgotten: 0,
            paper: Paper::default(),
            paper_of: None,
            follow: true,
            all_levels: false,
            wrap_turned: false,
            find: None,
            version: 0,
            top: 0,
            fresh: 0,
            zoomed: false,
        }
    }

    /// Nothing is told yet; one looks at the same of it as before.
    pub(crate) fn begin_anew(&mut self) {
        let before = std::mem::replace(self, Self::new(self.at.clone()));
        (self.pane, self.all_levels, self.wrap_turned) = (before.pane, before.all_levels, before.wrap_turned);
        (self.zoomed, self.find, self.version) = (before.zoomed, before.find, before.version + 1);
    }

    /// Shows its story as it was at a moment; nothing: it was not there.
    pub(crate) fn as_then(&mut self, story: Option<StoryThen>) {
        let (follow, top) = (self.follow, self.top);
        self.begin_anew();
        (self.follow, self.top) = (follow, top);
        match story {
            Some(StoryThen { snapshot, events, text }) => {
                self.snapshot = Some(snapshot);
                self.add(events);
                self.add_text(&text);
                self.fresh = 0;
            }
            None => self.trouble = Some("it was not submitted yet".to_owned()),
        }
    }

    /// The events to show, oldest first.
    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = &Happening> {
        self.events.iter().filter(|event| self.all_levels || matters(event))
    }

    /// The events from a line on, and how many lines of the first lie before it.
    pub(crate) fn events_from(&self, line: usize) -> (usize, impl Iterator<Item = &Happening>) {
        let (mut before, mut at) = (line, 0);
        while let Some(height) = self.heights.get(at).map(|height| usize::from(*height)) {
            if height > before {
                break;
            }
            (before, at) = (before - height, at + 1);
        }
        let shown = self.events.iter().zip(&self.heights).skip(at).filter(|(_, height)| **height > 0);
        (before, shown.map(|(event, _)| event))
    }

    pub(crate) fn add(&mut self, events: Vec<Happening>) {
        self.version += 1;
        let heights: Vec<u8> = events.iter().map(|event| height(event, self.measured)).collect();
        if !self.follow {
            self.fresh += heights.iter().filter(|height| **height > 0).count() as u64;
        }
        self.events.extend(events);
        self.heights.extend(heights);
        let over = self.events.len().saturating_sub(TAIL);
        let gone: usize = self.heights.drain(..over).map(usize::from).sum();
        self.events.drain(..over);
        self.dropped += over as u64;
        if self.pane == Pane::Events {
            // What one reads stays where it is.
            self.top = self.top.saturating_sub(gone);
        }
    }

    /// How many lines there are of events.
    pub(crate) fn event_lines(&self) -> usize {
        self.heights.iter().map(|height| usize::from(*height)).sum()
    }

    /// Changes whenever what is to be read does.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Whether the long lines of its pane are wrapped.
    pub(crate) fn wraps(&self) -> bool {
        (self.pane != Pane::Events) != self.wrap_turned
    }

    /// Goes on with its text.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.version += 1;
        self.text.push_str(text);
        if self.text.len() > TEXT {
            let from = self.text.len() - TEXT / 2;
            let from = (from..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
            self.text.drain(..from);
            self.forgotten += from as u64;
            self.paper_of = None;
        } else if self.pane == Pane::Text && self.paper_of.is_some() {
            self.paper.add(text);
        } else {
            self.paper_of = None;
        }
    }

    /// Its text begins anew.
    pub(crate) fn clear_text(&mut self) {
        self.text.clear();
        (self.forgotten, self.version) = (0, self.version + 1);
        self.paper_of = None;
    }

    /// The lines of a pane of running text.
    pub(crate) fn lines(&self) -> &[String] {
        self.paper.lines()
    }

    fn running_text(&self, snapshot: &Snapshot) -> String {
        match self.pane {
            Pane::Text => self.text.clone(),
            Pane::Output => snapshot.output.as_ref().map(told).unwrap_or_default(),
            Pane::Asked => asked(snapshot),
            _ => told(&snapshot.input),
        }
    }

    /// The whole text of a pane of running text; nothing if there is none, or if it is not all here.
    pub(crate) fn reads(&self) -> Option<String> {
        let snapshot = self.snapshot.as_deref()?;
        let here = match self.pane {
            Pane::Text | Pane::Asked => true,
            Pane::Input => matches!(snapshot.input, Payload::Inline(_)),
            _ => false,
        };
        Some(self.running_text(snapshot)).filter(|text| here && !text.is_empty())
    }

    /// Wraps what the pane reads, if it is not wrapped to this width already.
    pub(crate) fn wrap(&mut self, columns: usize) {
        let of = (columns, self.pane == Pane::Events && self.wraps(), self.all_levels);
        if self.measured != of {
            (self.measured, self.version) = (of, self.version + 1);
            self.heights = self.events.iter().map(|event| height(event, of)).collect();
        }
        let columns = if self.wraps() { columns } else { usize::MAX };
        let reads = matches!(self.pane, Pane::Text | Pane::Output | Pane::Input | Pane::Asked);
        let Some(snapshot) = self.snapshot.as_deref().filter(|_| reads) else { return };
        let of = if self.pane == Pane::Text { Sequence::ZERO } else { snapshot.sequence };
        if self.paper_of == Some((self.pane, of)) && self.paper.columns() == columns {
            return;
        }
        self.version += 1;
        let text = self.running_text(snapshot);
        self.paper = Paper::new(&text, columns);
        self.paper_of = Some((self.pane, of));
    }
}

/// What stands before an event's text, in columns: its place, its time and day, its name.
const EVENT_HEAD: usize = 43;

/// How many lines an event takes.
fn height(event: &Happening, (columns, wraps, all): (usize, bool, bool)) -> u8 {
    match (all || matters(event), wraps) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => u8::try_from(wrapped(event, columns).len()).unwrap_or(u8::MAX),
    }
}

/// An event's text, wrapped to what is left of so many columns; one line at least.
pub(crate) fn wrapped(event: &Happening, columns: usize) -> Vec<String> {
    let mut lines = wrap(&event.text, columns.saturating_sub(EVENT_HEAD).max(8));
    lines.truncate(usize::from(u8::MAX));
    lines
}

/// A payload as people read it.
fn told(payload: &Payload) -> String {
    match payload {
        Payload::Inline(value) if value.is_null() => String::new(),
        Payload::Inline(serde_json::Value::String(text)) => text.clone(),
        Payload::Inline(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        Payload::Stored { size, sha256 } => format!("{size} bytes in the object store\n{sha256}"),
        Payload::Gone => "It was erased.".to_owned(),
    }
}

/// The questions a task asked, the latest first, with their answers.
fn asked(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for question in snapshot.approvals.iter().rev() {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let answer = match &question.decision {
            None => format!("waits for an answer until {}", dated(question.expires_at)),
            Some(decided) => {
                let what = match &decided.decision {
                    Decision::Approved => "approved".to_owned(),
                    Decision::Modified { .. } => "approved with other arguments".to_owned(),
                    Decision::Rejected { reason: Some(why) } => format!("rejected: {why}"),
                    Decision::Rejected { reason: None } => "rejected".to_owned(),
                    Decision::Lapsed => "lapsed without an answer".to_owned(),
                };
                format!("{what}, by {} at {}", decided.by, dated(decided.at))
            }
        };
        let json = |value| serde_json::to_string_pretty(value).unwrap_or_default();
        text.push_str(&format!(
            "{}\nasked at {} by run {}\n",
            question.action,
            dated(question.requested_at),
            question.run
        ));
        if let Some(note) = &question.note {
            text.push_str(&format!("because {note}\n"));
        }
        text.push_str(&format!("{answer}\n\narguments\n{}", json(&question.arguments)));
        if let Some(Decision::Modified { arguments }) =
            question.decision.as_ref().map(|decided| &decided.decision)
        {
            text.push_str(&format!("\n\ninstead\n{}", json(arguments)));
        }
    }
    text
}

/// Whether an event is more than the noise of a run.
pub(super) fn matters(event: &Happening) -> bool {
    !matches!(event.name, "text_appended" | "progressed" | "usage_recorded")
}
