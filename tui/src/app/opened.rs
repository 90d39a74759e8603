//! The task one has opened.

use std::collections::VecDeque;

use longhaul_client::fleet::{Happening, StoryThen};
use longhaul_core::{Decision, Payload, Sequence, Snapshot, TaskRef};

use super::Paper;
use crate::text::dated;

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
    /// Events that were kept no longer.
    pub(crate) dropped: u64,
    text: String,
    /// What is read as running text in the pane one looks at, and of what state.
    paper: Paper,
    paper_of: Option<(Pane, Sequence)>,
    /// The pane shows its end, whatever comes.
    pub(crate) follow: bool,
    /// Every event is shown; else only those that matter.
    pub(crate) all_levels: bool,
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
            dropped: 0,
            text: String::new(),
            paper: Paper::default(),
            paper_of: None,
            follow: true,
            all_levels: false,
            top: 0,
            fresh: 0,
            zoomed: false,
        }
    }

    /// Shows its story as it was at a moment; nothing: it was not there.
    pub(crate) fn as_then(&mut self, story: Option<StoryThen>) {
        let (pane, all_levels, follow, top) = (self.pane, self.all_levels, self.follow, self.top);
        *self = Self { pane, all_levels, follow, top, ..Self::new(self.at.clone()) };
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

    pub(crate) fn add(&mut self, events: Vec<Happening>) {
        if !self.follow {
            self.fresh += events.iter().filter(|event| self.all_levels || matters(event)).count() as u64;
        }
        self.events.extend(events);
        let over = self.events.len().saturating_sub(TAIL);
        self.events.drain(..over);
        self.dropped += over as u64;
    }

    /// How many events there are to show.
    pub(crate) fn shown(&self) -> usize {
        if self.all_levels { self.events.len() } else { self.events().count() }
    }

    /// Goes on with its text.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.text.push_str(text);
        if self.text.len() > TEXT {
            let from = self.text.len() - TEXT / 2;
            let from = (from..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
            self.text.drain(..from);
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
        let reads = matches!(self.pane, Pane::Text | Pane::Output | Pane::Input | Pane::Asked);
        let Some(snapshot) = self.snapshot.as_deref().filter(|_| reads) else { return };
        let of = if self.pane == Pane::Text { Sequence::ZERO } else { snapshot.sequence };
        if self.paper_of == Some((self.pane, of)) && self.paper.columns() == columns {
            return;
        }
        let text = self.running_text(snapshot);
        self.paper = Paper::new(&text, columns);
        self.paper_of = Some((self.pane, of));
    }
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
fn matters(event: &Happening) -> bool {
    !matches!(event.name, "text_appended" | "progressed" | "usage_recorded")
}
