//! The dashboard in a real terminal: it does what it shows, and leaves the terminal as it was.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use longhaul_core::{Decision, Status};
use longhaul_tests::screen::{SANE, screen};
use longhaul_tests::world::{ended, rehearsal, submit};
use longhaul_tests::{World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_and_a_task_stopped_by_keys() {
    let world = World::new(1).await;
    let _services = world.services(4).await;
    let client = world.client("ann");
    let asks = submit(&client, rehearsal("approve")).await;
    let runs = submit(&client, rehearsal("slow 10000 20")).await;
    let steps = format!(
        "wait-for live 60\nwait-for '2 Approvals 1' 60\nkey 2\nwait-for 'Waiting for you' 10\nkey a\n\
         wait-for 'Approve\\?' 10\nkey y\nwait-for 'Nothing waits for an answer' 60\n\
         key 7\nwait-for 'My tasks' 10\nwait-for 'slow 10000' 60\nkey g\nwait-for 'x stop' 60\nkey Enter\n\
         wait-for 'run 1' 60\nkey Esc\nwait-for 'back to the list' 10\nkey y\nwait-for 'aborted' 60\nkey w\n\
         wait-for 'ann asked it to stop' 60\nkey q\nwait-for 'My tasks' 10\nkey q\nwait-for 'left with 0' 30\n{SANE}"
    );
    screen(world.path(), &world.command(&["tui"]), &steps).await;
    assert_eq!(ended(&client, asks).await.status, Status::Completed);
    assert_eq!(ended(&client, runs).await.status, Status::Aborted);
}

/// The one file of a folder whose name begins so.
fn file(folder: &std::path::Path, begins: &str) -> std::path::PathBuf {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(begins));
    found.next().unwrap_or_else(|| panic!("no {begins}… in {}", folder.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_edited_and_files_written_read_and_opened_again() {
    let world = World::new(1).await;
    let _services = world.services(2).await;
    let client = world.client("ann");
    let task = submit(&client, rehearsal("approve")).await;
    let (editor, pager) = (world.path().join("editor.sh"), world.path().join("pager.sh"));
    std::fs::write(&editor, "sed -i 's/nothing at all/only this/' \"$1\"\n").unwrap();
    let paged = world.path().join("paged");
    std::fs::write(&pager, format!("cp \"$1\" {}\n", paged.display())).unwrap();
    let mut program = world.command(&["tui"]);
    program.env_remove("VISUAL").env("EDITOR", format!("sh {}", editor.display()));
    program.env("PAGER", format!("sh {}", pager.display()));
    let steps = format!(
        "wait-for live 60\nwait-for '2 Approvals 1' 60\nkey 2\nkey m\nwait-for 'Approve with changes' 60\n\
         expect 'only this'\nkey y\nwait-for 'Nothing waits for an answer' 60\n\
         key 7\nwait-for 'o download' 60\nkey o\nwait-for 'written: ' 60\nkey Enter\n\
         wait-for 'approval_decided' 60\nkey E\nwait-for 'history-' 60\nkey O\n\
         run until test -s {}; do sleep 0.1; done\nwait-for 'approval_decided' 60\n\
         key C-c\nwait-for 'left with 0' 30\n{SANE}",
        paged.display()
    );
    screen(world.path(), &program, &steps).await;
    let state = ended(&client, task).await;
    let decided = state.approvals[0].decision.clone().unwrap().decision;
    let Decision::Modified { arguments } = decided else { panic!("{decided:?}") };
    assert_eq!(arguments["what"], "only this");
    let output = std::fs::read_to_string(file(world.path(), "output-")).unwrap();
    assert_eq!(std::fs::read_to_string(paged).unwrap(), output);
    // What was exported is a history like any other.
    let history = file(world.path(), "history-");
    let program = world.command(&["tui", "--bundle", history.to_str().unwrap()]);
    let steps = format!(
        "wait-for 'completed' 60\nkey Enter\nwait-for 'approval_decided' 60\nkey x\nwait 0.3\n\
         expect 'not acted on'\nkey C-c\nwait-for 'left with 0' 30\n{SANE}"
    );
    screen(world.path(), &program, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_any_size_no_colour_and_copies_only_ids() {
    let world = World::new(1).await;
    let _services = world.services(2).await;
    let task = submit(&world.client("ann"), rehearsal("slow 10000 20")).await;
    let mut steps =
        String::from("wait-for live 60\nwait-for 'slow 10000' 60\nexpect-no-color\nkey y\nwait 0.3\n");
    steps += &format!("expect-clipboard {task}\n");
    for size in ["1x1", "200x60", "7x3", "60x15", "59x14", "110x30", "300x10", "20x80", "120x36"] {
        steps += &format!("resize {size}\nwait 0.2\n");
    }
    steps += "wait-for 'slow 10000' 30\nkey C-c\nwait-for 'left with 0' 30\n";
    screen(world.path(), &world.command(&["tui", "--theme", "mono"]), &(steps + SANE)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_said_and_one_that_comes_back_is_followed_on() {
    let mut world = World::new(1).await;
    let _services = world.services(2).await;
    let client = world.client("ann");
    submit(&client, rehearsal("slow 10000 20")).await;
    let (killed, back) = (world.path().join("kill"), world.path().join("back"));
    let steps = format!(
        "wait-for live 60\nwait-for 'slow 10000' 60\nrun touch {}\nwait-for 'DISCONNECTED [2-9]s' 60\nkey x\n\
         wait-for 'actions are off' 10\nexpect 'slow 10000'\nexpect 'F5 now'\nkey F5\n\
         wait-for 'trying to reach the log' 10\nrun touch {}\nkey F5\nwait-gone DISCONNECTED 120\n\
         wait-for 'again after' 120\nkey C-c\nwait-for 'left with 0' 30\n{SANE}",
        killed.display(),
        back.display()
    );
    let program = world.command(&["tui"]);
    let folder = world.path().to_owned();
    let shown = tokio::spawn(async move { screen(&folder, &program, &steps).await });
    eventually("the screen to be live", async || (killed.exists() || shown.is_finished()).then_some(()))
        .await;
    world.server.kill().await.unwrap();
    eventually("the banner to be seen", async || (back.exists() || shown.is_finished()).then_some(())).await;
    world.server.restart().await.unwrap();
    shown.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_stands_still_is_said_while_the_log_is_followed_on() {
    let world = World::new(1).await;
    let _scheduler = world.start(&["schedule"]);
    let _worker = world.start(&["work", "--kind", "rehearsal"]);
    let projector = world.start(&["project"]);
    let client = world.client("ann");
    submit(&client, rehearsal("slow 10000 20")).await;
    let (listed, back) = (world.path().join("listed"), world.path().join("back"));
    let steps = format!(
        "wait-for live 60\nwait-for 'slow 10000' 60\nrun touch {}\nwait-for 'NO PROJECTOR ANSWERS' 60\n\
         wait-for 'told in between' 60\nexpect live\nrun touch {}\nwait-gone 'NO PROJECTOR' 60\n\
         key C-c\nwait-for 'left with 0' 30\n{SANE}",
        listed.display(),
        back.display()
    );
    let program = world.command(&["tui"]);
    let folder = world.path().to_owned();
    let shown = tokio::spawn(async move { screen(&folder, &program, &steps).await });
    eventually("the tasks to be listed", async || (listed.exists() || shown.is_finished()).then_some(()))
        .await;
    projector.freeze();
    ended(&client, submit(&client, rehearsal("told in between")).await).await;
    eventually("the banner to be seen", async || (back.exists() || shown.is_finished()).then_some(())).await;
    projector.thaw();
    shown.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_tasks_are_downloaded_and_put_away() {
    let world = World::new(1).await;
    let _services = world.services(2).await;
    ended(&world.client("ann"), submit(&world.client("ann"), rehearsal("ready to be fetched")).await).await;
    ended(&world.client("bob"), submit(&world.client("bob"), rehearsal("another's")).await).await;
    let steps = format!(
        "wait-for 'ready to be fetched' 60\nexpect-not 'Approvals|another.s'\nkey o\nwait-for 'written: ' 60\n\
         expect 'ready to be fetched'\nkey D\nwait-for 'Remove\\?' 10\nkey y\n\
         wait-for 'Nothing of yours yet' 60\nkey q\nwait-for 'left with 0' 30\n{SANE}"
    );
    screen(world.path(), &world.command(&["tui", "--mine"]), &steps).await;
    let written = std::fs::read_to_string(file(world.path(), "output-")).unwrap();
    assert!(written.contains("ready to be fetched"), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_changes_are_told_line_by_line() {
    let world = World::new(1).await;
    let _services = world.services(2).await;
    let mut command = world.command(&["tui", "--plain", "--mine"]);
    let out = world.path().join("plain");
    command.stdin(std::process::Stdio::null()).stdout(std::fs::File::create(&out).unwrap());
    let mut plain = command.spawn().unwrap();
    let says = async |what: &str| {
        let name = format!("{what:?} in {}", out.display());
        eventually(&name, async || std::fs::read_to_string(&out).unwrap().contains(what).then_some(())).await;
    };
    says("changes follow").await;
    submit(&world.client("ann"), rehearsal("fail")).await;
    submit(&world.client("bob"), rehearsal("another's")).await;
    says(": failed").await;
    plain.kill().unwrap();
    plain.wait().unwrap();
    let told = std::fs::read_to_string(&out).unwrap();
    assert!(!told.contains('\u{1b}') && !told.contains("another's"), "{told}");
}
