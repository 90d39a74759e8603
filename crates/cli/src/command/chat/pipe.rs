//! A conversation without a terminal: a line in, an answer out.

use std::collections::BTreeSet;
use std::io::BufRead as _;

use longhaul_core::{Status, TaskId, text};
use longhaul_tui::chat::{Ended, Told, Wish};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::order::is_decision;
use crate::args::Format;
use crate::exit::Code;
use crate::output::{json as written, line, say};
use crate::signals::CtrlC;

/// Holds a conversation over stdin and stdout. At the end of stdin the reports under way are waited for.
pub(super) async fn hold(
    format: Format,
    wish: mpsc::UnboundedSender<Wish>,
    mut told: mpsc::Receiver<Told>,
    quiet: bool,
) -> anyhow::Result<Code> {
    let mut lines = lines();
    let mut ctrl_c = CtrlC::listen()?;
    let mut pipe = Pipe {
        format,
        quiet,
        ready: true,
        asking: Vec::new(),
        deciding: 0,
        reports: BTreeSet::new(),
        code: Code::Done,
    };
    let (mut next, mut over) = (None::<String>, false);
    loop {
        if let Some(text) = next.take_if(|text| pipe.may_send(text)) {
            let _ = wish.send(pipe.sent(text));
        }
        if over && next.is_none() && pipe.is_idle() {
            return Ok(pipe.code);
        }
        tokio::select! {
            word = told.recv() => match word {
                Some(word) => pipe.take(word)?,
                // Whoever kept it has left.
                None => return Ok(pipe.code),
            },
            read = lines.recv(), if next.is_none() && !over => match read {
                Some(text) => next = Some(text),
                None => over = true,
            },
            () = ctrl_c.pressed() => return Ok(Code::Interrupted),
        }
    }
}

