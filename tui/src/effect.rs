//! What the dashboard does to the world: asked for by [`update`](crate::update), done here, off the
//! thread that draws. What comes of it comes back as a [`Msg`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use longhaul_core::TaskRef;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use crate::app::{Draft, Steer};
use crate::files::write_new;
use crate::msg::Msg;
use crate::records::Ask;
use crate::source::Source;
use crate::text::{fit, short};

/// How many things are asked of tasks at once: many marked ones must not flood the log.
const AT_ONCE: usize = 16;

/// How many words may wait for the thread that draws. Few: while all tasks are listed each is a page of a
/// thousand of them.
pub(crate) const ROOM: usize = 4;

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Tell the story of this task, and of no other.
    Open(TaskRef),
    /// Stop telling it.
    Close,
    /// Ask the log about the past.
    Ask(u64, Ask),
    /// Nothing that was asked about the past is wanted any more.
    Unask,
    /// Ask something of a task.
    Steer(TaskRef, Steer),
    /// Look among the tasks that are not listed, for these words.
    Search(String, Box<longhaul_wire::query::Filter>),
    /// Write a task's files, or its output if it made none, here.
    Download(TaskRef),
    /// Fetch a task's output to read it.
    Fetch(TaskRef),
    /// Write a task's whole history here.
    History(TaskRef),
    /// Write a text into a new file here.
    Save {
        /// The file's name, unless there is one of that name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Have arguments changed in the editor.
    Edit(Draft),
    /// Show a text in the pager.
    Show(String),
    /// Ring the terminal's bell, with a line for its notification.
    Ring(String),
    /// Put a text on the terminal's clipboard.
    Copy(String),
    /// Turn the mouse on or off.
    Mouse(bool),
    /// Draw every cell anew.
    Redraw,
    /// Stop for a while, until the shell has the process go on.
    Suspend,
    /// Try at once to reach the log.
    Reconnect,
}

/// Does it.
pub(crate) struct Performer {
    source: Arc<dyn Source>,
    back: mpsc::Sender<Msg>,
    gate: Arc<Semaphore>,
    /// Where files are written.
    folder: PathBuf,
    story: Option<JoinHandle<()>>,
    /// What was asked about the past, and for which wish.
    asked: (u64, JoinSet<()>),
    /// Until it has ended.
    words: Option<JoinHandle<()>>,
}

