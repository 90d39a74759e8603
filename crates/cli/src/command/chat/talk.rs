//! Who keeps a conversation: sends messages their way, follows what comes of them, remembers.

use std::collections::{BTreeMap, BTreeSet};

use longhaul_agent::data::Source;
use longhaul_agent::memory::Memory;
use longhaul_agent::path::Path;
use longhaul_agent::{CHAT, DocumentFormat};
use longhaul_client::{Client, OnBusy};
use longhaul_core::{ApprovalId, ConversationId, Digest, Snapshot, Status, TaskId, Timestamp};
use longhaul_tui::chat::{Ended, Told, Why, Wish};
use serde::Deserialize as _;
use tokio::sync::mpsc;

use super::follow::{self, Word, live};
use super::order::{COMMANDS, Order, read};

/// Words of followers that wait to be taken.
const WORDS: usize = 256;

/// A conversation, as the one who keeps it knows it.
pub(super) struct Talk {
    pub(super) client: Client,
    pub(super) conversation: ConversationId,
    pub(super) tell: mpsc::Sender<Told>,
    pub(super) words: mpsc::Sender<Word>,
    pub(super) heard: mpsc::Receiver<Word>,
    /// What each completed task added, by submission.
    pub(super) added: BTreeMap<(Timestamp, TaskId), Memory>,
    /// All of that together.
    pub(super) memory: Memory,
    /// The newest report that ended otherwise, if none has completed since.
    pub(super) unfinished: Option<Unfinished>,
    /// The newest turn that ended otherwise, if nothing has completed since.
    pub(super) unanswered: Option<Unfinished>,
    /// Reports under way, with their titles.
    pub(super) reports: BTreeMap<TaskId, String>,
    /// The turn under way, and why it is one.
    pub(super) turn: Option<(TaskId, Why)>,
    /// Whether the line that is dealt with waits for the reports under way.
    pub(super) waits: bool,
    /// What tasks ask, the last told at the end; and all that was told.
    pub(super) open_questions: Vec<(TaskId, ApprovalId, Digest)>,
    pub(super) questions: BTreeSet<ApprovalId>,
    /// The last message that belonged to a report under way.
    pub(super) joined: Option<String>,
    /// The last task with files.
    pub(super) files: Option<TaskId>,
    pub(super) data: Option<Source>,
    pub(super) model: Option<String>,
    pub(super) formats: Vec<DocumentFormat>,
    pub(super) path: Option<Path>,
}

/// A task that did not complete.
pub(super) struct Unfinished {
    pub(super) at: (Timestamp, TaskId),
    pub(super) title: String,
    pub(super) status: Status,
}

/// Whether a line is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dealt {
    /// It is: the next may come.
    With,
    /// It will be, when the turn has ended.
    Later,
    /// The person leaves.
    Left,
}

impl Talk {
    pub(super) fn channel() -> (mpsc::Sender<Word>, mpsc::Receiver<Word>) {
        mpsc::channel(WORDS)
    }

    /// Keeps the conversation until the person leaves.
    pub(super) async fn keep(mut self, mut wishes: mpsc::UnboundedReceiver<Wish>) {
        loop {
            let dealt = tokio::select! {
                wish = wishes.recv() => match wish {
                    Some(Wish::Line(line)) => self.line(&line).await,
                    Some(Wish::Stop(task)) => self.stop(task).await,
                    Some(Wish::Decide(line)) => {
                        self.line(&line).await;
                        self.tell(Told::Decided).await;
                        Dealt::Later
                    }
                    Some(Wish::Leave) | None => return,
                },
                Some(word) = self.heard.recv() => self.word(word).await,
            };
            match dealt {
                Dealt::With => self.tell(Told::Ready).await,
                Dealt::Later => {}
                Dealt::Left => return,
            }
        }
    }

    pub(super) async fn tell(&self, told: Told) {
        // Who listens no more is about to drop this.
        let _ = self.tell.send(told).await;
    }

    pub(super) async fn note(&self, text: impl Into<String>) {
        self.tell(Told::Note(text.into())).await;
    }

