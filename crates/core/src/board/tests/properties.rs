//! What holds for any interleaving.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::log::*;
use crate::board::Board;
use crate::*;

/// Something somebody does; numbers choose whom it concerns.
#[derive(Debug, Clone)]
enum Deed {
    Submit {
        org: u8,
        user: u8,
        conversation: Option<u8>,
        foreground: bool,
        priority: u8,
        delay: bool,
        attempts: u32,
    },
    Start(u8),
    Complete(u8),
    Fail(u8),
    Continue(u8),
    Ask(u8),
    Answer(u8),
    Abort(u8),
    Retry(u8),
    Lose(u8),
    Spend(u8),
    Pass(u16),
    /// A scheduler follows so many records.
    Follow(bool, u8),
    /// A scheduler admits by what it has seen.
    Admit(bool, u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    let submit =
        (0..2_u8, 0..3_u8, proptest::option::of(0..2_u8), any::<bool>(), 0..3_u8, any::<bool>(), 1..3_u32)
            .prop_map(|(org, user, conversation, foreground, priority, delay, attempts)| Deed::Submit {
                org,
                user,
                conversation,
                foreground,
                priority,
                delay,
                attempts,
            });
    prop_oneof![
        6 => submit,
        5 => any::<u8>().prop_map(Deed::Start),
        2 => any::<u8>().prop_map(Deed::Complete),
        1 => any::<u8>().prop_map(Deed::Fail),
        2 => any::<u8>().prop_map(Deed::Continue),
        2 => any::<u8>().prop_map(Deed::Ask),
        2 => any::<u8>().prop_map(Deed::Answer),
        1 => any::<u8>().prop_map(Deed::Abort),
        1 => any::<u8>().prop_map(Deed::Retry),
        1 => any::<u8>().prop_map(Deed::Lose),
        1 => any::<u8>().prop_map(Deed::Spend),
        1 => (0..5000_u16).prop_map(Deed::Pass),
        5 => (any::<bool>(), 0..6_u8).prop_map(|(which, n)| Deed::Follow(which, n)),
        6 => (any::<bool>(), 1..6_u8).prop_map(|(which, n)| Deed::Admit(which, n)),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let budget = proptest::option::of((0..300_u64, any::<bool>()));
    (0..4_u32, 0..6_u32, 0..3_u32, 0..3_u32, 0..4_u32, budget).prop_map(
        |(user, organisation, conversation, foreground, weight, budget)| {
            let budget = budget.map(|(tokens, day)| TokenBudget {
                tokens,
                per: if day { Period::Day } else { Period::Ever },
            });
            let caps = Caps { user, organisation, conversation, foreground };
            Policy { caps, weight, budget, ..Policy::default() }
        },
    )
}

/// The one of `n` tasks that a number chooses.
fn pick(log: &Log, n: u8) -> TaskId {
    log.tasks.keys().nth(n as usize % log.tasks.len().max(1)).copied().unwrap_or_else(|| task(0))
}

struct Scheduler {
    board: Board,
    seen: usize,
}

impl Scheduler {
    fn follow(&mut self, log: &Log, n: usize) {
        let to = (self.seen + n).min(log.records.len());
        log.feed(&mut self.board, self.seen, to);
        self.seen = to;
    }
}

/// Does a deed; what the rules refuse does not happen.
fn perform(log: &mut Log, schedulers: &mut [Scheduler; 2], deed: &Deed) -> Result<(), TestCaseError> {
    let _refused_or_done = match deed {
        Deed::Submit { org, user, conversation, foreground, priority, delay, attempts } => {
            let mut path = format!("org{org}/user{user}");
            if let Some(conversation) = conversation {
                path.push_str(&format!("/c{conversation}"));
            }
            if *foreground {
                path.push('^');
            }
            let said = Submission {
                priority: [Priority::Interactive, Priority::Normal, Priority::Batch][*priority as usize],
                not_before: delay.then(|| log.now.plus(Millis(1000))),
                retry: RetryPolicy { max_attempts: *attempts, ..RetryPolicy::default() },
                ..submission(&path)
            };
            let n = log.records.len() as u128 + 1;
            log.submit_as(n, said);
            Ok(())
        }
        Deed::Start(n) => log.start(pick(log, *n)),
        Deed::Complete(n) => log.run(pick(log, *n), Act::Complete { output: Payload::default() }),
        Deed::Fail(n) => log.fail(pick(log, *n)),
        Deed::Continue(n) => log.run(pick(log, *n), Act::Continue(Continuation::Slice)),
        Deed::Ask(n) => log.ask(pick(log, *n)),
        Deed::Answer(n) => log.answer(pick(log, *n)),
        Deed::Abort(n) => log.abort(pick(log, *n)),
        Deed::Retry(n) => log.retry(pick(log, *n)),
        Deed::Lose(n) => log.lose(pick(log, *n)),
        Deed::Spend(n) => {
            let usage = Usage { input_tokens: 40, ..Usage::default() };
            log.run(pick(log, *n), Act::RecordUsage { usage, model: None })
        }
        Deed::Pass(millis) => {
            log.now = log.now.plus(Millis(u64::from(*millis)));
            Ok(())
        }
        Deed::Follow(which, n) => {
            schedulers[usize::from(*which)].follow(log, *n as usize);
            Ok(())
        }
        Deed::Admit(which, limit) => {
            let scheduler = &mut schedulers[usize::from(*which)];
            scheduler.board.advance(log.now);
            let before = scheduler.board.clone();
            let plan = scheduler.board.admit(log.now, *limit as usize);
            prop_assert_eq!(&scheduler.board, &before, "a plan changes nothing");
            for (org, admissions) in plan {
                let expect = scheduler.board.ledger(&org);
                log.admit(&org, admissions, expect);
            }
            Ok(())
        }
    };
    Ok(())
}

/// A board's slots and conversations equal a recount of the log.
fn check_slots(board: &Board, log: &Log) -> Result<(), TestCaseError> {
    let (slots, _) = log.recount();
    let users = || board.orgs.values().flat_map(|org| org.users.values());
    for lane in Lane::ALL {
        let held: BTreeSet<TaskId> = users().flat_map(|user| user.holders(lane)).collect();
        let of_lane: BTreeSet<TaskId> =
            slots.iter().filter(|task| log.tasks[task].lane == lane).copied().collect();
        prop_assert_eq!(&held, &of_lane);
        if lane == Lane::Background {
            prop_assert_eq!(board.orgs.values().map(|org| org.held as usize).sum::<usize>(), held.len());
        }
    }
    let live = log.tasks.values().filter(|s| !s.status.is_terminal()).count();
    prop_assert_eq!(board.tasks.len(), live);
    let counts = board.counts();
    prop_assert_eq!(counts.running + counts.admitted, slots.len() as u64);
    prop_assert_eq!(counts.running + counts.admitted + counts.waiting + counts.paused, live as u64);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::default() })]

    /// Two schedulers that lag differently never break a cap, whatever anybody else does.
    #[test]
    fn caps_hold_at_every_prefix_of_the_log(
        deeds in proptest::collection::vec(deed(), 1..150), policies in proptest::array::uniform2(policy()),
    ) {
        let mut log = Log::default();
        for (n, policy) in policies.iter().enumerate() {
            log.policy(&format!("org{n}"), policy.clone());
        }
        let scheduler = || Scheduler { board: roomy(), seen: 0 };
        let mut schedulers = [scheduler(), scheduler()];
        // Policies are known before the first admission: a change takes hold once it is read.
        schedulers.iter_mut().for_each(|s| s.follow(&log, 2));
        for deed in &deeds {
            perform(&mut log, &mut schedulers, deed)?;
            let breaches = log.breaches();
            prop_assert!(breaches.is_empty(), "{:?} after {:?}", breaches, deed);
        }
        for scheduler in &mut schedulers {
            scheduler.follow(&log, usize::MAX / 2);
            check_slots(&scheduler.board, &log)?;
        }
    }

    /// Folding a part, then the rest, gives what folding all at once gives; nothing is left behind
    /// when everything has ended.
    #[test]
    fn the_fold_goes_on_where_it_stopped(
        deeds in proptest::collection::vec(deed(), 1..100), policies in proptest::array::uniform2(policy()),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut log = Log::default();
        for (n, policy) in policies.iter().enumerate() {
            log.policy(&format!("org{n}"), policy.clone());
        }
        let mut schedulers = [0, 1].map(|_| Scheduler { board: roomy(), seen: 0 });
        for deed in &deeds {
            perform(&mut log, &mut schedulers, deed)?;
        }
        let cut = cut.index(log.records.len());
        let (mut whole, mut parts) = (roomy(), roomy());
        log.feed(&mut whole, 0, log.records.len());
        log.feed(&mut parts, 0, cut);
        let mut parts = parts.clone();
        log.feed(&mut parts, cut, log.records.len());
        prop_assert_eq!(&whole, &parts);
        check_slots(&whole, &log)?;

        for snapshot in log.tasks.values() {
            whole.set_aside(&snapshot.address());
        }
        prop_assert!(whole.tasks.is_empty() && whole.delayed.is_empty() && whole.granted.is_empty());
        prop_assert!(whole.orgs.values().all(|org| org.users.is_empty() && org.conversations.is_empty()));
    }

    /// Every pending task either is admitted now or is told what is in the way, and the two agree.
    #[test]
    fn who_is_not_admitted_knows_why(
        deeds in proptest::collection::vec(deed(), 1..100), policies in proptest::array::uniform2(policy()),
        places in 0..5_u32,
    ) {
        let mut log = Log::default();
        for (n, policy) in policies.iter().enumerate() {
            log.policy(&format!("org{n}"), policy.clone());
        }
        let mut schedulers = [0, 1].map(|_| Scheduler { board: roomy(), seen: 0 });
        for deed in &deeds {
            perform(&mut log, &mut schedulers, deed)?;
        }
        let mut board = Board::new();
        log.feed(&mut board, 0, log.records.len());
        board.beat(&beat(EXECUTOR, &[("report", places)]));
        let plan = board.admit(log.now, usize::MAX);
        let admitted: BTreeSet<TaskId> = plan.iter().flat_map(|(_, all)| all).map(|a| a.task).collect();
        let before = board.clone();
        let mut ranks = BTreeSet::new();
        let addresses: Vec<_> = log.tasks.values().map(|s| s.address()).collect();
        let all = board.waiting_all(&addresses.iter().collect::<Vec<_>>(), log.now);
        for (s, together) in log.tasks.values().zip(all) {
            let waiting = board.waiting(&s.address(), log.now);
            prop_assert_eq!(&waiting, &together, "one by one and all at once");
            prop_assert_eq!(waiting.is_some(), s.status == Status::Pending);
            let Some(waiting) = waiting else { continue };
            prop_assert_eq!(waiting.reason == crate::board::WaitReason::Next, admitted.contains(&s.task));
            prop_assert!(waiting.place > 0);
            let blockers = waiting.blockers.iter().map(|task| &log.tasks[task].owner.org);
            prop_assert!(blockers.clone().all(|org| *org == s.owner.org), "others' tasks are not named");
            let scope = match waiting.reason.code() {
                "user_cap" | "foreground_cap" => format!("{}/{}", s.owner.org, s.owner.user),
                "conversation" => format!("{}//{:?}", s.owner.org, s.owner.conversation),
                "next" | "admitted" => String::new(),
                _ => continue,
            };
            prop_assert!(ranks.insert((waiting.reason.code(), scope, waiting.place)), "two at one place");
        }
        prop_assert_eq!(board, before);
    }
}
