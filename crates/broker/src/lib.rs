//! Gets and runs a private nats-server as a child process.
