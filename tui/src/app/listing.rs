//! How many tasks there are, besides those that are listed: the lists come bit by bit, and what ended
//! long ago does not come at all.

use std::collections::BTreeMap;

use longhaul_core::Status;
use longhaul_wire::query::Tally;

use super::App;
use crate::store::Standing;

/// How many tasks there are, as the projector counted them once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    counted: Option<Tally>,
    older: u64,
    /// How many of a status are not among those listed, now that all that will come has come.
    unlisted: BTreeMap<Status, u64>,
}

impl Listing {
    /// The projector has counted; so many have ended too long ago to be listed.
    pub(crate) fn count(&mut self, tally: Tally, older: u64) {
        (self.counted, self.older) = (Some(tally), older);
    }

    /// How many will be listed, as far as that is known.
    pub(crate) fn expected(&self) -> Option<u64> {
        Some(self.counted.as_ref()?.total.saturating_sub(self.older))
    }

    /// About so many have ended too long ago to be listed.
    pub(crate) fn older(&self) -> u64 {
        self.older
    }

    /// One of those that are not listed was found, and is listed now.
    pub(crate) fn found(&mut self, status: Status) {
        if let Some(missing) = self.unlisted.get_mut(&status) {
            *missing = missing.saturating_sub(1);
            self.older = self.older.saturating_sub(1);
        }
    }

    fn counted(&self, status: Status) -> u64 {
        self.counted.as_ref().and_then(|tally| tally.status.get(&status)).copied().unwrap_or(0)
    }
}

impl App {
    /// All that will be listed is: what remains of the count is not.
    pub(crate) fn listed_all(&mut self) {
        self.listed = true;
        let ended = Status::ALL.into_iter().filter(|status| status.is_terminal() && self.listing.older > 0);
        let missing = ended.map(|status| {
            let here = u64::from(self.store.counts().of(Standing::of(status, 1, false, false)));
            (status, self.listing.counted(status).saturating_sub(here))
        });
        self.listing.unlisted = missing.collect();
    }

    /// How many tasks stand so, those included that are not listed yet, or any more. Of a task that is
    /// not listed only its status is known: not whether it is held, is tried again, or has stalled.
    pub(crate) fn count(&self, standing: Standing) -> u64 {
        let here = |standing| u64::from(self.store.counts().of(standing));
        if self.past().is_some() {
            return here(standing);
        }
        let (status, others): (Status, &[Standing]) = match standing {
            Standing::Stalled | Standing::Retrying | Standing::Held => return here(standing),
            Standing::Paused => (Status::Paused, &[]),
            Standing::Failed => (Status::Failed, &[]),
            Standing::Expired => (Status::Expired, &[]),
            Standing::Aborting => (Status::Aborting, &[]),
            Standing::Running => (Status::Running, &[Standing::Stalled]),
            Standing::Pending => (Status::Pending, &[Standing::Retrying, Standing::Held]),
            Standing::Aborted => (Status::Aborted, &[]),
            Standing::Completed => (Status::Completed, &[]),
        };
        if self.listed {
            return here(standing) + self.listing.unlisted.get(&status).copied().unwrap_or(0);
        }
        let others: u64 = others.iter().map(|standing| here(*standing)).sum();
        here(standing).max(self.listing.counted(status).saturating_sub(others))
    }

    /// How many tasks there are in all.
    pub(crate) fn count_all(&self) -> u64 {
        let here = u64::from(self.store.counts().total());
        if self.past().is_some() {
            return here;
        }
        match (self.listed, &self.listing.counted) {
            (false, Some(counted)) => here.max(counted.total),
            _ => here + self.listing.unlisted.values().sum::<u64>(),
        }
    }
}
