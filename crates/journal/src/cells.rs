//! Cells: small values that the processes of an organisation share, each replaced by whoever has seen it.

use bytes::Bytes;
use longhaul_core::{CellName, OrgId, Sequence, Timestamp};
use longhaul_wire::cell::Cell;

use crate::journal::Journal;
use crate::port::{PortError, SwapError};

/// The cells of one organisation: nobody who is given this reaches another's.
///
/// Nothing in a cell is truth. One that nobody wrote to for an hour is gone, and a crash of the server may
/// cost any of them.
#[derive(Clone)]
pub struct Cells {
    journal: Journal,
    org: OrgId,
}

impl Journal {
    /// The cells of an organisation.
    pub fn cells(&self, org: &OrgId) -> Cells {
        Cells { journal: self.clone(), org: org.clone() }
    }
}

impl Cells {
    /// Whose they are.
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// Now, by the log's clock, which all who share a cell share.
    pub fn now(&self) -> Timestamp {
        self.journal.now()
    }

    /// A cell's value and its version. In a cluster it may be an earlier one; a swap tells.
    ///
    /// # Errors
    /// If it is out of reach now; it is asked for once.
    pub async fn get(&self, name: &CellName) -> Result<Option<(Sequence, Bytes)>, PortError> {
        self.journal.port.cell(&self.cell(name)).await
    }

    /// Replaces a cell's value, provided nobody did since the version `expect`; 0 if there was none.
    /// Gives the new version.
    ///
    /// # Errors
    /// [`SwapError`]; beyond [`longhaul_wire::cell::MAX_CELL`] it is refused.
    pub async fn swap(&self, name: &CellName, expect: Sequence, value: Bytes) -> Result<Sequence, SwapError> {
        self.journal.port.swap(&self.cell(name), expect, value).await
    }

    fn cell(&self, name: &CellName) -> Cell {
        Cell { org: self.org.clone(), name: name.clone() }
    }
}
