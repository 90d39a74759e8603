//! What nobody should miss comes once, and leads to what it is about.

use longhaul_client::fleet::{Brief, Word};
use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::ledger::Period;
use longhaul_core::{ConversationId, Kind, Lane, Millis, OrgId, Priority, Sequence, Status, UserId};
use longhaul_wire::query::{Positions, Queued, QueuedTask};

use crate::app::{App, View};
use crate::effect::Effect;
use crate::msg::Msg;
use crate::testing::{NOW, beats, brief, happened, picture, press, sample, task_id};
use crate::update::update;

fn queue(app: &mut App, after: u64, reasons: Vec<(&str, WaitReason)>) {
    let waits = |(n, (user, reason)): (u32, (&str, WaitReason))| QueuedTask {
        org: OrgId::new("acme").unwrap(),
        user: UserId::new(user).unwrap(),
        task: task_id(n * 8),
        kind: Kind::new("report").unwrap(),
        title: "a title".to_owned(),
        priority: Priority::Normal,
        lane: Lane::default(),
        queued_at: NOW,
        waiting: Waiting { reason, place: 1, blockers: Vec::new(), not_before: None },
    };
    let tasks: Vec<_> = (0..).zip(reasons).map(waits).collect();
    update(app, Msg::Tick(NOW.plus(Millis::seconds(after))));
    let queued = Queued { as_of: Positions::default(), total: tasks.len() as u64, tasks };
    update(app, Msg::Word(Word::Queue(Box::new(queued))));
}

fn told(app: &App) -> Vec<String> {
    // Its executors are silent by then.
    let told = app.inbox.notices().map(|notice| notice.text.clone());
    told.filter(|text| !text.contains("fell silent")).collect()
}

fn user_cap() -> WaitReason {
    WaitReason::UserCap { running: 6, cap: 6 }
}

#[test]
fn a_full_cap_is_told_of_once_however_many_wait() {
    let mut app = sample(120, 36);
    queue(&mut app, 1, Vec::new());
    queue(&mut app, 3, vec![("eli", user_cap()), ("eli", user_cap())]);
    assert_eq!(told(&app), ["eli has all slots taken (6/6): tasks begin to wait"]);
    queue(&mut app, 5, vec![("eli", user_cap()); 9]);
    // Between two runs nothing seems to be in the way.
    queue(&mut app, 7, vec![("eli", WaitReason::Next)]);
    queue(&mut app, 9, vec![("eli", user_cap())]);
    assert_eq!(told(&app).len(), 1);
    // It was free for a while.
    queue(&mut app, 50, Vec::new());
    queue(&mut app, 52, vec![("eli", user_cap())]);
    assert_eq!(told(&app).len(), 2);
    assert!(app.inbox.unread() >= 2 && picture(&app).contains(&format!("⚑ {} new", app.inbox.unread())));
    press(&mut app, &["6"]);
    while !app.notices().nth(app.list().at).unwrap().text.contains("eli") {
        press(&mut app, &["j"]);
    }
    press(&mut app, &["Enter"]);
    assert_eq!((app.view, app.list().at), (View::Caps, 2), "eli is behind the organisation and ana");
    assert!(!picture(&app).contains("new"), "they have been seen");
}

#[test]
fn what_was_full_before_one_came_is_no_news() {
    let mut app = sample(120, 36);
    queue(&mut app, 1, vec![("eli", user_cap())]);
    queue(&mut app, 3, vec![("eli", user_cap())]);
    assert!(told(&app).is_empty());
}

#[test]
fn every_sort_of_fullness_leads_somewhere() {
    let conversation = ConversationId::new("c1").unwrap();
    let org = WaitReason::OrganisationCap { running: 50, cap: 50 };
    let tokens = WaitReason::TokenBudget { used: 1_000_000, budget: 1_000_000, per: Period::Day };
    let turn = WaitReason::Conversation { conversation, holder: task_id(1) };
    let nobody = WaitReason::NoExecutor { kind: Kind::new("exec").unwrap() };
    for (reason, said, view, filter) in [
        (org, "organisation acme has all slots taken (50/50)", View::Caps, ""),
        (
            tokens,
            "organisation acme has used up its tokens of today (1.0M of 1.0M)",
            View::Tasks,
            "org:acme waits:token_budget",
        ),
        (turn, "a task of conversation c1 waits for 00001a", View::Caps, ""),
        (nobody, "no executor takes exec", View::Tasks, "kind:exec waits:no_executor"),
    ] {
        let mut app = sample(120, 36);
        queue(&mut app, 1, Vec::new());
        update(&mut app, Msg::Tick(NOW.plus(Millis::minutes(1))));
        queue(&mut app, 61, vec![("ana", reason)]);
        assert!(told(&app)[0].starts_with(said), "{:?}", told(&app));
        press(&mut app, &["6", "g", "Enter"]);
        assert_eq!((app.view, app.filter.text()), (view, filter));
    }
}

