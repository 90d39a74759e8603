//! Sets one document: `cargo run -p longhaul-render --example render docx < document.json > document.docx`.
//!
//! Files named after the format are fonts to use beside the built-in ones.

use std::process::ExitCode;

use longhaul_document::Format;
use longhaul_render::{Options, run_child};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let format = args.next().map_or(Ok(Format::Pdf), |name| name.to_string_lossy().parse());
    match format {
        Ok(format) => {
            run_child(format, &Options { fonts: args.map(Into::into).collect(), ..Options::default() })
        }
        Err(unknown) => {
            eprintln!("{unknown}");
            ExitCode::FAILURE
        }
    }
}