/// The lines of stdin; what is no text in them is shown as such. They are read by a thread of its own, one
/// ahead: the runtime would wait for one that reads.
fn lines() -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line);
            if send.blocking_send(line.trim_end_matches('\r').to_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

struct Pipe {
    format: Format,
    quiet: bool,
    /// Whether the line before is dealt with.
    ready: bool,
    /// Who waits for an answer, the last who asked at the end.
    asking: Vec<TaskId>,
    /// How many answers to them are not dealt with.
    deciding: u32,
    /// Reports under way.
    reports: BTreeSet<TaskId>,
    /// The worst so far.
    code: Code,
}

impl Pipe {
    /// Whether a line's turn has come. An answer to a question does not wait for the line before, which may
    /// be what asks; but for a question, as long as there may be one.
    fn may_send(&self, text: &str) -> bool {
        match is_decision(text) {
            true => !self.asking.is_empty() || (self.ready && self.reports.is_empty()),
            false => self.ready,
        }
    }

    /// Whether nothing that was said is under way.
    fn is_idle(&self) -> bool {
        self.ready && self.deciding == 0 && self.reports.is_empty()
    }

    fn sent(&mut self, text: String) -> Wish {
        if is_decision(&text) {
            self.asking.pop();
            self.deciding += 1;
            return Wish::Decide(text);
        }
        self.ready = false;
        Wish::Line(text)
    }

    fn take(&mut self, told: Told) -> anyhow::Result<()> {
        match &told {
            Told::Ready => self.ready = true,
            Told::Decided => self.deciding = self.deciding.saturating_sub(1),
            Told::Asks { task, .. } => self.asking.push(*task),
            Told::Standing(live) if live.status != Status::Paused => {
                self.asking.retain(|task| *task != live.task)
            }
            Told::Started { task, .. } | Told::Joined { task, .. } => drop(self.reports.insert(*task)),
            Told::Ended(ended) => {
                self.reports.remove(&ended.task);
                self.code = self.code.worse(Code::of(ended.status));
            }
            Told::Unanswered { status, .. } => {
                let code = if *status == Status::Completed { Code::Failed } else { Code::of(*status) };
                self.code = self.code.worse(code);
            }
            Told::Refused { .. } => self.code = self.code.worse(Code::Refused),
            _ => {}
        }
        if self.format == Format::Ndjson { self.record(&told) } else { self.words(told) }
    }

    /// A line of JSON.
    fn record(&self, told: &Told) -> anyhow::Result<()> {
        match recorded(told) {
            Some(value) => line(written(&value, false)?),
            None => Ok(()),
        }
    }

    /// Words for people: answers to stdout, talk to stderr.
    fn words(&self, told: Told) -> anyhow::Result<()> {
        let remark = |words: String| {
            if !self.quiet {
                say(text::block(&words));
            }
        };
        match told {
            Told::Open { conversation, about, turns } => {
                let so_far = if turns.is_empty() { "" } else { ", which goes on" };
                remark(format!("conversation {conversation}{so_far}: {about}"));
            }
            Told::Asks { title, action, arguments, .. } => {
                let title = text::line(&title, 200);
                line(format!("{title} waits for a yes to {action}: {arguments}"))?;
                remark("/approve says it, /reject says no".to_owned());
            }
            Told::Turn { why, .. } => remark(why.words),
            Told::Answered { task, text: answer, files, .. } => {
                if !answer.is_empty() {
                    line(text::block(&answer))?;
                }
                for file in files {
                    remark(format!("file {file}: longhaul download {task} {file:?}"));
                }
            }
            Told::Unanswered { status, why, .. } => {
                line(format!("no answer, {status}: {}", text::block(&why)))?
            }
            Told::Started { task, title, why } => {
                remark(why.words);
                line(format!("report under way: {} ({task})", text::line(&title, 200)))?;
            }
            Told::Joined { task, title, percent, why } => {
                remark(why.words);
                let far = percent.map(|percent| format!(", {percent} %")).unwrap_or_default();
                line(format!(
                    "it belongs to the report under way, and nothing new is begun: {} ({task}{far})",
                    text::line(&title, 200)
                ))?;
                remark("/queue makes another report after it, /interrupt instead of it".to_owned());
            }
            Told::Refused { why, .. } => line(format!("not done: {}", text::block(&why)))?,
            Told::Note(note) => line(text::block(&note))?,
            Told::Ended(ended) => self.ended(ended, remark)?,
            Told::Text { .. } | Told::Anew { .. } | Told::Standing(_) | Told::Decided | Told::Ready => {}
        }
        Ok(())
    }

    fn ended(&self, ended: Ended, remark: impl Fn(String)) -> anyhow::Result<()> {
        let title = text::line(&ended.title, 200);
        if ended.status == Status::Completed {
            line(format!("report done: {title} ({})", ended.task))?;
        } else {
            line(format!("report {}: {title} ({}): {}", ended.status, ended.task, text::block(&ended.why)))?;
        }
        for sentence in &ended.summary {
            line(format!("  {}", text::line(sentence, 400)))?;
        }
        for file in ended.files {
            remark(format!("file {file}: longhaul download {} {file:?}", ended.task));
        }
        Ok(())
    }
}

/// What is told, as a program reads it; nothing for what comes again whole.
fn recorded(told: &Told) -> Option<Value> {
    Some(match told {
        Told::Open { conversation, turns, .. } => {
            json!({"event": "open", "conversation": conversation, "turns": turns.len()})
        }
        Told::Asks { task, title, action, arguments, note } => json!({
            "event": "asks", "task": task, "title": title, "action": action, "note": note,
            "arguments": serde_json::from_str::<Value>(arguments).unwrap_or_default(),
        }),
        Told::Answered { task, text, files, why } => json!({
            "event": "answer", "task": task, "path": why.path, "reason": why.reason, "text": text, "files": files,
        }),
        Told::Unanswered { task, status, why } => {
            json!({"event": "no_answer", "task": task, "status": status, "why": why})
        }
        Told::Started { task, title, why } => json!({
            "event": "started", "task": task, "path": why.path, "reason": why.reason, "title": title,
        }),
        Told::Joined { task, title, percent, why } => json!({
            "event": "joined", "task": task, "path": why.path, "reason": why.reason, "title": title,
            "percent": percent,
        }),
        Told::Refused { code, why } => json!({"event": "refused", "code": code, "why": why}),
        Told::Note(text) => json!({"event": "note", "text": text}),
        Told::Ended(ended) => json!({
            "event": "ended", "task": ended.task, "status": ended.status, "title": ended.title,
            "why": ended.why, "summary": ended.summary, "files": ended.files,
        }),
        Told::Turn { .. }
        | Told::Text { .. }
        | Told::Anew { .. }
        | Told::Standing(_)
        | Told::Decided
        | Told::Ready => {
            return None;
        }
    })
}
