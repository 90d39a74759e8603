//! The databases that an executor may read, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Connections by name. Whoever runs an executor gives them; a request only names one.
#[derive(Clone, Default)]
pub struct Connections(BTreeMap<String, Config>);

/// A connection as `longhaul.toml` has it, below `[data.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConnectionSettings {
    /// The environment variable that holds the address: the file holds no password.
    pub url_env: String,
}

/// A connection that cannot be one. None of the texts holds the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// A name that no request could write.
    #[error(
        "{0:?} is not a name for a connection; use up to 60 small letters, figures, hyphens and underscores"
    )]
    Name(String),
    /// The environment variable is not set.
    #[error(
        "the connection {name} has its address in {variable}, which is not set; set it to postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Missing {
        /// The connection.
        name: String,
        /// The environment variable.
        variable: String,
    },
    /// Not an address.
    #[error(
        "the address of the connection {0} is not one of a PostgreSQL database; write postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Address(String),
}

/// Environment variables that are connections begin and end so.
const VARIABLE: (&str, &str) = ("LONGHAUL_DATA_", "_URL");
const LONGEST_NAME: usize = 60;

impl Connections {
    /// Whether a connection may have that name: 1 to 60 of `a-z`, `0-9`, `-` and `_`. An address of a
    /// database is none, whatever it begins with.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(fits)
    }

    /// Adds a connection; one of the same name is replaced.
    ///
    /// `url` is `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Unless it says otherwise
    /// (`?sslmode=disable`), a database on another machine is talked to by TLS only, with a
    /// certificate that this machine trusts.
    ///
    /// # Errors
    ///
    /// The name is none, or the address.
    pub fn add(&mut self, name: &str, url: &str) -> Result<(), ConnectionError> {
        if !Self::is_name(name) {
            return Err(ConnectionError::Name(name.to_owned()));
        }
        let address = || ConnectionError::Address(name.to_owned());
        // What is checked beyond `require` elsewhere, is always checked here.
        let url = url
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let mut config = Config::from_str(url.trim()).map_err(|_| address())?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(address());
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_application_name().is_none() {
            config.application_name("longhaul");
        }
        self.0.insert(name.to_owned(), config);
        Ok(())
    }

    /// The connections of a settings file, their addresses looked up in the environment.
    ///
    /// # Errors
    ///
    /// A name or an address is none, or a variable is not set.
    pub fn from_settings(
        settings: &BTreeMap<String, ConnectionSettings>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConnectionError> {
        let mut connections = Self::default();
        for (name, one) in settings {
            let missing = || ConnectionError::Missing { name: name.clone(), variable: one.url_env.clone() };
            let url = environment(&one.url_env).filter(|url| !url.trim().is_empty()).ok_or_else(missing)?;
            connections.add(name, &url)?;
        }
        Ok(connections)
    }

    /// Adds the connections that the environment itself names: `LONGHAUL_DATA_SALES_URL` is the
    /// connection `sales`.
    ///
    /// # Errors
    ///
    /// A name or an address is none.
    pub fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConnectionError> {
        for (variable, url) in variables {
            let name = variable.strip_prefix(VARIABLE.0).and_then(|rest| rest.strip_suffix(VARIABLE.1));
            if let Some(name) = name.filter(|_| !url.trim().is_empty()) {
                self.add(&name.to_ascii_lowercase(), &url)?;
            }
        }
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Config> {
        self.0.get(name)
    }
}

/// Nothing but names: addresses hold passwords.
impl fmt::Debug for Connections {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.names()).finish()
    }
}

/// Whether no host of the address is another machine.
fn is_local(config: &Config) -> bool {
    let local = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    let addresses = config.get_hostaddrs();
    if addresses.is_empty() {
        config.get_hosts().iter().all(local)
    } else {
        addresses.iter().all(std::net::IpAddr::is_loopback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        let mut connections = Connections::default();
        connections.add("a", url).unwrap();
        connections.get("a").unwrap().get_ssl_mode()
    }

    #[test]
    fn other_machines_are_talked_to_by_tls_unless_it_is_said_otherwise() {
        for (url, wanted) in [
            ("postgres://u:p@db.example.org/sales", SslMode::Require),
            ("postgres://u:p@db.example.org/sales?sslmode=verify-full", SslMode::Require),
            ("postgres://u:p@db.example.org/sales?sslmode=disable", SslMode::Disable),
            ("postgres://u:p@10.0.0.5/sales", SslMode::Require),
            ("postgres://u:p@localhost/sales", SslMode::Disable),
            ("postgres://u:p@127.0.0.1:5433/sales", SslMode::Disable),
            ("postgres://u:p@localhost/sales?sslmode=require", SslMode::Require),
            ("host=db.example.org user=u password=p", SslMode::Require),
        ] {
            assert_eq!(mode(url), wanted, "{url}");
        }
    }

    #[test]
    fn connections_come_from_settings_and_the_environment() {
        let settings: BTreeMap<String, ConnectionSettings> =
            serde_json::from_str(r#"{"sales": {"url-env": "SALES_URL"}}"#).unwrap();
        let url = "postgres://u:secret@localhost/sales";
        let lookup = |name: &str| (name == "SALES_URL").then(|| url.to_owned());
        let mut connections = Connections::from_settings(&settings, lookup).unwrap();
        let variables = [
            ("LONGHAUL_DATA_WEB_SHOP_URL", url),
            ("LONGHAUL_DATA_EMPTY_URL", ""),
            ("LONGHAUL_DATA_DIR", "/somewhere"),
            ("OTHER_URL", url),
        ];
        connections.add_environment(variables.map(|(name, url)| (name.to_owned(), url.to_owned()))).unwrap();
        assert_eq!(connections.names().collect::<Vec<_>>(), ["sales", "web_shop"]);
        assert_eq!(format!("{connections:?}"), r#"{"sales", "web_shop"}"#);
        let missing = Connections::from_settings(&settings, |_| None).unwrap_err();
        assert!(missing.to_string().contains("SALES_URL"), "{missing}");
    }

    #[test]
    fn what_is_no_connection_is_refused_without_its_address() {
        let mut connections = Connections::default();
        for url in [
            "",
            "secret",
            "postgres://",
            "mysql://u:secret@h/d",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h/d?wrong=secret",
        ] {
            let error = connections.add("sales", url).unwrap_err();
            assert_eq!(error, ConnectionError::Address("sales".to_owned()), "{url}");
            assert!(!error.to_string().contains("secret"));
        }
        for name in ["", "Sales", "a b", "a/b", &"x".repeat(61)] {
            let error = connections.add(name, "postgres://u@localhost/d").unwrap_err();
            assert_eq!(error, ConnectionError::Name(name.to_owned()));
        }
        assert!(connections.is_empty());
    }
}
