//! The data directory of one server: its files, who holds it, how much it may grow.
//!
//! Two locks, both of them given up by the kernel however a process ends. `owner.lock` is held by
//! the process that runs the server: busy means another one is alive and well. `server.lock` is
//! handed down to the server itself: busy means a server still has the store open, though the
//! process that started it may be dead. So a store is never opened twice, and no process id is
//! trusted that might belong to somebody else by now.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::process::{Pid, Signal, kill_process};

use crate::Error;
use crate::pin::{hex, sha256};

/// A lock can look busy for an instant because a program is being started at that moment: between
/// fork and exec it shares all open files.
const OWNER_PATIENCE: Duration = Duration::from_millis(500);

/// A server whose owner was killed closes its streams before it goes: 1.5 to 3.5 s were seen.
const SERVER_PATIENCE: Duration = Duration::from_secs(20);

/// A data directory that this process holds.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    token: String,
    _owner: File,
    server: Arc<File>,
}

impl Directory {
    /// Makes the directory if it is missing and takes hold of it; waits for a server that is about
    /// to go.
    pub(crate) async fn take(path: &Path) -> Result<Directory, Error> {
        make(path)?;
        let path = path.canonicalize().map_err(Error::io(format!("find {}", path.display())))?;
        if path.to_str().is_none() {
            return Err(Error::BadFile {
                path,
                why: "the name of a data directory has to be valid UTF-8; choose another".to_owned(),
            });
        }

        let mut owner = open_lock(&path.join("owner.lock"))?;
        if !lock_within(&owner, OWNER_PATIENCE).await? {
            let holder = match read_pid(&mut owner) {
                Some(pid) => format!("process {pid}"),
                None => "another process".to_owned(),
            };
            return Err(Error::InUse { dir: path, holder });
        }
        write_pid(&mut owner, std::process::id())?;

        let mut server = open_lock(&path.join("server.lock"))?;
        if !lock_within(&server, Duration::ZERO).await? {
            let left = read_pid(&mut server);
            // Nobody owns it any more. Where the kernel did not tell it to go already, this does;
            // a frozen one has to be thawed to hear it.
            if let Some(pid) = left.and_then(|pid| Pid::from_raw(pid.cast_signed())) {
                tracing::info!(pid = pid.as_raw_pid(), "waiting for a server left behind");
                let _ = kill_process(pid, Signal::TERM);
                let _ = kill_process(pid, Signal::CONT);
            }
            if !lock_within(&server, SERVER_PATIENCE).await? {
                let holder = match left {
                    Some(pid) => format!("nats-server {pid}, left behind by a process that is gone"),
                    None => "a nats-server left behind by a process that is gone".to_owned(),
                };
                return Err(Error::InUse { dir: path, holder });
            }
        }
        // What an earlier server left here must not be taken for the next one.
        server.set_len(0).map_err(Error::io("empty the server's lock file"))?;

        let token = keep_token(&path)?;
        Ok(Directory { path, token, _owner: owner, server: Arc::new(server) })
    }

