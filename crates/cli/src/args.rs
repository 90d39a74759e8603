//! The command line.

mod bench;
mod chat;
mod tasks;
mod tui;

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use longhaul_core::{Lane, Priority, TaskId};

pub(crate) use bench::*;
pub(crate) use chat::*;
pub(crate) use tasks::*;
pub(crate) use tui::*;

/// Durable tasks on NATS JetStream: submit work that outlives the request that asked for it.
#[derive(Debug, Parser)]
#[command(name = "longhaul", version, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 the task failed, 2 usage, \
    3 aborted, 4 expired, 5 not found, 6 refused, 7 server out of reach, 124 timed out, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Understood by every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// A running nats-server (nats://host:port); without it, the private one of --data
    #[arg(long, global = true, env = "LONGHAUL_NATS", value_name = "URL", help_heading = "Global options")]
    pub(crate) nats: Option<String>,
    /// Token for that server
    #[arg(
        long,
        global = true,
        env = "LONGHAUL_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        help_heading = "Global options"
    )]
    pub(crate) token: Option<String>,
    /// Monitoring endpoints of that server, or of each of its cluster (http://host:port): they say what an
    /// acknowledgement promises
    #[arg(
        long,
        global = true,
        env = "LONGHAUL_NATS_MONITOR",
        value_name = "URL[,URL…]",
        help_heading = "Global options"
    )]
    pub(crate) nats_monitor: Option<String>,
    /// Where the private nats-server, the read model and the settings of this machine lie
    #[arg(long, global = true, env = "LONGHAUL_DATA", value_name = "DIR", help_heading = "Global options")]
    pub(crate) data: Option<PathBuf>,
    /// Speak for this organisation
    #[arg(long, global = true, env = "LONGHAUL_ORG", value_name = "ORG", help_heading = "Global options")]
    pub(crate) org: Option<String>,
    /// Speak for this user
    #[arg(long, global = true, env = "LONGHAUL_USER", value_name = "USER", help_heading = "Global options")]
    pub(crate) user: Option<String>,
    /// A profile of longhaul.toml
    #[arg(
        long,
        global = true,
        env = "LONGHAUL_PROFILE",
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub(crate) profile: Option<String>,
    /// Never fetch anything from the network
    #[arg(
        long,
        global = true,
        env = "LONGHAUL_OFFLINE",
        value_parser = FalseyValueParser::new(),
        help_heading = "Global options"
    )]
    pub(crate) offline: bool,
    /// Say less on stderr
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON document a line
    Ndjson,
}

/// The choice of it.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Shape {
    /// How answers are written
    #[arg(short = 'o', long = "output", value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
}

/// What an acknowledgement promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DurabilityArg {
    /// fsync before the acknowledgement: survives a power loss
    Strict,
    /// fsync every second: a power loss may cost the last second, and a young log whole
    Relaxed,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in one process: nats-server, scheduler, projector, executor
    Up(Up),
    /// Real reports over a real data set, an abort, an approval, a failure; documents go to ./longhaul-demo, all else
    /// into a scratch directory
    Demo(Demo),
    /// The dashboard: see and steer everything from a terminal
    Tui(Tui),
    /// Write a report over a file of data: SQLite, CSV, JSON, Parquet
    Report(Report),
    /// A conversation about data: answers at once, reports in the background
    Chat(Chat),
    /// Submit a task of any kind and follow it
    Run(Run),
    /// Submit a task and leave: as run --detach
    Submit(Run),
    /// Show a task
    Get(Get),
    /// List tasks
    Ls(List),
    /// Follow tasks until they end
    Watch(Ids),
    /// Wait for tasks to end
    Wait(Wait),
    /// A task's text
    Text(Text),
    /// Stop tasks at their next checkpoint
    Abort(Abort),
    /// Approve what a task asks for
    Approve(Approve),
    /// Reject what a task asks for
    Reject(Reject),
    /// Try failed, aborted or expired tasks again, from their last recorded step
    Retry(Bulk),
    /// Run a task's input again as a new task
    Rerun(Rerun),
    /// A new task that begins with another's recorded steps
    Fork(Fork),
    /// Hide ended tasks from lists
    Rm(Bulk),
    /// Make ended tasks' payload go for ever; their skeleton stays
    Erase(Bulk),
    /// Fetch a file a task made
    Download(Download),
    /// What the bell shows
    Notifications(Notifications),
    /// History, event by event, with the state after each; the state at a moment; a difference of two
    Replay(Replay),
    /// An organisation's caps, weight and budget
    Policy(PolicyArgs),
    /// One service alone: the projector
    Project(Service),
    /// One service alone: a scheduler
    Schedule(Schedule),
    /// One service alone: an executor
    Work(Work),
    /// Check connection, versions, streams, durability, lag; refold a sample and compare
    #[command(
        after_help = "It changes nothing. Exit codes: 0 every promise holds (what is worth a look is marked \
        `warn`), 1 one does not, 2 usage, 7 no log or no server, 130 interrupted."
    )]
    Doctor(Doctor),
    /// Measure: throughput, latency, memory, replay, growth; what it does on a server named with --nats
    /// stays in that log for ever
    Bench(Bench),
    /// Fetch or find the nats-server, once
    Setup(Setup),
    /// JSON Schema of the log's records and of snapshots
    Schema,
    /// Shell completions
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Man pages
    Man {
        /// Where to write them; the main page to stdout without it
        dir: Option<PathBuf>,
    },
    /// Typeset a document (used by the report agent)
    #[command(name = "__render", hide = true)]
    Render,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// What an acknowledgement promises: strict without it. With --nats: refuse to start on a weaker promise
    #[arg(long, value_enum, value_name = "PROMISE")]
    pub(crate) durability: Option<DurabilityArg>,
    /// Shards of a new log; fixed for ever when it is made
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<u16>,
    /// How many runs at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) places: u32,
    /// A fixed port for the private nats-server; a free one without it
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Programs to run as kinds of their own
    #[arg(long = "exec", value_name = "NAME=PROGRAM")]
    pub(crate) exec: Vec<String>,
    /// Lines instead of the dashboard; without a terminal there are only lines
    #[arg(long, alias = "no-tui", env = "LONGHAUL_PLAIN", value_parser = FalseyValueParser::new())]
    pub(crate) plain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Lines instead of the dashboard; without a terminal there are only lines
    #[arg(long, alias = "no-tui", env = "LONGHAUL_PLAIN", value_parser = FalseyValueParser::new())]
    pub(crate) plain: bool,
    /// Keep the scratch directory and say where it is
    #[arg(long)]
    pub(crate) keep: bool,
    /// Where to write the documents
    #[arg(long, value_name = "DIR", default_value = "longhaul-demo")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A file of SQLite, CSV, JSON or Parquet, a folder of CSV, JSON and Parquet files, or postgres:NAME
    // An id of its own: the global `--data` has the field's name.
    #[arg(id = "source", value_name = "DATA")]
    pub(crate) data: PathBuf,
    /// What the report is about: "quarterly review of 2010", "sales by country", "top customers", "churn"
    pub(crate) prompt: String,
    /// Where to write the document; made from its title without it. Its ending says the format, unless
    /// --format does: .pdf, .html, .md, .docx
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What it is set as: pdf, html, markdown, docx; several give a file each
    #[arg(long, value_name = "FORMAT[,FORMAT…]", value_delimiter = ',')]
    pub(crate) format: Vec<longhaul_agent::DocumentFormat>,
    /// Which language model writes it; that of the settings without it, and `built-in` for none
    #[arg(long, value_name = "PROVIDER/MODEL")]
    pub(crate) model: Option<String>,
    /// How many queries it may run
    #[arg(long, value_name = "N")]
    pub(crate) queries: Option<u32>,
    /// A folder of skills (Markdown with front matter)
    #[arg(long, value_name = "DIR")]
    pub(crate) skills: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) submission: SubmissionArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// Which handler: report, rehearsal, exec, yours
    pub(crate) kind: String,
    /// The input: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) input: Option<String>,
    /// Its title; made from the kind and input without it
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// For the kind exec: the program and its arguments, after --
    #[arg(last = true, value_name = "PROGRAM ARGS")]
    pub(crate) program: Vec<String>,
    #[command(flatten)]
    pub(crate) submission: SubmissionArgs,
}

