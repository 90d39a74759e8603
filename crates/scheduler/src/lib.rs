//! Admission, lost runs, timers: a fold of the log that appends what follows from it.
