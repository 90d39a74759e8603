//! What is said of tasks that are there already, and of the deployment.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use longhaul_core::{TaskId, Timestamp};

use super::{DurabilityArg, Shape};

#[derive(Debug, Args)]
pub(crate) struct Get {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The task
    pub(crate) task: TaskId,
}

/// Which tasks.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Filter {
    /// Only these statuses
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<longhaul_core::Status>,
    /// Only this user's; everybody's of the organisation without it
    #[arg(long = "of", value_name = "USER")]
    pub(crate) of: Option<String>,
    /// Only this kind
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Only with this mark
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// Only those submitted since: RFC 3339, or a span such as 2h
    #[arg(long, value_name = "TIME", value_parser = crate::time::past)]
    pub(crate) since: Option<Timestamp>,
    /// Only with this in the title
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Dismissed ones too
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) shape: Shape,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// How many at most
    #[arg(short = 'n', long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Go on from a page's cursor
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Only count them, by status
    #[arg(long)]
    pub(crate) count: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ids {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The tasks
    #[arg(required = true)]
    pub(crate) tasks: Vec<TaskId>,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The tasks
    #[arg(required = true)]
    pub(crate) tasks: Vec<TaskId>,
    /// Give up after this long; the tasks go on
    #[arg(long, value_name = "SPAN", value_parser = crate::time::span)]
    pub(crate) timeout: Option<longhaul_core::Millis>,
}

#[derive(Debug, Args)]
pub(crate) struct Text {
    /// The task
    pub(crate) task: TaskId,
    /// Go on until it ends
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Tasks to act on: named, or by a filter.
#[derive(Debug, Args)]
pub(crate) struct Bulk {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The tasks; or use a filter
    pub(crate) tasks: Vec<TaskId>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Say which tasks it would be; do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask before acting on more than one
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Abort {
    #[command(flatten)]
    pub(crate) bulk: Bulk,
    /// Why
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Do not wait until they have stopped
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The task
    pub(crate) task: TaskId,
    /// Approve with a changed argument
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Approve with these arguments instead
    #[arg(long, value_name = "JSON|@FILE|-", conflicts_with = "set")]
    pub(crate) arguments: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reject {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The task
    pub(crate) task: TaskId,
    /// Why
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Rerun {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The task
    pub(crate) task: TaskId,
    /// Another input: JSON, @FILE, or -
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) input: Option<String>,
    /// Another title
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Print the id and leave
    #[arg(long)]
    pub(crate) detach: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fork {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The task
    pub(crate) task: TaskId,
    /// Where: a recorded step's name, or a sequence number
    #[arg(long, value_name = "STEP|SEQ")]
    pub(crate) at: String,
    /// Another input: JSON, @FILE, or -
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) input: Option<String>,
    /// Print the id and leave
    #[arg(long)]
    pub(crate) detach: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Download {
    /// The task
    pub(crate) task: TaskId,
    /// Which file; its only one without it
    pub(crate) name: Option<String>,
    /// Where to; the file's own name without it, - for stdout
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Notifications {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// Mark them as read
    #[arg(long)]
    pub(crate) read: bool,
    /// Read ones too
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// The task
    #[arg(required_unless_present_any = ["all", "of_org"])]
    pub(crate) task: Option<TaskId>,
    /// Everything of the organisation
    #[arg(long = "of-org", conflicts_with = "task")]
    pub(crate) of_org: bool,
    /// Everything
    #[arg(long, conflicts_with = "task")]
    pub(crate) all: bool,
    /// The state at this moment or sequence; with --speed, history up to there. A moment is one of the
    /// server's clock: the time it stored a record, not the time its writer wrote on it
    #[arg(long, value_name = "TIME|SEQ", value_parser = crate::time::point)]
    pub(crate) at: Option<crate::time::Point>,
    /// Play with the pauses of history, this many times as fast
    #[arg(long, value_name = "N")]
    pub(crate) speed: Option<f64>,
    /// What changed between two moments or sequences
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], value_parser = crate::time::point, conflicts_with_all = ["at", "speed"])]
    pub(crate) diff: Vec<crate::time::Point>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// Running tasks of one user
    #[arg(long, value_name = "N")]
    pub(crate) user_cap: Option<u32>,
    /// Running tasks of the organisation
    #[arg(long, value_name = "N")]
    pub(crate) organisation_cap: Option<u32>,
    /// Running tasks in one conversation
    #[arg(long, value_name = "N")]
    pub(crate) conversation_cap: Option<u32>,
    /// Running tasks of one user in the foreground, beside all others
    #[arg(long, value_name = "N")]
    pub(crate) foreground_cap: Option<u32>,
    /// Its share of the executors against other organisations
    #[arg(long, value_name = "N")]
    pub(crate) weight: Option<u32>,
    /// How many tokens a day; `none` for no bound
    #[arg(long, value_name = "N|none")]
    pub(crate) daily_tokens: Option<String>,
    /// Whether failed and aborted tasks may be continued
    #[arg(long, value_name = "BOOL")]
    pub(crate) continue_unfinished: Option<bool>,
    /// A person approves calls of this tool first, all or large ones: 'execute_sql rows_read>1000000 within 2h'
    #[arg(long, value_name = "RULE", value_parser = crate::command::policy::rule)]
    pub(crate) ask: Vec<longhaul_core::ToolRule>,
    /// Takes a rule away, as it is shown; all of a tool by its name, all at all by `all`
    #[arg(long, value_name = "RULE|all")]
    pub(crate) no_ask: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Service {
    /// Refuse to start on a weaker promise than this; a server that was named says it with --nats-monitor
    #[arg(long, value_enum, value_name = "PROMISE")]
    pub(crate) durability: Option<DurabilityArg>,
    /// Shards of a new log, fixed for ever when it is made; refused by a log with another number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) shards: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct Schedule {
    #[command(flatten)]
    pub(crate) service: Service,
    /// How old a heartbeat may get before its runs count as lost
    #[arg(long, default_value = "15s", value_name = "SPAN", value_parser = crate::time::span)]
    pub(crate) lease: longhaul_core::Millis,
}

#[derive(Debug, Args)]
pub(crate) struct Work {
    #[command(flatten)]
    pub(crate) service: Service,
    /// Only these kinds: report, chat, rehearsal, exec
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) kind: Vec<String>,
    /// Programs to run as kinds of their own
    #[arg(long = "exec", value_name = "NAME=PROGRAM")]
    pub(crate) exec: Vec<String>,
    /// How many runs at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) places: u32,
    /// How long runs may take to reach a checkpoint when it shuts down
    #[arg(long, default_value = "20s", value_name = "SPAN", value_parser = crate::time::span)]
    pub(crate) drain: longhaul_core::Millis,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// How many tasks to refold and compare
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) sample: u32,
    /// Write the log into a new file as well (- for stdout), to be audited again with --bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// Audit a file that --export wrote (- for stdin); no server is needed
    #[arg(long, value_name = "FILE", conflicts_with = "export")]
    pub(crate) bundle: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// What to set up
    #[arg(value_enum, default_value = "nats")]
    pub(crate) what: SetupWhat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SetupWhat {
    /// The nats-server
    Nats,
}
