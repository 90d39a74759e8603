//! Counts as text, and the numbers of tables and figures.

use crate::chart::set_apart;

/// A count with its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    set_apart(&number.to_string())
}

/// Numbers tables and figures as they come.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    tables: u32,
    figures: u32,
}

impl Captions {
    /// The next table: `Table 3`.
    pub(crate) fn table(&mut self) -> String {
        self.tables += 1;
        format!("Table {}", self.tables)
    }

    /// The next figure: `Figure 2`.
    pub(crate) fn figure(&mut self) -> String {
        self.figures += 1;
        format!("Figure {}", self.figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        assert_eq!([0, 999, 1_000, 12_345_678].map(count), ["0", "999", "1,000", "12,345,678"]);
    }
}