impl Performer {
    /// Starts the source's words; everything comes back on `back`.
    pub(crate) fn start(source: Arc<dyn Source>, folder: PathBuf, back: mpsc::Sender<Msg>) -> Self {
        let (sender, mut receiver) = mpsc::channel(ROOM);
        let telling = source.words(sender);
        let to = back.clone();
        let words = tokio::spawn(async move {
            let pass_on = async {
                while let Some(word) = receiver.recv().await {
                    if to.send(Msg::Word(word)).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(telling, pass_on);
        });
        Self {
            source,
            back,
            gate: Arc::new(Semaphore::new(AT_ONCE)),
            folder,
            story: None,
            asked: Default::default(),
            words: Some(words),
        }
    }

    /// Waits until what reads the log panics: nothing would be told any more, and nobody would know.
    pub(crate) async fn broken(&mut self) -> String {
        if let Some(words) = &mut self.words {
            let ended = words.await;
            self.words = None;
            if let Err(error) = ended
                && error.is_panic()
            {
                return error.to_string();
            }
        }
        std::future::pending().await
    }

    /// Does what is not the terminal's affair; gives back what is.
    pub(crate) fn perform(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Open(at) => self.open(at),
            Effect::Close => self.close(),
            Effect::Ask(turn, ask) => {
                if turn != self.asked.0 {
                    // Letting go of what was asked for another wish ends it.
                    self.asked = (turn, JoinSet::new());
                }
                while self.asked.1.try_join_next().is_some() {}
                let (records, back) = (self.source.records(), self.back.clone());
                self.asked.1.spawn(async move {
                    let answer = records.ask(ask).await;
                    // Nobody is there to hear it only at the very end.
                    let _ = back.send(Msg::Past(turn, answer)).await;
                });
            }
            Effect::Unask => self.asked.1 = JoinSet::new(),
            Effect::Steer(at, steer) => {
                let (source, back, gate) = (self.source.clone(), self.back.clone(), self.gate.clone());
                tokio::spawn(async move {
                    // The gate is never closed.
                    let _turn = gate.acquire().await;
                    let outcome = source.steer(at.clone(), steer.clone()).await;
                    // Nobody is there to hear it only at the very end.
                    let _ = back.send(Msg::Answered { at, steer, outcome }).await;
                });
            }
            Effect::Search(words, filter) => {
                let (source, back) = (self.source.clone(), self.back.clone());
                tokio::spawn(async move {
                    let found = source.search(*filter).await;
                    // Nobody is there to hear it only at the very end.
                    let _ = back.send(Msg::Found { words, found }).await;
                });
            }
            Effect::Download(at) => {
                let source = self.source.clone();
                self.errand(Some(at.clone()), async move |folder| {
                    let files = source.files(at).await?;
                    write_all(&folder, files).await
                });
            }
            Effect::History(at) => {
                let source = self.source.clone();
                self.errand(Some(at.clone()), async move |folder| {
                    let name = format!("history-{}.ndjson", short(at.task));
                    let history = source.history(at).await?;
                    write_all(&folder, vec![(name, history)]).await
                });
            }
            Effect::Save { name, text } => {
                self.errand(None, async move |folder| {
                    write_all(&folder, vec![(name, text.into_bytes())]).await
                });
            }
            Effect::Fetch(at) => {
                let (source, back) = (self.source.clone(), self.back.clone());
                tokio::spawn(async move {
                    let text = source.files(at.clone()).await.and_then(first_text);
                    // Nobody is there to hear it only at the very end.
                    let _ = back.send(Msg::Fetched { at, text }).await;
                });
            }
            Effect::Reconnect => self.source.reconnect(),
            Effect::Copy(_)
            | Effect::Mouse(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Edit(_)
            | Effect::Show(_)
            | Effect::Ring(_) => return Some(effect),
        }
        None
    }

    /// Does something that ends with files, and says where they are.
    fn errand<F>(&self, at: Option<TaskRef>, what: impl FnOnce(PathBuf) -> F)
    where
        F: Future<Output = Result<String, String>> + Send + 'static,
    {
        let (back, work) = (self.back.clone(), what(self.folder.clone()));
        tokio::spawn(async move {
            let outcome = work.await;
            let _ = back.send(Msg::Done { at, outcome }).await;
        });
    }

    fn open(&mut self, at: TaskRef) {
        self.close();
        let (sender, mut receiver) = mpsc::channel(ROOM);
        let telling = self.source.story(at.clone(), sender);
        let back = self.back.clone();
        self.story = Some(tokio::spawn(async move {
            let pass_on = async {
                while let Some(told) = receiver.recv().await {
                    if back.send(Msg::Told(at.clone(), told)).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(telling, pass_on);
        }));
    }

    fn close(&mut self) {
        if let Some(story) = self.story.take() {
            story.abort();
        }
    }
}

impl Drop for Performer {
    fn drop(&mut self) {
        self.close();
        if let Some(words) = &self.words {
            words.abort();
        }
    }
}

/// Writes files, and says where they are.
async fn write_all(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Result<String, String> {
    let folder = folder.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let mut paths = Vec::new();
        for (name, bytes) in &files {
            let path = write_new(&folder, name, bytes).map_err(|error| {
                format!(
                    "cannot write {} into {}: {error}",
                    fit(name, 60),
                    fit(&folder.to_string_lossy(), 200)
                )
            })?;
            paths.push(fit(&path.to_string_lossy(), 300));
        }
        Ok(format!("written: {}", paths.join(", ")))
    });
    written.await.map_err(|error| error.to_string())?
}

/// The first of some files that is text.
fn first_text(files: Vec<(String, Vec<u8>)>) -> Result<String, String> {
    let read = files.into_iter().find_map(|(_, bytes)| String::from_utf8(bytes).ok());
    read.ok_or_else(|| "what it made is no text: o writes it into a file".to_owned())
}
