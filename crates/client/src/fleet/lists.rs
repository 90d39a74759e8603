//! How everything stands: as the projector lists it, page by page.

use longhaul_wire::query::{BriefPage, Briefs, Count, Cursor, Filter, MAX_BRIEFS, Positions};

use super::brief::{Answered, Head};
use super::{AGAIN, Fleet, Gone, LISTED, Word};
use crate::Error;

/// A page that was answered and not told yet.
pub(super) struct Asked {
    answered: Answered,
    pub(super) head: Head,
    /// It is the first one, whatever was asked for: the cursor was of no use any more.
    anew: bool,
}

impl Fleet {
    /// The first page, as soon as a projector answers. The log tells what has changed since.
    pub(super) async fn first_page(&self) -> Result<Asked, Gone> {
        self.page(None, &Positions::default()).await
    }

    /// Tells how many tasks there are, and all pages from the first one on.
    pub(super) async fn list(&self, first: Asked) -> Result<(), Gone> {
        let (counted, told) = tokio::join!(self.count(), self.pages(first));
        counted.and(told)
    }

    async fn count(&self) -> Result<(), Gone> {
        let question = Count { filter: self.filter(), ..Count::default() };
        loop {
            let counted = tokio::select! {
                counted = self.client.query(&question) => counted,
                () = self.words.closed() => return Err(Gone),
            };
            match counted {
                Ok(counted) => {
                    let tally = counted.all;
                    let ended = tally.status.iter().filter(|(status, _)| status.is_terminal());
                    let older = ended.map(|(_, n)| n).sum::<u64>().saturating_sub(LISTED);
                    return self.tell(Word::Counted { tally, older }).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "nobody says how many tasks there are; it is asked again");
                    self.pause(AGAIN).await?;
                }
            }
        }
    }

    async fn pages(&self, first: Asked) -> Result<(), Gone> {
        let from = first.head.as_of.clone();
        let (mut asked, mut ended) = (first, 0);
        loop {
            if asked.anew {
                ended = 0;
            }
            let next = asked.head.next.take().filter(|_| ended < LISTED);
            let told = self.tell_page(asked.answered, next.is_none());
            let Some(next) = next else {
                if told.await?.is_some() {
                    return Ok(());
                }
                asked = self.page(None, &from).await?;
                continue;
            };
            // While a page is read and told, the next one is on its way.
            let (told, next) = tokio::join!(told, self.page(Some(next), &from));
            asked = next?;
            match told? {
                Some(more) => ended += more,
                None => asked = self.page(None, &from).await?,
            }
        }
    }

    /// Asks for a page until it is there, from a projector that knows at least as much as the one that
    /// was asked first: what lies between is told by nobody else.
    async fn page(&self, mut after: Option<Cursor>, at_least: &Positions) -> Result<Asked, Gone> {
        loop {
            let anew = after.is_none();
            let question = Briefs {
                filter: self.filter(),
                after: after.clone(),
                limit: Some(MAX_BRIEFS),
                at_least: at_least.clone(),
            };
            let answered = tokio::select! {
                answered = self.client.answered_briefs(&question) => answered,
                () = self.words.closed() => return Err(Gone),
            };
            let error = match answered.and_then(|answered| Ok((answered.head()?, answered))) {
                Ok((head, answered)) => return Ok(Asked { answered, head, anew }),
                Err(error) => error,
            };
            tracing::debug!(%error, "a page cannot be had; it is asked for again");
            match error {
                Error::NoProjector => self.tell(Word::Projector(None)).await?,
                // Whoever answers now is of another version than who gave the cursor.
                Error::Query { code: 400, .. } => after = None,
                _ => {}
            }
            self.pause(AGAIN).await?;
        }
    }

    /// Tells a page, and says how many of its tasks have ended; nothing if it cannot be read. It is read
    /// on a thread of its own, for the next question to go out meanwhile.
    async fn tell_page(&self, answered: Answered, last: bool) -> Result<Option<u64>, Gone> {
        // Where tasks that live come between those that have ended, none may be left out.
        let mixed = matches!(answered, Answered::Whole(_));
        let page = match tokio::task::spawn_blocking(move || answered.page()).await {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a page cannot be read; the list is begun anew");
                self.pause(AGAIN).await?;
                return Ok(None);
            }
            // The runtime ends.
            Err(_) => return Err(Gone),
        };
        let BriefPage { tasks, unreadable, .. } = page;
        let ended = tasks.iter().filter(|brief| !mixed && brief.status.is_terminal()).count() as u64;
        self.tell(Word::Listed { tasks, unreadable, last }).await?;
        Ok(Some(ended))
    }

    fn filter(&self) -> Filter {
        Filter { org: self.scope.org().cloned(), ..Filter::default() }
    }
}
