//! A message on its way: answered at once, or as a report.

use longhaul_agent::path::{Choice, Path, Reason, choose};
use longhaul_agent::{Answered, CHAT, ChatInput, Input, KIND, Start};
use longhaul_client::{Error, NewTask, OnBusy};
use longhaul_core::{Lane, Limits, Priority, RetryPolicy, Snapshot, Status, TaskId, text};
use longhaul_tui::chat::{Told, Why};

use super::follow;
use super::talk::{Dealt, Talk};
use crate::command::report::{ATTEMPTS, QUERIES};

impl Talk {
    /// Sends a message its way.
    pub(super) async fn say(&mut self, message: &str, busy: OnBusy) -> Dealt {
        if busy != OnBusy::Join {
            return self.report(message, busy).await;
        }
        let at_hand = self.memory.at_hand();
        let choice = choose(message, &at_hand, self.path);
        if choice.path == Path::Slow {
            return self.submit_report(message, message, choice, None, busy).await;
        }
        let wants = choose(message, &at_hand, None).reason;
        // What is not there yet may be what a report under way will bring.
        if wants == Reason::NothingAtHand && !self.reports.is_empty() {
            let choice = Choice { path: Path::Slow, reason: wants, ..choice };
            return self.join(message, &choice).await;
        }
        if let Some(why) = self.not_continued(&wants).await {
            let Some(document) = &self.memory.document else {
                return self.refuse("not_continuable", why).await;
            };
            let title = text::line(&document.title, text::MAX_TITLE);
            self.note(format!("{why}; so this is about {title:?}")).await;
        }
        self.answer(message, choice).await
    }

    /// Makes a report of a message, whatever its words.
    pub(super) async fn report(&mut self, message: &str, busy: OnBusy) -> Dealt {
        let choice = choose(message, &self.memory.at_hand(), Some(Path::Slow));
        self.submit_report(message, message, choice, None, busy).await
    }

    /// Why a message that points back is not about the newest report: it did not complete.
    async fn not_continued(&self, wants: &Reason) -> Option<String> {
        let unfinished = self.unfinished.as_ref()?;
        let points = matches!(
            wants,
            Reason::Exports { .. } | Reason::Summarises | Reason::Reshapes | Reason::NothingAtHand
        );
        if !points {
            return None;
        }
        let policy = self.client.journal().policy(&self.client.identity().org).await;
        if policy.is_ok_and(|policy| policy.continue_unfinished) {
            return None;
        }
        let (title, task, status) = (&unfinished.title, unfinished.at.1, unfinished.status);
        Some(format!(
            "{title:?} is {status}: only a completed task is gone on from, unless the organisation's policy \
             allows it; /retry tries it again, `longhaul get {task}` tells what happened"
        ))
    }

    /// Has a message answered at once, by a task of its own.
    async fn answer(&mut self, message: &str, choice: Choice) -> Dealt {
        let why = why(&choice);
        let input = ChatInput {
            message: message.to_owned(),
            data: self.data.clone(),
            memory: self.memory.clone(),
            choice,
            model: self.model.clone(),
            formats: self.formats.clone(),
        };
        let submitted = match self.task(CHAT, message, &input, &why, OnBusy::Join) {
            // In the foreground: no report is waited for, and none waits for it.
            Ok(task) => self.client.submit(task.priority(Priority::Interactive).lane(Lane::Foreground)).await,
            Err(error) => Err(error),
        };
        match submitted {
            Ok(submitted) => {
                self.follow_turn(submitted.snapshot.task, why).await;
                Dealt::Later
            }
            Err(error) => self.refuse(code(&error), error.to_string()).await,
        }
    }

    /// A task of the conversation, which goes on from the newest that completed.
    fn task(
        &self,
        kind: &str,
        title: &str,
        input: &impl serde::Serialize,
        why: &Why,
        busy: OnBusy,
    ) -> Result<NewTask, Error> {
        let title = text::line(title, text::MAX_TITLE);
        let limits = Limits { queries: Some(QUERIES), ..Limits::default() };
        let retry = RetryPolicy { max_attempts: ATTEMPTS, ..RetryPolicy::default() };
        let task = NewTask::new(kind, title.trim(), input)?
            .limits(limits)
            .retry(retry)
            .label("path", why.path)?
            .label("reason", why.reason)?
            .conversation(self.conversation.as_str(), busy)?;
        Ok(match self.last() {
            Some((_, last)) => task.continues(last),
            None => task,
        })
    }

    pub(super) async fn follow_turn(&mut self, task: TaskId, why: Why) {
        follow::text(&self.client, &self.words, task);
        self.turn = Some((task, why.clone()));
        self.tell(Told::Turn { task, why }).await;
    }

