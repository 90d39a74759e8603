//! Tasks in few words, from whichever projector there is.

use bytes::Bytes;
use longhaul_wire::query::{Brief, BriefPage, Briefs, Cursor, Item, List, MAX_PAGE, Page, Positions};
use serde::Deserialize;

use crate::query::read;
use crate::{Client, Error};

/// A page as it was answered.
pub(super) enum Answered {
    InFewWords(Bytes),
    /// From a projector that does not know the other question.
    Whole(Bytes),
}

/// What of a page must be known to ask for the next one: quickly read, the tasks are passed over.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Head {
    pub(super) as_of: Positions,
    #[serde(default)]
    pub(super) next: Option<Cursor>,
}

impl Client {
    /// Tasks in few words, a page of them: those that have not ended, then the others, the latest
    /// first. So a dashboard finds what it does not keep: with the `text` of a title, a status, a
    /// user, a time in the filter.
    ///
    /// A projector of an older version is asked for a list instead, which mixes both kinds and has at
    /// most 500 tasks a page. A cursor is good for the kind of answer it came from.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn briefs(&self, question: &Briefs) -> Result<BriefPage, Error> {
        self.answered_briefs(question).await?.page()
    }

    pub(super) async fn answered_briefs(&self, question: &Briefs) -> Result<Answered, Error> {
        match self.ask(question).await {
            Ok(answer) => Ok(Answered::InFewWords(answer)),
            Err(Error::NoProjector) => {
                let Briefs { filter, after, limit, at_least } = question.clone();
                let limit = limit.map(|limit| limit.min(MAX_PAGE));
                let list = List { filter, after, limit, at_least, ..List::default() };
                Ok(Answered::Whole(self.ask(&list).await?))
            }
            Err(error) => Err(error),
        }
    }
}

impl Answered {
    pub(super) fn head(&self) -> Result<Head, Error> {
        match self {
            Self::InFewWords(answer) => read::<Briefs, _>(answer),
            Self::Whole(answer) => read::<List, _>(answer),
        }
    }

    pub(super) fn page(&self) -> Result<BriefPage, Error> {
        match self {
            Self::InFewWords(answer) => read::<Briefs, _>(answer),
            Self::Whole(answer) => {
                let Page { as_of, items, next } = read::<List, _>(answer)?;
                let all = items.len();
                let tasks: Vec<_> = items.into_iter().filter_map(listed).collect();
                let unreadable = u32::try_from(all - tasks.len()).unwrap_or(u32::MAX);
                Ok(BriefPage { as_of, next, unreadable, tasks })
            }
        }
    }
}

/// A task of a list in few words; nothing if none of its records could be read.
fn listed(item: Item) -> Option<Brief> {
    let (aside, submitted) = (item.unreadable.is_some(), item.submitted);
    Some(Brief { aside, submitted, ..Brief::from(item.view?) })
}
