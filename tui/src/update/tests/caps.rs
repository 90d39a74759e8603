//! What bounds tasks, and what Enter shows of it.

use longhaul_client::fleet::Word;
use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::{ConversationId, Lane, Period, Priority, Status, TokenBudget};
use longhaul_wire::query::{BudgetState, Positions, Queued, QueuedTask, Slot};

use crate::app::View;
use crate::msg::Msg;
use crate::testing::{NOW, address, brief, happened, picture, press, sample, task_id};
use crate::update::update;

/// Two tasks that wait for a conversation, and the task that has it.
fn queue() -> Word {
    let waits = |n: u32, place: u64| {
        let conversation = ConversationId::new("c-17").unwrap();
        let reason = WaitReason::Conversation { conversation, holder: task_id(2) };
        let waiting = Waiting { reason, place, blockers: vec![task_id(2)], not_before: None };
        let task = brief(n, Status::Pending);
        QueuedTask {
            org: address(n).org,
            user: task.user,
            task: address(n).task,
            kind: task.kind,
            title: task.title.to_string(),
            priority: Priority::Normal,
            lane: Lane::default(),
            queued_at: NOW,
            waiting,
        }
    };
    let tasks = vec![waits(0, 1), waits(8, 2)];
    Word::Queue(Box::new(Queued { as_of: Positions::default(), total: 2, tasks }))
}

#[test]
fn the_foreground_of_a_user_has_a_line_while_something_is_there() {
    let mut app = sample(120, 36);
    press(&mut app, &["4"]);
    assert!(!picture(&app).contains("foreground"), "nothing is there");
    let mut slots = app.slots.clone().unwrap();
    slots.users[1].foreground = Slot { running: 2, cap: 2, waiting: 1 };
    update(&mut app, Msg::Word(Word::Slots(Box::new(slots))));
    let shown = picture(&app);
    let line = shown.lines().find(|line| line.contains("eli, foreground")).unwrap();
    assert!(line.contains("2/2") && line.contains("FULL") && line.contains("1 waiting"), "{line}");
    press(&mut app, &["G", "k", "Enter"]);
    assert_eq!((app.view, app.filter.text()), (View::Tasks, "user:eli waits:foreground_cap"));
}

#[test]
fn budgets_and_conversations_are_caps_too() {
    let mut app = sample(120, 36);
    let budget = TokenBudget { tokens: 2_000_000, per: Period::Day };
    let state = BudgetState { budget, used: 1_240_000, left: 760_000 };
    update(&mut app, Msg::Word(happened(vec![brief(0, Status::Pending), brief(8, Status::Pending)])));
    for word in [Word::Budget(Some(state)), queue()] {
        update(&mut app, Msg::Word(word));
    }
    press(&mut app, &["4"]);
    insta::assert_snapshot!("caps-of-all-kinds", picture(&app));
    press(&mut app, &["G", "Enter"]);
    assert_eq!((app.view, app.filter.text()), (View::Tasks, "conv:c-17"));
    press(&mut app, &["4", "g", "j", "Enter"]);
    assert_eq!(app.filter.text(), "org:acme waits:token_budget");
    // A budget that was taken away is no longer shown.
    update(&mut app, Msg::Word(Word::Budget(None)));
    press(&mut app, &["4"]);
    assert!(!picture(&app).contains("tokens today"));
}
