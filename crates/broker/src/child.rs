//! One run of the server program.
//!
//! The kernel is told to end the child when its parent goes (`PR_SET_PDEATHSIG`). It ties that to
//! the *thread* that made the child, not to the process. A thread of a runtime's pool goes after a
//! few idle seconds and takes the server with it, so each child gets a thread of its own, which
//! makes it, waits for it, and ends with it.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::{oneshot, watch};

/// How a server ended that nobody had asked to.
#[derive(Debug, Clone)]
pub struct Exit {
    /// Its status.
    pub status: ExitStatus,
    /// The last lines of its log and of what it printed.
    pub log: String,
}

/// What the thread of a child tells.
type Ended = Option<ExitStatus>;

#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    ended: watch::Receiver<Ended>,
    asked: Arc<AtomicBool>,
}

impl Child {
    /// Starts the program with a configuration file. `lock` stays open in the child.
    pub(crate) async fn spawn(
        program: &Path,
        config: &Path,
        output: File,
        lock: Arc<File>,
    ) -> io::Result<Child> {
        let mut command = Command::new(program);
        command
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Ctrl-C in a terminal goes to the whole group. The server has to outlast those who
            // still write to it, so it is not in ours.
            .process_group(0);
        let (born, birth) = oneshot::channel();
        std::thread::Builder::new()
            .name("nats-server".to_owned())
            .spawn(move || live(command, lock, born))?;
        let gone = || io::Error::other("the thread that starts the server ended");
        birth.await.map_err(|_| gone())?
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_pid().cast_unsigned()
    }

    /// Its status, once it has ended.
    pub(crate) fn status(&self) -> Ended {
        *self.ended.borrow()
    }

    /// Sends a signal unless it has ended. False: it has.
    ///
    /// The thread reaps the child and says so at once. A process id is given to somebody else only
    /// after all the others had their turn, so the instant between the two does not matter.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        self.status().is_none() && kill_process(self.pid, signal).is_ok()
    }

    /// Notes that its end is wanted: nobody is told of it.
    pub(crate) fn expect_end(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Waits for its end. False: it still lives after all that time.
    pub(crate) async fn ended_within(&self, bound: Duration) -> bool {
        let mut ended = self.ended.clone();
        tokio::time::timeout(bound, async move { ended.wait_for(Option::is_some).await.is_ok() })
            .await
            .unwrap_or(false)
    }

    /// Waits for its end on this very thread. For a destructor.
    pub(crate) fn ended_within_blocking(&self, bound: Duration) -> bool {
        let started = std::time::Instant::now();
        while self.status().is_none() {
            if started.elapsed() > bound {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Resolves with its status when it ends without having been asked to; never otherwise.
    pub(crate) fn ended_by_itself(&self) -> impl Future<Output = ExitStatus> + Send + use<> {
        let mut ended = self.ended.clone();
        let asked = Arc::clone(&self.asked);
        async move {
            let status = ended.wait_for(Option::is_some).await.ok().and_then(|end| *end);
            match status {
                Some(status) if !asked.load(Ordering::SeqCst) => status,
                _ => std::future::pending().await,
            }
        }
    }
}

impl Drop for Child {
    /// Kills it. A killed process is gone within milliseconds; the bound is for a disk that hangs.
    fn drop(&mut self) {
        self.expect_end();
        if self.signal(Signal::KILL) && !self.ended_within_blocking(Duration::from_secs(2)) {
            tracing::warn!(pid = self.pid(), "nats-server was killed but is not gone yet");
        }
    }
}

/// The whole life of the thread.
fn live(mut command: Command, lock: Arc<File>, born: oneshot::Sender<io::Result<Child>>) {
    hold_to_parent(&mut command, Arc::clone(&lock));
    let mut child = match patiently(|| command.spawn()) {
        Ok(child) => child,
        Err(error) => {
            // Nobody waits any more if this fails.
            let _ = born.send(Err(error));
            return;
        }
    };
    // Closes this side's copies of the lock and the output.
    drop((command, lock));
    let (tell_end, ended) = watch::channel(None);
    let handle = Child { pid: Pid::from_child(&child), ended, asked: Arc::new(AtomicBool::new(false)) };
    // Whoever wanted it may have given up meanwhile. A handle that arrives and is never looked at
    // kills it as well, when it is dropped.
    let unwanted = born.send(Ok(handle)).err();
    if unwanted.is_some() {
        // It is waited for next, whether or not it had ended already.
        let _ = child.kill();
    }
    match child.wait() {
        Ok(status) => {
            tell_end.send_replace(Some(status));
        }
        Err(error) => tracing::error!(%error, "cannot wait for nats-server"),
    }
    // Only now: dropped earlier it would wait for this thread.
    drop(unwanted);
}

/// Starts a program, again and again for a while if it is busy: a program that was written a moment
/// ago cannot be run while another one that is just being started somewhere in this process still
/// shares the handle it was written with.
pub(crate) fn patiently<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..40 {
        match start() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(50));
            }
            other => return other,
        }
    }
    start()
}

/// Makes the child hold `lock` open and go when its parent goes.
///
/// Elsewhere than on Linux nothing tells the child. There a server whose parent was killed stays,
/// holding its lock, until the data directory is used again: then it is told to go and waited for.
#[expect(unsafe_code, reason = "the standard library offers no other hook between fork and exec")]
fn hold_to_parent(command: &mut Command, lock: Arc<File>) {
    #[cfg(target_os = "linux")]
    let parent = rustix::process::getpid();
    let prepare = move || {
        rustix::io::fcntl_setfd(&*lock, FdFlags::empty())?;
        #[cfg(target_os = "linux")]
        {
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            // The parent may have gone before the kernel was told.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe));
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec only three plain system calls run: no allocation, no lock, no
    // memory that another thread may be changing. Errors are made of numbers, without allocation.
    unsafe {
        command.pre_exec(prepare);
    }
}
