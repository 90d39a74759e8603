//! Tests of the board, over a log made with the real decider and fold.

mod fairness;
mod lanes;
mod log;
mod order;
mod properties;
mod rooms;
mod waits;
