//! Followers of tasks: each says what happens to one, to the one who keeps the conversation.

use std::time::Duration;

use futures::StreamExt as _;
use longhaul_client::{Client, Error, TextPart};
use longhaul_core::{Snapshot, Status, TaskId};
use longhaul_tui::chat::Live;
use tokio::sync::mpsc;

use crate::follow::why_waiting;

/// How often it is asked why a task waits: its place in a queue moves without a record of its own.
const LOOK: Duration = Duration::from_secs(1);

/// What a follower says.
pub(super) enum Word {
    /// A piece of a turn's text.
    Text(TaskId, String),
    /// The whole text so far, in place of all before.
    Anew(TaskId, String),
    /// How a task stands that has not ended, and why it waits, where it does.
    Standing(Box<Snapshot>, Option<String>),
    /// A task has ended.
    Ended(Box<Snapshot>),
    /// A task cannot be followed any more.
    Lost(TaskId, String),
}

/// Follows a turn: its text, how it stands, its end.
pub(super) fn text(client: &Client, words: &mpsc::Sender<Word>, task: TaskId) {
    let (client, words) = (client.clone(), words.clone());
    tokio::spawn(async move {
        let telling = tell_text(&client, &words, task);
        let standing = tell_standing(&client, &words, task);
        // The end is told after the text: whoever takes it knows that the answer is whole.
        let told = async { tokio::try_join!(telling, standing) }.await;
        let word = match told {
            Ok(((), snapshot)) => Word::Ended(Box::new(snapshot)),
            Err(error) => Word::Lost(task, error.to_string()),
        };
        let _ = words.send(word).await;
    });
}

/// Follows a task to its end.
pub(super) fn standing(client: &Client, words: &mpsc::Sender<Word>, task: TaskId) {
    let (client, words) = (client.clone(), words.clone());
    tokio::spawn(async move {
        let word = match tell_standing(&client, &words, task).await {
            Ok(snapshot) => Word::Ended(Box::new(snapshot)),
            Err(error) => Word::Lost(task, error.to_string()),
        };
        let _ = words.send(word).await;
    });
}

async fn tell_text(client: &Client, words: &mpsc::Sender<Word>, task: TaskId) -> Result<(), Error> {
    let mut text = client.follow_text(task).await?;
    while let Some(part) = text.next().await {
        let word = match part? {
            TextPart::Text(text) => Word::Text(task, text),
            TextPart::Anew(text) => Word::Anew(task, text),
            TextPart::End => return Ok(()),
        };
        // Nobody listens any more: the conversation is over.
        if words.send(word).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn tell_standing(client: &Client, words: &mpsc::Sender<Word>, task: TaskId) -> Result<Snapshot, Error> {
    let mut watch = client.watch(task).await?;
    loop {
        let snapshot = watch.snapshot().clone();
        if snapshot.status.is_terminal() {
            return Ok(snapshot);
        }
        let pending = snapshot.status == Status::Pending;
        let waits = if pending { why_waiting(client, &snapshot).await } else { None };
        if words.send(Word::Standing(Box::new(snapshot), waits)).await.is_err() {
            return Err(Error::NotFound(task));
        }
        tokio::select! {
            changed = watch.changed() => { changed?; }
            () = tokio::time::sleep(LOOK), if pending => {}
        }
    }
}

/// How a task stands, in few words.
pub(super) fn live(s: &Snapshot, waits: Option<&str>) -> Live {
    let doing = match s.status {
        Status::Pending => waits.map_or_else(|| s.reason_text(), str::to_owned),
        Status::Running => {
            let step = s.current_step().filter(|step| step.result.is_none());
            let step = step.map_or_else(|| "running".to_owned(), |step| step.name.clone());
            match (&s.progress.waits, &s.progress.message) {
                (Some(waits), _) => format!("{step}: waits for {waits}"),
                (None, Some(message)) => format!("{step}: {message}"),
                (None, None) => step,
            }
        }
        Status::Paused => {
            let asked = s.open_approval().map(|open| format!(" to {}", open.action)).unwrap_or_default();
            format!("waits for a yes{asked}: /approve")
        }
        _ => s.reason_text(),
    };
    let done = s.progress.fraction.map(|fraction| u16::from(hundredths(fraction)) * 10);
    Live { task: s.task, title: s.title.to_string(), status: s.status, doing, done }
}

/// A fraction in hundredths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
pub(super) fn hundredths(fraction: f64) -> u8 {
    (fraction * 100.0).clamp(0.0, 100.0) as u8
}
