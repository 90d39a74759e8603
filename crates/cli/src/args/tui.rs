//! Arguments of the dashboard.

use clap::{Args, ValueEnum};

/// Which colours the dashboard has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThemeArg {
    /// For a dark background
    Dark,
    /// For a light background
    Light,
    /// Only the terminal's own sixteen colours
    #[value(name = "16")]
    Sixteen,
    /// No colours
    Mono,
}

/// Which signs the dashboard draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GlyphsArg {
    /// Lines, blocks and symbols
    Unicode,
    /// ASCII only
    Ascii,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Tui {
    /// Which colours; without it what suits the terminal
    #[arg(long, value_enum, value_name = "THEME")]
    pub(crate) theme: Option<ThemeArg>,
    /// Which signs; without it what suits the terminal
    #[arg(long, value_enum, value_name = "GLYPHS")]
    pub(crate) glyphs: Option<GlyphsArg>,
    /// Tasks of all organisations, for operators
    #[arg(long)]
    pub(crate) all: bool,
    /// The mouse works from the beginning; without it as the last time, but not over SSH
    #[arg(long, overrides_with = "no_mouse")]
    pub(crate) mouse: bool,
    /// The mouse is left to the terminal
    #[arg(long)]
    pub(crate) no_mouse: bool,
    /// Only your own tasks, as a list of downloads
    #[arg(long, conflicts_with = "all")]
    pub(crate) mine: bool,
    /// Begin in the past: 2026-11-21T13:05:00Z, 12:29 (UTC), 10m (ago), a sequence, or SHARD/SEQUENCE
    #[arg(long, value_name = "MOMENT", conflicts_with_all = ["mine", "plain"])]
    pub(crate) at: Option<String>,
    /// Open a history kept with doctor --export, offline; no server is needed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mine", "plain"])]
    pub(crate) bundle: Option<std::path::PathBuf>,
    /// Write how long everything took into a file, at the end (for `bench dashboard`)
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) figures: Option<std::path::PathBuf>,
    /// One line a change instead of a screen: for screen readers, and without a terminal
    #[arg(long)]
    pub(crate) plain: bool,
}
