//! The `longhaul` program as a user meets it: answers, exit codes, errors.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use longhaul_core::*;
use longhaul_journal::port::{Append, Port as _};
use longhaul_tests::process::{longhaul, run};
use longhaul_tests::world::{rehearsal, submit};
use longhaul_tests::{Process, World, eventually};

fn services(world: &World) -> [Process; 3] {
    [world.start(&["schedule"]), world.start(&["project"]), world.start(&["work"])]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_from_submission_to_erasure() {
    let world = World::new(1).await;
    let _services = services(&world);
    let out = world.run(&["run", "rehearsal", "--input", "\"hello\""]).await.ok();
    assert!(out.stdout.contains("hello"), "{out:?}");

    let failed = world.run(&["run", "rehearsal", "--input", "\"fail\"", "-o", "json"]).await;
    assert_eq!(failed.code, Some(1));
    let snapshot = failed.json();
    assert_eq!(snapshot["status"], "failed");
    let task = snapshot["task"].as_str().unwrap().to_owned();

    let seen = world.run(&["get", &task, "-o", "json"]).await.ok().json();
    assert_eq!(seen["task"], task.as_str());
    assert!(seen["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    let listed = world.run(&["ls", "--status", "failed", "-o", "ndjson"]).await.ok();
    assert_eq!(listed.stdout.lines().count(), 1);
    assert!(listed.stdout.contains(&task));
    let replayed = world.run(&["replay", &task]).await.ok();
    for event in ["submitted", "started", "failed"] {
        assert!(replayed.stdout.contains(event), "{event} in {}", replayed.stdout);
    }
    world.run(&["retry", &task]).await.ok();
    let again = world.run(&["wait", &task, "--timeout", "60s"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    world.run(&["rm", &task]).await.ok();
    assert_eq!(world.run(&["ls", "-o", "ndjson"]).await.ok().stdout.lines().count(), 1);
    world.run(&["erase", &task]).await.ok();
    let erased = world.run(&["get", &task, "-o", "json"]).await.ok().json();
    assert_eq!(erased["erased"], true);
    assert_eq!(world.run(&["retry", &task]).await.code, Some(6));
    world.run(&["doctor"]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_and_aborts_from_the_command_line() {
    let world = World::new(1).await;
    let _services = services(&world);
    let paused = world.run(&["run", "rehearsal", "--input", "\"approve\"", "-o", "json"]).await.ok().json();
    assert_eq!(paused["status"], "paused");
    let task = paused["task"].as_str().unwrap();
    let bell = world.run(&["notifications", "-o", "json"]).await.ok().json();
    assert_eq!(bell[0]["task"], task);
    world.run(&["approve", task]).await.ok();
    assert_eq!(world.run(&["approve", task]).await.code, Some(6), "decided once");
    world.run(&["wait", task, "--timeout", "60s"]).await.ok();

    let long = world.run(&["submit", "rehearsal", "--input", "\"slow 10000 20\""]).await.ok();
    let long = long.stdout.trim();
    eventually("it runs", async || {
        let seen = world.run(&["get", long, "-o", "json"]).await.ok().json();
        (seen["status"] == "running").then_some(())
    })
    .await;
    let waited = world.run(&["wait", long, "--timeout", "200ms"]).await;
    assert_eq!(waited.code, Some(124), "{waited:?}");
    let stopped = world.run(&["abort", long, "--reason", "enough", "-o", "json"]).await.ok().json();
    assert_eq!(stopped["outcome"], "stopped");
    assert_eq!(stopped["abort"]["reason"], "enough");
    assert_eq!(world.run(&["wait", long]).await.code, Some(3));
    let forked = world.run(&["fork", long, "--at", "no such step", "--detach"]).await;
    assert_eq!(forked.code, Some(2), "{forked:?}");
}

/// Two years of sales in `sales.csv`.
fn sales(folder: &std::path::Path) {
    let mut csv = String::from("date,region,product,amount\n");
    for n in 0..240 {
        let (month, day) = (n / 10 % 12 + 1, n % 28 + 1);
        let region = ["North", "South", "West"][n % 3];
        csv.push_str(&format!("202{}-{month:02}-{day:02},{region},P{},{}.50\n", 3 + n / 120, n % 5, 100 + n));
    }
    std::fs::write(folder.join("sales.csv"), csv).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_over_a_file_of_one_s_own() {
    let world = World::new(1).await;
    let _services = services(&world);
    sales(world.path());
    let out = world.run(&["report", "sales.csv", "sales by region", "-o", "out.pdf"]).await.ok();
    assert_eq!(out.stdout.trim(), "out.pdf");
    let pdf = std::fs::read(world.path().join("out.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF") && pdf.len() > 10_000, "{} bytes", pdf.len());
    assert!(
        out.stderr.contains("North") || out.stderr.contains("South") || out.stderr.contains("West"),
        "{}",
        out.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_running_a_command_starts_what_it_needs() {
    let home = tempfile::tempdir().unwrap();
    let out = run(longhaul(home.path(), &["run", "rehearsal", "--input", "\"hello\""])).await.ok();
    assert!(out.stdout.contains("hello"));
    // What it left behind is there for the next one, and nothing runs on.
    let listed = run(longhaul(home.path(), &["ls", "-o", "json"])).await.ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["status"], "completed");
    sales(home.path());
    let out =
        run(longhaul(home.path(), &["report", "sales.csv", "trend by month", "-o", "t.pdf"])).await.ok();
    assert_eq!(out.stdout.trim(), "t.pdf");
    assert!(std::fs::read(home.path().join("t.pdf")).unwrap().starts_with(b"%PDF"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_a_server_that_is_just_coming_or_going() {
    let home = tempfile::tempdir().unwrap();
    let mut up = Process::start(longhaul(home.path(), &["up"]), home.path(), "up");
    // Before there is a folder nothing is there; from then on, again and again while it starts.
    let folder = home.path().join(".local/share/longhaul/nats");
    eventually("it has begun", async || folder.is_dir().then_some(())).await;
    for _ in 0..3 {
        run(longhaul(home.path(), &["ls", "-o", "json"])).await.ok();
    }
    run(longhaul(home.path(), &["run", "rehearsal", "--input", "\"hello\""])).await.ok();
    up.terminate();
    let out = run(longhaul(home.path(), &["run", "rehearsal", "--input", "\"again\""])).await.ok();
    assert!(out.stdout.contains("again"), "{out:?}");
    assert_eq!(up.ended().await, Some(0), "{}", up.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_is_heard_whenever_it_is_pressed() {
    let world = World::new(1).await;
    // No executor: the task waits, and the projector is asked why, again and again.
    let _services = [world.start(&["schedule"]), world.start(&["project"])];
    let run = || world.start(&["run", "rehearsal", "--input", "\"hello\""]);
    for _ in 0..6 {
        let mut following = run();
        eventually("it is submitted", async || following.said().contains("task ").then_some(())).await;
        following.interrupt();
        assert_eq!(following.ended().await, Some(130), "{}", following.said());
        assert!(following.said().contains("detaching"), "{}", following.said());
    }
    let mut following = run();
    eventually("it is submitted", async || following.said().contains("task ").then_some(())).await;
    following.interrupt();
    eventually("it asks", async || following.said().contains("detaching").then_some(())).await;
    following.interrupt();
    assert_eq!(following.ended().await, Some(3), "{}", following.said());
    assert!(!following.said().contains("aborted: "), "told twice: {}", following.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_answer_is_to_go_is_looked_at_first() {
    let world = World::new(1).await;
    sales(world.path());
    std::fs::write(world.path().join("a-file"), "").unwrap();
    // Nothing works here: what submitted something would never end.
    let refused = world.run(&["report", "sales.csv", "sales by region", "-o", "a-file/x.pdf"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("a-file"), "{refused:?}");
    let refused = world.run(&["bench", "throughput", "--json", "a-file/x.json"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("a-file") && refused.stdout.is_empty(), "{refused:?}");
    let submitted = world.run(&["submit", "rehearsal"]).await.ok();
    assert_eq!(world.events(submitted.stdout.trim().parse().unwrap()).await.len(), 1);
    assert_eq!(world.journal.head(longhaul_wire::Shard(0)).await.unwrap(), Sequence(1), "nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_at_the_edge() {
    let world = World::new(1).await;
    let _services = services(&world);
    let huge = format!("\"{}\"", "x".repeat(70 * 1024 * 1024));
    std::fs::write(world.path().join("huge.json"), huge).unwrap();
    std::fs::write(world.path().join("not.csv"), [0_u8, 159, 146, 150, 0, 1, 2]).unwrap();
    let long_title = "x".repeat(201);
    let cases: &[(&[&str], i32)] = &[
        (&["submit", "a.b"], 2),
        (&["submit", "*"], 2),
        (&["submit", ">"], 2),
        (&["submit", "a b"], 2),
        (&["submit", ""], 2),
        (&["submit", "rehearsal", "--title", "a\u{1b}[31mb"], 2),
        (&["submit", "rehearsal", "--title", &long_title], 2),
        (&["submit", "rehearsal", "--input", "{broken"], 2),
        (&["submit", "rehearsal", "--input", "@huge.json"], 2),
        (&["submit", "rehearsal", "--input", "@nowhere.json"], 2),
        (&["submit", "rehearsal", "--conversation", "a.b"], 2),
        (&["submit", "rehearsal", "--on-busy", "shout", "--conversation", "c"], 2),
        (&["submit", "rehearsal", "--label", "nonsense"], 2),
        (&["submit", "rehearsal", "--not-before", "soon"], 2),
        (&["--org", "a.b", "submit", "rehearsal"], 2),
        (&["--user", "a\nb", "ls"], 2),
        (&["get", "not-a-uuid"], 2),
        (&["get", "00000000-0000-7000-8000-000000000000"], 5),
        (&["abort", "00000000-0000-7000-8000-000000000000"], 5),
        (&["download", "00000000-0000-7000-8000-000000000000"], 5),
        (&["abort"], 2),
        (&["report", "nowhere.sqlite", "sales"], 2),
        (&["report", "not.csv", ""], 2),
        (&["run", "exec"], 2),
        (&["work", "--exec", "crunch=/no/such/program"], 2),
        (&["work", "--exec", "crunch=no-such-program"], 2),
        (&["work", "--exec", "crunch=sh", "--kind", "crush"], 2),
        (&["policy", "--weight", "0"], 2),
        (&["policy", "--user-cap", "0"], 2),
        (&["policy", "--foreground-cap", "0"], 2),
        (&["bench", "latency", "--organisations", "4294967295"], 2),
        (&["ls", "--status", "sleeping"], 2),
        (&["frobnicate"], 2),
    ];
    for (args, code) in cases {
        let out = world.run(args).await;
        assert_eq!(out.code, Some(*code), "{args:?}: {out:?}");
        assert!(!out.stderr.trim().is_empty(), "{args:?} says nothing");
        assert!(!out.stderr.contains("panicked"), "{args:?}: {}", out.stderr);
        assert!(!out.stderr.contains('\u{1b}'), "{args:?}: an escape reaches the terminal");
    }
    // Not refused at submission, but the task says clearly what is wrong.
    for (data, prompt) in [("not.csv", "sales by region")] {
        let out = world.run(&["report", data, prompt]).await;
        assert_eq!(out.code, Some(1), "{out:?}");
        assert!(out.stdout.contains("csv") || out.stderr.contains("csv"), "{out:?}");
    }
    // Nothing of it is in the log but the one report.
    let listed = world.run(&["ls", "-o", "json"]).await.ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_version_wrote_puts_one_task_aside_and_stops_nothing() {
    let world = World::new(1).await;
    let _services = services(&world);
    let client = world.client("ann");
    let at = TaskRef { org: OrgId::new("acme").unwrap(), task: longhaul_journal::new_id() };
    let port = world.port().await;
    let subject = longhaul_wire::Subject::task(world.journal.shards(), &at.org, at.task);
    for body in [&br#"{"v":9999,"hello":"from the future"}"#[..], b"\xff\xfenot json", b""] {
        let append = Append { subject: subject.clone(), expect: None, body: body.to_vec().into() };
        port.append(append).await.unwrap();
    }
    let after = submit(&client, rehearsal("hello")).await;
    assert_eq!(longhaul_tests::world::ended(&client, after).await.status, Status::Completed);
    let doctor = world.run(&["doctor"]).await;
    assert!(doctor.stdout.contains(&at.task.to_string()), "{doctor:?}");
    let aside = world.run(&["get", &at.task.to_string()]).await;
    assert_ne!(aside.code, Some(0), "{aside:?}");
    assert!(aside.stderr.contains("version") || aside.stderr.contains("read"), "{aside:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_says_its_lane_and_a_policy_how_many_may_be_in_it() {
    let home = tempfile::tempdir().unwrap();
    let policy = run(longhaul(home.path(), &["policy", "--foreground-cap", "3", "-o", "json"])).await.ok();
    assert_eq!(
        (&policy.json()["caps"]["foreground"], &policy.json()["caps"]["user"]),
        (&3.into(), &6.into())
    );
    let input = "\"hello\"";
    let args = ["run", "rehearsal", "--input", input, "--lane", "foreground", "-o", "json"];
    let asked = run(longhaul(home.path(), &args)).await.ok();
    assert_eq!(asked.json()["lane"], "foreground");
    let task = asked.json()["task"].as_str().unwrap().to_owned();
    let told = run(longhaul(home.path(), &["get", &task])).await.ok().stdout;
    assert!(told.lines().any(|line| line.starts_with("lane") && line.ends_with("foreground")), "{told}");
    let listed = run(longhaul(home.path(), &["ls", "-o", "json"])).await.ok();
    assert_eq!(listed.json()[0]["lane"], "foreground");
    let others = run(longhaul(home.path(), &["run", "rehearsal", "--input", input, "-o", "json"])).await.ok();
    assert!(others.json().get("lane").is_none(), "the background is not said");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_error_names_the_ways_out() {
    let home = tempfile::tempdir().unwrap();
    let mut command = longhaul(home.path(), &["--offline", "submit", "rehearsal"]);
    command.env_remove("LONGHAUL_NATS_SERVER").env("PATH", home.path());
    let out = run(command).await;
    assert_eq!(out.code, Some(7), "{out:?}");
    for way in ["LONGHAUL_NATS_SERVER", "--nats", "PATH"] {
        assert!(out.stderr.contains(way), "{way} in {}", out.stderr);
    }
    let mut command = longhaul(home.path(), &["ls", "--nats", "nats://127.0.0.1:1"]);
    command.env("HOME", home.path());
    let out = run(command).await;
    assert_eq!(out.code, Some(7), "{out:?}");
}
