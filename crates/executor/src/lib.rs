//! Runs handlers: steps, progress, checkpoints, approvals, heartbeats, drain.
