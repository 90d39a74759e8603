//! The tasks of the demo, and what is done about them: by whoever watches, else by the demo itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use longhaul_client::{Client, Error, NewTask};
use longhaul_core::{
    Actor, Limits, OrgId, Policy, Snapshot, Status, TaskId, TaskRef, Threshold, ToolRule, text,
};
use longhaul_tui::Remark;
use serde_json::json;
use tokio::time::Instant;

use super::voice::Voice;
use super::writer::Writer;
use crate::command::report;
use crate::time::local;

const REPORTS: [&str; 4] =
    ["Quarterly review of 2010", "Sales by country", "Top customers", "Customer churn"];

/// What a language model writes, if there is one.
pub(super) const PLAYLISTS: &str = "What fills the playlists";
/// Of how many rows a query is too large to run without a person's word: those of its report alone are.
const LARGE: u64 = 10_000;

const LONG: &str = "A long one, to be aborted";
const ASKS: &str = "One that asks before it acts";
const FLAKY: &str = "One that fails at first";

/// How long somebody who watches has to do what there is to do.
const TURN: Duration = Duration::from_secs(20);

/// What the demo does about a task of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Report,
    Written,
    ToAbort,
    ToApprove,
    ToRetry,
}

/// The tasks of the demo.
pub(super) struct Cast {
    org: OrgId,
    pub(super) roles: BTreeMap<TaskId, Role>,
    last: BTreeMap<TaskId, String>,
    pub(super) ended: BTreeMap<TaskId, Status>,
    pub(super) documents: Vec<TaskId>,
    /// Whose Stop was pressed.
    stops: BTreeSet<TaskId>,
    /// For whom something is to be done, one after the other.
    turns: Vec<TaskId>,
    /// Until when a person may do it for the first of them.
    until: Instant,
    /// A file without which one of them fails.
    switch: PathBuf,
}

impl Cast {
    pub(super) async fn submit(
        client: &Client,
        data: &Path,
        switch: PathBuf,
        writer: &Writer,
    ) -> anyhow::Result<Self> {
        let mut cast = Self {
            org: client.identity().org.clone(),
            roles: BTreeMap::new(),
            last: BTreeMap::new(),
            ended: BTreeMap::new(),
            documents: Vec::new(),
            stops: BTreeSet::new(),
            turns: Vec::new(),
            until: Instant::now(),
            switch,
        };
        let asks = ToolRule {
            tool: "execute_sql".to_owned(),
            over: Some(Threshold { figure: "rows_read".to_owned(), over: LARGE }),
            expires: ToolRule::DAY,
        };
        let actor =
            Actor { role: longhaul_core::Role::Client, who: "demo".to_owned(), via: "demo".to_owned() };
        let policy = Policy { tools: vec![asks], ..Policy::default() };
        client.journal().set_policy(&cast.org, &actor, policy).await.map_err(Error::from)?;
        let mut reports: Vec<_> = REPORTS.into_iter().map(|prompt| (prompt, None, Role::Report)).collect();
        // The two that show two ways to write stand side by side.
        reports.splice(1..1, writer.model().map(|model| (PLAYLISTS, Some(model), Role::Written)));
        for (prompt, model, role) in reports {
            let limits = Limits { queries: Some(report::QUERIES), ..Limits::default() };
            let task = report::task(data, prompt, None, &[], model)?.limits(limits);
            let task = client.submit(task).await?.snapshot.task;
            cast.roles.insert(task, role);
            cast.documents.push(task);
        }
        let long = NewTask::new("rehearsal", LONG, &json!("slow 600 150"))?;
        let asks = NewTask::new("rehearsal", ASKS, &json!("approve"))?;
        // Fails for as long as the service it needs is away; its first step is recorded all the same.
        let script =
            r#"printf '{"step":"fetched"}\n' >&"$LONGHAUL_EVENTS"; sleep 0.3; test -e "$1" || exit 75"#;
        let flaky = json!({ "program": "sh", "args": ["-c", script, "sh", &cast.switch] });
        let flaky = NewTask::new("exec", FLAKY, &flaky)?;
        let mut others = vec![(long, Role::ToAbort), (flaky, Role::ToRetry)];
        // What the mock writes asks before it acts; of another model nobody knows.
        if !matches!(writer, Writer::Mock { .. }) {
            others.insert(1, (asks, Role::ToApprove));
        }
        for (task, role) in others {
            cast.roles.insert(client.submit(task).await?.snapshot.task, role);
        }
        Ok(cast)
    }

    /// Tells of a task's change, once.
    pub(super) fn show(&mut self, s: &Snapshot, voice: &Voice) {
        if s.status.is_terminal() {
            self.ended.insert(s.task, s.status);
        } else {
            self.ended.remove(&s.task);
        }
        let doing = match s.status {
            Status::Running => {
                let step =
                    s.current_step().filter(|step| step.result.is_none()).map(|step| step.name.as_str());
                let message = s.progress.message.as_deref().map(|message| format!(": {message}"));
                match (self.roles.get(&s.task), step) {
                    // The long one would fill the screen.
                    (Some(Role::ToAbort), _) | (_, None) => "running".to_owned(),
                    (_, Some(step)) => format!("{step}{}", message.unwrap_or_default()),
                }
            }
            status => format!("{status}: {}", s.reason_text()),
        };
        // Between two steps there is nothing to tell.
        let between =
            doing == "running" && self.last.contains_key(&s.task) && s.run.0 > 0 && !s.steps.is_empty();
        if !between && self.last.get(&s.task) != Some(&doing) {
            let line = format!("{}  {:32} {doing}", &local(s.updated_at)[11..], s.title.as_str());
            voice.changed(&text::line(&line, 160));
            self.last.insert(s.task, doing);
        }
    }

