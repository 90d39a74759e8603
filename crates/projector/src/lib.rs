//! Folds the log into a SQLite read model and answers queries.
