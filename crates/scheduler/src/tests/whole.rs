//! The whole: schedulers and executors over the log's twins, on paused time.

use std::sync::Arc;
use std::time::Duration;

use longhaul_core::*;
use longhaul_journal::faulty::{Faults, Faulty};
use longhaul_journal::{Journal, Shards};
use tokio::time::{Instant, sleep};

use super::facts::{submission, task};
use super::lab::*;

fn retries(n: u32) -> RetryPolicy {
    RetryPolicy { max_attempts: n, ..RetryPolicy::default() }
}

/// What is promised after a loss.
const PROMISE: Duration = Duration::from_secs(15 + 5);

#[tokio::test(start_paused = true)]
async fn the_seventh_waits_and_starts_when_a_slot_is_free() {
    let lab = Lab::new();
    let (scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, HOLDS));
    let mut tasks = Vec::new();
    for n in 1..=8 {
        tasks.push(lab.submit(n, "acme/ann").await);
    }
    lab.until("six run", || async { worker.held() == 6 }).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(worker.held(), 6);
    let counts = scheduler.shard().counts;
    assert_eq!((counts.running, counts.waiting), (6, 2));
    let waiting = lab.waiting(&tasks[7], &[worker.beat(HOLDS)]).await.unwrap();
    assert_eq!(waiting.to_string(), "6 of the user's 6 slots are taken, place 2");
    worker.complete(&tasks[0]).await;
    lab.until_status(&tasks[6], Status::Running).await;
    assert_eq!(lab.snapshot(&tasks[7]).await.status, Status::Pending);
    lab.abort(&tasks[7]).await;
    worker.complete(&tasks[1]).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(worker.held(), 5, "an aborted one does not start");
    assert_eq!(lab.breaches().await, [] as [String; 0]);
    scheduler.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_organisation_runs_fifty_and_a_conversation_one() {
    let lab = Lab::new();
    let (_scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, HOLDS));
    let mut tasks = Vec::new();
    for n in 0..60 {
        tasks.push(lab.submit(n + 1, &format!("acme/user{}", n % 10)).await);
    }
    let first = lab.submit(101, "other/bob/chat").await;
    let second = lab.submit(102, "other/bob/chat").await;
    lab.until("fifty-one run", || async { worker.held() == 51 }).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(worker.held(), 51);
    let beats = [worker.beat(HOLDS)];
    let code = |waiting: Option<longhaul_core::board::Waiting>| {
        waiting.map(|waiting| format!("{} {}", waiting.reason.code(), waiting.place))
    };
    assert_eq!(code(lab.waiting(&tasks[50], &beats).await).as_deref(), Some("organisation_cap 1"));
    assert_eq!(code(lab.waiting(&second, &beats).await).as_deref(), Some("conversation 1"));
    worker.complete(&first).await;
    lab.until_status(&second, Status::Running).await;
    assert_eq!(lab.breaches().await, [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn one_place_goes_round_by_turn_and_urgency() {
    let lab = Lab::new();
    for n in 1..=10 {
        lab.submit(n, "big/ann").await;
    }
    let urgent = Submission { priority: Priority::Interactive, ..submission("big/ann") };
    lab.submit_as(11, urgent).await;
    lab.submit(12, "small/bob").await;
    lab.submit(13, "small/bob").await;
    let manner = Manner { places: 1, ..takes(3000) };
    let (_scheduler, _worker) = (lab.scheduler(), Worker::new(&lab.journal, manner));
    lab.until("all have run", || async { lab.started().await.len() == 13 }).await;
    let order: Vec<TaskId> = lab.started().await;
    assert_eq!(order[..5], [task(11), task(12), task(1), task(13), task(2)]);
    assert_eq!(order[5..], (3..=10).map(task).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_lost_run_goes_on_elsewhere_or_expires() {
    let lab = Lab::new();
    let scheduler = lab.scheduler();
    let first = Worker::new(&lab.journal, HOLDS);
    let again = Submission { retry: retries(2), ..submission("acme/ann") };
    let again = lab.submit_as(1, again).await;
    let once = lab.submit(2, "acme/ann").await;
    let aborting = lab.submit(3, "acme/ann").await;
    lab.until("all run", || async { first.held() == 3 }).await;
    sleep(Duration::from_secs(30)).await;
    lab.abort(&aborting).await;
    assert_eq!(lab.snapshot(&aborting).await.status, Status::Aborting);
    let second = Worker::new(&lab.journal, HOLDS);
    first.kill();
    let killed = Instant::now();

    let expired = lab.until_status(&once, Status::Expired).await;
    assert!(matches!(expired.reason, Reason::HeartbeatLost { last_beat: Some(_), .. }));
    // An abort that was asked for is never lost.
    lab.until_status(&aborting, Status::Aborted).await;
    lab.until("it runs elsewhere", || async { lab.snapshot(&again).await.executor == Some(second.id) }).await;
    assert!(killed.elapsed() <= PROMISE + Duration::from_secs(1), "after {:?}", killed.elapsed());
    let running = lab.snapshot(&again).await;
    assert_eq!((running.attempt, running.reason), (2, Reason::Admitted { why: AdmissionReason::Reassigned }));
    second.complete(&again).await;
    lab.until("nothing is left", || async {
        scheduler.shard().counts == longhaul_core::board::Counts::default()
    })
    .await;
    assert_eq!(lab.breaches().await, [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_run_its_executor_no_longer_names_is_lost() {
    let lab = Lab::new();
    let (_scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, HOLDS));
    let (kept, dropped) = (lab.submit(1, "acme/ann").await, lab.submit(2, "acme/ann").await);
    lab.until("both run", || async { worker.held() == 2 }).await;
    worker.drop_run(&dropped);
    lab.until_status(&dropped, Status::Expired).await;
    assert_eq!(lab.snapshot(&kept).await.status, Status::Running);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_because_the_server_was_away() {
    let lab = Lab::new();
    // Slow to come back.
    let slow = Manner { beats: 6, ..HOLDS };
    let (scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, slow));
    let task = lab.submit(1, "acme/ann").await;
    lab.until("it runs", || async { worker.held() == 1 }).await;
    for away in [3, 20, 302] {
        lab.memory.stop();
        sleep(Duration::from_secs(away)).await;
        lab.memory.start();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(lab.snapshot(&task).await.status, Status::Running, "away for {away} s");
    }
    lab.until("it listens again", || async { scheduler.shard().listening }).await;
    worker.kill();
    lab.until_status(&task, Status::Expired).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_scheduler_goes_on_where_another_stopped() {
    let lab = Lab::new();
    let worker = Worker::new(&lab.journal, HOLDS);
    let mut tasks = Vec::new();
    for n in 1..=3 {
        let scheduler = lab.scheduler();
        tasks.push(lab.submit(n, "acme/ann").await);
        lab.until("it runs", || async { worker.held() == n as usize }).await;
        if n == 1 {
            scheduler.stop().await
        } else {
            scheduler.kill()
        }
        sleep(Duration::from_secs(120)).await;
    }
    let scheduler = lab.scheduler();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(scheduler.shard().counts.running, 3, "what nobody watched over was not lost");
    worker.kill();
    for task in &tasks {
        lab.until_status(task, Status::Expired).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_that_was_lost_is_repeated() {
    let lab = Lab::new();
    let _scheduler = lab.scheduler();
    let careless = Worker::new(&lab.journal, Manner { loses: true, ..HOLDS });
    let task = lab.submit(1, "acme/ann").await;
    lab.until("it is admitted", || async {
        lab.waiting(&task, &[]).await.is_some_and(|w| w.reason.code() == "admitted")
    })
    .await;
    sleep(Duration::from_secs(2)).await;
    careless.kill();
    let careful = Worker::new(&lab.journal, HOLDS);
    lab.until_status(&task, Status::Running).await;
    assert_eq!(careful.held(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_nobody_answers_lapses() {
    let lab = Lab::new();
    let (_scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, HOLDS));
    let asking = lab.submit(1, "acme/ann").await;
    lab.until_status(&asking, Status::Running).await;
    let approval = longhaul_journal::new_id();
    let expires_at = lab.journal.now().plus(Millis::minutes(30));
    let (action, arguments, digest) = ("send".to_owned(), Default::default(), Digest([0; 32]));
    worker
        .end(
            &asking,
            Act::RequestApproval {
                approval,
                action,
                arguments,
                digest,
                schema: None,
                note: None,
                expires_at,
            },
        )
        .await;
    sleep(Duration::from_secs(29 * 60)).await;
    assert_eq!(lab.snapshot(&asking).await.status, Status::Paused);
    let resumed = lab.until_status(&asking, Status::Running).await;
    assert_eq!(resumed.approvals[0].decision.as_ref().unwrap().decision, Decision::Lapsed);
    assert_eq!(resumed.reason, Reason::Admitted { why: AdmissionReason::Resumed });
}

#[tokio::test(start_paused = true)]
async fn starts_and_retries_wait_for_their_time() {
    let lab = Lab::new();
    let (_scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, HOLDS));
    let at = lab.journal.now().plus(Millis::minutes(10));
    let delayed = Submission { not_before: Some(at), ..submission("acme/ann") };
    let delayed = lab.submit_as(1, delayed).await;
    let retry = RetryPolicy { max_attempts: 2, backoff: Millis::minutes(2), max_backoff: Millis::minutes(5) };
    let failing = lab.submit_as(2, Submission { retry, ..submission("acme/ann") }).await;
    lab.until_status(&failing, Status::Running).await;
    let error = TaskError { code: "e".into(), message: "m".into(), retryable: true };
    let failed_at = lab.journal.now();
    worker.end(&failing, Act::Fail { error }).await;
    let again = lab.until_status(&failing, Status::Running).await;
    assert!(again.run_started_at.unwrap().since(failed_at) >= retry.backoff);
    assert!(lab.journal.now() < at);
    let started = lab.until_status(&delayed, Status::Running).await.started_at.unwrap();
    assert!(started >= at && started.since(at) < Millis(2000), "{started} after {at}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_yields_is_ended_from_outside() {
    let lab = Lab::new();
    let (_scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, HOLDS));
    let limits = Limits { span: Millis::seconds(60), ..Limits::default() };
    let task = lab.submit_as(1, Submission { limits, ..submission("acme/ann") }).await;
    let ended = lab.until_status(&task, Status::Expired).await;
    assert!(matches!(ended.reason, Reason::SpanExceeded { .. }));
    assert_eq!(worker.held(), 1, "it still holds it");
    // Nor does it come back by beating for a run that is over.
    lab.client(&task, Command::Retry { by: "ann".into() }).await;
    let again = lab.until_status(&task, Status::Running).await;
    assert_eq!((again.attempt, again.run), (2, RunNumber(3)));
}

#[tokio::test(start_paused = true)]
async fn two_schedulers_that_lag_differently_keep_every_cap() {
    for seed in 1..=4 {
        let lab = Lab::sharded(Shards::new(2).unwrap());
        let caps = Caps { user: 2, organisation: 3, conversation: 1, foreground: 2 };
        for org in ["a", "b", "c"] {
            lab.policy(org, Policy { caps, ..Policy::default() }).await;
        }
        let lagging = |seed, millis| {
            let slow = Faults { slow: 700, longest: Duration::from_millis(millis), ..Faults::NONE };
            let faulty = Faulty::new(Arc::new(lab.memory.clone()), seed, slow);
            Journal::new(Arc::new(faulty)).with_clock(lab.memory.clock())
        };
        let schedulers =
            [lagging(seed, 300), lagging(seed + 50, 100)].map(|journal| lab.scheduler_over(journal));
        let _worker = Worker::new(&lab.journal, takes(700));
        let mut tasks = Vec::new();
        for n in 0..60 {
            let org = ["a", "b", "c"][n % 3];
            let path = match n % 4 {
                0 => format!("{org}/u{}/chat{}", n % 5, n % 2),
                _ => format!("{org}/u{}", n % 5),
            };
            // Who has not seen the most urgent yet would admit somebody else.
            let priority = [Priority::Batch, Priority::Interactive, Priority::Normal][n * 7 % 11 % 3];
            tasks.push(lab.submit_as(n as u128 + 1, Submission { priority, ..submission(&path) }).await);
            sleep(Duration::from_millis(40)).await;
        }
        for task in &tasks {
            lab.until_status(task, Status::Completed).await;
        }
        assert_eq!(lab.breaches().await, [] as [String; 0], "seed {seed}");
        for scheduler in schedulers {
            scheduler.stop().await;
        }
    }
}

/// Everything that can fail fails: nothing is lost, nothing stands still, no cap is broken.
#[tokio::test(start_paused = true)]
async fn on_a_bad_day_everything_ends_and_every_cap_holds() {
    for seed in 1..=6 {
        let lab = Lab::new();
        let caps = Caps { user: 3, organisation: 5, conversation: 1, foreground: 2 };
        lab.policy("acme", Policy { caps, ..Policy::default() }).await;
        let bad = |seed| {
            let faulty = Faulty::new(Arc::new(lab.memory.clone()), seed, Faults::MANY);
            Journal::new(Arc::new(faulty)).with_clock(lab.memory.clock())
        };
        let (first, second) = (lab.scheduler_over(bad(seed)), lab.scheduler_over(bad(seed + 100)));
        let workers = [Worker::new(&bad(seed + 200), takes(2000)), Worker::new(&bad(seed + 300), takes(500))];
        let mut tasks = Vec::new();
        for n in 0..40_u128 {
            let path = if n % 4 == 0 { format!("acme/u{}/chat", n % 3) } else { format!("acme/u{}", n % 3) };
            let said = Submission { retry: retries(5), ..submission(&path) };
            tasks.push(lab.submit_as(n + 1, said).await);
            if n == 20 {
                workers[0].kill();
            }
        }
        for task in &tasks {
            lab.until(&format!("seed {seed}: {} ends", task.task), || async {
                lab.snapshot(task).await.status.is_terminal()
            })
            .await;
            assert_eq!(lab.snapshot(task).await.status, Status::Completed, "seed {seed}");
        }
        assert_eq!(lab.breaches().await, [] as [String; 0], "seed {seed}");
        first.kill();
        second.kill();
        workers.iter().for_each(Worker::kill);
    }
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_task_is_put_aside_and_seen() {
    use longhaul_journal::port::{Append, Port as _};
    let lab = Lab::new();
    let (scheduler, worker) = (lab.scheduler(), Worker::new(&lab.journal, places(5)));
    let poisoned = lab.submit(1, "acme/ann").await;
    lab.until("it runs", || async { worker.held() == 1 }).await;
    let subject = longhaul_wire::Subject::task(lab.journal.shards(), &poisoned.org, poisoned.task);
    let body = bytes::Bytes::from_static(b"{\"v\":99}");
    lab.memory.append(Append { subject, expect: None, body }).await.unwrap();
    let healthy = lab.submit(2, "acme/ann").await;
    lab.until_status(&healthy, Status::Running).await;
    lab.until("it is seen", || async { scheduler.shard().aside.len() == 1 }).await;
    assert_eq!(scheduler.shard().aside[0].task, poisoned);
    worker.kill();
    lab.until_status(&healthy, Status::Expired).await;
}
