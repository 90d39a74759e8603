//! What is said of a conversation.

use std::path::PathBuf;

use clap::Args;
use longhaul_agent::path::Path;
use longhaul_core::TaskId;

use super::Shape;

/// A conversation: on a terminal, or a line in and an answer out.
#[derive(Debug, Args)]
#[command(
    after_help = "Without a terminal every line of stdin is a message, and -o ndjson answers in JSON, a line for each \
    thing that happens. At the end of stdin it waits for the reports that were asked for."
)]
pub(crate) struct Chat {
    #[command(flatten)]
    pub(crate) shape: Shape,
    /// What it is about: a file of SQLite, CSV, JSON or Parquet, a folder of such files, or postgres:NAME;
    /// what it was about before without it
    // An id of its own: the global `--data` has the field's name.
    #[arg(id = "source", value_name = "DATA")]
    pub(crate) data: Option<PathBuf>,
    /// The conversation to go on with; a new one without it
    #[arg(long, value_name = "ID")]
    pub(crate) conversation: Option<String>,
    /// The completed task to begin from: what it found is at hand
    #[arg(long, value_name = "TASK")]
    pub(crate) continues: Option<TaskId>,
    /// Which language model answers and writes; that of the settings without it, and `built-in` for none
    #[arg(long, value_name = "PROVIDER/MODEL")]
    pub(crate) model: Option<String>,
    /// The way every message goes: fast (answered at once) or slow (as a task); by its words without it
    #[arg(long, value_name = "WAY")]
    pub(crate) path: Option<Path>,
    /// What documents are set as where a message does not say it: pdf, html, markdown, docx
    // Another id of its own: that of --output is taken.
    #[arg(id = "set-as", long = "format", value_name = "FORMAT[,FORMAT…]", value_delimiter = ',')]
    pub(crate) format: Vec<longhaul_agent::DocumentFormat>,
}
