//! Watches the log while the storm goes on: where every task stands, and how long nothing moved.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use longhaul_core::{EventBody, OrgId, Sequence, Status, TaskId};
use longhaul_journal::{Journal, Record as Stored, Shard};
use tokio::task::JoinSet;

#[derive(Default)]
struct Seen {
    tasks: HashMap<TaskId, Status>,
    paused: HashMap<TaskId, OrgId>,
    open: usize,
    moved: Option<Instant>,
    longest: Duration,
}

/// What is seen of the log so far.
pub struct Sky {
    seen: Mutex<Seen>,
}

impl Sky {
    /// Begins to watch, over a connection that no fault reaches. It ends when the set is dropped.
    pub fn watch(journal: &Journal) -> (Arc<Self>, JoinSet<()>) {
        let sky = Arc::new(Self { seen: Mutex::default() });
        let mut watching = JoinSet::new();
        for shard in journal.shards().all() {
            watching.spawn(follow(Arc::clone(&sky), journal.clone(), shard));
        }
        (sky, watching)
    }

    /// Tasks that have not ended.
    pub fn open(&self) -> usize {
        self.seen.lock().unwrap().open
    }

    /// Tasks that have.
    pub fn ended(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.tasks.len() - seen.open
    }

    /// How long no task has moved although some had not ended.
    pub fn still_for(&self) -> Duration {
        let seen = self.seen.lock().unwrap();
        seen.moved.filter(|_| seen.open > 0).map_or(Duration::ZERO, |moved| moved.elapsed())
    }

    /// The longest such time so far.
    pub fn longest_still(&self) -> Duration {
        let now = self.still_for();
        self.seen.lock().unwrap().longest.max(now)
    }

    /// Where a task stands, by its last event that says so. Nothing is decided on it: the audit folds.
    pub fn status(&self, task: TaskId) -> Option<Status> {
        self.seen.lock().unwrap().tasks.get(&task).copied()
    }

    /// The tasks that wait for a decision.
    pub fn paused(&self) -> Vec<(TaskId, OrgId)> {
        let seen = self.seen.lock().unwrap();
        seen.paused.iter().map(|(task, org)| (*task, org.clone())).collect()
    }

    fn take(&self, org: &OrgId, task: TaskId, events: &[longhaul_core::Event]) {
        let mut seen = self.seen.lock().unwrap();
        let now = Instant::now();
        if seen.open > 0
            && let Some(moved) = seen.moved
        {
            seen.longest = seen.longest.max(now - moved);
        }
        seen.moved = Some(now);
        // Whatever comes first says that it is there.
        let status = seen.tasks.entry(task).or_insert(Status::Completed);
        let before = status.is_terminal();
        *status = events.iter().fold(*status, |status, event| after(status, &event.body));
        let status = *status;
        let ended = status.is_terminal();
        match status {
            Status::Paused => seen.paused.insert(task, org.clone()),
            _ => seen.paused.remove(&task),
        };
        seen.open = match (before, ended) {
            (true, false) => seen.open + 1,
            (false, true) => seen.open - 1,
            _ => seen.open,
        };
    }
}

fn after(status: Status, event: &EventBody) -> Status {
    match event {
        EventBody::Submitted(_) | EventBody::Retried { .. } | EventBody::ApprovalDecided { .. } => {
            Status::Pending
        }
        EventBody::Started { .. } => Status::Running,
        EventBody::Continued { .. } | EventBody::Lost { .. } => Status::Pending,
        EventBody::ApprovalRequested { .. } => Status::Paused,
        EventBody::AbortRequested { .. } => Status::Aborting,
        EventBody::Completed { .. } => Status::Completed,
        EventBody::Failed { .. } => Status::Failed,
        EventBody::Aborted { .. } => Status::Aborted,
        EventBody::Expired { .. } => Status::Expired,
        _ => status,
    }
}

async fn follow(sky: Arc<Sky>, journal: Journal, shard: Shard) {
    let mut after = Sequence::ZERO;
    loop {
        if let Ok(mut follower) = journal.follow(shard, after).await {
            while let Some(Ok(entry)) = follower.next().await {
                after = entry.sequence;
                if let Ok(Stored::Task(commit)) = &entry.record {
                    sky.take(entry.subject.org(), commit.task, &commit.events);
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
