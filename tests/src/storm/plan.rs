//! What goes wrong and when: drawn from the seed before the storm begins.

use std::fmt;
use std::time::Duration;

use super::dice::Dice;

/// A part that faults hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// `longhaul schedule`.
    Scheduler,
    /// `longhaul project`.
    Projector,
    /// `longhaul work`.
    Executor,
    /// nats-server.
    Server,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Scheduler, Self::Projector, Self::Executor, Self::Server];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheduler => "scheduler",
            Self::Projector => "projector",
            Self::Executor => "executor",
            Self::Server => "nats-server",
        })
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and started again after a while.
    Kill(Part, Duration),
    /// SIGSTOP, and SIGCONT after a while.
    Freeze(Part, Duration),
    /// SIGTERM, and started again once it has ended.
    Drain(Part),
    /// Every service in turn: SIGTERM, started again.
    Rolling,
    /// Every connection between services and server breaks at once.
    Cut,
    /// Nothing the server says arrives for a while, then the connections break: what it acknowledged
    /// in between is never known.
    Swallow(Duration),
    /// One server of a cluster does not reach the others for a while.
    Isolate(Duration),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(part, down) => write!(f, "kill {part}, down {down:?}"),
            Self::Freeze(part, still) => write!(f, "freeze {part} for {still:?}"),
            Self::Drain(part) => write!(f, "drain {part}"),
            Self::Rolling => f.write_str("rolling restart"),
            Self::Cut => f.write_str("cut connections"),
            Self::Swallow(deaf) => write!(f, "lose answers for {deaf:?}"),
            Self::Isolate(alone) => write!(f, "isolate a nats-server for {alone:?}"),
        }
    }
}

/// A fault, where in the storm it comes, and which of several it hits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// 0 to 1: how much of the storm is over when it comes.
    pub at: f64,
    /// What.
    pub fault: Fault,
    /// Any number: which of the parts of this sort.
    pub which: u64,
}

/// Shares of the kills, in percent. Every part is hit; executors most, as there are most of them.
const KILLS: [(u64, Part); 4] =
    [(25, Part::Scheduler), (15, Part::Projector), (44, Part::Executor), (16, Part::Server)];
/// The same where there is a cluster: what is asked there is how it changes its leader.
const CLUSTER_KILLS: [(u64, Part); 4] =
    [(17, Part::Scheduler), (8, Part::Projector), (30, Part::Executor), (45, Part::Server)];

/// The strokes of a storm with so many kills, in order. To every twenty kills come two freezes, two
/// drains, two cuts, two lost answers, and where there is a cluster two servers that are alone; to
/// every sixty a rolling restart. Freezes of executors outlast `lease`.
pub fn draw(seed: u64, kills: u32, lease: Duration, nodes: usize) -> Vec<Stroke> {
    let mut dice = Dice::of(seed, "faults", 0);
    let mut faults = Vec::new();
    for n in 0..kills {
        // In turn by share, so that a short storm hits every part, too.
        let part = match n {
            0 => Part::Executor,
            1 => Part::Scheduler,
            2 => Part::Server,
            3 => Part::Projector,
            _ if nodes > 1 => dice.weighted(&CLUSTER_KILLS),
            _ => dice.weighted(&KILLS),
        };
        faults.push(Fault::Kill(part, dice.millis(0, 1500)));
    }
    for n in 0..kills.div_ceil(20) {
        faults.push(Fault::Freeze(Part::Executor, lease + dice.millis(1000, 4000)));
        let part = dice.weighted(&[(5, Part::Scheduler), (2, Part::Projector), (3, Part::Server)]);
        let still = match part {
            Part::Server => dice.millis(300, 7000),
            _ => dice.millis(500, 2 * u64::try_from(lease.as_millis()).unwrap_or(u64::MAX)),
        };
        faults.push(Fault::Freeze(part, still));
        faults.push(Fault::Drain(Part::Executor));
        faults.push(Fault::Drain(dice.weighted(&[
            (3, Part::Scheduler),
            (2, Part::Projector),
            (3, Part::Server),
        ])));
        faults.extend([Fault::Cut, Fault::Cut]);
        faults.push(Fault::Swallow(dice.millis(200, 3000)));
        faults.push(Fault::Swallow(dice.millis(200, 3000)));
        if nodes > 1 {
            faults.extend([(); 2].map(|()| Fault::Isolate(dice.millis(500, 10_000))));
        }
        if n % 3 == 2 || (n == 0 && kills >= 10) {
            faults.push(Fault::Rolling);
        }
    }
    let mut strokes: Vec<Stroke> = faults
        .into_iter()
        .map(|fault| Stroke { at: 0.02 + 0.95 * dice.fraction(), fault, which: dice.throw() })
        .collect();
    strokes.sort_by(|a, b| a.at.total_cmp(&b.at));
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(4);

    #[test]
    fn it_has_the_kills_asked_for_and_hits_every_part() {
        for kills in [4, 10, 200] {
            let strokes = draw(1, kills, LEASE, 3);
            let killed: Vec<Part> = strokes
                .iter()
                .filter_map(|stroke| match stroke.fault {
                    Fault::Kill(part, _) => Some(part),
                    _ => None,
                })
                .collect();
            assert_eq!(killed.len(), kills as usize);
            assert!(Part::ALL.iter().all(|part| killed.contains(part)));
            assert!(strokes.is_sorted_by(|a, b| a.at <= b.at));
            assert!(strokes.iter().all(|stroke| (0.0..1.0).contains(&stroke.at)));
        }
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(draw(3, 20, LEASE, 1), draw(3, 20, LEASE, 1));
        assert_ne!(draw(3, 20, LEASE, 1), draw(4, 20, LEASE, 1));
        assert!(draw(3, 0, LEASE, 1).is_empty());
    }
}
