//! `schema`, `completions`, `man`: what the program says of itself.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use crate::exit::Code;
use crate::output;

/// JSON Schema of the log's records and of snapshots: one object, a member for each format.
pub(crate) fn schema() -> anyhow::Result<Code> {
    let formats = longhaul_wire::schema::formats().into_iter();
    let all: serde_json::Map<String, serde_json::Value> = formats
        .map(|format| (format.name.to_owned(), json!({ "found": format.found, "schema": format.schema })))
        .collect();
    output::line(serde_json::to_string_pretty(&all)?)?;
    Ok(Code::Done)
}

pub(crate) fn completions(shell: clap_complete::Shell, command: &mut clap::Command) -> anyhow::Result<Code> {
    let mut text = Vec::new();
    clap_complete::generate(shell, command, "longhaul", &mut text);
    output::bytes(&text)?;
    Ok(Code::Done)
}

/// The main page to stdout, or a page for each command into a folder.
pub(crate) fn man(dir: Option<&Path>, command: &clap::Command) -> anyhow::Result<Code> {
    match dir {
        None => {
            let mut text = Vec::new();
            clap_mangen::Man::new(command.clone()).render(&mut text)?;
            output::bytes(&text)?;
        }
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot make the folder {}", dir.display()))?;
            clap_mangen::generate_to(command.clone(), dir)
                .with_context(|| format!("cannot write the man pages into {}", dir.display()))?;
            output::say(format!("man pages are in {}", dir.display()));
        }
    }
    Ok(Code::Done)
}
