//! Making the log's streams where they are missing, and comparing them where they are not. What is
//! there is never changed and never deleted.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType};
use longhaul_wire::topology::{self, Keeps, Storage, StreamSpec};
use longhaul_wire::{Shard, Shards};
use serde::Deserialize;
use serde_json::json;

use super::api::{ApiError, STREAM_EXISTS_DIFFERENTLY, STREAM_NOT_FOUND};
use super::link::Link;
use super::options::ConnectOptions;
use crate::port::PortError;

/// What a stream of the log says of itself in its metadata.
const PRODUCT: &str = "longhaul.product";
const FORMAT: &str = "longhaul.format";
const SHARDS: &str = "longhaul.shards";

/// The version of how the log is laid out in streams and subjects. What is in the messages has a
/// version of its own.
const CURRENT_FORMAT: &str = "1";

/// The stream behind the object store.
pub(super) fn files_stream() -> String {
    format!("OBJ_{}", topology::FILES)
}

/// What the log is made of, as found or as made.
pub(super) struct Provisioned {
    pub(super) shards: Shards,
    /// On how many servers the log is kept.
    pub(super) replicas: usize,
    /// The servers that keep it, where the server says so: in a cluster.
    pub(super) servers: Vec<String>,
}

#[derive(Deserialize)]
struct StreamInfo {
    config: Config,
    #[serde(default)]
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    leader: Option<String>,
    #[serde(default)]
    replicas: Vec<Peer>,
}

#[derive(Deserialize)]
struct Peer {
    name: String,
}

/// Whether there is a log: its first stream decides how many there are.
pub(super) async fn exists(link: &Link) -> Result<bool, PortError> {
    Ok(info(link, &topology::log(Shard(0)).name).await?.is_some())
}

/// Makes what is missing, unless it has to be there. Any number of processes may do it at once.
pub(super) async fn provision(link: &Link, options: &ConnectOptions) -> Result<Provisioned, PortError> {
    let ConnectOptions { shards, replicas, existing, .. } = options;
    // The first stream decides how many there are: whoever makes it, everybody else reads it there.
    let first = topology::log(Shard(0)).name;
    let shards = match info(link, &first).await? {
        Some(info) => existing_shards(&info.config, *shards)?,
        None => checked(shards.unwrap_or(1))?,
    };
    let make = Make { link, replicas: *replicas, existing: *existing };

    let mut servers = Vec::new();
    let mut kept_on = 1;
    for shard in shards.all() {
        let log = Config { metadata: metadata(Some(shards)), ..config(&topology::log(shard)) };
        let info = make.stream(log).await?;
        kept_on = kept_on.max(info.config.num_replicas);
        servers.extend(info.cluster.into_iter().flat_map(|cluster| {
            cluster.leader.into_iter().chain(cluster.replicas.into_iter().map(|peer| peer.name))
        }));
    }
    make.stream(config(&topology::beats())).await?;
    make.stream(files()).await?;
    make.cells().await?;
    servers.sort_unstable();
    servers.dedup();
    Ok(Provisioned { shards, replicas: kept_on, servers })
}

struct Make<'a> {
    link: &'a Link,
    replicas: Option<usize>,
    /// Nothing is made.
    existing: bool,
}

impl Make<'_> {
    /// The stream as it is, made if it was missing.
    async fn stream(&self, wanted: Config) -> Result<StreamInfo, PortError> {
        let name = wanted.name.clone();
        let info = match info(self.link, &name).await? {
            Some(info) => info,
            None if self.existing => return Err(missing(&name)),
            None => self.create(&wanted).await?,
        };
        let mut differences = differences(&wanted, &info.config);
        if let Some(replicas) = self.replicas
            && replicas != info.config.num_replicas
        {
            differences.push(difference("num_replicas", replicas, info.config.num_replicas));
        }
        if differences.is_empty() {
            return Ok(info);
        }
        Err(PortError::Misconfigured(format!(
            "the stream {name} is not as longhaul needs it, and is left alone: {}. Change it there (a \
             backup first), or give longhaul another account or server",
            differences.join("; ")
        )))
    }

    /// Cells. Logs of before there were any go on without them where nobody may make them: whoever wants a
    /// cell finds it out of reach.
    async fn cells(&self) -> Result<(), PortError> {
        if self.existing {
            return Ok(());
        }
        match self.stream(config(&topology::cells())).await {
            Ok(_) => Ok(()),
            Err(PortError::Refused(why)) => {
                tracing::info!(why, "there are no cells: each process limits itself alone");
                Ok(())
            }
            Err(why) => Err(why),
        }
    }

    async fn create(&self, wanted: &Config) -> Result<StreamInfo, PortError> {
        let mut config = wanted.clone();
        config.num_replicas = self.replicas.unwrap_or(1);
        if config.persist_mode == Some(PersistenceMode::Async) && config.num_replicas > 1 {
            // Only for streams on one server. A cluster remembers a stream in memory; a server that
            // stands alone forgets it when it ends.
            config.storage = StorageType::Memory;
            config.persist_mode = None;
        }
        let name = &config.name;
        let created: Result<StreamInfo, ApiError> =
            self.link.api(&format!("STREAM.CREATE.{name}"), &config).await.map_err(|why| match why {
                PortError::Refused(why) => PortError::Refused(format!(
                    "the stream {name} does not exist, and this user cannot make it: {why}"
                )),
                other => other,
            })?;
        match created {
            Ok(info) => {
                tracing::info!(stream = name, "provisioned");
                Ok(info)
            }
            // Somebody else was faster, with other settings: they are compared.
            Err(error) if error.code == STREAM_EXISTS_DIFFERENTLY => {
                let info = info(self.link, name).await?;
                info.ok_or_else(|| PortError::Misconfigured(format!("the stream {name}: {error}")))
            }
            Err(error) => Err(match error.into() {
                PortError::Refused(why) => {
                    PortError::Refused(format!("the stream {name} cannot be made: {why}"))
                }
                other => other,
            }),
        }
    }
}

