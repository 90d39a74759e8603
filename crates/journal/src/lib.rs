//! The log on NATS JetStream, its in-memory twin and its failure-injecting twin, behind one port.

pub mod port;