    /// The turn has ended.
    pub(super) async fn turned(&mut self, snapshot: Snapshot) -> Dealt {
        let task = snapshot.task;
        let Some((_, why)) = self.turn.take_if(|(turn, _)| *turn == task) else { return Dealt::Later };
        let output = match snapshot.status {
            Status::Completed => self.client.output(task).await,
            _ => Ok(serde_json::Value::Null),
        };
        let answered = match output.map(|output| {
            self.remember(&snapshot, output.get("memory"));
            serde_json::from_value::<Answered>(output)
        }) {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) if snapshot.status != Status::Completed => {
                let (status, why) = (snapshot.status, snapshot.reason_text());
                self.tell(Told::Unanswered { task, status, why }).await;
                return Dealt::With;
            }
            Ok(Err(error)) => {
                let why = format!("its answer cannot be read: {error}");
                self.tell(Told::Unanswered { task, status: snapshot.status, why }).await;
                return Dealt::With;
            }
            Err(error) => {
                let why = format!("its answer is out of reach: {error}");
                self.tell(Told::Unanswered { task, status: snapshot.status, why }).await;
                return Dealt::With;
            }
        };
        if !answered.artifacts.is_empty() {
            self.files = Some(task);
        }
        let why = if answered.start.is_some() { self::why(&answered.choice) } else { why };
        let (text, files) = (answered.text, answered.artifacts);
        self.tell(Told::Answered { task, text, files, why }).await;
        match answered.start {
            Some(Start { title, request }) => {
                self.submit_report(&title, &request, answered.choice, Some(task), OnBusy::Join).await
            }
            None => Dealt::With,
        }
    }

    /// Submits a report, or joins the one under way.
    async fn submit_report(
        &mut self,
        title: &str,
        request: &str,
        choice: Choice,
        parent: Option<TaskId>,
        busy: OnBusy,
    ) -> Dealt {
        let Some(data) = self.data().cloned() else {
            let why = format!("it needs figures ({}), and no data is named yet: /data FILE", choice.reason);
            return self.refuse("no_data", why).await;
        };
        let why = why(&choice);
        let input = Input {
            data,
            prompt: request.to_owned(),
            skills: None,
            formats: self.formats.clone(),
            file_name: None,
            queries: None,
            analyst: longhaul_agent::analyst::Analyst::default(),
            model: self.model.clone(),
            choice: Some(choice.clone()),
            said: self.memory.turns.clone(),
        };
        let submitted = match (self.task(KIND, title, &input, &why, busy), parent) {
            (Ok(task), Some(parent)) => self.client.submit(task.parent(parent)).await,
            (Ok(task), None) => self.client.submit(task).await,
            (Err(error), _) => Err(error),
        };
        match submitted {
            Ok(submitted) if submitted.joined => {
                self.watch(&submitted.snapshot);
                self.joined(request, &submitted.snapshot, &choice).await
            }
            Ok(submitted) => {
                self.watch(&submitted.snapshot);
                let title = submitted.snapshot.title.to_string();
                self.tell(Told::Started { task: submitted.snapshot.task, title, why }).await;
                Dealt::With
            }
            Err(error) => self.refuse(code(&error), error.to_string()).await,
        }
    }

    /// Follows a report that is not followed yet.
    fn watch(&mut self, snapshot: &Snapshot) {
        let new = self.reports.insert(snapshot.task, snapshot.title.to_string()).is_none();
        if new {
            follow::standing(&self.client, &self.words, snapshot.task);
        }
    }

    /// A message belongs to the report under way, which is not submitted again.
    async fn join(&mut self, message: &str, choice: &Choice) -> Dealt {
        let Some(task) = self.reports.keys().next_back().copied() else { return Dealt::With };
        match self.client.get(task).await {
            Ok(snapshot) => self.joined(message, &snapshot, choice).await,
            Err(error) => self.refuse(code(&error), error.to_string()).await,
        }
    }

    async fn joined(&mut self, message: &str, snapshot: &Snapshot, choice: &Choice) -> Dealt {
        self.joined = Some(message.to_owned());
        let percent = snapshot.progress.fraction.map(follow::hundredths);
        let (task, title) = (snapshot.task, snapshot.title.to_string());
        self.tell(Told::Joined { task, title, percent, why: why(choice) }).await;
        Dealt::With
    }
}

/// A choice, as it is told and recorded.
fn why(choice: &Choice) -> Why {
    Why { path: choice.path.name(), reason: choice.reason.name(), words: choice.to_string() }
}

/// What programs know an error by.
fn code(error: &Error) -> &'static str {
    match error {
        Error::NotContinuable { .. } => "not_continuable",
        Error::Busy { .. } => "busy",
        Error::Invalid { .. } => "invalid",
        error if error.is_transient() => "out_of_reach",
        _ => "refused",
    }
}
