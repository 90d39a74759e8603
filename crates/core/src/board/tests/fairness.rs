//! Nobody starves, and places are promises.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use uuid::Uuid;

use super::log::*;
use crate::board::{Board, WaitReason};
use crate::*;

/// Organisation, user, priority.
type Asked = (u8, u8, u8);

fn asked() -> impl Strategy<Value = Vec<Asked>> {
    proptest::collection::vec((0..4_u8, 0..4_u8, 0..3_u8), 1..60)
}

fn unbounded(weight: u32) -> Policy {
    Policy {
        weight,
        caps: Caps { user: 1000, organisation: 1000, conversation: 1, foreground: 2 },
        ..Policy::default()
    }
}

fn submit_all(w: &mut World, asked: &[Asked]) {
    for (n, (org, user, priority)) in (1..).zip(asked) {
        let priority = [Priority::Interactive, Priority::Normal, Priority::Batch][*priority as usize];
        let path = format!("org{org}/user{user}");
        w.log.submit_as(n, Submission { priority, ..submission(&path) });
    }
    w.follow();
}

fn order(board: &mut Board) -> Vec<TaskId> {
    board.tentatively(usize::MAX, |_, plan| plan.iter().map(|step| step.task().task).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_place_among_busy_executors_is_the_order_of_admission(
        asked in asked(), weights in proptest::array::uniform4(1..4_u32), first in 0..20_usize,
    ) {
        let mut w = World::new(roomy());
        for (org, weight) in weights.iter().enumerate() {
            w.log.policy(&format!("org{org}"), unbounded(*weight));
        }
        submit_all(&mut w, &asked);
        for _ in 0..first {
            w.admit(1);
        }
        let order = order(&mut w.board);
        w.board.beat(&beat(EXECUTOR, &[("report", 0)]));
        for (at, task) in order.iter().enumerate() {
            let waiting = w.why(*task).unwrap();
            prop_assert_eq!(waiting.reason.code(), "executors_busy");
            prop_assert_eq!(waiting.place, at as u64 + 1);
        }
    }

    #[test]
    fn the_place_in_a_full_organisation_is_the_order_of_admission(asked in asked(), cap in 0..10_u32, user in 1..5_u32) {
        let mut w = World::new(roomy());
        let caps = Caps { user, organisation: cap, conversation: 1, foreground: 2 };
        w.log.policy("org0", Policy { caps, ..Policy::default() });
        let one: Vec<Asked> = asked.into_iter().map(|(_, user, priority)| (0, user, priority)).collect();
        submit_all(&mut w, &one);
        w.admit(1000);
        let tasks: Vec<TaskId> = w.log.tasks.keys().copied().collect();
        let places: BTreeMap<TaskId, u64> = tasks.into_iter().filter_map(|task| {
            let waiting = w.why(task).unwrap();
            matches!(waiting.reason, WaitReason::OrganisationCap { .. }).then_some((task, waiting.place))
        }).collect();
        let caps = Caps { organisation: 1000, ..caps };
        w.board.policy(&org("org0"), Policy { caps, ..Policy::default() });
        for (at, task) in order(&mut w.board).iter().enumerate() {
            prop_assert_eq!(places.get(task), Some(&(at as u64 + 1)));
        }
    }

    /// Endless work of many organisations and users, of kinds with rooms of their own and shared
    /// ones, places that come and go at random: one task waits a bounded number of admissions.
    #[test]
    fn nobody_starves(
        weights in proptest::array::uniform3(1..4_u32),
        victim in (0..3_u8, 0..3_u8, 0..2_usize),
        frees in proptest::collection::vec((0..3_usize, 1..3_u32), 700),
        rival in 0..4_u8,
    ) {
        const KINDS: [&str; 2] = ["report", "chat"];
        const ROOMS: [&[&str]; 3] = [&["report"], &["chat"], &["report", "chat"]];
        let mut w = World::new(Board::new());
        for (org, weight) in weights.iter().enumerate() {
            w.log.policy(&format!("org{org}"), unbounded(*weight));
        }
        let mut next = 1_000_000;
        let mut refill = |w: &mut World| {
            let mut waiting = HashMap::<(Owner, Kind), u32>::new();
            for s in w.log.tasks.values().filter(|s| s.status == Status::Pending && w.granted(s.task).is_none()) {
                *waiting.entry((s.owner.clone(), s.kind.clone())).or_default() += 1;
            }
            for (org, user, name) in (0..3).flat_map(|o| (0..3).flat_map(move |u| KINDS.map(|k| (o, u, k)))) {
                // The victim's user wants nothing else; one user in four wants one kind only.
                let only_one = (org * 3 + user) % 4 == rival && name == "chat";
                if (org, user) == (victim.0, victim.1) || only_one {
                    continue;
                }
                let path = format!("org{org}/user{user}");
                let key = (owner(&path), kind(name));
                for _ in waiting.get(&key).copied().unwrap_or(0)..3 {
                    next += 1;
                    w.log.submit_as(next, Submission { kind: kind(name), ..submission(&path) });
                }
            }
            w.follow();
        };
        let executor = |n: usize| ExecutorId(Uuid::from_u128(n as u128));
        let mut scarce = 0;
        for (step, (which, places)) in frees.into_iter().enumerate() {
            refill(&mut w);
            if step == 50 {
                let path = format!("org{}/user{}", victim.0, victim.1);
                w.log.submit_as(1, Submission { kind: kind(KINDS[victim.2]), ..submission(&path) });
            }
            for n in 0..3 {
                w.board.beat(&beat(executor(n), &[]));
            }
            let rooms: Vec<_> = ROOMS[which].iter().map(|name| (*name, places)).collect();
            w.board.beat(&beat(executor(which), &rooms));
            for admitted in w.go() {
                w.log.complete(admitted);
                if admitted == task(1) {
                    return Ok(());
                }
                let takes = step >= 50 && ROOMS[which].contains(&KINDS[victim.2]);
                scarce += u32::from(takes);
            }
            w.follow();
            let bound = weights.iter().sum::<u32>() * 2 * 3 * 2;
            prop_assert!(scarce <= bound, "{scarce} were admitted first, at most {bound} may be");
        }
        prop_assert!(false, "never admitted; {scarce} others were");
    }
}
