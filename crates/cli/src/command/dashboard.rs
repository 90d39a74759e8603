//! The dashboard of a command that runs services: opened beside them, in the same process.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use longhaul_client::fleet::Scope;
use longhaul_client::{Client, Identity};
use longhaul_core::OrgId;
use longhaul_journal::Journal;
use longhaul_tui::{Host, Left, Live};
use tracing_subscriber::EnvFilter;

use crate::args::Tui;
use crate::command::tui;
use crate::settings::Settings;
use crate::signals::is_tied;

/// Whether a command that runs for long opens the dashboard: where somebody looks at a terminal and did
/// not ask for plain lines.
pub(crate) fn opens(plain: bool) -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let automatic = std::env::var_os("CI").is_some_and(|set| !set.is_empty());
    !plain && !dumb && !automatic && !is_tied() && longhaul_tui::has_terminal()
}

/// Logs go to a file: what `LONGHAUL_LOG` asks for, else `default`. The screen is not theirs.
pub(crate) fn log(path: &Path, default: Option<&str>) -> anyhow::Result<()> {
    let filter = match (EnvFilter::try_from_env("LONGHAUL_LOG"), default) {
        (Ok(filter), _) => filter,
        (Err(_), Some(default)) => EnvFilter::new(default),
        (Err(_), None) => return Ok(()),
    };
    let open = || {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        File::options().create(true).append(true).open(path)
    };
    let file = open().with_context(|| format!("cannot write the log {}", path.display()))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let _ = subscriber.with_writer(Mutex::new(file)).try_init();
    Ok(())
}

/// Shows the dashboard until it is left. Dropped, it gives the terminal back.
pub(crate) async fn show(
    settings: &Settings,
    journal: &Journal,
    place: String,
    host: Host,
) -> anyhow::Result<Left> {
    let client = Client::new(journal.clone(), Identity::new(&settings.org, &settings.user, "tui")?);
    let options = tui::options(settings, &Tui::default(), place, journal.now())?;
    let source = Live::new(client, Scope::Organisation(OrgId::new(&settings.org)?));
    Ok(longhaul_tui::run_for(host, Arc::new(source), options).await?)
}
