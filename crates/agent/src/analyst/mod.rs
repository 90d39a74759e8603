//! The built-in analyst.
pub(crate) mod format;