#[test]
fn many_at_once_are_one_line() {
    let mut app = sample(120, 36);
    queue(&mut app, 1, Vec::new());
    let turn = |n: u32| WaitReason::Conversation {
        conversation: ConversationId::new(format!("c{n}")).unwrap(),
        holder: task_id(n),
    };
    queue(&mut app, 3, (0..20).map(|n| ("ana", turn(n))).chain([("eli", user_cap())]).collect());
    let told = told(&app);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&"in 20 conversations tasks wait for the one before them".to_owned()));
}

#[test]
fn the_terminal_rings_for_approvals_and_failures_and_not_often() {
    let mut app = sample(120, 36);
    let mut rung = Vec::new();
    let mut happens = |app: &mut App, after: u64, n: u32, status: Status| {
        update(app, Msg::Tick(NOW.plus(Millis::seconds(after))));
        let brief = Brief { sequence: Sequence(9_000_000 + after), ..brief(n, status) };
        let effects = update(app, Msg::Word(happened(vec![brief])));
        rung.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Ring(text) => Some((after, text)),
            _ => None,
        }));
    };
    happens(&mut app, 1, 1, Status::Completed);
    happens(&mut app, 2, 9, Status::Paused);
    happens(&mut app, 3, 17, Status::Failed);
    happens(&mut app, 13, 25, Status::Failed);
    happens(&mut app, 40, 33, Status::Aborted);
    queue(&mut app, 60, Vec::new());
    queue(&mut app, 62, vec![("eli", user_cap())]);
    update(&mut app, Msg::Word(beats(Millis(100))));
    update(&mut app, Msg::Tick(NOW.plus(Millis::minutes(2))));
    let times: Vec<_> = rung.iter().map(|(after, _)| *after).collect();
    assert_eq!(times, [2, 13], "{rung:?}");
    // What does not ring is in the inbox all the same.
    for text in ["asks for approval", "failed:", "all slots taken"] {
        assert!(told(&app).iter().any(|told| told.contains(text)), "{text}: {:?}", told(&app));
    }
}

#[test]
fn a_lost_executor_leads_to_it() {
    let mut app = sample(120, 36);
    update(&mut app, Msg::Word(beats(Millis(100))));
    update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(9))));
    press(&mut app, &["6", "Enter"]);
    assert_eq!(app.view, View::Executors);
    let one = crate::view::executors(&app)[app.list().at].pulse.beat.executor;
    let text = &app.inbox.notices().next().unwrap().text;
    assert!(text.contains(&crate::text::short(one)), "{text}");
}

#[test]
fn one_stays_on_what_one_reads_while_more_comes() {
    let mut app = sample(120, 36);
    for n in [1, 9, 17, 25] {
        let brief = Brief { sequence: Sequence(9_000_000), ..brief(n, Status::Failed) };
        update(&mut app, Msg::Word(happened(vec![brief])));
    }
    press(&mut app, &["6", "j"]);
    let on = |app: &App| app.notices().nth(app.list().at).unwrap().text.clone();
    let before = on(&app);
    let more = Brief { sequence: Sequence(9_000_001), ..brief(33, Status::Failed) };
    update(&mut app, Msg::Word(happened(vec![more.clone()])));
    assert_eq!(on(&app), before);
    press(&mut app, &["g"]);
    update(
        &mut app,
        Msg::Word(happened(vec![Brief { sequence: Sequence(9_000_002), ..brief(35, Status::Failed) }])),
    );
    assert_eq!(app.list().at, 0, "at the top one sees what is new");
}

#[test]
fn an_inbox_with_one_of_each() {
    for (columns, rows) in [(60, 15), (80, 24), (120, 36)] {
        let mut app = sample(columns, rows);
        queue(&mut app, 1, Vec::new());
        let org = WaitReason::OrganisationCap { running: 50, cap: 50 };
        queue(&mut app, 2, vec![("eli", user_cap()), ("kim", org)]);
        let at = |n: u32, status| Brief { sequence: Sequence(9_000_000), ..brief(n, status) };
        update(&mut app, Msg::Word(happened(vec![at(1, Status::Failed), at(9, Status::Paused)])));
        press(&mut app, &["R", "y"]);
        let asked = app.asked.first().map(|asked| (asked.at.clone(), asked.steer.clone()));
        if let Some((at, steer)) = asked {
            let outcome = Err("it has been deleted".to_owned());
            update(&mut app, Msg::Answered { at, steer, outcome });
        }
        update(&mut app, Msg::Word(beats(Millis(100))));
        update(&mut app, Msg::Tick(NOW.plus(Millis::seconds(20))));
        press(&mut app, &["6", "j"]);
        insta::assert_snapshot!(format!("inbox-full-{columns}x{rows}"), picture(&app));
    }
}
