//! Following a task: a bar with the current step on a terminal, a line for each change elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use longhaul_client::{Client, Watch};
use longhaul_core::{Snapshot, Status, TaskId, text};

use crate::output::{lively, say};
use crate::signals::CtrlC;

/// After how long without a change the log is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(5);

/// How long after the first Ctrl-C a second one means the task.
const SECOND_THOUGHT: Duration = Duration::from_secs(2);

/// How following ended.
#[derive(Debug)]
pub(crate) enum Followed {
    /// The task ended.
    Ended(Box<Snapshot>),
    /// It waits for a person.
    Paused(Box<Snapshot>),
    /// Whoever watched left; the task goes on.
    Detached,
}

/// What a task's bar shows.
struct Bar {
    bar: Option<ProgressBar>,
    quiet: bool,
    last: String,
}

impl Bar {
    fn new(title: &str, quiet: bool) -> Self {
        let bar = (lively() && !quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {prefix}  {bar:28}  {msg}  {elapsed}");
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_prefix(text::line(title, 40));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, quiet, last: String::new() }
    }

    fn show(&mut self, s: &Snapshot, waiting: Option<&str>) {
        let told = told(s, waiting);
        if let Some(bar) = &self.bar {
            let fraction = s.progress.fraction.unwrap_or(0.0);
            // A fraction of a thousand: fits whatever the machine.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
            bar.set_position((fraction * 1000.0) as u64);
            bar.set_message(told);
        } else if told != self.last && !self.quiet {
            say(&told);
            self.last = told;
        }
    }

    fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// In a few words, where a task stands.
fn told(s: &Snapshot, waiting: Option<&str>) -> String {
    match s.status {
        Status::Pending => format!("waiting: {}", waiting.map_or_else(|| s.reason_text(), str::to_owned)),
        Status::Running => {
            let step = s.current_step().filter(|step| step.result.is_none());
            let step = step.map(|step| step.name.clone()).unwrap_or_else(|| "running".to_owned());
            match &s.progress.message {
                Some(message) => format!("{step}: {message}"),
                None => step,
            }
        }
        status => format!("{status}: {}", s.reason_text()),
    }
}

/// Follows a task to its end, or until it waits for a person. The first Ctrl-C detaches; a second one
/// within a moment aborts instead, and one after that leaves.
pub(crate) async fn follow(
    client: &Client,
    task: TaskId,
    quiet: bool,
    ctrl_c: &mut CtrlC,
) -> anyhow::Result<Followed> {
    let mut watch = client.watch(task).await?;
    let mut bar = Bar::new(watch.snapshot().title.as_str(), quiet);
    let mut aborted = false;
    loop {
        tokio::select! {
            followed = turn(client, &mut watch, &mut bar) => match followed? {
                Some(followed) => {
                    bar.done();
                    return Ok(followed);
                }
                None => continue,
            },
            () = ctrl_c.pressed() => {}
        }
        if !aborted {
            say("detaching; press Ctrl-C again within 2 s to abort the task instead");
        }
        if aborted || tokio::time::timeout(SECOND_THOUGHT, ctrl_c.pressed()).await.is_err() {
            bar.done();
            return Ok(Followed::Detached);
        }
        say("aborting; it stops at its next checkpoint");
        client.abort(task, Some("interrupted at the terminal")).await?;
        aborted = true;
    }
}

/// Shows where a task stands, and waits for something new. Some: there is nothing more to wait for.
async fn turn(client: &Client, watch: &mut Watch, bar: &mut Bar) -> anyhow::Result<Option<Followed>> {
    let s = watch.snapshot();
    let (task, pending) = (s.task, s.status == Status::Pending);
    match s.status {
        status if status.is_terminal() => {
            // How it ended otherwise is the answer, which is told by whoever asked.
            if status == Status::Completed {
                bar.show(s, None);
            }
            return Ok(Some(Followed::Ended(Box::new(s.clone()))));
        }
        Status::Paused => {
            bar.show(s, None);
            return Ok(Some(Followed::Paused(Box::new(s.clone()))));
        }
        Status::Pending => bar.show(s, why_waiting(client, s).await.as_deref()),
        _ => bar.show(s, None),
    }
    tokio::select! {
        changed = watch.changed() => { changed?; }
        // A place in the queue moves without the task's own history saying so.
        () = tokio::time::sleep(Duration::from_secs(1)), if pending => {}
        // Silence may mean that the server is gone: a look at the task tells.
        () = tokio::time::sleep(SILENCE) => { client.get(task).await?; }
    }
    Ok(None)
}

/// Why a pending task waits, by the projector's word; nothing if none answers.
pub(crate) async fn why_waiting(client: &Client, s: &Snapshot) -> Option<String> {
    let question =
        longhaul_wire::query::Get { task: s.task, org: Some(s.owner.org.clone()), at_least: client.place(s) };
    let item = client.query(&question).await.ok()?.item?;
    Some(item.view?.waiting?.to_string())
}
