//! A conversation as it is found: what its tasks left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use longhaul_agent::CHAT;
use longhaul_agent::data::Source;
use longhaul_agent::memory::Memory;
use longhaul_client::Error;
use longhaul_core::{ConversationId, Snapshot, Status, TaskId};
use longhaul_tui::chat::Told;
use longhaul_wire::query;
use tokio::sync::mpsc;

use super::follow;
use super::talk::Talk;
use crate::args::Chat;
use crate::command::report::located;
use crate::exit::usage;
use crate::place::Place;
use crate::settings::Settings;

/// Tasks of a conversation that are looked at, the newest.
const TASKS: u32 = 60;
/// The figures of a new conversation's name.
const NAME: usize = 12;

/// Data as tasks name it: a path made absolute, or the name of a database.
pub(super) fn source(path: &Path) -> anyhow::Result<Source> {
    Ok(Source::one(located(path)?.to_string_lossy()))
}

impl Talk {
    /// Opens the conversation that is named, or a new one.
    pub(super) async fn open(
        place: &Place,
        settings: &Settings,
        args: &Chat,
        tell: mpsc::Sender<Told>,
    ) -> anyhow::Result<Self> {
        let conversation = match &args.conversation {
            Some(named) => ConversationId::new(named).map_err(|error| usage(error.to_string()))?,
            None => fresh()?,
        };
        let model = match &args.model {
            Some(model) => Some(model.clone()),
            None => settings.models()?.default,
        };
        let (words, heard) = Self::channel();
        let mut talk = Self {
            client: place.client().clone(),
            conversation,
            tell,
            words,
            heard,
            added: BTreeMap::new(),
            memory: Memory::default(),
            unfinished: None,
            unanswered: None,
            reports: BTreeMap::new(),
            turn: None,
            waits: false,
            open_questions: Vec::new(),
            questions: BTreeSet::new(),
            joined: None,
            files: None,
            data: args.data.as_deref().map(source).transpose()?,
            model: model.filter(|model| model != super::BUILT_IN),
            formats: args.format.clone(),
            path: args.path,
        };
        if let Some(task) = args.continues {
            talk.begin_from(task).await?;
        }
        let asking = if args.conversation.is_some() { talk.recall().await? } else { Vec::new() };
        let turns = talk.memory.turns.iter().map(|turn| (turn.asked.clone(), turn.answered.clone()));
        let about = talk
            .data()
            .map_or("no data yet: /data FILE names it".to_owned(), |data| format!("about {}", data.name()));
        let who = talk.model.as_deref().unwrap_or("the built-in analyst");
        let told = Told::Open {
            conversation: talk.conversation.to_string(),
            about: format!("{about} · {who} answers"),
            turns: turns.collect(),
        };
        talk.tell(told).await;
        // Before anything that is said: the first line may answer them.
        for snapshot in asking {
            talk.asked(&snapshot).await;
        }
        Ok(talk)
    }

    /// Takes what a completed task found.
    async fn begin_from(&mut self, task: TaskId) -> Result<(), Error> {
        let snapshot = self.client.get(task).await?;
        if snapshot.status != Status::Completed {
            return Err(Error::NotContinuable { task, status: snapshot.status });
        }
        let output = self.client.output(task).await?;
        self.remember(&snapshot, output.get("memory"));
        if !snapshot.artifacts.is_empty() {
            self.files = Some(task);
        }
        Ok(())
    }

    /// Remembers what the conversation's tasks gave, and follows those that go on; gives those that ask.
    async fn recall(&mut self) -> Result<Vec<Snapshot>, Error> {
        let mut asking = Vec::new();
        let at_least = self.client.here().await?;
        let filter = query::Filter {
            org: Some(self.client.identity().org.clone()),
            conversation: Some(self.conversation.clone()),
            dismissed: true,
            ..query::Filter::default()
        };
        let question = query::List { filter, limit: Some(TASKS), at_least, ..query::List::default() };
        let mut page = self.client.query(&question).await?;
        page.items.reverse();
        for task in page.items.into_iter().map(|item| item.task) {
            let snapshot = self.client.get(task).await?;
            match snapshot.status {
                Status::Completed if !snapshot.erased => {
                    let output = self.client.output(task).await?;
                    self.remember(&snapshot, output.get("memory"));
                    if !snapshot.artifacts.is_empty() {
                        self.files = Some(task);
                    }
                }
                status if status.is_terminal() => {
                    if !snapshot.erased {
                        self.remember(&snapshot, None);
                    }
                }
                // A turn that goes on is another terminal's.
                _ if snapshot.kind.as_str() == CHAT => {}
                _ => {
                    self.reports.insert(task, snapshot.title.to_string());
                    follow::standing(&self.client, &self.words, task);
                    if snapshot.open_approval().is_some() {
                        asking.push(snapshot);
                    }
                }
            }
        }
        Ok(asking)
    }
}

/// A new conversation's name: the end of an id, where ids of the same time differ.
fn fresh() -> anyhow::Result<ConversationId> {
    let id: TaskId = longhaul_journal::new_id();
    let id: String = id.to_string().chars().filter(char::is_ascii_hexdigit).collect();
    let name = id.get(id.len().saturating_sub(NAME)..).unwrap_or(&id);
    Ok(ConversationId::new(name)?)
}
