//! Reading one subject.

use futures::future::join_all;
use longhaul_core::Sequence;
use longhaul_journal::port::{Durability, Port};

use crate::server::{any, fresh, start};

/// More than a page, by number and by bytes, with neighbours in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_comes_whole() {
    let place = start(Durability::Relaxed).await;
    let nats = place.connect(1).await;
    for (count, bytes) in [(5000, 20), (600, 64 << 10)] {
        let (subject, neighbour) = (fresh(1), fresh(1));
        let mut written = Vec::new();
        for some in (0..count).collect::<Vec<_>>().chunks(500) {
            let appends = some.iter().map(|n| {
                let of = if n % 5 == 0 { &neighbour } else { &subject };
                nats.append(any(of, vec![b'x'; bytes]))
            });
            for (n, stored) in some.iter().zip(join_all(appends).await) {
                if n % 5 != 0 {
                    written.push(stored.unwrap());
                }
            }
        }
        written.sort_unstable();
        let read = nats.read(&subject, Sequence::ZERO).await.unwrap();
        let sequences: Vec<_> = read.iter().map(|stored| stored.sequence).collect();
        assert!(sequences == written, "{} of {}", sequences.len(), written.len());
        assert!(read.iter().all(|stored| stored.body.len() == bytes));
        let middle = written[written.len() / 2];
        let later = nats.read(&subject, middle).await.unwrap();
        assert_eq!(later.len(), written.len() - written.len() / 2 - 1);
    }
}

/// Every read sees every append acknowledged before it, from any connection, while others write.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_strong() {
    let place = start(Durability::Strict).await;
    let (one, other) = (place.connect(1).await, place.connect(1).await);
    let writers = (0..50).map(|n| {
        let (writer, reader) = if n % 2 == 0 { (&one, &other) } else { (&other, &one) };
        async move {
            let subject = fresh(1);
            let mut last = Sequence::ZERO;
            for n in 1..=20 {
                let append = longhaul_journal::port::Append {
                    subject: subject.clone(),
                    expect: Some(last),
                    body: "x".into(),
                };
                last = writer.append(append).await.unwrap();
                let read = reader.read(&subject, Sequence::ZERO).await.unwrap();
                assert_eq!((read.len(), read[n - 1].sequence), (n, last));
                assert_eq!(reader.last(&subject).await.unwrap().unwrap().sequence, last);
            }
        }
    });
    join_all(writers).await;
}
