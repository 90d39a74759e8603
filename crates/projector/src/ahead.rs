//! The queue between those who read the log and the one who folds it.
//!
//! It is bounded by what lies in it, not by the number of reads: a read may be one record or many. A
//! whole batch has room, so that while one is folded the next one is read.

use std::sync::Arc;

use longhaul_journal::Entry;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// What may wait in a queue: a record counts for one, and for one more with each KiB it has.
const ROOM: u32 = 20_000;

/// Where reads are put. Clones put them into the same queue.
pub(crate) struct Ahead<T> {
    queue: mpsc::UnboundedSender<(T, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl<T> Clone for Ahead<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), room: Arc::clone(&self.room) }
    }
}

/// Where they are taken from, in the order in which they were put there.
pub(crate) struct Reads<T> {
    queue: mpsc::UnboundedReceiver<(T, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

/// Nobody takes anything any more.
#[derive(Debug)]
pub(crate) struct Gone;

/// An empty queue.
pub(crate) fn queue<T>() -> (Ahead<T>, Reads<T>) {
    let (send, receive) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(ROOM as usize));
    (Ahead { queue: send, room: Arc::clone(&room) }, Reads { queue: receive, room })
}

/// What records count for.
pub(crate) fn weight(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| 1 + entry.bytes / 1024).sum()
}

impl<T> Ahead<T> {
    /// Puts something there as soon as there is room. What is larger than the queue waits until the
    /// queue is empty.
    pub(crate) async fn put(&self, read: T, weight: usize) -> Result<(), Gone> {
        let weight = u32::try_from(weight).unwrap_or(ROOM).min(ROOM);
        let room = Arc::clone(&self.room).acquire_many_owned(weight).await.map_err(|_| Gone)?;
        self.queue.send((read, room)).map_err(|_| Gone)
    }
}

impl<T> Reads<T> {
    /// The next one, waited for; nothing once nobody can put anything there.
    pub(crate) async fn take(&mut self) -> Option<T> {
        self.queue.recv().await.map(|(read, _)| read)
    }

    /// The next one if it is there.
    pub(crate) fn take_now(&mut self) -> Option<T> {
        self.queue.try_recv().ok().map(|(read, _)| read)
    }
}

impl<T> Drop for Reads<T> {
    fn drop(&mut self) {
        // Who waits for room would wait for ever.
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_makes_readers_wait() {
        let (ahead, mut reads) = queue();
        ahead.put(1, ROOM as usize - 1).await.unwrap();
        ahead.put(2, 1).await.unwrap();
        let mut waiting = Box::pin(ahead.put(3, 1));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(reads.take().await, Some(1));
        waiting.await.unwrap();
        assert_eq!((reads.take_now(), reads.take_now(), reads.take_now()), (Some(2), Some(3), None));
    }

    #[tokio::test]
    async fn what_is_larger_than_the_queue_goes_through_it() {
        let (ahead, mut reads) = queue();
        ahead.put(1, 1).await.unwrap();
        let mut waiting = Box::pin(ahead.put(2, usize::MAX));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(reads.take().await, Some(1));
        waiting.await.unwrap();
        assert_eq!(reads.take().await, Some(2));
    }

    #[tokio::test]
    async fn who_waits_for_room_hears_that_nobody_takes() {
        let (ahead, reads) = queue();
        ahead.put(1, ROOM as usize).await.unwrap();
        let mut waiting = Box::pin(ahead.put(2, 1));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(reads);
        assert!(waiting.await.is_err());
    }
}
