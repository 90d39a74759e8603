//! The report agent: data tools, the built-in analyst, documents.
