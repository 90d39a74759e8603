//! Checks of the port itself.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::StreamExt;
use longhaul_core::{CellName, Digest, OrgId, Sequence, UserId};
use longhaul_wire::cell::{Cell, MAX_CELL};
use longhaul_wire::{Shard, Shards, Subject, live, sha256};

use super::{Bed, checks, fresh, fresh_org, fresh_task};
use crate::port::{Append, AppendError, Port, PortError, ServiceSpec, Stored, SwapError};

checks![
    of_many_creators_one_wins,
    a_writer_who_is_behind_is_refused,
    an_unconditional_append_is_stored,
    a_batch_gives_each_message_its_own_outcome,
    what_cannot_be_stored_is_refused_before_it_is_sent,
    a_shard_that_does_not_exist_is_an_error,
    a_read_sees_one_subject_in_order,
    a_read_sees_what_another_connection_appended,
    the_last_message_is_the_last,
    a_message_is_found_at_its_place,
    a_follower_sees_everything_in_order,
    a_follower_begins_where_it_is_told,
    what_is_forgotten_is_gone,
    the_last_beats_come_first,
    a_cell_is_replaced_by_who_has_seen_it,
    of_many_who_swap_a_cell_one_wins,
    a_cell_belongs_to_its_organisation,
    what_is_said_reaches_who_listens,
    an_object_is_what_its_name_says,
    a_large_object_comes_back_whole,
    a_service_answers,
    nobody_answers_for_a_service_that_is_not_there,
];

fn shards(bed: &Bed) -> Shards {
    Shards::new(bed.port.info().shards).unwrap()
}

fn task_subject(bed: &Bed, org: &OrgId) -> Subject {
    let task = fresh_task(org);
    Subject::task(shards(bed), &task.org, task.task)
}

fn message(subject: &Subject, expect: Option<u64>, body: &str) -> Append {
    Append { subject: subject.clone(), expect: expect.map(Sequence), body: Bytes::from(body.to_owned()) }
}

async fn append(port: &dyn Port, subject: &Subject, expect: u64, body: &str) -> Sequence {
    port.append(message(subject, Some(expect), body)).await.unwrap()
}

fn bodies(stored: &[Stored]) -> Vec<&str> {
    stored.iter().map(|stored| std::str::from_utf8(&stored.body).unwrap()).collect()
}

async fn of_many_creators_one_wins(bed: Bed) {
    let subject = task_subject(&bed, &fresh_org());
    let writers = (0..32).map(|n| {
        let port = if n % 2 == 0 { &bed.port } else { &bed.other };
        port.append(message(&subject, Some(0), &n.to_string()))
    });
    let outcomes = join_all(writers).await;
    let won: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let conflicts = outcomes.iter().filter(|outcome| matches!(outcome, Err(AppendError::Conflict { .. })));
    assert_eq!(conflicts.count(), 31, "{outcomes:?}");
    let stored = bed.port.read(&subject, Sequence::ZERO).await.unwrap();
    assert_eq!(stored.iter().map(|stored| &stored.sequence).collect::<Vec<_>>(), won);
}

async fn a_writer_who_is_behind_is_refused(bed: Bed) {
    let org = fresh_org();
    let (subject, neighbour) = (task_subject(&bed, &org), task_subject(&bed, &org));
    let first = append(&*bed.port, &subject, 0, "first").await;
    // A neighbour's messages do not count.
    append(&*bed.port, &neighbour, 0, "neighbour").await;
    let second = append(&*bed.other, &subject, first.0, "second").await;
    assert!(second > first);
    for behind in [0, first.0, second.0 + 1] {
        let refused = bed.port.append(message(&subject, Some(behind), "late")).await;
        assert!(
            matches!(&refused, Err(AppendError::Conflict { subject: of }) if *of == subject),
            "{refused:?}"
        );
    }
    assert_eq!(bodies(&bed.port.read(&subject, Sequence::ZERO).await.unwrap()), ["first", "second"]);
}

async fn an_unconditional_append_is_stored(bed: Bed) {
    let subject = Subject::policy(shards(&bed), &fresh_org());
    let first = bed.port.append(message(&subject, None, "a")).await.unwrap();
    let second = bed.port.append(message(&subject, None, "a")).await.unwrap();
    assert!(second > first);
    assert_eq!(bodies(&bed.port.read(&subject, Sequence::ZERO).await.unwrap()), ["a", "a"]);
}

