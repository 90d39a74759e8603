//! A program on a terminal of its own, seen from the other end of it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::error::Error;
use crate::process::Meter;
use crate::screen::Screen;

/// How long the program may take to end when its user leaves it.
const GOING: Duration = Duration::from_secs(10);

/// Makes the terminal on stdin that of a session of this process's own, and becomes this program once
/// more, with these arguments. What is written to the terminal first, a space, says that the program
/// begins. Comes back only with why it did not.
pub fn on_terminal(args: impl Iterator<Item = OsString>) -> std::io::Error {
    let begin = || {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(std::io::stdin())?;
        let mut out = std::io::stdout();
        out.write_all(b" ")?;
        out.flush()?;
        std::env::current_exe()
    };
    match begin() {
        Ok(program) => Command::new(program).args(args).exec(),
        Err(error) => error,
    }
}

/// A program on a terminal. Killed when dropped.
pub(crate) struct Terminal {
    child: Child,
    side: File,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What came from the program so far.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) screen: Screen,
    pub(crate) bytes: u64,
    /// When the program began.
    pub(crate) begun: Option<Instant>,
    /// When its first frame was complete.
    pub(crate) painted: Option<Instant>,
    /// When the last piece came.
    pub(crate) last: Instant,
    /// Nothing more will come.
    pub(crate) over: bool,
}

impl Terminal {
    /// Starts this program (`command`) with these arguments on a terminal of so many columns and rows.
    pub(crate) fn start(mut command: Command, args: &[&str], size: (u16, u16)) -> Result<Self, Error> {
        let (columns, rows) = size;
        let open = || {
            let side = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
            grantpt(&side)?;
            unlockpt(&side)?;
            tcsetwinsize(&side, Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 })?;
            let name = ptsname(&side, Vec::new())?;
            let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
            let other = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty())?;
            Ok::<_, std::io::Error>((File::from(side), File::from(other)))
        };
        let (side, other) = open().map_err(Error::io("open a terminal"))?;
        let twice = || Ok::<_, std::io::Error>((other.try_clone()?, other.try_clone()?));
        let (stdin, stdout) = twice().map_err(Error::io("open a terminal"))?;
        command.arg("__terminal").args(args).env("TERM", "xterm-256color").env("COLORTERM", "truecolor");
        for name in ["NO_COLOR", "SSH_TTY", "SSH_CONNECTION"] {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8").env_remove("LONGHAUL_LOG");
        command.stdin(Stdio::from(stdin)).stdout(Stdio::from(stdout)).stderr(Stdio::from(other));
        let child = command.spawn().map_err(Error::io("start the dashboard"))?;
        // Its ends of the terminal are not kept open by the command.
        drop(command);
        let seen = Seen {
            screen: Screen::new(columns, rows),
            bytes: 0,
            begun: None,
            painted: None,
            last: Instant::now(),
            over: false,
        };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), changed: Condvar::new() });
        let read = side.try_clone().map_err(Error::io("open a terminal"))?;
        let thread = std::thread::Builder::new().name("terminal".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || drain(read, &shared)
        });
        let thread = thread.map_err(Error::io("start the terminal's thread"))?;
        Ok(Self { child, side, shared, thread: Some(thread) })
    }

    /// What it costs.
    pub(crate) fn meter(&self) -> Meter {
        Meter::Process(self.child.id())
    }

    /// What came from the program so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Types something.
    pub(crate) fn press(&self, keys: &str) -> Result<(), Error> {
        (&self.side).write_all(keys.as_bytes()).map_err(Error::io("type into the terminal"))
    }

    /// Waits until a whole frame shows what is wanted: when it was there.
    pub(crate) fn wait(
        &self,
        what: &str,
        patience: Duration,
        is_shown: impl Fn(&Seen) -> bool,
    ) -> Result<Instant, Error> {
        let until = Instant::now() + patience;
        let mut seen = self.seen();
        loop {
            if !seen.screen.within_frame && is_shown(&seen) {
                return Ok(seen.last);
            }
            let left = until.saturating_duration_since(Instant::now());
            if seen.over || left.is_zero() {
                let shown = seen.screen.rows().collect::<Vec<_>>().join("\n");
                return Err(Error::NotShown { what: what.to_owned(), shown });
            }
            let waited = self.shared.changed.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Leaves the program, and waits until it has ended.
    pub(crate) fn leave(mut self) -> Result<(), Error> {
        // Whatever it is in.
        self.press("\x03")?;
        let until = Instant::now() + GOING;
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                _ => break,
            }
        }
        let shown = self.seen().screen.rows().collect::<Vec<_>>().join("\n");
        Err(Error::NotShown { what: "its end".to_owned(), shown })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn drain(mut side: File, shared: &Shared) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        // It ends with an error when nobody has the other end any more.
        let read = side.read(&mut buffer).unwrap_or(0);
        let now = Instant::now();
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if read == 0 {
            seen.over = true;
            shared.changed.notify_all();
            return;
        }
        seen.begun.get_or_insert(now);
        seen.bytes += read as u64;
        seen.last = now;
        seen.screen.take(&buffer[..read]);
        if seen.screen.frames > 0 {
            seen.painted.get_or_insert(now);
        }
        let answers = seen.screen.answers();
        drop(seen);
        shared.changed.notify_all();
        if !answers.is_empty() && side.write_all(&answers).is_err() {
            return;
        }
    }
}
