//! How to connect, and what to expect there.

use std::fmt;
use std::path::PathBuf;

use crate::port::Durability;

/// Who one is to the server.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Nobody, or who the URL says: `nats://token@host` and `nats://user:password@host` are taken,
    /// percent-encoded where they hold special characters.
    #[default]
    Url,
    /// A secret shared by every client.
    Token(String),
    /// A name and a password.
    User {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// The seed of an nkey (`SU…`).
    NkeySeed(String),
    /// A file of credentials (`.creds`): a JWT and the seed that proves it.
    CredentialsFile(PathBuf),
}

impl fmt::Debug for Auth {
    /// Never shows a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("Url"),
            Self::Token(_) => f.write_str("Token(…)"),
            Self::User { name, .. } => write!(f, "User({name:?}, …)"),
            Self::NkeySeed(_) => f.write_str("NkeySeed(…)"),
            Self::CredentialsFile(path) => write!(f, "CredentialsFile({})", path.display()),
        }
    }
}

/// How to connect, and what to expect there.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// Where the servers are: `nats://host:port`, several separated by commas.
    pub url: String,
    /// Who one is.
    pub auth: Auth,
    /// What this client is called in the server's lists.
    pub name: Option<String>,
    /// A file with the certificates of those who may vouch for the server, besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The first tokens of the subjects answers come back on; `_INBOX` otherwise. A role that may
    /// only listen to its own inboxes needs its own.
    pub inbox_prefix: Option<String>,
    /// How many shards the log must have. Nothing: as many as it has, and one if there is none yet.
    pub shards: Option<u16>,
    /// On how many servers of a cluster each stream must be kept. Nothing: as it is, and one if
    /// there is none yet.
    pub replicas: Option<usize>,
    /// Whether the log has to be there: connecting fails where it is not, and nothing is made. For those
    /// who only read.
    pub existing: bool,
    /// What an acknowledgement must promise. Connecting fails where less, or nothing certain, is in
    /// force. Nothing: any promise will do.
    pub durability: Option<Durability>,
    /// What is in force, from whoever configured the server: a client is not told.
    pub durability_known: Option<Durability>,
    /// Monitoring endpoints (`http://host:port`) that say what is in force, if it is not known: one
    /// of each server that keeps the log.
    pub monitoring: Vec<String>,
}

impl ConnectOptions {
    /// A client of the servers at `url` that takes the log as it is there.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

impl fmt::Debug for ConnectOptions {
    /// Never shows a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("url", &without_secrets(&self.url))
            .field("auth", &self.auth)
            .field("name", &self.name)
            .field("shards", &self.shards)
            .field("replicas", &self.replicas)
            .field("existing", &self.existing)
            .field("durability", &self.durability)
            .field("durability_known", &self.durability_known)
            .field("monitoring", &self.monitoring)
            .finish_non_exhaustive()
    }
}

/// The URLs without what stands before an `@`.
pub(super) fn without_secrets(urls: &str) -> String {
    let shown = urls.split(',').map(|url| {
        let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        if scheme.is_empty() { host.trim().to_owned() } else { format!("{}://{host}", scheme.trim()) }
    });
    shown.collect::<Vec<_>>().join(",")
}

/// Who the first URL that says so is for.
pub(super) fn auth_of(urls: &str) -> Option<Auth> {
    let authority = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.rsplit_once('@').map(|(who, _)| who.trim().to_owned())
    };
    let who = urls.split(',').find_map(authority)?;
    Some(match who.split_once(':') {
        Some((name, password)) => Auth::User { name: decoded(name), password: decoded(password) },
        None => Auth::Token(decoded(&who)),
    })
}

/// A text with its `%40` and the like undone. What is no such thing stays.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_say_who_one_is() {
        let user = |name: &str, password: &str| Auth::User { name: name.into(), password: password.into() };
        for (url, expected) in [
            ("nats://127.0.0.1:4222", None),
            ("nats://secret@127.0.0.1:4222", Some(Auth::Token("secret".into()))),
            ("nats://a:b@host", Some(user("a", "b"))),
            ("host:4222, nats://a:b%40c%@host", Some(user("a", "b@c%"))),
        ] {
            assert_eq!(auth_of(url), expected, "{url}");
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let mut options = ConnectOptions::new("nats://a:geheim@one:1,nats://geheim@two");
        for auth in [
            Auth::Token("geheim".into()),
            Auth::NkeySeed("geheim".into()),
            Auth::User { name: "a".into(), password: "geheim".into() },
        ] {
            options.auth = auth;
            let shown = format!("{options:?}");
            assert!(!shown.contains("geheim"), "{shown}");
            assert!(shown.contains("nats://one:1,nats://two"), "{shown}");
        }
    }
}