    pub(super) async fn refuse(&self, code: &'static str, why: impl Into<String>) -> Dealt {
        self.tell(Told::Refused { code, why: why.into() }).await;
        Dealt::With
    }

    async fn line(&mut self, line: &str) -> Dealt {
        match read(line) {
            Ok(order) => self.obey(order).await,
            Err(why) => self.refuse("bad_command", why).await,
        }
    }

    async fn obey(&mut self, order: Order) -> Dealt {
        match order {
            Order::Say(message, busy) => return self.say(&message, busy).await,
            Order::Again(busy) => {
                let again = match busy {
                    OnBusy::Enqueue => "/queue TEXT",
                    _ => "/interrupt TEXT",
                };
                let Some(message) = self.joined.clone() else {
                    let why =
                        format!("no message belonged to a report under way; say what is meant: {again}");
                    return self.refuse("bad_command", why).await;
                };
                return self.report(&message, busy).await;
            }
            Order::As(format) => {
                return self.say(&format!("export this as {format}"), OnBusy::Join).await;
            }
            Order::Path(path) => {
                self.path = path;
                let told = path.map_or("the way that their words say", |path| match path {
                    Path::Fast => "fast: they are answered at once",
                    Path::Slow => "slow: each becomes a report",
                });
                self.note(format!("messages go {told}")).await;
            }
            Order::Data(Some(path)) => match super::open::source(&path) {
                Ok(source) => {
                    self.note(format!("this is about {} now", source.name())).await;
                    self.data = Some(source);
                }
                Err(error) => return self.refuse("no_data", error.to_string()).await,
            },
            Order::Data(None) => {
                let name = self.data().map(|data| data.name());
                self.note(name.map_or_else(
                    || "no data is named yet: /data FILE".to_owned(),
                    |name| format!("this is about {name}"),
                ))
                .await;
            }
            Order::Model(model) => {
                let who = model.clone().unwrap_or_else(|| "the built-in analyst".to_owned());
                self.note(format!("{who} answers from now on")).await;
                self.model = model;
            }
            Order::Save(path) => return self.save(path.as_deref(), false).await,
            Order::Open => return self.save(None, true).await,
            Order::Retry => return self.retry().await,
            Order::Decide(decision) => return self.decide(decision).await,
            Order::Wait if !self.reports.is_empty() => {
                self.waits = true;
                return Dealt::Later;
            }
            Order::Help => {
                let width = COMMANDS.iter().map(|(written, _)| written.len()).max().unwrap_or(0);
                let lines = COMMANDS.map(|(written, does)| format!("{written:width$}  {does}"));
                self.note(lines.join("\n")).await;
            }
            Order::Quit => return Dealt::Left,
            Order::Wait | Order::Nothing => {}
        }
        Dealt::With
    }

    /// The data that is spoken of.
    pub(super) fn data(&self) -> Option<&Source> {
        self.data.as_ref().or(self.memory.data.as_ref())
    }

    async fn stop(&mut self, task: TaskId) -> Dealt {
        if let Err(error) = self.client.abort(task, Some("stopped in the conversation")).await {
            self.note(format!("it cannot be stopped: {error}")).await;
        }
        Dealt::Later
    }

    /// Tries the last task again that did not complete.
    async fn retry(&mut self) -> Dealt {
        let at = |of: &Option<Unfinished>| of.as_ref().map(|unfinished| unfinished.at);
        let is_turn = at(&self.unanswered) > at(&self.unfinished);
        let of = if is_turn { &mut self.unanswered } else { &mut self.unfinished };
        let Some(unfinished) = of.take() else {
            return self.refuse("nothing_to_retry", "everything of this conversation has completed").await;
        };
        let task = unfinished.at.1;
        match self.client.retry(task).await {
            Ok(_) => {
                let words = "you asked for it once more".to_owned();
                let why = Why { path: "", reason: "retried", words };
                if is_turn {
                    self.follow_turn(task, why).await;
                    return Dealt::Later;
                }
                self.reports.insert(task, unfinished.title.clone());
                follow::standing(&self.client, &self.words, task);
                self.tell(Told::Started { task, title: unfinished.title, why }).await;
                Dealt::With
            }
            Err(error) => {
                *(if is_turn { &mut self.unanswered } else { &mut self.unfinished }) = Some(unfinished);
                self.refuse("not_retried", error.to_string()).await
            }
        }
    }

