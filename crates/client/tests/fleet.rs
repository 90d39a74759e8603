//! The fleet tells exactly what the log says, whatever was known when it began and whatever happens
//! meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use longhaul_client::fleet::{Brief, LISTED, Scope, Told, Word};
use longhaul_core::{RunNumber, Sequence, Status, TaskId};
use longhaul_journal::{Journal, ServiceSpec, Shard};
use longhaul_wire::query::{
    BriefPage, Briefs, Count, Counted, Cursor, Filter, Item, List, Page, Positions, Query as _, SERVICE,
    Tally,
};
use longhaul_wire::view::SnapshotView;
use proptest::prelude::*;
use tokio::sync::mpsc;

mod world;

use world::{Happens, What, World, client, happens};

/// Longest wait for something that happens at once.
const SOON: Duration = Duration::from_secs(60);

impl World {
    /// How all tasks stand, as a list has them.
    async fn listed(&self) -> (Vec<SnapshotView>, Positions) {
        let mut views = Vec::new();
        for task in &self.tasks {
            let state = self.journal.load(task).await.unwrap().unwrap();
            views.push(SnapshotView::new(&state, None, None, None));
        }
        let head = self.journal.head(Shard(0)).await.unwrap();
        (views, Positions::at(Shard(0), head))
    }
}

/// Answers with what was known at one time, two tasks a page. An old projector knows lists only.
async fn answer(journal: &Journal, known: Vec<SnapshotView>, as_of: Positions, old: bool) {
    let endpoint = if old { List::ENDPOINT } else { Briefs::ENDPOINT };
    let spec = ServiceSpec {
        name: SERVICE.to_owned(),
        version: "1.0.0".to_owned(),
        description: String::new(),
        endpoints: vec![endpoint.to_owned(), Count::ENDPOINT.to_owned()],
    };
    let mut questions = journal.serve(spec).await.unwrap();
    tokio::spawn(async move {
        while let Some(question) = questions.next().await {
            let body = match question.endpoint() {
                "list" => {
                    let list: List = serde_json::from_slice(question.body()).unwrap();
                    let (views, next) = page(&known, &list.filter, list.after, &list.at_least, &as_of);
                    let item = |view: SnapshotView| Item {
                        org: view.org.clone(),
                        task: view.task,
                        view: Some(view),
                        unreadable: None,
                        submitted: None,
                    };
                    let items = views.into_iter().map(item).collect();
                    serde_json::to_vec(&Page { as_of: as_of.clone(), items, next }).unwrap()
                }
                "briefs" => {
                    let briefs: Briefs = serde_json::from_slice(question.body()).unwrap();
                    let (views, next) = page(&known, &briefs.filter, briefs.after, &briefs.at_least, &as_of);
                    let tasks = views.into_iter().map(Brief::from).collect();
                    let page = BriefPage { as_of: as_of.clone(), next, unreadable: 1, tasks };
                    serde_json::to_vec(&page).unwrap()
                }
                _ => {
                    let all = Tally { status: [(Status::Completed, LISTED + 7)].into(), ..Tally::default() };
                    serde_json::to_vec(&Counted { as_of: as_of.clone(), all, groups: vec![] }).unwrap()
                }
            };
            question.answer(Ok(Bytes::from(body))).await.unwrap();
        }
    });
}

/// Two tasks from a place on, and the next place.
fn page(
    known: &[SnapshotView],
    filter: &Filter,
    after: Option<Cursor>,
    at_least: &Positions,
    as_of: &Positions,
) -> (Vec<SnapshotView>, Option<Cursor>) {
    assert_eq!(*filter, Filter { org: Some("acme".parse().unwrap()), ..Filter::default() });
    // Nobody who knows less than the first page may answer the later ones.
    assert_eq!(*at_least, if after.is_some() { as_of.clone() } else { Positions::default() });
    let from = after.map_or(0, |cursor| cursor.0.parse::<usize>().unwrap());
    let next = (from + 2 < known.len()).then(|| Cursor((from + 2).to_string()));
    (known.iter().skip(from).take(2).cloned().collect(), next)
}

