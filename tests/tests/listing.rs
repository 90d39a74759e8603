//! A dashboard that connects to many tasks: every one is told, page by page, from whichever projector
//! answers, while things go on.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::HashMap;

use futures::stream::{self, StreamExt as _};
use longhaul_client::Client;
use longhaul_client::fleet::{Brief, Scope, Word};
use longhaul_core::{Status, TaskId};
use longhaul_tests::world::{rehearsal, submit};
use longhaul_tests::{PATIENCE, World};
use longhaul_wire::query::{Briefs, Filter, MAX_BRIEFS};
use tokio::sync::mpsc;

/// Enough for several pages.
const MANY: usize = 2 * MAX_BRIEFS as usize + 300;

/// What a dashboard knows.
#[derive(Default)]
struct Known {
    tasks: HashMap<TaskId, Brief>,
    pages: usize,
    counted: Option<u64>,
    listed: bool,
}

impl Known {
    fn take(&mut self, word: Word) {
        let tasks = match word {
            Word::Counted { tally, older } => {
                assert_eq!(older, 0);
                self.counted = Some(tally.total);
                return;
            }
            Word::Listed { tasks, unreadable, last } => {
                assert_eq!(unreadable, 0);
                self.pages += 1;
                self.listed |= last;
                tasks
            }
            Word::Happened(changes) => changes.tasks,
            _ => return,
        };
        for brief in tasks {
            let newer = self.tasks.get(&brief.at.task).is_none_or(|known| known.sequence <= brief.sequence);
            if newer {
                self.tasks.insert(brief.at.task, brief);
            }
        }
    }

    async fn until(&mut self, words: &mut mpsc::Receiver<Word>, done: impl Fn(&Self) -> bool) {
        let hear = async {
            while !done(self) {
                self.take(words.recv().await.unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, hear).await.unwrap();
    }
}

fn listen(client: Client) -> mpsc::Receiver<Word> {
    let (sender, words) = mpsc::channel(64);
    tokio::spawn(async move { client.fleet(Scope::Organisation("acme".parse().unwrap()), sender).await });
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tasks_are_told_by_real_processes() {
    let world = World::new(2).await;
    let client = world.client("ann");
    let one = |n: usize| submit(&client, rehearsal(&format!("slow {n} 1")));
    let all: Vec<TaskId> = stream::iter(0..MANY).map(one).buffer_unordered(64).collect().await;
    // Whichever is asked, and one of them goes.
    let mut projectors = [world.start(&["project"]), world.start(&["project"])];

    // One listens before anything can be answered.
    let (mut early, mut before) = (Known::default(), listen(world.client("ann")));
    early.until(&mut before, |known| known.listed && known.counted.is_some()).await;
    client.abort(all[0], None).await.unwrap();
    projectors[0].kill();
    let (mut late, mut after) = (Known::default(), listen(world.client("ann")));
    late.until(&mut after, |known| known.listed && known.counted.is_some()).await;

    let aborted =
        |known: &Known| known.tasks.get(&all[0]).is_some_and(|brief| brief.status == Status::Aborted);
    for (known, words) in [(&mut early, &mut before), (&mut late, &mut after)] {
        known.until(words, aborted).await;
        assert!(known.pages > 2, "{} pages", known.pages);
        assert_eq!(known.counted, Some(MANY as u64));
        for task in &all {
            let state = client.get(*task).await.unwrap();
            let brief = &known.tasks[task];
            let beside =
                Brief { waiting: brief.waiting.clone(), submitted: brief.submitted, ..Brief::of(&state) };
            assert_eq!(*brief, beside);
        }
    }
    // What is not kept is found by what its title says.
    let text = Some(format!("SLOW {}", MANY - 1));
    let filter = Filter { org: Some("acme".parse().unwrap()), text, ..Filter::default() };
    let found = client.briefs(&Briefs { filter, ..Briefs::default() }).await.unwrap();
    assert_eq!((found.tasks.len(), found.next), (1, None));
}
