//! What becomes of a server whose parent is killed.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use longhaul_broker::{Running, Server, ServerConfig, running};
use rustix::process::{Signal, kill_process, test_kill_process};

use crate::support::{binary, pid, start, until};

/// Not a test by itself: the process that [`Elsewhere`] runs and kills.
#[tokio::test]
async fn parent_to_be_killed() {
    let Some(dir) = std::env::var_os("PARENT_TO_BE_KILLED") else {
        return;
    };
    let server = start(Path::new(&dir)).await;
    server.exited().await;
}

/// A server that another process runs.
struct Elsewhere {
    parent: std::process::Child,
    seen: Running,
}

impl Elsewhere {
    async fn start(dir: &Path) -> Elsewhere {
        // The program may have to be fetched first, which is not what is waited for below.
        binary();
        let parent = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "left_behind::parent_to_be_killed"])
            .env("PARENT_TO_BE_KILLED", dir)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let seen = until("another process runs a server", || running(dir).unwrap()).await;
        let elsewhere = Elsewhere { parent, seen };
        assert!(elsewhere.server_lives());
        elsewhere
    }

    fn kill_parent(&mut self) {
        self.parent.kill().unwrap();
        assert_eq!(self.parent.wait().unwrap().signal(), Some(9));
    }

    /// Waits: a process that has ended keeps its id until init has taken note of it.
    async fn server_gone(&self) {
        until("the server is gone", || (!self.server_lives()).then_some(())).await;
    }

    fn server_lives(&self) -> bool {
        test_kill_process(pid(self.seen.pid)).is_ok()
    }
}

#[tokio::test]
async fn a_killed_parent_takes_its_server_along() {
    let dir = tempfile::tempdir().unwrap();
    let mut elsewhere = Elsewhere::start(dir.path()).await;

    elsewhere.kill_parent();
    until("the server is gone", || (!elsewhere.server_lives()).then_some(())).await;
    assert_eq!(running(dir.path()).unwrap(), None);
}

#[tokio::test]
async fn the_store_of_a_killed_process_is_taken_over_when_its_server_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let mut elsewhere = Elsewhere::start(dir.path()).await;
    let error = Server::start(&binary(), ServerConfig::new(dir.path())).await.unwrap_err();
    let holder = format!("process {}", elsewhere.parent.id());
    assert!(error.to_string().contains(&holder), "{error}");

    elsewhere.kill_parent();
    let next = start(dir.path()).await;

    assert_eq!(next.url(), elsewhere.seen.url);
    next.healthy().await.unwrap();
    elsewhere.server_gone().await;
}

#[tokio::test]
async fn a_server_left_behind_that_did_not_hear_of_it_is_told_to_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut elsewhere = Elsewhere::start(dir.path()).await;
    // Frozen, it cannot follow its parent, as where the kernel does not tell it at all.
    kill_process(pid(elsewhere.seen.pid), Signal::STOP).unwrap();
    elsewhere.kill_parent();
    assert!(elsewhere.server_lives());

    start(dir.path()).await.healthy().await.unwrap();
    elsewhere.server_gone().await;
}
