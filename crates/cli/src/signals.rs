//! What tells a command to end: the terminal, whoever runs the machine, and the process it belongs to.

use std::io;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Set by a process that starts services as its children: they end when their stdin does, which it
/// holds open. So none is left behind, even by a parent that was killed.
const TIED: &str = "LONGHAUL_TIED";

/// Ctrl-C, from the moment this is made: it no longer ends the process, and none is missed.
#[derive(Debug)]
pub(crate) struct CtrlC(Signal);

impl CtrlC {
    /// Listens from now on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self(signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?))
    }

    /// Waits until it is pressed, or was since it was last asked. Dropping the wait loses nothing.
    pub(crate) async fn pressed(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// Waits for Ctrl-C, SIGTERM, or that the terminal is closed.
pub(crate) async fn interrupted() {
    let listen = |kind| signal(kind).ok();
    let mut interrupt = listen(SignalKind::interrupt());
    let mut terminate = listen(SignalKind::terminate());
    let mut hangup = if ignores_hangup() { None } else { listen(SignalKind::hangup()) };
    tokio::select! {
        () = arrived(&mut interrupt) => {}
        () = arrived(&mut terminate) => {}
        () = arrived(&mut hangup) => {}
    }
}

async fn arrived(signal: &mut Option<Signal>) {
    let received = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if received.is_none() {
        // Without a signal there is nothing to wait for but the end.
        std::future::pending().await
    }
}

/// Whether this process was started to outlive its terminal (`nohup`): to listen would undo that. Where
/// it cannot be seen, closing the terminal does what it does to any program.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status).is_none_or(|ignored| ignored & 1 == 1)
}

/// The signals a process ignores, a bit for each, the first for SIGHUP.
fn ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// Whether this process ends with the one that started it.
pub(crate) fn is_tied() -> bool {
    std::env::var_os(TIED).is_some()
}

/// Waits until the process that started this one has ended, if it ties this one to itself. What it has
/// started goes with it, the server as well: there is nothing left to end in good order.
pub(crate) async fn orphaned() {
    if !is_tied() {
        return std::future::pending().await;
    }
    let (tell, told) = oneshot::channel();
    // A thread of its own: the runtime would wait for one that reads.
    let wait = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        // Nobody waits any more if this fails.
        let _ = tell.send(());
    };
    if let Err(error) = std::thread::Builder::new().name("parent".to_owned()).spawn(wait) {
        tracing::warn!(%error, "it will not be noticed when the parent of this process ends");
        return std::future::pending().await;
    }
    let _ = told.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_kernel() {
        assert_eq!(ignored("Name:\tx\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n"), Some(0x1001));
        assert_eq!(ignored("Name:\tx\n"), None);
    }
}
