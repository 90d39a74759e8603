//! The files that a conversation's tasks made.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::talk::{Dealt, Talk};
use crate::command::report::save;

/// What shows a file, on this sort of machine.
const SHOWS: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

impl Talk {
    /// Keeps the last files, and opens them if that is wished.
    pub(super) async fn save(&mut self, to: Option<&Path>, open: bool) -> Dealt {
        let Some(task) = self.files else {
            return self.refuse("no_files", "no files were made in this conversation yet").await;
        };
        let paths = match save(&self.client, task, to).await {
            Ok(paths) => paths,
            Err(error) => return self.refuse("not_saved", format!("{error:#}")).await,
        };
        let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        self.note(format!("kept {}", named.join(", "))).await;
        if open && let Err(error) = show(&paths) {
            self.note(format!("it cannot be opened with {SHOWS}: {error}")).await;
        }
        Dealt::With
    }
}

/// Has files shown by whatever shows such files here. What that says would spoil the terminal.
fn show(paths: &[PathBuf]) -> std::io::Result<()> {
    for path in paths {
        let mut child = Command::new(SHOWS)
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // It ends when it likes; somebody has to hear of it.
        std::thread::spawn(move || child.wait());
    }
    Ok(())
}
