//! What processes and threads have cost, by the kernel's own books. Where there is no `/proc` nothing
//! is known.

use std::path::Path;
use std::time::Duration;

/// The length of one tick of CPU time as the kernel tells it to programs: 10 ms on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// A process or a thread whose cost can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meter {
    /// A process, by its id.
    Process(u32),
    /// This process.
    Own,
    /// A thread of this process: `<process>/task/<thread>`.
    Thread(String),
}

impl Meter {
    /// The thread that calls.
    pub(crate) fn this_thread() -> Option<Self> {
        let link = std::fs::read_link("/proc/thread-self").ok()?;
        Some(Self::Thread(link.to_str()?.to_owned()))
    }

    fn folder(&self) -> String {
        match self {
            Self::Process(pid) => format!("/proc/{pid}"),
            Self::Own => "/proc/self".to_owned(),
            Self::Thread(link) => format!("/proc/{link}"),
        }
    }

    /// CPU time so far, in user and system mode.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        cpu(&std::fs::read_to_string(Path::new(&self.folder()).join("stat")).ok()?)
    }

    /// Memory in use, and the most that was: bytes.
    pub(crate) fn memory(&self) -> Option<Memory> {
        memory(&std::fs::read_to_string(Path::new(&self.folder()).join("status")).ok()?)
    }
}

/// Resident memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
}

/// Fields 14 and 15 of `stat`. The second field, the name in parentheses, may hold anything.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_ascii_whitespace().skip(11);
    let user: u32 = times.next()?.parse().ok()?;
    let system: u32 = times.next()?.parse().ok()?;
    Some(TICK * user.saturating_add(system))
}

fn memory(status: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim_start_matches(':').trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    Some(Memory { resident: bytes("VmRSS")?, peak: bytes("VmHWM")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 9 0 5 0 0";
        assert_eq!(cpu(stat), Some(Duration::from_millis(1750)));
        assert_eq!(cpu("7 (a) S 1"), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory(status), Some(Memory { resident: 1 << 20, peak: 2 << 20 }));
        assert_eq!(memory("Name:\tx\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn own_costs_are_known() {
        assert!(Meter::Own.cpu().is_some() && Meter::Own.memory().is_some());
        assert!(Meter::this_thread().unwrap().cpu().is_some());
        assert_eq!(Meter::Process(std::process::id()).memory().map(|m| m.peak > 0), Some(true));
    }
}