async fn a_batch_gives_each_message_its_own_outcome(bed: Bed) {
    let org = fresh_org();
    let subjects: Vec<Subject> = (0..10).map(|_| task_subject(&bed, &org)).collect();
    let taken = append(&*bed.port, &subjects[3], 0, "somebody else's").await;
    let batch = subjects.iter().map(|subject| message(subject, Some(0), "mine")).collect();
    let outcomes = bed.port.append_batch(batch).await;
    assert_eq!(outcomes.len(), 10);
    for (at, (subject, outcome)) in subjects.iter().zip(outcomes).enumerate() {
        let last = bed.port.last(subject).await.unwrap().unwrap();
        match outcome {
            Ok(sequence) => assert_eq!((last.sequence, &last.body[..]), (sequence, &b"mine"[..])),
            Err(AppendError::Conflict { .. }) => assert_eq!((at, last.sequence), (3, taken)),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(bed.port.append_batch(Vec::new()).await.is_empty());
}

async fn what_cannot_be_stored_is_refused_before_it_is_sent(bed: Bed) {
    let subject = task_subject(&bed, &fresh_org());
    let body = Bytes::from(vec![b'x'; bed.port.info().max_message + 1]);
    let refused =
        bed.port.append(Append { subject: subject.clone(), expect: Some(Sequence::ZERO), body }).await;
    assert!(matches!(refused, Err(AppendError::DidNotHappen(PortError::Refused(_)))), "{refused:?}");
    // Whoever shares the connection is not harmed.
    append(&*bed.port, &subject, 0, "small").await;
}

async fn a_shard_that_does_not_exist_is_an_error(bed: Bed) {
    let beyond = Shard(bed.port.info().shards);
    let org = fresh_org();
    let subject = longhaul_wire::Parsed::Ledger { shard: beyond, org }.subject();
    let refused = bed.port.append(message(&subject, None, "a")).await;
    assert!(matches!(refused, Err(AppendError::DidNotHappen(PortError::Misconfigured(_)))), "{refused:?}");
    assert!(matches!(bed.port.read(&subject, Sequence::ZERO).await, Err(PortError::Misconfigured(_))));
    assert!(matches!(bed.port.head(beyond).await, Err(PortError::Misconfigured(_))));
    assert!(bed.port.follow(beyond, Sequence::ZERO).await.is_err());
}

async fn a_read_sees_one_subject_in_order(bed: Bed) {
    let org = fresh_org();
    let (subject, neighbour) = (task_subject(&bed, &org), task_subject(&bed, &org));
    let mut places = vec![0];
    for n in 0..300 {
        places.push(append(&*bed.port, &subject, places[n], &n.to_string()).await.0);
        if n % 7 == 0 {
            let last = bed.port.last(&neighbour).await.unwrap().map_or(0, |last| last.sequence.0);
            append(&*bed.port, &neighbour, last, "neighbour").await;
        }
    }
    let all = bed.port.read(&subject, Sequence::ZERO).await.unwrap();
    assert_eq!(all.iter().map(|stored| stored.sequence.0).collect::<Vec<_>>(), places[1..]);
    assert_eq!(bodies(&all), (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(all.iter().all(|stored| stored.subject == subject));
    assert!(all.is_sorted_by_key(|stored| stored.stored_at));
    let later = bed.port.read(&subject, Sequence(places[250])).await.unwrap();
    assert_eq!(later.iter().map(|stored| stored.sequence.0).collect::<Vec<_>>(), places[251..]);
    assert!(bed.port.read(&subject, Sequence(places[300])).await.unwrap().is_empty());
    assert!(bed.port.read(&task_subject(&bed, &org), Sequence::ZERO).await.unwrap().is_empty());
}

async fn a_read_sees_what_another_connection_appended(bed: Bed) {
    let subject = task_subject(&bed, &fresh_org());
    let mut last = 0;
    for n in 0..50 {
        last = append(&*bed.port, &subject, last, &n.to_string()).await.0;
        let seen = bed.other.last(&subject).await.unwrap().unwrap();
        assert_eq!(seen.sequence.0, last);
        assert_eq!(bed.other.read(&subject, Sequence(last - 1)).await.unwrap().len(), 1);
    }
}

async fn the_last_message_is_the_last(bed: Bed) {
    let subject = task_subject(&bed, &fresh_org());
    assert!(bed.port.last(&subject).await.unwrap().is_none());
    let first = append(&*bed.port, &subject, 0, "a").await;
    let second = append(&*bed.port, &subject, first.0, "b").await;
    let last = bed.port.last(&subject).await.unwrap().unwrap();
    assert_eq!((last.sequence, &last.body[..], &last.subject), (second, &b"b"[..], &subject));
    assert!(bed.port.head(subject.shard()).await.unwrap() >= second);
}

async fn a_message_is_found_at_its_place(bed: Bed) {
    let org = fresh_org();
    let (subject, other) = (task_subject(&bed, &org), task_subject(&bed, &org));
    let first = append(&*bed.port, &subject, 0, "a").await;
    let second = append(&*bed.port, &subject, first.0, "b").await;
    let found = bed.port.at(&subject, first).await.unwrap().unwrap();
    assert_eq!((found.sequence, &found.body[..], &found.subject), (first, &b"a"[..], &subject));
    assert!(bed.port.at(&other, first).await.unwrap().is_none(), "another subject's");
    assert!(bed.port.at(&subject, Sequence(second.0 + 1_000_000)).await.unwrap().is_none());
    bed.port.forget(subject.shard(), &[first]).await.unwrap();
    assert!(bed.port.at(&subject, first).await.unwrap().is_none(), "it is gone");
}

async fn a_follower_sees_everything_in_order(bed: Bed) {
    let org = fresh_org();
    let shard = shards(&bed).of(&org);
    let subjects: Vec<Subject> = (0..5).map(|_| task_subject(&bed, &org)).collect();
    let start = bed.port.head(shard).await.unwrap();
    let mut written = Vec::new();
    for subject in subjects.iter().cycle().take(700) {
        let message = Append { subject: subject.clone(), expect: None, body: Bytes::from_static(b"x") };
        written.push((bed.port.append(message).await.unwrap(), subject.clone()));
    }
    let mut follower = bed.port.follow(shard, start).await.unwrap();
    for (at, (sequence, subject)) in written.iter().enumerate() {
        let seen = bed.soon("a stored message", follower.next()).await.unwrap().unwrap();
        assert_eq!((&seen.sequence, &seen.subject), (sequence, subject));
        assert_eq!(seen.pending, (written.len() - at - 1) as u64, "messages are pending at {at}");
    }
    // What comes later comes too.
    let message = Append { subject: subjects[0].clone(), expect: None, body: Bytes::from_static(b"new") };
    let sequence = bed.other.append(message).await.unwrap();
    let seen = bed.soon("a new message", follower.next()).await.unwrap().unwrap();
    assert_eq!((seen.sequence, &seen.body[..], seen.pending), (sequence, &b"new"[..], 0));
}

async fn a_follower_begins_where_it_is_told(bed: Bed) {
    let org = fresh_org();
    let shard = shards(&bed).of(&org);
    let subject = task_subject(&bed, &org);
    let first = append(&*bed.port, &subject, 0, "a").await;
    let second = append(&*bed.port, &subject, first.0, "b").await;
    let mut follower = bed.port.follow(shard, first).await.unwrap();
    let seen = bed.soon("the message after", follower.next()).await.unwrap().unwrap();
    assert_eq!(seen.sequence, second);
    // From the end nothing comes until something is written.
    let mut follower = bed.port.follow(shard, second).await.unwrap();
    let third = append(&*bed.port, &subject, second.0, "c").await;
    let seen = bed.soon("the message after", follower.next()).await.unwrap().unwrap();
    assert_eq!(seen.sequence, third);
}

async fn what_is_forgotten_is_gone(bed: Bed) {
    let org = fresh_org();
    let subject = task_subject(&bed, &org);
    let first = append(&*bed.port, &subject, 0, "a").await;
    let second = append(&*bed.port, &subject, first.0, "b").await;
    let third = append(&*bed.port, &subject, second.0, "c").await;
    bed.port.forget(subject.shard(), &[first, second]).await.unwrap();
    // Again, after a crash between the two.
    bed.port.forget(subject.shard(), &[first, second]).await.unwrap();
    assert_eq!(bodies(&bed.port.read(&subject, Sequence::ZERO).await.unwrap()), ["c"]);
    let mut follower = bed.port.follow(subject.shard(), Sequence(first.0 - 1)).await.unwrap();
    let seen = bed.soon("what is left", follower.next()).await.unwrap().unwrap();
    assert_eq!(seen.sequence, third);
    // What was written last still counts.
    assert!(bed.port.append(message(&subject, Some(0), "again")).await.is_err());
    append(&*bed.port, &subject, third.0, "d").await;
}

async fn the_last_beats_come_first(bed: Bed) {
    let (one, two) = (fresh("executor"), fresh("executor"));
    let text = |who: &str, n: u32| Bytes::from(format!("{who} {n}"));
    bed.port.beat(&one, text(&one, 1)).await.unwrap();
    bed.port.beat(&one, text(&one, 2)).await.unwrap();
    bed.port.beat(&two, text(&two, 1)).await.unwrap();
    let mut beats = bed.other.beats().await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        let beat = bed.soon("the last beats", beats.next()).await.unwrap().unwrap();
        assert_ne!(beat, text(&one, 1), "it was replaced");
        // Others beat here too.
        if beat == text(&one, 2) || beat == text(&two, 1) {
            seen.insert(beat);
        }
    }
    bed.port.beat(&one, text(&one, 3)).await.unwrap();
    while bed.soon("a new beat", beats.next()).await.unwrap().unwrap() != text(&one, 3) {}
}

fn fresh_cell(org: &OrgId) -> Cell {
    Cell { org: org.clone(), name: CellName::new(fresh("cell")).unwrap() }
}

async fn a_cell_is_replaced_by_who_has_seen_it(bed: Bed) {
    let cell = fresh_cell(&fresh_org());
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    assert!(bed.port.cell(&cell).await.unwrap().is_none());
    let behind = bed.port.swap(&cell, Sequence(7), text("never")).await;
    assert!(matches!(behind, Err(SwapError::Changed)), "{behind:?}");
    let one = bed.port.swap(&cell, Sequence::ZERO, text("one")).await.unwrap();
    assert_eq!(bed.other.cell(&cell).await.unwrap(), Some((one, text("one"))));
    for behind in [Sequence::ZERO, Sequence(one.0 + 1)] {
        let behind = bed.other.swap(&cell, behind, text("never")).await;
        assert!(matches!(behind, Err(SwapError::Changed)), "{behind:?}");
    }
    let two = bed.other.swap(&cell, one, text("two")).await.unwrap();
    assert!(two > one);
    assert!(matches!(bed.port.swap(&cell, one, text("never")).await, Err(SwapError::Changed)));
    assert_eq!(bed.port.cell(&cell).await.unwrap(), Some((two, text("two"))));
    let large = Bytes::from(vec![b'x'; MAX_CELL + 1]);
    let refused = bed.port.swap(&cell, two, large).await;
    assert!(matches!(refused, Err(SwapError::Unavailable(PortError::Refused(_)))), "{refused:?}");
    bed.port.swap(&cell, two, Bytes::from(vec![b'x'; MAX_CELL])).await.unwrap();
}

async fn of_many_who_swap_a_cell_one_wins(bed: Bed) {
    let cell = fresh_cell(&fresh_org());
    let mut version = Sequence::ZERO;
    for round in 0..5_u8 {
        let swaps = (0..16_u8).map(|n| {
            let port = if n % 2 == 0 { &bed.port } else { &bed.other };
            port.swap(&cell, version, Bytes::from(vec![round, n]))
        });
        let outcomes = join_all(swaps).await;
        let won: Vec<_> =
            outcomes.iter().enumerate().filter_map(|(n, out)| Some((n, *out.as_ref().ok()?))).collect();
        let [(n, next)] = won[..] else { panic!("{outcomes:?}") };
        let value = Bytes::from(vec![round, u8::try_from(n).unwrap()]);
        assert_eq!(bed.other.cell(&cell).await.unwrap(), Some((next, value)));
        version = next;
    }
}

async fn a_cell_belongs_to_its_organisation(bed: Bed) {
    let cell = fresh_cell(&fresh_org());
    let beside = [Cell { org: fresh_org(), ..cell.clone() }, fresh_cell(&cell.org)];
    let version = bed.port.swap(&cell, Sequence::ZERO, Bytes::from_static(b"mine")).await.unwrap();
    for other in &beside {
        assert!(bed.port.cell(other).await.unwrap().is_none());
        bed.port.swap(other, Sequence::ZERO, Bytes::from_static(b"theirs")).await.unwrap();
    }
    assert_eq!(bed.port.cell(&cell).await.unwrap(), Some((version, Bytes::from_static(b"mine"))));
}

async fn what_is_said_reaches_who_listens(bed: Bed) {
    let task = fresh_task(&fresh_org());
    let (ada, bob) = (UserId::new("ada").unwrap(), UserId::new("bob").unwrap());
    let subject = live::change(&task.org, &ada, task.task);
    let mut exact = bed.other.listen(&subject).await.unwrap();
    let mut any = bed.other.listen(&live::changes(&task.org, None)).await.unwrap();
    let mut bobs = bed.other.listen(&live::changes(&task.org, Some(&bob))).await.unwrap();
    bed.port.say(&subject, Bytes::from_static(b"one")).await.unwrap();
    bed.port.say(&subject, Bytes::from_static(b"two")).await.unwrap();
    for listener in [&mut exact, &mut any] {
        for text in ["one", "two"] {
            let heard = bed.soon("what was said", listener.next()).await.unwrap();
            assert_eq!(heard, (subject.clone(), Bytes::from(text)));
        }
    }
    let subject = live::change(&task.org, &bob, task.task);
    bed.port.say(&subject, Bytes::from_static(b"three")).await.unwrap();
    let heard = bed.soon("what was said", bobs.next()).await.unwrap();
    assert_eq!(heard, (subject, Bytes::from("three")), "only what matches is heard");
}

async fn an_object_is_what_its_name_says(bed: Bed) {
    let body = Bytes::from(fresh("object"));
    let digest = sha256(&body);
    assert!(matches!(bed.port.get(digest).await, Err(PortError::NotFound(_))));
    bed.port.put(digest, body.clone()).await.unwrap();
    bed.port.put(digest, body.clone()).await.unwrap();
    assert_eq!(bed.other.get(digest).await.unwrap(), body);
    let wrong = bed.port.put(Digest([7; 32]), body).await;
    assert!(matches!(wrong, Err(PortError::Corrupt(_))), "{wrong:?}");
    bed.port.remove(digest).await.unwrap();
    bed.port.remove(digest).await.unwrap();
    assert!(matches!(bed.other.get(digest).await, Err(PortError::NotFound(_))));
    let empty = sha256(b"");
    bed.port.put(empty, Bytes::new()).await.unwrap();
    assert_eq!(bed.other.get(empty).await.unwrap(), Bytes::new());
}

async fn a_large_object_comes_back_whole(bed: Bed) {
    let mut body = fresh("large").into_bytes();
    body.resize(3_000_000, 0);
    for (at, byte) in body.iter_mut().enumerate().skip(64) {
        *byte = u8::try_from(at % 251).unwrap();
    }
    let body = Bytes::from(body);
    let digest = sha256(&body);
    bed.port.put(digest, body.clone()).await.unwrap();
    assert!(bed.other.get(digest).await.unwrap() == body);
    bed.port.remove(digest).await.unwrap();
}

fn service() -> ServiceSpec {
    ServiceSpec {
        name: fresh("service"),
        version: "1.0.0".to_owned(),
        description: "a check".to_owned(),
        endpoints: vec!["echo".to_owned(), "fail".to_owned()],
    }
}

async fn a_service_answers(bed: Bed) {
    let spec = service();
    let name = spec.name.clone();
    let mut requests = bed.port.serve(spec).await.unwrap();
    let server = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let answer = match request.endpoint() {
                "echo" => Ok(request.body().clone()),
                other => Err((422, format!("no {other}\nhere: ü"))),
            };
            request.answer(answer).await.unwrap();
        }
    });
    let wait = Duration::from_secs(20);
    let question = Bytes::from_static(b"{\"a\":1}");
    let answer = bed.other.ask(&format!("{name}.echo"), question.clone(), wait).await.unwrap();
    assert_eq!(answer, Ok(question));
    let refused = bed.other.ask(&format!("{name}.fail"), Bytes::new(), wait).await.unwrap();
    let (code, text) = refused.unwrap_err();
    assert_eq!(code, 422);
    assert!(text.contains("no fail"), "{text}");
    server.abort();
}

async fn nobody_answers_for_a_service_that_is_not_there(bed: Bed) {
    let endpoint = format!("{}.echo", fresh("nobody"));
    let asked = bed.port.ask(&endpoint, Bytes::new(), Duration::from_secs(20));
    assert!(matches!(asked.await, Err(PortError::NotFound(_))));
}
