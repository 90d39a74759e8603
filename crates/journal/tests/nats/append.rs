//! What becomes of an append.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use longhaul_core::Sequence;
use longhaul_journal::PortError;
use longhaul_journal::nats::Nats;
use longhaul_journal::port::{AppendError, Durability, Port};
use longhaul_wire::Subject;

use crate::server::{Place, any, first, fresh, soon, start};

/// Over two connections, where appends gather and where they do not.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_creators_of_a_task_one_wins_and_the_others_learn_it() {
    for durability in [Durability::Strict, Durability::Relaxed] {
        let place = start(durability).await;
        let connections = [place.connect(1).await, place.connect(1).await];
        for _ in 0..20 {
            let subject = fresh(1);
            let racing =
                (0..64).map(|n| connections[n % 2].append(first(&subject, format!("{n}").into_bytes())));
            let outcomes = join_all(racing).await;
            let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
            let conflicts =
                outcomes.iter().filter(|outcome| matches!(outcome, Err(AppendError::Conflict { .. })));
            assert_eq!((winners.len(), conflicts.count()), (1, 63), "{outcomes:?}");
            let stored = connections[0].read(&subject, Sequence::ZERO).await.unwrap();
            assert_eq!(stored.iter().map(|stored| &stored.sequence).collect::<Vec<_>>(), winners);
        }
    }
}

/// Racing within batches: a batch that holds a conflict is refused whole, and every other message of
/// it must still get its own way.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_in_a_batch_harms_nobody_else() {
    let place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let contested = fresh(1);
    nats.append(first(&contested, "taken")).await.unwrap();
    let subjects: Vec<Subject> = (0..300).map(|_| fresh(1)).collect();
    let own = subjects.iter().map(|subject| nats.append(first(subject, "own")));
    let late = (0..10).map(|_| nats.append(first(&contested, "late")));
    let (own, late) = tokio::join!(join_all(own), join_all(late));
    assert!(late.iter().all(|outcome| matches!(outcome, Err(AppendError::Conflict { .. }))), "{late:?}");
    for (subject, outcome) in subjects.iter().zip(own) {
        let stored = nats.read(subject, Sequence::ZERO).await.unwrap();
        assert_eq!(stored.iter().map(|stored| stored.sequence).collect::<Vec<_>>(), [outcome.unwrap()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_refuses_at_once_and_takes_again_when_there_is_room() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    nats.append(first(&fresh(1), "fits")).await.unwrap();
    let operator = place.operator().await;
    let mut config = operator.get_stream("LH_LOG_0").await.unwrap().cached_info().config.clone();
    config.max_messages = 1;
    operator.update_stream(&config).await.unwrap();
    let refused = nats.append(first(&fresh(1), "too much")).await;
    assert!(
        matches!(&refused, Err(AppendError::DidNotHappen(PortError::Refused(why))) if why.contains("maximum")),
        "{refused:?}"
    );
    config.max_messages = -1;
    operator.update_stream(&config).await.unwrap();
    nats.append(first(&fresh(1), "fits again")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_deleted_is_no_passing_trouble() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(2).await;
    place.operator().await.delete_stream("LH_LOG_1").await.unwrap();
    let subject = std::iter::repeat_with(|| fresh(2)).find(|subject| subject.shard().0 == 1).unwrap();
    let outcome = nats.append(first(&subject, "lost")).await;
    assert!(
        matches!(&outcome, Err(AppendError::DidNotHappen(PortError::Misconfigured(why))) if why.contains("LH_LOG_1")),
        "{outcome:?}"
    );
    assert!(matches!(nats.head(subject.shard()).await, Err(PortError::Misconfigured(_))));
}

/// The server is frozen: nobody can know, and here it did happen.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_without_answer_may_have_happened() {
    let place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    let subject = fresh(1);
    place.server.freeze().unwrap();
    let outcome = soon("an outcome", nats.append(first(&subject, "in doubt"))).await;
    assert!(matches!(outcome, Err(AppendError::MayHaveHappened(PortError::Unreachable(_)))), "{outcome:?}");
    place.server.thaw().unwrap();
    // It may still be on its way when the server answers again.
    soon("the append", async {
        while nats.read(&subject, Sequence::ZERO).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_to_a_server_that_is_gone_did_not_happen() {
    let mut place = start(Durability::Strict).await;
    let nats = place.connect(1).await;
    place.server.kill().await.unwrap();
    // The client may learn of it a moment later.
    let subject = loop {
        let subject = fresh(1);
        match soon("an outcome", nats.append(first(&subject, "not sent"))).await {
            Err(AppendError::DidNotHappen(PortError::Unreachable(_))) => break subject,
            Err(AppendError::MayHaveHappened(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    place.server.restart().await.unwrap();
    assert!(nats.read(&subject, Sequence::ZERO).await.unwrap().is_empty());
    nats.append(first(&subject, "now")).await.unwrap();
}

/// What a writer was told of each of its appends.
type Told = HashMap<Subject, Result<Sequence, AppendError>>;

/// Appends to fresh subjects, one at a time, until told to stop.
async fn write(nats: Arc<Nats>, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::new();
    while !stop.load(Ordering::Relaxed) {
        let subject = fresh(1);
        let outcome = nats.append(first(&subject, subject.to_string().into_bytes())).await;
        told.insert(subject, outcome);
    }
    told
}

/// Kills the server again and again under many writers; every word they were told must hold.
async fn words_hold_over_crashes(mut place: Place) {
    let nats = place.connect(1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> =
        (0..64).map(|_| tokio::spawn(write(Arc::clone(&nats), Arc::clone(&stop)))).collect();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        place.crash(Duration::from_millis(200)).await;
        // Appends go on.
        soon("an append", async {
            while nats.append(any(&fresh(1), "again")).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut kinds = [0; 3];
    for writer in writers {
        for (subject, outcome) in soon("a writer's end", writer).await.unwrap() {
            let stored = nats.read(&subject, Sequence::ZERO).await.unwrap();
            assert!(stored.len() <= 1, "{subject} is there {} times", stored.len());
            let found = stored.first().map(|stored| stored.sequence);
            match outcome {
                Ok(sequence) => {
                    assert_eq!(found, Some(sequence), "{subject} was acknowledged");
                    kinds[0] += 1;
                }
                Err(AppendError::DidNotHappen(why)) => {
                    assert_eq!(found, None, "{subject} is there: {why}");
                    kinds[1] += 1;
                }
                Err(AppendError::MayHaveHappened(_)) => kinds[2] += 1,
                Err(AppendError::Conflict { .. }) => panic!("nobody else writes to {subject}"),
            }
        }
    }
    eprintln!("acknowledged, did not happen, may have happened: {kinds:?}");
    assert!(kinds[0] > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_hold_over_crashes_where_appends_gather() {
    words_hold_over_crashes(start(Durability::Strict).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_hold_over_crashes_where_they_do_not() {
    words_hold_over_crashes(start(Durability::Relaxed).await).await;
}
