//! What the server and the log say of themselves.

use longhaul_core::Sequence;
use longhaul_journal::{Durability, PortInfo, Shard};
use longhaul_wire::{MAX_RECORD, topology};

use super::ServerFacts;
use super::check::Check;

/// The connection, and who is at its other end.
pub(super) fn connection(info: &PortInfo, facts: &ServerFacts) -> Check {
    let whose = if facts.private { ", started for this check alone" } else { "" };
    let found = format!("{}{whose}", info.server);
    let log = facts.log_file.iter().map(|path| format!("its own log: {}", path.display())).collect();
    if info.max_message < MAX_RECORD {
        let found = format!(
            "{found}; it takes messages of at most {} bytes, and records may have {MAX_RECORD}",
            info.max_message
        );
        return Check::warn("connection", found, "set max_payload to 1MB in the server's configuration")
            .with(log);
    }
    Check::ok("connection", found).with(log)
}

/// What an acknowledgement promises.
pub(super) fn durability(info: &PortInfo, facts: &ServerFacts) -> Check {
    if facts.private {
        let found = "of the server started for this check alone; what the log was written with, nobody says";
        return Check::ok("durability", format!("{}: {found}", name(info.durability)));
    }
    match info.durability {
        Durability::Strict => Check::ok(
            "durability",
            "strict: what is acknowledged is on disk, and survives the power loss of every machine",
        ),
        Durability::Relaxed => Check::warn(
            "durability",
            "relaxed: what is acknowledged survives a killed server; a power loss may cost the last second, and \
             a young log whole",
            "set `sync_interval: always` in the server's `jetstream` block (longhaul up does unless told otherwise)",
        ),
        Durability::None => Check::warn(
            "durability",
            "none: the log is in memory and goes with its process",
            "use a nats-server for anything that is to be kept",
        ),
        Durability::Unknown => Check::warn(
            "durability",
            "not known: what is acknowledged survives a killed server; whether it survives a power loss, the \
             server does not say",
            "set `sync_interval: always` in the server's `jetstream` block, and name its monitoring endpoint, \
             which says so: --nats-monitor http://HOST:PORT",
        ),
    }
}

/// The streams, and how far each shard goes.
pub(super) fn streams(heads: &[(Shard, Sequence)]) -> Check {
    let names = heads.iter().map(|(shard, head)| format!("{} up to {head}", topology::log(*shard).name));
    let found = format!(
        "{} of the log, with {}, {} and {}: as longhaul makes them (a difference is refused when connecting)",
        if heads.len() == 1 { "1 shard".to_owned() } else { format!("{} shards", heads.len()) },
        topology::beats().name,
        topology::cells().name,
        topology::FILES
    );
    Check::ok("streams", found).with(names.collect())
}

fn name(durability: Durability) -> &'static str {
    match durability {
        Durability::Strict => "strict",
        Durability::Relaxed => "relaxed",
        Durability::None => "none",
        Durability::Unknown => "not known",
    }
}
