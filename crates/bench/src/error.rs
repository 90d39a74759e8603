//! What can keep a measurement from coming about.

use std::path::PathBuf;
use std::time::Duration;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The nats-server.
    #[error("the nats-server of the measurement is not to be had")]
    Broker(#[from] longhaul_broker::Error),
    /// The log.
    #[error(transparent)]
    Journal(#[from] longhaul_journal::Error),
    /// The log, below the journal.
    #[error("the log is not available")]
    Port(#[from] longhaul_journal::PortError),
    /// A call of the client.
    #[error("a call of the measuring client failed")]
    Client(#[from] longhaul_client::Error),
    /// The projector.
    #[error("the read model of the measurement was not built")]
    Projector(#[from] longhaul_projector::Error),
    /// A file, a folder, a process, a thread.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A service ended in the middle of it.
    #[error("the {name} ended during the measurement; the end of what it said:\n{said}")]
    ServiceEnded {
        /// Which.
        name: String,
        /// The last lines of its log.
        said: String,
    },
    /// It did not come about in time.
    #[error(
        "waited {waited:?} for {what}; the machine may be too slow for this: try fewer tasks, or --quick"
    )]
    Stuck {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
    },
    /// The dashboard did not show what it should.
    #[error("the dashboard did not show {what}; what it showed:\n{shown}")]
    NotShown {
        /// What was waited for.
        what: String,
        /// Its screen.
        shown: String,
    },
    /// A task did not end as it should.
    #[error("a task of the measurement ended {status}: {reason}")]
    TaskEnded {
        /// How it ended.
        status: String,
        /// Why.
        reason: String,
    },
    /// What was asked for cannot be measured like that.
    #[error("{0}")]
    Unfit(String),
    /// A thread broke off.
    #[error("{0} broke off")]
    BrokeOff(&'static str),
}

impl Error {
    /// An I/O error, with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// The same for something with a path.
    pub(crate) fn at(doing: &str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path: PathBuf = path.to_owned();
        Self::io(format!("{doing} {}", path.display()))
    }
}
