//! One run of a server, from its configuration file to the moment it is ready.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::child::Child;
use crate::config::render;
use crate::directory::Directory;
use crate::ports::Ports;
use crate::{Error, ServerBinary, ServerConfig, monitoring, probe, unborn};

/// Starts the program and waits until it is ready. Gives where its run begins in the log, too.
pub(crate) async fn launch(
    binary: &ServerBinary,
    config: &ServerConfig,
    directory: &Directory,
    ports: Ports,
) -> Result<(Child, u64), Error> {
    let removed = unborn::remove(directory.path())
        .map_err(Error::io("look for streams that a power loss left empty"))?;
    for stream in removed {
        tracing::warn!(stream, "a power loss left nothing of this stream; it can be made anew");
    }
    unborn::remove_trials(directory.path())
        .map_err(Error::io("look for what a start that was cut off left"))?;
    let room = match config.max_file_store {
        Some(bytes) => bytes,
        None => directory.room()?,
    };
    let file = directory.config();
    directory.write(&file, &render(config, directory, ports, room))?;
    let output = directory.output();
    let output = File::create(&output).map_err(Error::io(format!("write {}", output.display())))?;
    let log_from = std::fs::metadata(directory.log()).map_or(0, |meta| meta.len());
    let child = Child::spawn(&binary.path, &file, output, directory.server_lock())
        .await
        .map_err(Error::io(format!("run {}", binary.path.display())))?;
    directory.note_server(child.pid())?;

    let words = || last_words(&directory.log(), &directory.output(), log_from);
    let started = Instant::now();
    loop {
        if let Some(status) = child.status() {
            return Err(Error::EndedAtStart { status: status.to_string(), log: words() });
        }
        let Err(waiting_for) = ready(config, directory, ports).await else {
            break;
        };
        if started.elapsed() > config.start_within {
            return Err(Error::NotReady { after: started.elapsed(), waiting_for, log: words() });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let syncing = monitoring::syncing(ports.monitoring).await?;
    if !syncing.keeps(config.durability) {
        return Err(Error::Monitoring {
            url: monitoring::url(ports.monitoring, "/varz"),
            why: format!("asked for {:?} it reports {syncing:?}", config.durability),
        });
    }
    tracing::debug!(pid = child.pid(), port = ports.client, "nats-server is up");
    Ok((child, log_from))
}

/// Whether it lets clients in and has recovered its streams. In a cluster streams recover only
/// with the others, so there it is enough that JetStream is on.
async fn ready(config: &ServerConfig, directory: &Directory, ports: Ports) -> Result<(), String> {
    let name = config.server_name(directory);
    probe::greet(ports.client, directory.token(), &name).await?;
    let health = match config.cluster {
        None => "/healthz",
        Some(_) => "/healthz?js-enabled-only=true",
    };
    monitoring::get(ports.monitoring, health).await.map_err(|error| error.to_string())?;
    Ok(())
}

/// The last lines of a run's log, then the first of what the program printed: a complaint about its
/// configuration, or what it died of, which a long trace follows.
pub(crate) fn last_words(log: &Path, output: &Path, log_from: u64) -> String {
    const LINES: usize = 15;
    let log = tail(log, log_from).unwrap_or_default();
    let printed = std::fs::read(output).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    let log: Vec<_> = log.lines().collect();
    let words: Vec<_> =
        log[log.len().saturating_sub(LINES)..].iter().copied().chain(printed.lines().take(LINES)).collect();
    if words.is_empty() { "(it said nothing)".to_owned() } else { words.join("\n") }
}

/// The end of a file, but nothing before `from`.
fn tail(path: &Path, from: u64) -> std::io::Result<String> {
    const BYTES: u64 = 8 << 10;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // Shorter than it was: begun anew meanwhile.
    let from = if from > length { 0 } else { from };
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(BYTES))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
