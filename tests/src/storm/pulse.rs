//! How much memory every process takes while the storm goes on.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Serialize;

/// How often it is looked.
pub const EVERY: Duration = Duration::from_secs(2);

/// The memory of one process over its life, in KiB of resident pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Life {
    /// How long it was watched, in seconds.
    pub seconds: u64,
    /// When it was first seen.
    pub first: u64,
    /// When it was last seen.
    pub last: u64,
    /// The most.
    pub max: u64,
}

/// All processes in one role.
#[derive(Debug, Clone, Serialize)]
pub struct Role {
    /// How many processes there were.
    pub processes: u64,
    /// The most memory any of them took, in KiB.
    pub max: u64,
    /// The one that lived longest.
    pub longest: Life,
}

struct Current {
    pid: u32,
    born: Instant,
    life: Life,
    role: Role,
}

/// Fills while it is told of processes.
#[derive(Default)]
pub struct Pulse {
    roles: Mutex<BTreeMap<String, Current>>,
}

impl Pulse {
    /// Looks at a process that runs in a role.
    pub fn feel(&self, name: &str, pid: u32) {
        let Some(now) = resident(pid) else { return };
        let mut roles = self.roles.lock().unwrap();
        let fresh = Life { seconds: 0, first: now, last: now, max: now };
        let current = roles.entry(name.to_owned()).or_insert_with(|| Current {
            pid,
            born: Instant::now(),
            life: fresh,
            role: Role { processes: 1, max: now, longest: fresh },
        });
        if current.pid != pid {
            (current.pid, current.born, current.life) = (pid, Instant::now(), fresh);
            current.role.processes += 1;
        }
        let life = &mut current.life;
        life.seconds = current.born.elapsed().as_secs();
        // What it takes once it has come up; before, it would seem to grow.
        if life.seconds <= EVERY.as_secs() {
            life.first = now;
        }
        (life.last, life.max) = (now, life.max.max(now));
        current.role.max = current.role.max.max(now);
        if life.seconds >= current.role.longest.seconds {
            current.role.longest = *life;
        }
    }

    /// What was seen.
    pub fn roles(&self) -> BTreeMap<String, Role> {
        self.roles
            .lock()
            .unwrap()
            .iter()
            .map(|(name, current)| (name.clone(), current.role.clone()))
            .collect()
    }
}

/// Resident memory of a process, in KiB; nothing if it is gone.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory() {
        let pulse = Pulse::default();
        pulse.feel("harness", std::process::id());
        pulse.feel("harness", std::process::id());
        let roles = pulse.roles();
        assert_eq!(roles["harness"].processes, 1);
        assert!(roles["harness"].max > 1000);
        assert_eq!(resident(u32::MAX), None);
    }
}