    /// Takes what a follower says.
    async fn word(&mut self, word: Word) -> Dealt {
        match word {
            Word::Text(task, text) => self.tell(Told::Text { task, text }).await,
            Word::Anew(task, text) => self.tell(Told::Anew { task, text }).await,
            Word::Standing(snapshot, waits) => {
                self.asked(&snapshot).await;
                self.tell(Told::Standing(live(&snapshot, waits.as_deref()))).await;
            }
            Word::Ended(snapshot) => {
                self.asked(&snapshot).await;
                if snapshot.kind.as_str() == CHAT {
                    return self.turned(*snapshot).await;
                }
                self.ended(*snapshot).await;
            }
            Word::Lost(task, why) => {
                self.reports.remove(&task);
                self.note(format!("it can no longer be seen how task {task} stands: {why}")).await;
                if self.turn.take_if(|(turn, _)| *turn == task).is_some() {
                    return Dealt::With;
                }
            }
        }
        if self.reports.is_empty() && std::mem::take(&mut self.waits) {
            return Dealt::With;
        }
        Dealt::Later
    }

    /// A report has ended.
    async fn ended(&mut self, snapshot: Snapshot) {
        self.reports.remove(&snapshot.task);
        let output = match snapshot.status {
            Status::Completed => self.client.output(snapshot.task).await.unwrap_or_default(),
            _ => serde_json::Value::Null,
        };
        self.remember(&snapshot, output.get("memory"));
        let summary = output["summary"].as_array().into_iter().flatten();
        let summary = summary.filter_map(|one| one.as_str().map(str::to_owned)).collect();
        let files: Vec<String> = snapshot.artifacts.iter().map(|file| file.name.clone()).collect();
        if !files.is_empty() {
            self.files = Some(snapshot.task);
        }
        self.tell(Told::Ended(Ended {
            task: snapshot.task,
            title: snapshot.title.to_string(),
            status: snapshot.status,
            why: if snapshot.status == Status::Completed { String::new() } else { snapshot.reason_text() },
            summary,
            files,
        }))
        .await;
    }

    /// Takes what a task that has ended adds to what is known; one that did not complete adds nothing.
    pub(super) fn remember(&mut self, snapshot: &Snapshot, memory: Option<&serde_json::Value>) {
        let at = (snapshot.submitted_at, snapshot.task);
        let is_turn = snapshot.kind.as_str() == CHAT;
        if snapshot.status == Status::Completed {
            // Tasks of other kinds, and of earlier versions, have none.
            let memory = memory.and_then(|memory| Memory::deserialize(memory).ok()).unwrap_or_default();
            let is_newest = self.last().is_none_or(|last| last < at);
            self.added.insert(at, memory.clone());
            // A conversation that goes on has many, and they come in order: only what comes late is put in
            // between the others, all of which are merged anew.
            self.memory = if is_newest {
                std::mem::take(&mut self.memory).merge(memory)
            } else {
                self.added.values().cloned().fold(Memory::default(), Memory::merge)
            };
            self.unanswered.take_if(|unanswered| unanswered.at <= at);
            self.unfinished.take_if(|unfinished| !is_turn && unfinished.at <= at);
            return;
        }
        let of = if is_turn { &mut self.unanswered } else { &mut self.unfinished };
        if of.as_ref().is_none_or(|known| known.at <= at) {
            *of = Some(Unfinished { at, title: snapshot.title.to_string(), status: snapshot.status });
        }
    }

    /// The newest completed task, and when it was submitted.
    pub(super) fn last(&self) -> Option<(Timestamp, TaskId)> {
        self.added.last_key_value().map(|(at, _)| *at)
    }
}
