//! The terminal is given back: at the end, for a while, after a signal, after a panic; and a dashboard whose
//! terminal is gone ends.

use std::process::Command;

use longhaul_tests::World;
use longhaul_tests::screen::{SANE, ends, screen};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_as_it_was_after_a_signal() {
    let world = World::new(1).await;
    let _services = world.services(0).await;
    for signal in ["TERM", "HUP", "INT"] {
        let steps = format!("wait-for live 60\nrun kill -{signal} PID\nwait-for 'left with' 30\n{SANE}");
        screen(world.path(), &world.command(&["tui", "--mouse"]), &steps).await;
    }
}

/// A dashboard that breaks.
fn breaking(world: &World) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_longhaul-breaking-dashboard"));
    program.env("LONGHAUL_NATS", world.server.url()).env("LONGHAUL_TOKEN", world.server.token());
    // A trace of the stack would leave no room for what is looked for.
    program.env("RUST_BACKTRACE", "0");
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_as_it_was_after_a_panic_and_the_panic_is_told() {
    let world = World::new(1).await;
    let steps = format!("wait-for 'left with 101' 60\nexpect 'the clock broke'\n{SANE}");
    screen(world.path(), &breaking(&world), &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_that_would_be_told_nothing_any_more_ends() {
    let world = World::new(1).await;
    let mut program = breaking(&world);
    program.arg("reader");
    let steps =
        format!("wait-for 'left with 1' 60\nexpect 'reads the log broke off.*the reader broke'\n{SANE}");
    screen(world.path(), &program, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_beside_the_dashboard_leaves_the_screen_alone() {
    let world = World::new(1).await;
    let _services = world.services(0).await;
    let mut program = breaking(&world);
    program.arg("elsewhere");
    // Each key reads the clock.
    let steps = format!(
        "wait-for live 60\nkey j j j j j j j j j j j j\nwait 1.5\nexpect-not 'broke'\nexpect live\n\
         expect-var '#{{alternate_on}}' '^1$'\nkey q\nwait-for 'left with 0' 30\nexpect-not 'broke'\n{SANE}"
    );
    screen(world.path(), &program, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_given_back_while_the_dashboard_is_stopped() {
    let world = World::new(1).await;
    let _services = world.services(0).await;
    let back = "key Enter\nwait-for live 60\nexpect 'No tasks yet'\nexpect-var '#{alternate_on}' '^1$'\n";
    let stopped = format!("wait-for 'stopped for a while' 60\n{SANE}{back}");
    let steps = format!(
        // By its user, wherever one is; by somebody else; and one that was only told to go on.
        "wait-for 'No tasks yet' 60\nkey C-z\n{stopped}key /\nkey C-z\n{stopped}key Esc\n\
         run kill -TSTP PID\n{stopped}\
         run kill -CONT PID\nwait 0.5\nexpect 'No tasks yet'\nkey ?\nwait-for 'Keys here' 10\nkey Esc q\n\
         wait-for 'left with 0' 30\n{SANE}"
    );
    let mut program = world.command(&["tui", "--mouse"]);
    program.env_remove("NO_COLOR");
    screen(world.path(), &program, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_ends_when_its_terminal_is_gone() {
    let world = World::new(1).await;
    let _services = world.services(0).await;
    // The terminal goes with the script's end.
    screen(world.path(), &world.command(&["tui"]), "wait-for 'No tasks yet' 60\n").await;
    ends(&world.path().join("pid")).await;

    // Out of reach of the signal that says so, and with a reader that hears nothing for ever.
    let inner = world.command(&["tui"]);
    let mut program = Command::new("setsid");
    program.args(["--wait", "sh", "-c", "echo $$ > pid; exec \"$@\"", "sh"]);
    program.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => program.env(name, value),
            None => program.env_remove(name),
        };
    }
    // Nor could anybody have it go on if it stopped.
    let steps = "wait-for 'No tasks yet' 60\nkey C-z\nwait 0.5\nkey ?\nwait-for 'Keys here' 10\n";
    screen(world.path(), &program, steps).await;
    ends(&world.path().join("pid")).await;
}
