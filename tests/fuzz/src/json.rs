//! Tables as programs write them. The input is the bytes of a JSON file.

use serde_json::Value;

use crate::tables::{describes, explains, open};

/// - No bytes panic; what is wrong with them is said, with a line that the file has.
/// - A file beyond the limit is not read.
/// - A table has columns with names of their own, figures that fit its rows, and no more rows than the
///   file has objects; it gives as much of itself as the limits allow.
/// - Rows that are a list of objects are as many as a reader of JSON finds.
pub fn check(input: &[u8]) {
    match open("data.json", input) {
        Ok(mut data) => {
            let rows = describes(&mut data, input).rows.unwrap_or_default();
            if input.starts_with(b"PAR1") {
                return;
            }
            let objects = input.iter().filter(|byte| **byte == b'{').count() as u64;
            assert!(rows <= objects, "{rows} rows of {objects} objects");
            if let Ok(Value::Array(list)) = serde_json::from_slice(input) {
                assert_eq!(rows, list.len() as u64);
            }
        }
        Err(error) => explains(&error, input),
    }
}
