//! What the dashboard does to the world: asked for by [`update`](crate::update), done here, off the
//! thread that draws. What comes of it comes back as a [`Msg`].

use std::sync::Arc;

use longhaul_core::TaskRef;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::app::Steer;
use crate::msg::Msg;
use crate::source::Source;

/// How many things are asked of tasks at once: many marked ones must not flood the log.
const AT_ONCE: usize = 16;

/// How many words may wait for the thread that draws.
const ROOM: usize = 64;

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Tell the story of this task, and of no other.
    Open(TaskRef),
    /// Stop telling it.
    Close,
    /// Ask something of a task.
    Steer(TaskRef, Steer),
    /// Put a text on the terminal's clipboard.
    Copy(String),
    /// Turn the mouse on or off.
    Mouse(bool),
    /// Draw every cell anew.
    Redraw,
}

/// Does it.
pub(crate) struct Performer {
    source: Arc<dyn Source>,
    back: mpsc::Sender<Msg>,
    gate: Arc<Semaphore>,
    story: Option<JoinHandle<()>>,
    words: JoinHandle<()>,
}

impl Performer {
    /// Starts the source's words; everything comes back on `back`.
    pub(crate) fn start(source: Arc<dyn Source>, back: mpsc::Sender<Msg>) -> Self {
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
        Self { source, back, gate: Arc::new(Semaphore::new(AT_ONCE)), story: None, words }
    }

    /// Does what is not the terminal's affair; gives back what is.
    pub(crate) fn perform(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Open(at) => self.open(at),
            Effect::Close => self.close(),
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
            Effect::Copy(_) | Effect::Mouse(_) | Effect::Redraw => return Some(effect),
        }
        None
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
        self.words.abort();
    }
}
