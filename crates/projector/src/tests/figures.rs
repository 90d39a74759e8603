//! Usage, slots.

use longhaul_core::*;
use longhaul_wire::query::{Slot, Slots, UsageOf};
use proptest::prelude::*;

use super::world::{World, org, submission, user};
use super::{Asked, block_on};

fn usage_of(name: &str) -> UsageOf {
    UsageOf { org: org(name), since: None, until: None, at_least: Default::default() }
}

fn use_tokens(world: &mut World, key: &TaskRef, tokens: u64) {
    let usage = Usage { input_tokens: tokens, model_calls: 1, ..Usage::default() };
    world.run(key, Act::RecordUsage { usage, model: None });
}

#[test]
fn usage_counts_by_day_whatever_the_end() {
    block_on(async {
        let mut world = World::new(1);
        let (first, second) =
            (world.submit(submission("acme", "ann")), world.submit(submission("acme", "bob")));
        world.start(&first);
        world.start(&second);
        use_tokens(&mut world, &first, 100);
        use_tokens(&mut world, &second, 10);
        let day = Millis::minutes(24 * 60);
        world.now = world.now.plus(day);
        use_tokens(&mut world, &first, 1);
        let error = TaskError { code: "e".into(), message: "m".into(), retryable: false };
        world.run(&first, Act::Fail { error });
        world.set_policy(
            "acme",
            Policy { budget: Some(TokenBudget { tokens: 100, per: Period::Ever }), ..Policy::default() },
        );
        let mut asked = Asked::of(&world).await;

        let used = asked.ask(usage_of("acme")).await.unwrap();
        assert_eq!((used.total.input_tokens, used.total.model_calls, used.tasks), (111, 3, 2));
        let days: Vec<_> = used.days.iter().map(|day| (day.day.as_str(), day.usage.input_tokens)).collect();
        assert_eq!(days, [("2027-01-15", 110), ("2027-01-16", 1)]);
        let budget = used.budget.unwrap();
        assert_eq!((budget.used, budget.left), (111, 0));
        assert_eq!(asked.ask(usage_of("bolt")).await.unwrap().days, []);

        let today = UsageOf { since: Some(world.now), until: None, ..usage_of("acme") };
        assert_eq!(asked.ask(today).await.unwrap().total.input_tokens, 1);
        let before = UsageOf { until: Some(world.now), ..usage_of("acme") };
        assert_eq!(asked.ask(before).await.unwrap().total.input_tokens, 110);

        // Erasing takes the days, never the sum.
        world.act(&first, &Command::Erase { by: "ann".into() });
        asked.catch_up(&world).await;
        let used = asked.ask(usage_of("acme")).await.unwrap();
        let days: Vec<_> = used.days.iter().map(|day| (day.day.as_str(), day.usage.input_tokens)).collect();
        assert_eq!((used.total.input_tokens, days), (111, vec![("2027-01-15", 10), ("2027-01-16", 101)]));
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Slots taken are a recount of who runs and who was admitted and has not started.
    #[test]
    fn slots_are_a_recount(dice in proptest::collection::vec(any::<u32>(), 60..200)) {
        let world = World::thrown(2, &dice);
        prop_assume!(world.poisoned.is_empty());
        block_on(async {
            let asked = Asked::of(&world).await;
            for name in ["acme", "bolt", "crane"] {
                let slots = asked.ask(Slots { org: org(name), at_least: Default::default() }).await.unwrap();
                let tasks = || world.tasks.values().filter(|task| task.owner.org == org(name));
                let running = tasks().filter(|task| task.status.is_running()).count();
                let pending = tasks().filter(|task| task.status == Status::Pending).count();
                let all = slots.organisation;
                assert!(all.running as usize >= running);
                assert_eq!(u64::from(all.running) + all.waiting, (running + pending) as u64);
                let sum = slots.users.iter().fold((0, 0), |sum, user| {
                    (sum.0 + user.slots.running, sum.1 + user.slots.waiting)
                });
                assert_eq!(sum, (all.running, all.waiting));
            }
        });
    }
}

#[test]
fn an_admitted_run_holds_its_slot_before_it_starts() {
    block_on(async {
        let mut world = World::new(1);
        let keys: Vec<TaskRef> = (0..3).map(|_| world.submit(submission("acme", "ann"))).collect();
        world.start(&keys[0]);
        world.admit(&keys[1]);
        world.set_policy("acme", Policy { caps: Caps { user: 2, ..Caps::default() }, ..Policy::default() });
        let mut asked = Asked::of(&world).await;
        let slots = Slots { org: org("acme"), at_least: Default::default() };
        let taken = asked.ask(slots.clone()).await.unwrap();
        assert_eq!(taken.organisation, Slot { running: 2, cap: 50, waiting: 1 });
        assert_eq!((taken.users[0].user.clone(), taken.users[0].slots.cap), (user("ann"), 2));
        // An abort gives the slot back, started or not.
        world.act(&keys[1], &Command::RequestAbort { by: "ann".into(), reason: None });
        asked.catch_up(&world).await;
        assert_eq!(asked.ask(slots).await.unwrap().organisation, Slot { running: 1, cap: 50, waiting: 1 });
    });
}
