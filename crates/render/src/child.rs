//! The process that sets one document and ends.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use longhaul_document::{Document, Format};

use crate::{Error, Options, set};

/// The largest document that [`run_child`] reads, in bytes of JSON.
pub const MAX_INPUT: u64 = 16 << 20;

/// How much memory the process of [`run_child`] may fill, in bytes.
///
/// The largest document within the default limits needs a fraction of it.
pub const MAX_MEMORY: u64 = 2 << 30;

/// How much processor time the process of [`run_child`] may take, in seconds.
pub const MAX_CPU_SECONDS: u64 = 120;

/// The exit code of [`run_child`] for a document that no retry will set: no JSON of a document,
/// too large, or faulty.
pub const BAD_INPUT: u8 = 2;

/// The exit code of [`run_child`] for every other failure.
pub const FAILED: u8 = 1;

/// Why the process fails.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot read the document: {0}")]
    Read(io::Error),
    #[error("the document is larger than {MAX_INPUT} bytes of JSON")]
    TooLarge,
    #[error("the document is not understood: {0}")]
    Json(serde_json::Error),
    #[error(transparent)]
    Render(#[from] Error),
    #[error("cannot write the file: {0}")]
    Write(io::Error),
    #[error("cannot limit this process: {0}")]
    Limit(io::Error),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::TooLarge | Self::Json(_) | Self::Render(Error::Faulty(_)) => BAD_INPUT,
            _ => FAILED,
        }
    }
}

/// Reads a document as JSON from standard input and writes it in a format to standard output.
///
/// Meant to be all that its process does: it first takes from the process the right to more than
/// [`MAX_MEMORY`] and [`MAX_CPU_SECONDS`], past which the system ends it. Whoever starts it must
/// still watch the clock, for a process may also hang without computing.
///
/// On failure nothing is written to standard output, one line says why on standard error, and the
/// code is [`BAD_INPUT`] or [`FAILED`].
#[must_use]
pub fn run_child(format: Format, options: &Options) -> ExitCode {
    let limited = limit(MAX_MEMORY, MAX_CPU_SECONDS).map_err(Failure::Limit);
    match limited.and_then(|()| convert(io::stdin().lock(), io::stdout().lock(), format, options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let line = failure.to_string().replace(['\n', '\r'], " ");
            // With standard error closed there is nobody left to tell; the code still says it.
            let _ = writeln!(io::stderr(), "{line}");
            ExitCode::from(failure.code())
        }
    }
}

fn convert(
    input: impl Read,
    mut output: impl Write,
    format: Format,
    options: &Options,
) -> Result<(), Failure> {
    let mut json = Vec::new();
    input.take(MAX_INPUT + 1).read_to_end(&mut json).map_err(Failure::Read)?;
    if json.len() as u64 > MAX_INPUT {
        return Err(Failure::TooLarge);
    }
    let document: Document = serde_json::from_slice(&json).map_err(Failure::Json)?;
    let file = set(&document, format, options)?;
    output.write_all(&file).and_then(|()| output.flush()).map_err(Failure::Write)
}

/// Takes from this process the right to more memory and processor time, and to leave a core dump
/// with the document in it.
#[cfg(unix)]
fn limit(memory: u64, cpu_seconds: u64) -> io::Result<()> {
    // On Linux the data limit counts memory that can be written to, whatever it is mapped by. The
    // limit on the address space would also count what is merely reserved: gigabytes on a machine
    // with many cores, for the stacks and heaps of idle threads.
    #[cfg(target_os = "linux")]
    lower(libc::RLIMIT_DATA, memory)?;
    // Elsewhere a limit on memory may be unknown to the system; the others still hold.
    #[cfg(not(target_os = "linux"))]
    let _ = lower(libc::RLIMIT_AS, memory);
    lower(libc::RLIMIT_CPU, cpu_seconds)?;
    lower(libc::RLIMIT_CORE, 0)
}

/// Other systems have no such limits; the parent's clock is what remains.
#[cfg(not(unix))]
fn limit(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(all(unix, target_os = "linux", target_env = "gnu"))]
type Resource = libc::__rlimit_resource_t;
#[cfg(all(unix, not(all(target_os = "linux", target_env = "gnu"))))]
type Resource = libc::c_int;

/// Lowers a limit to `value`, or leaves it where it is lower already.
#[cfg(unix)]
#[expect(unsafe_code, reason = "limits are set by a system call that the standard library does not offer")]
fn lower(resource: Resource, value: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the answer and outlives the call.
    if unsafe { libc::getrlimit(resource, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // The hard limit goes down too, so that nothing in the process can lift it again.
    let value = libc::rlim_t::from(value).min(limit.rlim_max);
    let wanted = libc::rlimit { rlim_cur: value.min(limit.rlim_cur), rlim_max: value };
    // SAFETY: `wanted` is initialised, is only read, and outlives the call.
    if unsafe { libc::setrlimit(resource, &raw const wanted) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
