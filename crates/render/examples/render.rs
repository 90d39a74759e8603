//! Sets one document: `cargo run -p longhaul-render --example render < document.json > document.pdf`.
//!
//! Files named on the command line are fonts to use beside the built-in ones.

use std::process::ExitCode;

use longhaul_render::{Options, run_child};

fn main() -> ExitCode {
    run_child(&Options { fonts: std::env::args_os().skip(1).map(Into::into).collect(), ..Options::default() })
}
