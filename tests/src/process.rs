//! The `longhaul` program as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program, built by the same `cargo test` that runs this.
///
/// # Panics
/// If it was not built: `cargo test --workspace` builds it.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("the path of the test program");
    // A test is target/debug/deps/NAME-HASH, a program target/debug/NAME.
    let beside = here.parent().expect("a target directory");
    let target = if beside.ends_with("deps") { beside.parent().expect("a target directory") } else { beside };
    let program = target.join("longhaul");
    assert!(
        program.is_file(),
        "{} is not there; run `cargo test --workspace`, or `cargo build -p longhaul-cli` first",
        program.display()
    );
    program
}

/// What a command answered.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its answer.
    pub stdout: String,
    /// Its talk.
    pub stderr: String,
}

impl Output {
    /// The answer as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?}, stderr {:?}", self.stdout, self.stderr))
    }

    /// The answer, if the command did what was asked.
    ///
    /// # Panics
    /// If it did not.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout {:?}, stderr {:?}", self.stdout, self.stderr);
        self
    }
}

/// A command with an environment of its own: what the developer has set does not reach it, but for
/// where the nats-server is.
pub fn longhaul(home: &Path, args: &[&str]) -> Command {
    longhaul_at(&binary(), home, args)
}

/// The same with a program that lies elsewhere.
pub fn longhaul_at(program: &Path, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LONGHAUL_") && name != "LONGHAUL_NATS_SERVER" {
            command.env_remove(name);
        }
    }
    // One fetched nats-server serves all tests.
    if std::env::var_os("LONGHAUL_NATS_SERVER").is_none()
        && let Ok(found) = longhaul_broker::locate(&longhaul_broker::Options::from_env(), &mut |_| {})
    {
        command.env("LONGHAUL_NATS_SERVER", found.path);
    }
    command.env("HOME", home).env("USER", "tester");
    for folder in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env_remove(folder);
    }
    command.env("NO_COLOR", "1").current_dir(home).args(args);
    command
}

/// Sees to it that a command finds no program of this name: folders of `PATH` that have one are left out.
pub fn without(command: &mut Command, program: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).filter(|folder| !folder.join(program).exists());
    command.env("PATH", std::env::join_paths(others).unwrap_or_default());
}

/// Sees to it that a command finds the programs of a folder before all others.
pub fn with(command: &mut Command, folder: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(all).unwrap_or_default());
}

/// A running process; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    /// Where its stderr goes.
    pub log: PathBuf,
}

impl Process {
    /// Starts `command`; its stderr goes into a file below `home`. A service ends when this process
    /// does, however that comes about.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(mut command: Command, home: &Path, name: &str) -> Self {
        let log = home.join(format!("{name}.log"));
        let file = std::fs::File::create(&log).expect("a log file");
        command.env("LONGHAUL_TIED", "1").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(file);
        let child = command.spawn().expect("it starts");
        Self { child, name: name.to_owned(), log }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: kill takes no pointers; the process is a child that is not yet reaped, so the id is its.
        #[expect(unsafe_code, reason = "the standard library sends only SIGKILL")]
        let outcome = unsafe { libc::kill(pid, signal) };
        assert_eq!(outcome, 0, "cannot signal {}", self.name);
    }

    /// SIGKILL, and waits for its end.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// SIGSTOP.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(libc::SIGTERM);
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal(libc::SIGHUP);
    }

    /// SIGINT.
    pub fn interrupt(&self) {
        self.signal(libc::SIGINT);
    }

    /// Its exit code, once it ended.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn ended(&mut self) -> Option<i32> {
        let what = format!("{} to end; its log: {}", self.name, self.log.display());
        super::eventually(&what, async || self.child.try_wait().expect("wait")).await.code()
    }

    /// Its exit code if it has ended: none inside if a signal ended it.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn over(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().expect("wait").map(|status| status.code())
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
///
/// # Panics
/// If it does not start, or prints what is not UTF-8.
pub async fn run(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output())
        .await
        .expect("joined")
        .expect("it starts");
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
