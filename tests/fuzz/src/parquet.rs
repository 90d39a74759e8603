//! Tables in columns. The input is the bytes of a Parquet file.

use crate::tables::{describes, explains, open};

/// - No bytes end the process or take memory beyond bounds; what is wrong with them is said.
/// - A file beyond the limit is not read.
/// - A table has columns with names of their own, figures that fit its rows, and no more rows than the
///   limit; it gives as much of itself as the limits allow.
pub fn check(input: &[u8]) {
    match open("data.parquet", input) {
        Ok(mut data) => {
            describes(&mut data, input);
        }
        Err(error) => explains(&error, input),
    }
}