/// What every submission may say.
#[derive(Debug, Clone, Args)]
pub(crate) struct SubmissionArgs {
    /// Print the id and leave
    #[arg(long)]
    pub(crate) detach: bool,
    /// Say whether it would start now, or why and at which place it would wait; submit nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The same key is the same task, for ever
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// The conversation it belongs to
    #[arg(long, value_name = "ID")]
    pub(crate) conversation: Option<String>,
    /// When the conversation has a live task: join, enqueue, interrupt or reject
    #[arg(long, default_value = "join", value_name = "RULE")]
    pub(crate) on_busy: String,
    /// How urgent
    #[arg(long, value_enum, default_value = "normal")]
    pub(crate) priority: PriorityArg,
    /// Whose slots it takes
    #[arg(long, value_enum, default_value = "background")]
    pub(crate) lane: LaneArg,
    /// Not before this time: RFC 3339, or a span such as 10m
    #[arg(long, value_name = "TIME", value_parser = crate::time::moment)]
    pub(crate) not_before: Option<crate::time::When>,
    /// Attempts in all, the first included: 1 without it, and 3 for longhaul report
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_attempts: Option<u32>,
    /// How long one run may last before it is continued in a next one
    #[arg(long, default_value = "5m", value_name = "SPAN", value_parser = crate::time::span)]
    pub(crate) slice: longhaul_core::Millis,
    /// How long all its runs may last together
    #[arg(long, default_value = "2h", value_name = "SPAN", value_parser = crate::time::span)]
    pub(crate) span: longhaul_core::Millis,
    /// How many tokens it may use; a handler that calls models keeps to it, a program is not stopped by it
    #[arg(long, value_name = "N")]
    pub(crate) tokens: Option<u64>,
    /// A mark of your own
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// The completed task it goes on from
    #[arg(long, value_name = "TASK")]
    pub(crate) continues: Option<TaskId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PriorityArg {
    /// Somebody watches
    Interactive,
    /// The default
    Normal,
    /// When there is room
    Batch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LaneArg {
    /// Those that its user has for what somebody waits for; it does not wait for its conversation
    Foreground,
    /// The default: those of its user, its organisation and its conversation
    Background,
}

impl From<LaneArg> for Lane {
    fn from(arg: LaneArg) -> Self {
        match arg {
            LaneArg::Foreground => Self::Foreground,
            LaneArg::Background => Self::Background,
        }
    }
}

impl From<PriorityArg> for Priority {
    fn from(arg: PriorityArg) -> Self {
        match arg {
            PriorityArg::Interactive => Self::Interactive,
            PriorityArg::Normal => Self::Normal,
            PriorityArg::Batch => Self::Batch,
        }
    }
}
