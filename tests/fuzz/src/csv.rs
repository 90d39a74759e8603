//! Tables as people bring them. The input is the bytes of a CSV file.

use crate::tables::{describes, explains, lines, open};

/// - No bytes panic; what is wrong with them is said, with a line that the file has.
/// - A file beyond the limit is not read.
/// - A table has columns with names of their own, figures that fit its rows, and no more rows than the
///   file has lines; asked for all of it, it gives as much as the limits allow and says whether that
///   is all.
pub fn check(input: &[u8]) {
    match open("data.csv", input) {
        Ok(mut data) => {
            let table = describes(&mut data, input);
            let rows = table.rows.unwrap_or_default();
            // What begins as Parquet is read as that, whatever its name.
            assert!(rows < lines(input) + 1 || input.starts_with(b"PAR1"), "{rows} rows");
            for column in &table.columns {
                assert_eq!(column.min.is_null(), column.max.is_null(), "{column:?}");
            }
        }
        Err(error) => explains(&error, input),
    }
}
