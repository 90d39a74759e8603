//! What a deployment asks of its server, and what becomes of its processes when others end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_broker::Durability;
use longhaul_core::*;
use longhaul_tests::process::longhaul;
use longhaul_tests::{Process, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_one_s_own_proves_its_promise_by_its_monitoring() {
    let world = World::promising(1, Durability::Strict).await;
    let monitor = world.server.monitoring_url();
    for args in [&["schedule", "--durability", "strict"][..], &["up", "--durability", "strict"]] {
        let refused = world.run(args).await;
        assert_eq!(refused.code, Some(7), "{refused:?}");
        assert!(refused.stderr.contains("--nats-monitor"), "{refused:?}");
    }
    let strict = ["schedule", "--durability", "strict", "--nats-monitor", monitor];
    let scheduler = world.start(&strict);
    let up = world.start(&["up", "--durability", "strict", "--nats-monitor", monitor]);
    for service in [&scheduler, &up] {
        eventually("it says what is in force", async || service.said().contains("strict:").then_some(()))
            .await;
    }
    // Without a promise asked for, an endpoint that does not answer keeps nobody out.
    world.run(&["ls", "--nats-monitor", "http://127.0.0.1:1"]).await.ok();
    let unheard = world.run(&["project", "--durability", "strict", "--nats-monitor", "http://127.0.0.1:1"]);
    let unheard = unheard.await;
    assert_eq!(unheard.code, Some(7), "{unheard:?}");
    assert!(unheard.stderr.contains("http://127.0.0.1:1"), "{unheard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weaker_promise_than_asked_for_is_refused() {
    let world = World::new(1).await;
    let monitor = world.server.monitoring_url();
    for service in ["schedule", "up"] {
        let refused = world.run(&[service, "--durability", "strict", "--nats-monitor", monitor]).await;
        assert_eq!(refused.code, Some(7), "{refused:?}");
        assert!(refused.stderr.contains("Relaxed"), "{refused:?}");
    }
}

/// Closing the terminal is to end what runs in it, even where the tests themselves are to outlive theirs.
fn mortal(mut command: std::process::Command) -> std::process::Command {
    use std::os::unix::process::CommandExt as _;
    let ends = || {
        // SAFETY: signal takes no pointers but the handler, which is a constant of the kernel's.
        #[expect(unsafe_code, reason = "the standard library sets no signal's disposition")]
        unsafe {
            libc::signal(libc::SIGHUP, libc::SIG_DFL)
        };
        Ok(())
    };
    // SAFETY: between fork and exec only one plain system call runs.
    #[expect(unsafe_code, reason = "there is no other hook between fork and exec")]
    unsafe {
        command.pre_exec(ends)
    };
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_terminal_ends_what_runs_in_it_in_good_order() {
    let home = tempfile::tempdir().unwrap();
    let mut up = Process::start(mortal(longhaul(home.path(), &["up"])), home.path(), "up");
    eventually("it is up", async || up.said().contains("is up").then_some(())).await;
    up.hang_up();
    assert_eq!(up.ended().await, Some(0), "{}", up.said());
    assert!(up.said().contains("shutting down"), "{}", up.said());
}

/// The processes that another one has started and that still run.
#[cfg(target_os = "linux")]
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = parent.to_string();
    pids.filter(|pid| status(*pid).is_some_and(|(_, of)| of == parent)).collect()
}

/// How a process is, by a letter, and its parent's id.
#[cfg(target_os = "linux")]
fn status(pid: u32) -> Option<(char, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.to_owned()))
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_measurement_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let args = ["bench", "abort", "--tasks", "100000", "--scratch", "."];
    let mut bench = Process::start(longhaul(home.path(), &args), home.path(), "bench");
    let started = eventually("its services run", async || {
        let children = children(bench.pid());
        // A nats-server, a scheduler, a projector, an executor.
        (children.len() >= 4).then_some(children)
    });
    let started = started.await;
    bench.kill();
    eventually("none of them runs", async || {
        let lives = |pid: &u32| status(*pid).is_some_and(|(state, _)| state != 'Z');
        (!started.iter().any(lives)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_outlives_the_executor_that_writes_it() {
    let world = World::new(1).await;
    let _scheduler = world.start(&["schedule", "--lease", "2s"]);
    let _projector = world.start(&["project"]);
    let mut first = world.start(&["work", "--kind", "report"]);
    let csv: String = (0..20_000).map(|n| format!("2023-{:02}-01,R{},{n}\n", n % 12 + 1, n % 7)).collect();
    std::fs::write(world.path().join("sales.csv"), format!("date,region,amount\n{csv}")).unwrap();
    let task = world.run(&["report", "sales.csv", "sales by region", "--detach"]).await.ok();
    let task: TaskId = task.stdout.trim().parse().unwrap();
    eventually("it has begun", async || world.names(task).await.contains(&"step_started").then_some(()))
        .await;
    first.freeze();
    first.kill();
    let _second = world.start(&["work", "--kind", "report"]);
    let ended = longhaul_tests::world::ended(&world.client("ann"), task).await;
    assert_eq!(ended.status, Status::Completed, "{}", ended.reason_text());
    assert!(world.names(task).await.contains(&"lost"), "it ended before its executor was killed");
}
