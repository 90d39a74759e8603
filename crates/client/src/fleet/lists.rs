//! How everything stands: the projector's lists, page by page.

use longhaul_core::Status;
use longhaul_wire::query::{Filter, List, MAX_PAGE, Positions};

use super::{AGAIN, Brief, Fleet, Gone, Word};
use crate::Error;

/// What is live comes first: it is what people look for.
const LIVE: [Status; 4] = [Status::Running, Status::Paused, Status::Aborting, Status::Pending];
const ENDED: [Status; 4] = [Status::Failed, Status::Expired, Status::Aborted, Status::Completed];

/// Pages through the tasks.
pub(super) struct Pages {
    question: Option<List>,
    /// The tasks to ask for after those.
    later: Option<List>,
}

impl Fleet {
    /// The first page, as soon as a projector answers; and up to where it is folded: from there the
    /// log tells what has changed since.
    pub(super) async fn first_page(&self) -> Result<(Pages, Positions), Gone> {
        loop {
            let mut pages = self.pages();
            match self.page(&mut pages).await? {
                Ok(as_of) => return Ok((pages, as_of)),
                Err(error) => {
                    tracing::debug!(%error, "the list cannot be had; it is asked for again");
                    if matches!(error, Error::NoProjector) {
                        self.tell(Word::Projector(None)).await?;
                    }
                    self.pause(AGAIN).await?;
                }
            }
        }
    }

    /// The pages after the first. One that cannot be had is asked for again.
    pub(super) async fn further_pages(&self, mut pages: Pages) -> Result<(), Gone> {
        while !pages.done() {
            if let Err(error) = self.page(&mut pages).await? {
                tracing::debug!(%error, "a page cannot be had; it is asked for again");
                self.pause(AGAIN).await?;
            }
        }
        Ok(())
    }

    fn pages(&self) -> Pages {
        let list = |status: [Status; 4]| List {
            filter: Filter { org: self.scope.org().cloned(), status: status.to_vec(), ..Filter::default() },
            limit: Some(MAX_PAGE),
            ..List::default()
        };
        Pages { question: Some(list(LIVE)), later: Some(list(ENDED)) }
    }

    /// Asks for one page and tells it.
    async fn page(&self, pages: &mut Pages) -> Result<Result<Positions, Error>, Gone> {
        let Some(question) = &mut pages.question else { return Ok(Ok(Positions::default())) };
        let page = tokio::select! {
            page = self.client.query(&*question) => page,
            () = self.words.closed() => return Err(Gone),
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        match page.next {
            Some(next) => question.after = Some(next),
            None => pages.question = pages.later.take(),
        }
        let items = page.items.len();
        let tasks: Vec<_> = page.items.into_iter().filter_map(Brief::listed).collect();
        let unreadable = u32::try_from(items - tasks.len()).unwrap_or(u32::MAX);
        self.tell(Word::Listed { tasks, unreadable, last: pages.done() }).await?;
        Ok(Ok(page.as_of))
    }
}

impl Pages {
    fn done(&self) -> bool {
        self.question.is_none()
    }
}
