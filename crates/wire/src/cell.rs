//! Cells: small values of an organisation that its processes share, beside the log.
//!
//! | subject | holds |
//! | --- | --- |
//! | `lh.cell.<org>.<name>` | the last value; each is written with the version of the one it replaces |
//!
//! What is in a cell is its user's affair. It is no truth: a cell that nobody wrote to for an hour is gone,
//! and so may all of them be after a crash of the server.

use std::fmt;

use longhaul_core::{CellName, OrgId};

/// Every cell.
pub const CELLS: &str = "lh.cell.*.*";

/// Most bytes in a cell.
pub const MAX_CELL: usize = 16 * 1024;

/// Where a cell lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Whose it is.
    pub org: OrgId,
    /// Which.
    pub name: CellName,
}

impl fmt::Display for Cell {
    /// Its subject.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lh.cell.{}.{}", self.org, self.name)
    }
}