fn missing(stream: &str) -> PortError {
    PortError::Misconfigured(format!(
        "there is no log here: the stream {stream} does not exist. Whoever submits or serves first makes one: \
         `longhaul up`, or a service (`longhaul schedule`)"
    ))
}

async fn info(link: &Link, name: &str) -> Result<Option<StreamInfo>, PortError> {
    match link.api::<StreamInfo>(&format!("STREAM.INFO.{name}"), &json!({})).await? {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.code == STREAM_NOT_FOUND => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn checked(shards: u16) -> Result<Shards, PortError> {
    Shards::new(shards).ok_or_else(|| {
        PortError::Misconfigured(format!("{shards} shards are not possible; 1 to {} are", Shards::MAX))
    })
}

/// How many shards the log was made with, provided it is one and as many as asked for.
fn existing_shards(found: &Config, asked: Option<u16>) -> Result<Shards, PortError> {
    let name = &found.name;
    let Some(shards) = found.metadata.get(SHARDS).and_then(|shards| shards.parse().ok()) else {
        return Err(PortError::Misconfigured(format!(
            "the stream {name} exists, but was not made by longhaul (it has no metadata {SHARDS}); it is \
             left alone. Give longhaul another account or server"
        )));
    };
    match asked {
        Some(asked) if asked != shards => Err(PortError::Misconfigured(format!(
            "the log has {shards} shards, and {asked} were asked for. The number is fixed when a log is \
             made: ask for {shards}, or for none in particular"
        ))),
        _ => checked(shards),
    }
}

/// A stream as longhaul makes it, but for the number of replicas.
fn config(spec: &StreamSpec) -> Config {
    let last_of_each = matches!(spec.keeps, Keeps::LastOfEach { .. });
    Config {
        name: spec.name.clone(),
        description: Some(spec.description.to_owned()),
        subjects: spec.subjects.clone(),
        storage: StorageType::File,
        persist_mode: match spec.storage {
            Storage::File => None,
            Storage::Volatile => Some(PersistenceMode::Async),
        },
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: if last_of_each { 1 } else { -1 },
        max_age: match spec.keeps {
            Keeps::LastOfEach { at_most } => at_most,
            Keeps::Everything => Duration::ZERO,
        },
        // A full log refuses; only last values make room for later ones.
        discard: if last_of_each { DiscardPolicy::Old } else { DiscardPolicy::New },
        retention: RetentionPolicy::Limits,
        allow_direct: true,
        allow_atomic_publish: spec.batches,
        deny_purge: !spec.purgeable,
        metadata: metadata(None),
        ..Config::default()
    }
}

/// The stream behind the object store, as every NATS client knows it.
fn files() -> Config {
    let bucket = topology::FILES;
    Config {
        name: files_stream(),
        description: Some("longhaul: inputs, results and artifacts, named by digest".to_owned()),
        subjects: vec![format!("$O.{bucket}.C.>"), format!("$O.{bucket}.M.>")],
        storage: StorageType::File,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        discard: DiscardPolicy::New,
        retention: RetentionPolicy::Limits,
        allow_direct: true,
        allow_rollup: true,
        metadata: metadata(None),
        ..Config::default()
    }
}

/// Only the log's own streams say how many shards there are.
fn metadata(shards: Option<Shards>) -> HashMap<String, String> {
    let mut all = vec![(PRODUCT, "longhaul".to_owned()), (FORMAT, CURRENT_FORMAT.to_owned())];
    all.extend(shards.map(|shards| (SHARDS, shards.to_string())));
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Where a stream differs in what longhaul relies on. Limits that only make it refuse earlier, where
/// it lies, compression and the like are the operator's.
fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    let mut list = Vec::new();
    let mut same = |field: &str, wanted: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
        let (wanted, found) = (format!("{wanted:?}"), format!("{found:?}"));
        if wanted != found {
            list.push(difference(field, wanted, found));
        }
    };
    same("subjects", &sorted(&wanted.subjects), &sorted(&found.subjects));
    let is_async = |mode: &Option<PersistenceMode>| *mode == Some(PersistenceMode::Async);
    if !is_async(&wanted.persist_mode) {
        same("storage", &wanted.storage, &found.storage);
        same("persist_mode async", &false, &is_async(&found.persist_mode));
    }
    same("retention", &wanted.retention, &found.retention);
    same("discard", &wanted.discard, &found.discard);
    same("max_age", &wanted.max_age, &found.max_age);
    same(
        "max_msgs_per_subject",
        &unlimited(wanted.max_messages_per_subject),
        &unlimited(found.max_messages_per_subject),
    );
    same("discard_new_per_subject", &wanted.discard_new_per_subject, &found.discard_new_per_subject);
    same("allow_direct", &wanted.allow_direct, &found.allow_direct);
    same("allow_atomic", &wanted.allow_atomic_publish, &found.allow_atomic_publish);
    same("allow_rollup_hdrs", &wanted.allow_rollup, &found.allow_rollup);
    same("allow_msg_ttl", &wanted.allow_message_ttl, &found.allow_message_ttl);
    same("deny_purge", &wanted.deny_purge, &found.deny_purge);
    same("deny_delete", &wanted.deny_delete, &found.deny_delete);
    same("no_ack", &wanted.no_ack, &found.no_ack);
    same("sealed", &wanted.sealed, &found.sealed);
    same("mirror", &wanted.mirror.is_some(), &found.mirror.is_some());
    same("sources", &wanted.sources.is_some(), &found.sources.as_ref().is_some_and(|some| !some.is_empty()));
    same("subject_transform", &wanted.subject_transform.is_some(), &found.subject_transform.is_some());
    for key in [FORMAT, SHARDS] {
        same(&format!("metadata {key}"), &wanted.metadata.get(key), &found.metadata.get(key));
    }
    list
}

fn difference(field: &str, wanted: impl std::fmt::Display, found: impl std::fmt::Display) -> String {
    format!("{field}: wanted {wanted}, found {found}")
}

fn sorted(subjects: &[String]) -> Vec<&String> {
    let mut subjects: Vec<_> = subjects.iter().collect();
    subjects.sort_unstable();
    subjects
}

/// The server writes no limit as -1 or as 0.
fn unlimited(limit: i64) -> i64 {
    if limit == 0 { -1 } else { limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(shards: Shards) -> Config {
        Config { metadata: metadata(Some(shards)), ..config(&topology::log(Shard(0))) }
    }

    #[test]
    fn every_difference_that_matters_is_named() {
        let wanted = log(Shards::ONE);
        assert!(differences(&wanted, &wanted).is_empty());
        let mut found = Config { max_bytes: 1 << 30, num_replicas: 3, ..wanted.clone() };
        found.metadata.insert("_nats.ver".to_owned(), "2.15.1".to_owned());
        assert!(differences(&wanted, &found).is_empty(), "what is the operator's");

        found.discard = DiscardPolicy::Old;
        found.deny_purge = false;
        found.max_age = Duration::from_secs(60);
        found.persist_mode = Some(PersistenceMode::Async);
        found.metadata.insert(SHARDS.to_owned(), "4".to_owned());
        let list = differences(&wanted, &found);
        for expected in [
            "discard: wanted New, found Old",
            "deny_purge: wanted true, found false",
            "max_age: wanted 0ns, found 60s",
            "persist_mode async: wanted false, found true",
            "metadata longhaul.shards: wanted Some(\"1\"), found Some(\"4\")",
        ] {
            assert!(list.iter().any(|line| line == expected), "{expected} in {list:?}");
        }
        assert_eq!(list.len(), 5);
    }

    #[test]
    fn the_number_of_shards_is_read_from_what_is_there() {
        let four = Shards::new(4).unwrap();
        let found = log(four);
        assert_eq!(existing_shards(&found, None).unwrap(), four);
        assert_eq!(existing_shards(&found, Some(4)).unwrap(), four);
        let mismatch = existing_shards(&found, Some(2)).unwrap_err().to_string();
        assert!(mismatch.contains("has 4 shards, and 2 were asked for"), "{mismatch}");
        let foreign = Config { metadata: HashMap::new(), ..found };
        assert!(existing_shards(&foreign, None).is_err());
        assert!(checked(0).is_err() && checked(Shards::MAX + 1).is_err());
    }
}
