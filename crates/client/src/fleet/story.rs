//! One task, whole, and what happens to it: what a dashboard shows of a task that is opened.

use futures::StreamExt as _;
use longhaul_core::{Sequence, Snapshot, TaskRef};
use longhaul_wire::Record;
use tokio::sync::mpsc;

use super::{AGAIN, Gone, Happening};
use crate::{Client, Error, Identity, TextPart};

/// Something there is to say of an opened task.
#[derive(Debug, Clone)]
pub enum Told {
    /// How it stands, and what has happened so far: instead of whatever was told before.
    Anew {
        /// Its state.
        snapshot: Box<Snapshot>,
        /// Its history, oldest first.
        events: Vec<Happening>,
    },
    /// What happened since, and the state after it.
    More {
        /// Its state.
        snapshot: Box<Snapshot>,
        /// What happened, oldest first.
        events: Vec<Happening>,
    },
    /// A piece of its text.
    Text(TextPart),
    /// It cannot be read, or no longer be followed; it is tried again.
    Broken(String),
}

impl Client {
    /// Tells `told` the story of a task, of whatever organisation, until the receiver is dropped.
    pub async fn story(&self, at: TaskRef, told: mpsc::Sender<Told>) {
        let identity = Identity { org: at.org.clone(), ..self.identity.clone() };
        let teller = Teller { client: self.speaking_for(identity), at, told };
        loop {
            let broken = match teller.tell_all().await {
                Ok(Err(error)) => Told::Broken(error.to_string()),
                Ok(Ok(())) => return,
                Err(Gone) => return,
            };
            if teller.tell(broken).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = teller.client.hurry.notified() => {}
                () = teller.told.closed() => return,
            }
        }
    }
}

struct Teller {
    client: Client,
    at: TaskRef,
    told: mpsc::Sender<Told>,
}

impl Teller {
    async fn tell(&self, told: Told) -> Result<(), Gone> {
        self.told.send(told).await.map_err(|_| Gone)
    }

    async fn tell_all(&self) -> Result<Result<(), Error>, Gone> {
        let (mut watch, mut text) = match self.listen().await {
            Ok(both) => both,
            Err(error) => return Ok(Err(error)),
        };
        let history = match self.client.journal.history(&self.at).await {
            Ok(history) => history,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut seen = Sequence::ZERO;
        let mut events = Vec::new();
        for entry in history {
            // A record that cannot be read puts the task aside; the state says so.
            if let Ok(Record::Task(commit)) = entry.record {
                events.extend(Happening::of(&self.at, entry.sequence, &commit));
            }
            seen = entry.sequence;
        }
        self.tell(Told::Anew { snapshot: Box::new(watch.snapshot().clone()), events }).await?;
        let mut speaks = true;
        loop {
            tokio::select! {
                update = watch.changed() => match update {
                    Ok(update) => {
                        let new = update.commits.iter().filter(|(sequence, _)| *sequence > seen);
                        let events =
                            new.flat_map(|(at, commit)| Happening::of(&self.at, *at, commit)).collect();
                        seen = seen.max(update.snapshot.sequence);
                        self.tell(Told::More { snapshot: Box::new(update.snapshot), events }).await?;
                    }
                    Err(error) => return Ok(Err(error)),
                },
                part = text.next(), if speaks => match part {
                    Some(Ok(part)) => self.tell(Told::Text(part)).await?,
                    // The history goes on without.
                    Some(Err(_)) | None => speaks = false,
                },
                () = self.told.closed() => return Err(Gone),
            }
        }
    }

    async fn listen(&self) -> Result<(crate::Watch, TextStream), Error> {
        let watch = self.client.watch(self.at.task).await?;
        let text = self.client.follow_text(self.at.task).await?;
        Ok((watch, text))
    }
}

type TextStream = futures::stream::BoxStream<'static, Result<TextPart, Error>>;
