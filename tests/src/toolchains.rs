//! Interpreters and libraries for the examples in other languages, and for the server that plays the
//! providers of language models.
//!
//! The interpreters have to be there; the libraries are fetched once, by name and pinned version, with
//! the interpreters' own package managers, into the target directory. Any number of test programs may
//! ask at once.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use longhaul_wire::sha256;

const PYTHON: &str = "the examples in Python need python3 with venv and pip (Debian: apt-get install python3 \
                      python3-venv python3-pip), and a package index to fetch what requirements.txt names";
const NODE: &str = "the examples in JavaScript, and the tests with language models, need Node 20 or newer with \
                    npm (Debian: apt-get install nodejs npm), and a package registry to fetch what \
                    package-lock.json names";

/// The oldest Node the examples are for.
const OLDEST_NODE: u32 = 20;

/// An interpreter with the libraries that a folder of examples needs.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// The program.
    pub interpreter: PathBuf,
    /// Where the examples lie that it runs.
    pub folder: PathBuf,
}

impl Toolchain {
    /// `SCRIPT ARGS`.
    pub fn command(&self, script: &str, args: &[&str]) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(self.folder.join(script)).args(args);
        // The examples lie in the sources: nothing is written there.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
        command
    }
}

/// Where the examples of a language lie.
pub fn examples(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(language)
}

/// Python, with what `docs/examples/python/requirements.txt` names. Blocks, the first time for long.
///
/// # Panics
/// If it is not there; the message says how to get it.
pub fn python() -> &'static Toolchain {
    static READY: OnceLock<Toolchain> = OnceLock::new();
    READY.get_or_init(|| {
        let folder = examples("python");
        let requirements = folder.join("requirements.txt");
        let version = told(
            Command::new("python3").args(["-c", "import sys; print(sys.version, sys.base_prefix)"]),
            PYTHON,
        );
        let home = prepared("python", &[version.as_bytes(), &read(&requirements)], |home| {
            told(Command::new("python3").args(["-m", "venv"]).arg(home), PYTHON);
            let mut pip = Command::new(home.join("bin/python"));
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
            ]);
            told(pip.arg(&requirements), PYTHON);
        });
        Toolchain { interpreter: home.join("bin/python"), folder }
    })
}

/// Node, with what `docs/examples/javascript/package-lock.json` names. Blocks, the first time for long.
///
/// # Panics
/// If it is not there; the message says how to get it.
pub fn javascript() -> &'static Toolchain {
    static READY: OnceLock<Toolchain> = OnceLock::new();
    READY.get_or_init(|| node("javascript", &examples("javascript"), Path::new("scripts")))
}

/// Node, with the server that plays the providers of language models: what
/// `tests/model/package-lock.json` names. Blocks, the first time for long.
///
/// # Panics
/// If it is not there; the message says how to get it.
pub fn model_mock() -> &'static Toolchain {
    static READY: OnceLock<Toolchain> = OnceLock::new();
    // The script names what is installed by its path.
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    READY.get_or_init(|| node("model", &sources, Path::new("")))
}

/// Node, with what the package-lock.json of a folder names, and the scripts of that folder `below` where
/// that is installed.
fn node(name: &str, sources: &Path, below: &Path) -> Toolchain {
    let version = told(Command::new("node").arg("--version"), NODE);
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    assert!(major >= Some(OLDEST_NODE), "node is {version}: {NODE}");
    let packages =
        [".npmrc", "package.json", "package-lock.json"].map(|name| (name, read(&sources.join(name))));
    let parts: Vec<&[u8]> = packages.iter().map(|(_, text)| &text[..]).chain([version.as_bytes()]).collect();
    let home = prepared(name, &parts, |home| {
        for (name, text) in &packages {
            std::fs::write(home.join(name), text).expect("a file in the target directory");
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(home);
        told(&mut npm, NODE);
    });
    // A module finds its libraries from where it lies: a copy of the scripts lies beside them.
    let folder = home.join(below);
    let _alone = lock(&home);
    for entry in std::fs::read_dir(sources).expect("the scripts") {
        let path = entry.expect("the scripts").path();
        if path.extension().is_some_and(|ending| ending == "mjs") {
            copy(&path, &folder.join(path.file_name().expect("a name")));
        }
    }
    Toolchain { interpreter: PathBuf::from("node"), folder }
}

/// A folder that `make` filled, now or earlier. Another version of what goes into it is another folder.
fn prepared(name: &str, parts: &[&[u8]], make: impl FnOnce(&Path)) -> PathBuf {
    let digest = sha256(&parts.join(&b'\n')).to_string();
    let home = target().join("toolchains").join(format!("{name}-{}", &digest[..12]));
    std::fs::create_dir_all(home.parent().expect("a parent")).expect("a folder in the target directory");
    let _alone = lock(&home);
    let done = home.join("done");
    if !done.is_file() {
        // What an interrupted try left behind.
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir(&home).expect("a folder in the target directory");
        make(&home);
        std::fs::write(done, "").expect("a file in the target directory");
    }
    home
}

/// Keeps other test programs out of a folder until it is dropped.
fn lock(home: &Path) -> File {
    let file = File::create(home.with_extension("lock")).expect("a file in the target directory");
    file.lock().expect("a lock");
    file
}

/// target/debug, from target/debug/deps/NAME-HASH.
fn target() -> PathBuf {
    let here = std::env::current_exe().expect("the path of the test program");
    here.parent().and_then(Path::parent).expect("a target directory").to_owned()
}

/// Copies a file unless it is there, without anybody ever seeing half of it.
fn copy(from: &Path, to: &Path) {
    let text = read(from);
    if std::fs::read(to).is_ok_and(|there| there == text) {
        return;
    }
    std::fs::create_dir_all(to.parent().expect("a parent")).expect("a folder in the target directory");
    let half = to.with_extension("half");
    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, to))
        .expect("a file in the target directory");
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a command prints.
fn told(command: &mut Command, hint: &str) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{program}: {error}; {hint}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{program} ended with {status}; {hint}\n{stdout}{stderr}");
    stdout.into_owned()
}
