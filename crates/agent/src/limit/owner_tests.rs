use std::sync::Arc;

use longhaul_core::OrgId;
use longhaul_journal::faulty::{Faults, Faulty};
use longhaul_journal::memory::Memory;
use longhaul_journal::{Journal, Shards};

use super::*;

const RATES: Rates = Rates { requests: Some(600), tokens: None };

/// Owners of one bucket in several processes, whose cell fails as told.
fn owners(count: usize, faults: Faults) -> Vec<mpsc::Sender<Word>> {
    let memory = Memory::new(Shards::ONE);
    let owner = |seed| {
        let port = Faulty::new(Arc::new(memory.clone()), seed, faults);
        let journal = Journal::new(Arc::new(port)).with_clock(memory.clock());
        let cells = journal.cells(&OrgId::new("acme").unwrap());
        let (words, heard) = mpsc::channel(64);
        tokio::spawn(Owner::new(cells, CellName::new("limit-x").unwrap()).run(heard));
        words
    };
    (0..count).map(|n| owner(n as u64 + 1)).collect()
}

async fn reserve(owner: &mpsc::Sender<Word>) -> Place {
    let (answer, place) = oneshot::channel();
    assert!(owner.send(Word::Reserve { rates: RATES, tokens: 1, answer }).await.is_ok());
    place.await.unwrap()
}

/// The most that go within a second.
fn most_in_a_second(mut at: Vec<Moment>) -> usize {
    at.sort_unstable();
    (0..at.len())
        .map(|n| at[n..].iter().take_while(|later| **later - at[n] < 1_000_000).count())
        .max()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn processes_keep_the_limit_together_though_answers_are_lost() {
    let faults = Faults { unheard: 100, lost: 100, late: 100, conflict: 100, slow: 200, ..Faults::NONE };
    let owners = owners(3, faults);
    let asked = (0..150).map(|n| reserve(&owners[n % 3]));
    let places = futures::future::join_all(asked).await;
    let most = most_in_a_second(places.iter().map(|place| place.at).collect());
    // A burst, and what comes in a second.
    assert!(most <= 60 + 10, "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_reaches_no_cell_keeps_the_limit_alone() {
    let owners = owners(1, Faults { unreachable: 1000, ..Faults::NONE });
    let places = futures::future::join_all((0..100).map(|_| reserve(&owners[0]))).await;
    assert!(most_in_a_second(places.iter().map(|place| place.at).collect()) <= 70);
}

#[tokio::test(start_paused = true)]
async fn a_place_whose_asker_has_gone_is_given_back() {
    let owners = owners(1, Faults { slow: 1000, ..Faults::NONE });
    for _ in 0..60 {
        reserve(&owners[0]).await;
    }
    let next = reserve(&owners[0]).await;
    for _ in 0..20 {
        let (answer, place) = oneshot::channel();
        assert!(owners[0].send(Word::Reserve { rates: RATES, tokens: 1, answer }).await.is_ok());
        // Somewhere between the question and the answer.
        tokio::time::sleep(Duration::from_millis(3)).await;
        drop(place);
    }
    let after = reserve(&owners[0]).await;
    assert!(after.at - next.at <= 220_000, "{} µs", after.at - next.at);
}