    /// What is to be done about a task as it stands; whether that is something.
    fn needs(&self, s: &Snapshot) -> bool {
        match self.roles.get(&s.task) {
            Some(Role::ToAbort) => {
                let recorded = s.steps.iter().filter(|step| step.result.is_some()).count();
                s.status == Status::Running && recorded >= 5 && !self.stops.contains(&s.task)
            }
            Some(Role::ToApprove | Role::Written) => s.open_approval().is_some(),
            Some(Role::ToRetry) => s.status == Status::Failed && s.attempt == 1,
            Some(Role::Report) | None => false,
        }
    }

    /// Notes whether something is to be done about a task.
    pub(super) async fn note(&mut self, s: &Snapshot, voice: &Voice) -> anyhow::Result<()> {
        let first = self.turns.first().copied();
        if !self.needs(s) {
            self.turns.retain(|task| *task != s.task);
        } else if !self.turns.contains(&s.task) {
            if self.roles.get(&s.task) == Some(&Role::ToRetry) {
                std::fs::write(&self.switch, "").context("cannot write into the scratch directory")?;
            }
            self.turns.push(s.task);
        }
        if self.turns.first().copied() != first {
            self.next(voice).await;
        }
        Ok(())
    }

    /// It is another one's turn, or nobody's.
    async fn next(&mut self, voice: &Voice) {
        self.until = Instant::now() + TURN;
        voice.stands(self.stands()).await;
    }

    /// What whoever watches can do: about one task at a time.
    pub(super) fn stands(&self) -> Remark {
        let turn = self.turns.first().and_then(|task| {
            let does = match self.roles.get(task)? {
                Role::ToApprove => ("approve", ASKS, "a y"),
                Role::Written => ("approve", PLAYLISTS, "a y"),
                Role::ToRetry => ("retry", FLAKY, "R y"),
                Role::ToAbort => ("stop", LONG, "x y"),
                Role::Report => return None,
            };
            Some((*task, does))
        });
        let Some((task, (does, title, keys))) = turn else {
            let text = "The demo: reports over real data. Enter opens a task, ? has the keys.";
            return Remark::Standing(text.to_owned());
        };
        Remark::Turn {
            task: TaskRef { org: self.org.clone(), task },
            here: format!("The demo. Wait, or {does} \"{title}\" yourself: {keys}."),
            elsewhere: format!("The demo. Wait, or go to \"{title}\" and {does} it: {keys}."),
        }
    }

    /// Waits until the demo is to do something itself, and says about which task.
    pub(super) async fn turn(&self, voice: &Voice) -> TaskId {
        let Some(task) = self.turns.first() else { return std::future::pending().await };
        tokio::select! {
            () = tokio::time::sleep_until(self.until) => {}
            () = voice.unwatched() => {}
        }
        *task
    }

    /// Does what a person would.
    pub(super) async fn act(&mut self, client: &Client, task: TaskId, voice: &Voice) -> anyhow::Result<()> {
        self.turns.retain(|other| *other != task);
        let s = client.get(task).await?;
        if !self.needs(&s) {
            self.next(voice).await;
            return Ok(());
        }
        let outcome = match self.roles.get(&task) {
            Some(Role::ToAbort) => {
                self.stops.insert(task);
                voice.does("somebody presses Stop").await;
                client.abort(task, Some("seen enough")).await.map(drop)
            }
            Some(Role::ToApprove | Role::Written) => {
                if let Some(open) = s.open_approval() {
                    let why = open.note.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                    let what = format!("somebody approves: {}{why} {}", open.action, open.arguments);
                    voice.does(&text::line(&what, 200)).await;
                }
                client.approve(task).await.map(drop)
            }
            Some(Role::ToRetry) => {
                voice.does("the service is back; somebody presses Retry").await;
                self.ended.remove(&task);
                client.retry(task).await.map(drop)
            }
            Some(Role::Report) | None => Ok(()),
        };
        self.next(voice).await;
        match outcome {
            // Whoever watches was faster.
            Err(Error::Refused(_)) if voice.is_watched() => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Whether there is nothing more to come: all have ended, and nothing is to be done about any.
    pub(super) fn is_over(&self) -> bool {
        self.ended.len() == self.roles.len() && self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_is_not_over_while_something_is_to_be_done_about_a_task_that_has_ended() {
        let org = OrgId::new("demo").unwrap();
        let [stopped, failed] = ["stopped", "failed"].map(|key| TaskId::for_key(&org, key));
        let mut cast = Cast {
            org,
            roles: BTreeMap::from([(stopped, Role::ToAbort), (failed, Role::ToRetry)]),
            last: BTreeMap::new(),
            ended: BTreeMap::from([(stopped, Status::Aborted), (failed, Status::Failed)]),
            documents: Vec::new(),
            stops: BTreeSet::new(),
            turns: vec![failed],
            until: Instant::now(),
            switch: PathBuf::new(),
        };
        assert!(!cast.is_over(), "it is to be retried");
        cast.turns.clear();
        assert!(cast.is_over());
        cast.ended.remove(&failed);
        assert!(!cast.is_over(), "it runs again");
    }
}
