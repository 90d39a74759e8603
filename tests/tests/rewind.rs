//! The dashboard in a real terminal, in the past: over a log that grows, and over a kept one.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use longhaul_tests::World;
use longhaul_tests::screen::{SANE, screen};
use longhaul_tests::world::{ended, rehearsal, submit};

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_shown_as_it_was_and_live_goes_on_behind() {
    let world = World::new(1).await;
    let _services = world.services(2).await;
    let client = world.client("ann");
    let task = submit(&client, rehearsal("slow 2 50")).await;
    ended(&client, task).await;
    let later = world.path().join("later");
    let steps = format!(
        "wait-for live 60\nwait-for 'slow 2 50 +completed' 60\nkey t\nwait-for 'PAST' 60\n\
         expect 'slow 2 50 +completed'\nkey x\nwait-for 'this is the past' 10\n\
         key {{\nwait-for 'slow 2 50 +running' 60\nexpect 'not counted of the past'\nkey 3\n\
         wait-for '1 run$|1 run ' 10\nexpect 'Heartbeats are not on the log'\nkey 1\n\
         key {{\nwait-for 'slow 2 50 +pending' 60\nkey {{\nwait-for 'No task was there' 60\n\
         run touch {}\nkey }}\nwait-for 'slow 2 50 +pending' 60\nexpect-not 'second'\nkey Enter\n\
         wait-for 'submitted +rehearsal' 60\nexpect-not 'step_started'\nkey ]\nwait-for 'started' 60\nkey q\n\
         key y\nwait 0.3\nexpect-clipboard {task}\nkey t\nwait-gone PAST 10\nwait-for 'second +completed' 120\n\
         key q\nwait-for 'left with 0' 30\n{SANE}",
        later.display()
    );
    let program = world.command(&["tui"]);
    let folder = world.path().to_owned();
    let shown = tokio::spawn(async move { screen(&folder, &program, &steps).await });
    let seen = async || (later.exists() || shown.is_finished()).then_some(());
    longhaul_tests::eventually("the past to be seen", seen).await;
    submit(&client, rehearsal("second")).await;
    shown.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_history_opens_without_a_server() {
    let mut world = World::new(1).await;
    let services = world.services(2).await;
    let client = world.client("ann");
    for command in ["fail", "slow 2 50"] {
        let task = submit(&client, rehearsal(command)).await;
        ended(&client, task).await;
    }
    let file = world.path().join("kept.ndjson").display().to_string();
    world.run(&["doctor", "--export", &file]).await.ok();
    services.stop().await;
    world.server.kill().await.unwrap();

    let steps = format!(
        "wait-for FILE 60\nwait-for 'slow 2 50 +completed' 60\nexpect 'fail +failed'\nkey x\n\
         wait-for 'this is a file' 10\nkey {{\nwait-for 'slow 2 50 +running' 60\nkey Esc t\n\
         wait-for 'no now to go back to' 10\nkey q\nwait-for 'left with 0' 30\n{SANE}"
    );
    screen(world.path(), &world.command(&["tui", "--bundle", &file]), &steps).await;

    let steps = format!(
        "wait-for 'FILE +seq 1 ' 60\nexpect-not 'slow 2 50'\nkey q\nwait-for 'left with 0' 30\n{SANE}"
    );
    screen(world.path(), &world.command(&["tui", "--bundle", &file, "--at", "1"]), &steps).await;

    let wrong = world.path().join("wrong.ndjson").display().to_string();
    std::fs::write(&wrong, "{\"history\":2,\"shards\":1}\nnonsense\n").unwrap();
    let steps =
        "wait-for 'left with 1' 30\nexpect 'wrong.ndjson cannot be opened'\nexpect 'line 2'\n".to_owned();
    screen(world.path(), &world.command(&["tui", "--bundle", &wrong]), &(steps + SANE)).await;
}
