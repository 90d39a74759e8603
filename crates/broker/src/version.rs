//! Versions of nats-server, as `nats-server --version` prints them.

use std::fmt;

/// A version of nats-server. What follows the third number (`-RC.1`) is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl Version {
    /// The version that is fetched and that everything is tested with.
    pub const PINNED: Version = Version::new(2, 15, 1);

    /// The oldest version that is run: the first with atomic batch publishing.
    pub const OLDEST: Version = Version::new(2, 12, 0);

    /// The version of these three numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch }
    }

    /// Reads what `nats-server --version` prints: `nats-server: v2.15.1`.
    pub(crate) fn from_output(output: &str) -> Option<Version> {
        let numbers = output.trim().strip_prefix("nats-server: v")?;
        let mut parts = numbers.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let patch: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
        Some(Version::new(major, minor, patch.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn reads_what_the_server_prints() {
        let read = Version::from_output;
        assert_eq!(read("nats-server: v2.15.1\n"), Some(Version::PINNED));
        assert_eq!(read("nats-server: v2.12.0-RC.1"), Some(Version::new(2, 12, 0)));
        for other in ["", "nats-server: v2.15", "nats-server: vx.1.2", "v2.15.1", "git version 2.39.5"] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }

    #[test]
    fn orders_by_number_not_by_letter() {
        assert!(Version::new(2, 9, 10) < Version::OLDEST);
        assert!(Version::OLDEST < Version::PINNED);
    }
}