/// Reads words until the log has been read to its head and the lists to their end.
async fn settled(journal: &Journal, words: &mut mpsc::Receiver<Word>) -> HashMap<TaskId, Brief> {
    let head = journal.head(Shard(0)).await.unwrap();
    let mut known: HashMap<TaskId, Brief> = HashMap::new();
    let (mut read, mut listed, mut counted) = (Sequence::ZERO, false, false);
    while read < head || !listed || !counted {
        let tasks = match words.recv().await.expect("the fleet tells for ever") {
            Word::Listed { tasks, last, .. } => {
                listed |= last;
                tasks
            }
            Word::Counted { older, .. } => {
                assert_eq!(older, 7);
                counted = true;
                continue;
            }
            Word::Happened(changes) => {
                assert!(changes.up_to > read, "the log is read once, in order");
                read = changes.up_to;
                changes.tasks
            }
            _ => continue,
        };
        for brief in tasks {
            let newer = known.get(&brief.at.task).is_none_or(|old| old.sequence <= brief.sequence);
            if newer {
                known.insert(brief.at.task, brief);
            }
        }
    }
    known
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_what_the_log_says(
        before in prop::collection::vec(happens(1), 0..40),
        between in prop::collection::vec(happens(1), 0..20),
        after in prop::collection::vec(happens(1), 1..40),
        old in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = runtime.block_on(async { tokio::time::timeout(SOON, async {
            let mut world = World::new(1);
            world.happen(&before).await;
            let (known, as_of) = world.listed().await;
            // The lists are behind the log when they are read.
            world.happen(&between).await;
            answer(&world.journal, known, as_of, old).await;
            let (sender, mut words) = mpsc::channel(64);
            let reader = client(&world.journal);
            let fleet = tokio::spawn(async move {
                reader.fleet(Scope::Organisation("acme".parse().unwrap()), sender).await;
            });
            world.happen(&[Happens::Submit(0)]).await;
            world.happen(&after).await;
            let told = settled(&world.journal, &mut words).await;
            for task in &world.tasks {
                let state = world.journal.load(task).await.unwrap().unwrap();
                let brief = told.get(&task.task).expect("every task is told of");
                let expected = Brief { submitted: brief.submitted, ..Brief::of(&state) };
                assert_eq!(*brief, expected);
            }
            // A reader that goes ends all of it.
            drop(words);
            fleet.await.unwrap();
        }).await });
        prop_assert!(told.is_ok(), "the fleet did not tell everything in time");
    }
}

#[tokio::test]
async fn a_story_is_told_from_its_beginning_and_goes_on() {
    let mut world = World::new(1);
    world.happen(&[Happens::Submit(0), Happens::Act(0, What::Start), Happens::Act(0, What::Step)]).await;
    let at = world.tasks[0].clone();
    let (sender, mut told) = mpsc::channel(64);
    let reader = client(&world.journal);
    let story = tokio::spawn({
        let at = at.clone();
        async move { reader.story(at, sender).await }
    });
    let next = tokio::time::timeout(SOON, told.recv()).await.unwrap();
    let Some(Told::Anew { snapshot, events }) = next else { panic!("{next:?}") };
    let names: Vec<_> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["submitted", "started", "step_started"]);
    assert_eq!(snapshot.run, RunNumber(1));

    world.happen(&[Happens::Act(0, What::Recorded), Happens::Act(0, What::Complete)]).await;
    let mut names = Vec::new();
    let last = loop {
        match tokio::time::timeout(SOON, told.recv()).await.unwrap().unwrap() {
            Told::More { snapshot, events } => {
                names.extend(events.iter().map(|event| event.name));
                if snapshot.status.is_terminal() {
                    break snapshot;
                }
            }
            Told::Text(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(names, ["step_completed", "completed"]);
    assert_eq!(*last, world.journal.load(&at).await.unwrap().unwrap());
    drop(told);
    story.await.unwrap();
}
