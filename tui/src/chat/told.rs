//! What the chat and the one who keeps the conversation say to each other.

use longhaul_core::{Status, TaskId};

/// What the person wants of the one who keeps the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A line that was entered: a message, or a command behind a slash. Answered by what comes of it, and
    /// then by [`Told::Ready`].
    Line(String),
    /// A command about a question that a task asks: it does not wait for the answer under way, which may
    /// be what asks. Answered by what comes of it, and then by [`Told::Decided`]: nothing is ready
    /// because of it.
    Decide(String),
    /// This task shall stop.
    Stop(TaskId),
    /// The person leaves; what runs goes on.
    Leave,
}

/// Why a message goes its way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Why {
    /// The way: `fast` or `slow`.
    pub path: &'static str,
    /// The reason, for programs.
    pub reason: &'static str,
    /// Both, for people.
    pub words: String,
}

/// A task that goes on beside the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which.
    pub task: TaskId,
    /// What it is for.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// What it does, or what it waits for.
    pub doing: String,
    /// How far it is, in thousandths.
    pub done: Option<u16>,
}

/// A task that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub task: TaskId,
    /// What it was for.
    pub title: String,
    /// How.
    pub status: Status,
    /// Why, if it did not complete.
    pub why: String,
    /// What it found, in sentences.
    pub summary: Vec<String>,
    /// The names of its files.
    pub files: Vec<String>,
}

/// What the one who keeps the conversation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The conversation is open.
    Open {
        /// Which.
        conversation: String,
        /// What it is about, and who answers.
        about: String,
        /// What was said before: asked, answered; the oldest first.
        turns: Vec<(String, String)>,
    },
    /// A message is being answered at once.
    Turn {
        /// By this task.
        task: TaskId,
        /// Why at once.
        why: Why,
    },
    /// A piece of the answer.
    Text {
        /// Whose.
        task: TaskId,
        /// The piece.
        text: String,
    },
    /// The answer begins anew.
    Anew {
        /// Whose.
        task: TaskId,
        /// All of it so far.
        text: String,
    },
    /// The answer is whole.
    Answered {
        /// Whose.
        task: TaskId,
        /// All of it.
        text: String,
        /// The names of the files that were made.
        files: Vec<String>,
        /// Why it went the way that it went in the end.
        why: Why,
    },
    /// There is no answer.
    Unanswered {
        /// Whose.
        task: TaskId,
        /// How it ended.
        status: Status,
        /// Why.
        why: String,
    },
    /// A message became a task of its own.
    Started {
        /// Which.
        task: TaskId,
        /// What it is for.
        title: String,
        /// Why.
        why: Why,
    },
    /// A message belongs to a task under way: nothing new was begun.
    Joined {
        /// Which.
        task: TaskId,
        /// What it is for.
        title: String,
        /// How far it is, in hundredths.
        percent: Option<u8>,
        /// Why it is not answered at once.
        why: Why,
    },
    /// A task waits for a yes.
    Asks {
        /// Which.
        task: TaskId,
        /// What it is for.
        title: String,
        /// What it wants to do.
        action: String,
        /// With which arguments, exactly: JSON.
        arguments: String,
        /// Why it asks.
        note: Option<String>,
    },
    /// Nothing is done.
    Refused {
        /// For programs.
        code: &'static str,
        /// For people.
        why: String,
    },
    /// Something worth a line.
    Note(String),
    /// How a task stands: one that answers, or one that goes on beside the conversation.
    Standing(Live),
    /// A task beside the conversation has ended.
    Ended(Ended),
    /// What was said to a question is dealt with.
    Decided,
    /// The last line is dealt with: the next may come.
    Ready,
}