    /// Where it is: absolute, without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.path.join("nats-server.conf")
    }

    /// The server's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("nats-server.log")
    }

    /// What the server prints before it has a log, and when it panics.
    pub(crate) fn output(&self) -> PathBuf {
        self.path.join("nats-server.out")
    }

    /// The secret that lets a client in.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Tells the token from others without giving it away: always the same for this directory.
    pub(crate) fn fingerprint(&self) -> String {
        let mut digest = sha256(self.token.as_bytes());
        digest.truncate(8);
        digest
    }

    /// The lock to hand down to the server.
    pub(crate) fn server_lock(&self) -> Arc<File> {
        Arc::clone(&self.server)
    }

    /// Notes which process has the server's lock now.
    pub(crate) fn note_server(&self, pid: u32) -> Result<(), Error> {
        write_pid(&mut &*self.server, pid)
    }

    /// How many bytes of streams to allow when nobody said: what they take now, so that nothing
    /// that is stored is ever over the limit, and 80 % of what is free. Never nothing: to the server
    /// that means no limit.
    pub(crate) fn room(&self) -> Result<u64, Error> {
        let disk = rustix::fs::statvfs(&self.path).map_err(|errno| Error::Io {
            doing: format!("find out how much of the disk is free at {}", self.path.display()),
            source: errno.into(),
        })?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let room = bytes_below(&self.path.join("jetstream")) + free / 10 * 8;
        Ok(room.max(1 << 20))
    }

    /// Writes a file that only this user can read, whole or not at all.
    pub(crate) fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        let doing = || format!("write {}", path.display());
        let mut file =
            tempfile::Builder::new().prefix(".new-").tempfile_in(&self.path).map_err(Error::io(doing()))?;
        file.write_all(text.as_bytes()).map_err(Error::io(doing()))?;
        file.persist(path).map_err(|error| error.error).map_err(Error::io(doing()))?;
        Ok(())
    }
}

/// Whether a process holds this directory at the moment.
pub(crate) fn is_owned(path: &Path) -> Result<bool, Error> {
    let lock = path.join("owner.lock");
    let doing = || format!("look at {}", lock.display());
    let file = match File::open(&lock) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io(doing())(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(Error::io(doing())(error)),
    }
}

/// Reads the token of a directory that may belong to another process.
pub(crate) fn read_token(path: &Path) -> Result<String, Error> {
    let file = path.join("token");
    let text = std::fs::read_to_string(&file).map_err(Error::io(format!("read {}", file.display())))?;
    let token = text.trim().to_owned();
    // It becomes part of a URL.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Error::BadFile {
            path: file,
            why: "a token is letters and digits; remove the file to have one made".to_owned(),
        });
    }
    Ok(token)
}

/// The token kept in a directory, or a fresh one of 192 random bits that is kept from now on.
pub(crate) fn keep_token(folder: &Path) -> Result<String, Error> {
    if !folder.join("token").exists() {
        let mut bytes = [0; 24];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Io {
            doing: "make a random token".to_owned(),
            source: std::io::Error::other("the system gave no random bytes"),
        })?;
        write_token(folder, &hex(&bytes))?;
    }
    read_token(folder)
}

/// Keeps a token in a directory that has none yet.
pub(crate) fn write_token(folder: &Path, token: &str) -> Result<(), Error> {
    let doing = || format!("keep a token in {}", folder.display());
    let mut file =
        tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(Error::io(doing()))?;
    file.write_all(token.as_bytes()).map_err(Error::io(doing()))?;
    // The name may reach the disk before what it names: after a power loss the file would be there and
    // empty, and everything that lies beside it unusable.
    file.as_file().sync_all().map_err(Error::io(doing()))?;
    file.persist_noclobber(folder.join("token")).map_err(|error| error.error).map_err(Error::io(doing()))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(doing()))
}

/// Makes a directory that only this user can look into, if it is missing.
pub(crate) fn make(path: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(Error::io(format!("make the directory {}", path.display())))
}

fn open_lock(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::io(format!("open {}", path.display())))
}

/// Tries for a while. False: somebody else has it.
async fn lock_within(file: &File, patience: Duration) -> Result<bool, Error> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if started.elapsed() >= patience => return Ok(false),
            Err(TryLockError::WouldBlock) => {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock a data directory")(error)),
        }
    }
}

fn write_pid(mut file: impl std::io::Write + std::io::Seek, pid: u32) -> Result<(), Error> {
    // Fixed width: a shorter number leaves nothing of a longer one behind.
    file.rewind().and_then(|()| writeln!(file, "{pid:>10}")).map_err(Error::io("write to a lock file"))
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Bytes in all files below a folder, links not followed; what vanishes meanwhile counts nothing.
pub(crate) fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
