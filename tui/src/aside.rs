//! Other programs that have the terminal for a while: the editor and the pager.

use std::io::{self, Write as _};

use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::app::Draft;
use crate::msg::Msg;

/// What another program is needed for.
#[derive(Debug)]
pub(crate) enum Aside {
    /// Arguments to change in the editor.
    Edit(Draft),
    /// A text to read in the pager.
    Show(String),
}

impl Aside {
    /// Runs the program until it ends; what comes of it.
    pub(crate) async fn run(self) -> Msg {
        match self {
            Self::Edit(draft) => Msg::Edited(edit(draft).await),
            Self::Show(text) => Msg::Closed(show(&text).await),
        }
    }
}

async fn edit(mut draft: Draft) -> Result<Draft, String> {
    let named = chosen(&["VISUAL", "EDITOR"]).unwrap_or_else(|| "vi".to_owned());
    let failed = |error: io::Error| format!("the arguments cannot be edited with {named}: {error}");
    let file = written(&draft.text, ".json").map_err(failed)?;
    let ended = open(&named, &file).await.map_err(failed)?;
    if !ended.success() {
        return Err(format!("{named} ended with {ended}: nothing was sent"));
    }
    // Editors that write anew and rename leave another file of that name.
    draft.text = std::fs::read_to_string(file.path()).map_err(failed)?;
    Ok(draft)
}

async fn show(text: &str) -> Result<(), String> {
    let named = chosen(&["PAGER"]).unwrap_or_else(|| "less".to_owned());
    let failed =
        |error: io::Error| format!("the text cannot be shown with {named}: {error}; o writes it into a file");
    let file = written(text, ".txt").map_err(failed)?;
    open(&named, &file).await.map(drop).map_err(failed)
}

/// A text in a file that only this user can read.
fn written(text: &str, ending: &str) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("longhaul-").suffix(ending).tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

/// What the first of some variables says that says something.
fn chosen(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|said| !said.trim().is_empty()))
}

/// Runs a program on a file. Its name may have arguments: `code --wait`.
async fn open(named: &str, file: &NamedTempFile) -> io::Result<std::process::ExitStatus> {
    let mut words = named.split_whitespace();
    let program = words.next().unwrap_or(named);
    Command::new(program).args(words).arg(file.path()).kill_on_drop(true).status().await
}
