//! What happens to this process from outside: it is asked to end, it is stopped for a while (C-z, SIGTSTP),
//! goes on (SIGCONT), or the terminal goes away under it.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Who is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// This process.
    Us,
    /// All that were started with it by one command line: what C-z means to a terminal.
    Job,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The process is asked to end.
    End,
    /// The process is to stop for a while.
    Asked,
    /// It goes on after it was stopped: the terminal may be as somebody else left it.
    Over,
    /// The terminal is gone: its window was closed, its line broke.
    Gone,
}

/// Hears of it for as long as it lives. What a stop does by itself is done by [`stop`]: who listens
/// has taken that from the system, and gives it back when this is dropped.
pub(crate) struct Stops {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
    asked: Option<Signal>,
    over: Option<Signal>,
    terminal: Option<AsyncFd<OwnedFd>>,
    before: Option<libc::sigaction>,
}

impl Stops {
    /// Listens from now on. What cannot be listened for is not heard of.
    pub(crate) fn listen() -> Self {
        let before = action(None);
        let own = io::stdin().as_fd().try_clone_to_owned();
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            hangup: signal(SignalKind::hangup()).ok(),
            asked: signal(SignalKind::from_raw(libc::SIGTSTP)).ok(),
            over: signal(SignalKind::from_raw(libc::SIGCONT)).ok(),
            terminal: own.ok().and_then(listened_to),
            before,
        }
    }

    /// Waits for the next. Dropping the wait loses nothing.
    pub(crate) async fn next(&mut self) -> Stop {
        tokio::select! {
            () = heard(&mut self.interrupt) => Stop::End,
            () = heard(&mut self.terminate) => Stop::End,
            () = heard(&mut self.hangup) => Stop::End,
            () = heard(&mut self.asked) => Stop::Asked,
            () = heard(&mut self.over) => Stop::Over,
            () = gone(self.terminal.as_ref()) => Stop::Gone,
        }
    }

    /// Waits for the next while another program has the terminal: C-c is that program's, and whether there
    /// is a terminal its affair.
    pub(crate) async fn next_aside(&mut self) -> Stop {
        tokio::select! {
            () = heard(&mut self.terminate) => Stop::End,
            () = heard(&mut self.hangup) => Stop::End,
            () = heard(&mut self.asked) => Stop::Asked,
        }
    }

    /// The other program has ended: what was meant for it is past.
    pub(crate) fn back(&mut self) {
        self.interrupt = signal(SignalKind::interrupt()).ok();
    }
}

impl Drop for Stops {
    fn drop(&mut self) {
        // From here on nobody would hear C-z.
        action(self.before.as_ref());
    }
}

fn listened_to(fd: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open and the same for as long as it lives, and it lives in what this makes.
    #[expect(unsafe_code, reason = "what lends itself out as a descriptor could give a wrong one")]
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    registered.ok()
}

/// Waits until the process is asked to end: for who has no screen to give back.
pub(crate) async fn asked_to_end() {
    let listen = |kind| signal(kind).ok();
    let mut interrupt = listen(SignalKind::interrupt());
    let mut terminate = listen(SignalKind::terminate());
    let mut hangup = listen(SignalKind::hangup());
    tokio::select! {
        () = heard(&mut interrupt) => {}
        () = heard(&mut terminate) => {}
        () = heard(&mut hangup) => {}
    }
}

async fn heard(signal: &mut Option<Signal>) {
    let heard = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending().await
    }
}

/// Waits until the terminal is gone. Whoever reads from it may not notice: there is no more to come, for
/// ever and at once.
async fn gone(terminal: Option<&AsyncFd<OwnedFd>>) {
    if let Some(terminal) = terminal {
        // Each key wakes this; another thread reads it.
        while let Ok(mut ready) = terminal.readable().await {
            if ready.ready().is_read_closed() {
                return;
            }
            ready.clear_ready();
        }
    }
    std::future::pending().await
}

/// Stops as the signal does by itself, and returns when the process goes on: at once, where nobody could
/// continue it (the system then ignores the signal).
pub(crate) fn stop(whom: Whom) {
    let ours = action(None);
    // SAFETY: zero is a value of all fields of a sigaction; its handler is then the default one.
    #[expect(unsafe_code, reason = "there is no safe way to have a signal do what it does by default")]
    let default: libc::sigaction = unsafe { std::mem::zeroed() };
    action(Some(&default));
    let _ = match whom {
        Whom::Us => rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP),
        Whom::Job => rustix::process::kill_current_process_group(rustix::process::Signal::TSTP),
    };
    action(ours.as_ref());
}

/// What SIGTSTP does, or did until now if it is to do something else.
fn action(new: Option<&libc::sigaction>) -> Option<libc::sigaction> {
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `new` is null or points to a valid sigaction that outlives the call: the default one, or one
    // the system gave out before; `old` is written to by the call, and zero is a value of all its fields.
    #[expect(unsafe_code, reason = "there is no safe way to have a signal do what it does by default")]
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(libc::SIGTSTP, new, &raw mut old) == 0).then_some(old)
    }
}
