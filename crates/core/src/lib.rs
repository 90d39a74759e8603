//! What is true of a task and what may happen next: ids, events, commands, decide, apply, admission.
