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

#[derive(Debug, Args)]
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
    /// The mouse works from the beginning
    #[arg(long)]
    pub(crate) mouse: bool,
}
