//! The machine under the figures: without it they say nothing.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use crate::figures::median;

/// What is known of the machine. What is not known is left out.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// Version of the kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The processor's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// How many threads the machine runs at once.
    pub cores: usize,
    /// Whether it is a virtual one, whose cores others may use too.
    pub virtual_machine: bool,
    /// Memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The file system under the log: its type, and the device it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_system: Option<String>,
    /// How long one write of 4 KiB with fdatasync takes there, the median of many, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_ms: Option<f64>,
    /// How many processes wanted to run at the beginning, over the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
}

impl Machine {
    /// Looks around; the log will lie in `folder`.
    pub(crate) fn describe(folder: &Path) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = after(&memory, "MemTotal").and_then(|value| value.strip_suffix(" kB")?.parse::<u64>().ok());
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
            processor: after(&cpu, "model name").map(str::to_owned),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            virtual_machine: after(&cpu, "flags")
                .is_some_and(|flags| flags.split_ascii_whitespace().any(|flag| flag == "hypervisor")),
            memory_bytes: kib.map(|kib| kib * 1024),
            file_system: fs::read_to_string("/proc/mounts").ok().and_then(|text| mounted(&text, folder)),
            sync_ms: sync_ms(folder),
            load: load.split_ascii_whitespace().next().and_then(|text| text.parse().ok()),
        }
    }
}

/// The value of the first line `name : value`.
fn after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// The mount a folder lies on: the longest path that leads to it, the last of equal ones.
fn mounted(mounts: &str, folder: &Path) -> Option<String> {
    let lines = mounts.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (device, at, kind) = (words.next()?, words.next()?, words.next()?);
        folder.starts_with(at).then(|| (at.len(), format!("{kind} on {device}")))
    });
    lines.max_by_key(|(length, _)| *length).map(|(_, what)| what)
}

/// What a sync costs bounds everything strict.
fn sync_ms(folder: &Path) -> Option<f64> {
    const WRITES: usize = 40;
    let mut file = tempfile::tempfile_in(folder).ok()?;
    let block = [7_u8; 4096];
    let mut spans = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&block).ok()?;
        file.sync_data().ok()?;
        spans.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    median(&spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_that_leads_there_is_found() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpx xfs rw 0 0\n";
        assert_eq!(mounted(mounts, Path::new("/tmp/x")).as_deref(), Some("tmpfs on tmpfs"));
        assert_eq!(mounted(mounts, Path::new("/home")).as_deref(), Some("ext4 on /dev/a"));
    }

    #[test]
    fn this_machine_is_described() {
        let machine = Machine::describe(&std::env::temp_dir());
        assert!(machine.cores > 0 && !machine.system.is_empty());
    }
}
