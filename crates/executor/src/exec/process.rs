//! A program and its process group.
//!
//! The group dies with the program, with the run, and with the executor:
//! - when the program has exited, what is left of its group is killed;
//! - when a [`Process`] is dropped, as a cut-off run does, the group is killed;
//! - when the executor itself is killed, a guard in the group, a shell that waits for the end of a pipe
//!   that only the executor holds open, kills all of the group.
//!
//! What leaves its group (`setsid`) is beyond reach, as it is for a terminal. Where there is no
//! `/bin/sh` there is no guard; there the kernel still kills the program itself (Linux only), though
//! not what it started. The kernel ties that to the thread that made the program, so each program has
//! a thread of its own.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};

/// The descriptor a program says its events on.
pub(super) const EVENTS: i32 = 3;

/// A running program. Dropping it kills its process group.
pub(super) struct Process {
    group: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
}

/// This side's ends of a program's pipes.
pub(super) struct Pipes {
    pub(super) input: pipe::Sender,
    pub(super) output: pipe::Receiver,
    pub(super) errors: pipe::Receiver,
    pub(super) events: pipe::Receiver,
}

impl Process {
    /// Starts a program in a process group of its own.
    pub(super) async fn spawn(mut command: Command) -> io::Result<(Self, Pipes)> {
        let (input_end, input) = io::pipe()?;
        let (output, output_end) = io::pipe()?;
        let (errors, errors_end) = io::pipe()?;
        let (events, events_end) = io::pipe()?;
        let pipes = Pipes {
            input: pipe::Sender::from_owned_fd(input.into())?,
            output: pipe::Receiver::from_owned_fd(output.into())?,
            errors: pipe::Receiver::from_owned_fd(errors.into())?,
            events: pipe::Receiver::from_owned_fd(events.into())?,
        };
        command.stdin(input_end).stdout(output_end).stderr(errors_end);
        prepare(&mut command, events_end.into());
        let (born, birth) = oneshot::channel();
        std::thread::Builder::new().name("program".to_owned()).spawn(move || live(command, born))?;
        let process =
            birth.await.map_err(|_| io::Error::other("the thread that starts the program ended"))??;
        Ok((process, pipes))
    }

    /// Sends a signal to the whole group, unless the program has ended.
    pub(super) fn signal(&self, signal: Signal) {
        if self.ended.borrow().is_none() {
            // Nobody may be left to hear it.
            let _ = kill_process_group(self.group, signal);
        }
    }

    /// Waits for the end of the program and of its group.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let ended = self.ended.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        ended.ok_or_else(|| io::Error::other("the thread that waits for the program ended"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// The whole life of a program's thread.
fn live(mut command: Command, born: oneshot::Sender<io::Result<Process>>) {
    // The guard comes first: there is no moment at which the program has none.
    let guard = guard();
    command.process_group(guard.as_ref().map_or(0, |guard| Pid::from_child(guard).as_raw_pid()));
    let mut child = match spawn(&mut command) {
        Ok(child) => child,
        Err(error) => {
            drop(born.send(Err(error)));
            return guard.map_or((), dismiss);
        }
    };
    // Closes this side's copies of the program's ends.
    drop(command);
    let program = Pid::from_child(&child);
    let group = guard.as_ref().map_or(program, Pid::from_child);
    let (tell_end, ended) = watch::channel(None);
    // Whoever wanted it may have given up, before this or before they look: either way it is dropped,
    // and its group killed.
    drop(born.send(Ok(Process { group, ended })));
    // Its number is given to nobody else before it is reaped, nor the group's before the guard is.
    let exited = waitid(WaitId::Pid(program), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    if let Err(error) = exited {
        tracing::debug!(%error, "cannot wait for the program without reaping it");
    }
    let _ = kill_process_group(group, Signal::KILL);
    match child.wait() {
        Ok(status) => drop(tell_end.send_replace(Some(status))),
        Err(error) => tracing::error!(%error, "cannot wait for the program"),
    }
    if let Some(guard) = guard {
        dismiss(guard);
    }
}

/// Starts a program, again and again for a while if it is busy: a program that was written a moment ago
/// cannot be run while another one that is just being started somewhere in this process still shares
/// the handle it was written with.
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..40 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                // The thread is the program's own.
                std::thread::sleep(Duration::from_millis(50));
            }
            outcome => return outcome,
        }
    }
    command.spawn()
}

/// The first of a new group, which kills all of it once this process is gone. Its standard input is a
/// pipe whose other end is open here, and nowhere else, as long as the guard is kept.
fn guard() -> Option<Child> {
    let guard = Command::new("/bin/sh")
        .args(["-c", "trap '' HUP INT TERM; read -r _; kill -9 0"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    guard.inspect_err(|error| tracing::debug!(%error, "the program has no guard")).ok()
}

/// Ends a guard that has nothing to guard any more.
fn dismiss(mut guard: Child) {
    // It may be gone already.
    let _ = guard.kill();
    let _ = guard.wait();
}

/// Gives the program its events descriptor and ties it to this thread.
#[expect(unsafe_code, reason = "the standard library offers no other hook between fork and exec")]
fn prepare(command: &mut Command, events: OwnedFd) {
    #[cfg(target_os = "linux")]
    let parent = rustix::process::getpid();
    let prepare = move || {
        if events.as_raw_fd() == EVENTS {
            rustix::io::fcntl_setfd(&events, FdFlags::empty())?;
        } else {
            // SAFETY: whatever this process had open under that number is closed by the kernel as the
            // copy takes its place; nothing here owns it, and nothing here closes the copy.
            let mut copy = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(EVENTS) });
            rustix::io::dup2(&events, &mut copy)?;
        }
        #[cfg(target_os = "linux")]
        {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have gone before the kernel was told.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe));
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only plain system calls run: no allocation, no lock, no memory
    // that another thread may be changing. Errors are made of numbers, without allocation.
    unsafe {
        command.pre_exec(prepare);
    }
}
