//! Where things are and whom the command speaks for: flags over `LONGHAUL_*` over `longhaul.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use longhaul_agent::data::{ConnectionSettings, Connections};
use longhaul_model::ModelFile;
use serde::Deserialize;

use crate::args::Global;
use crate::exit::usage;

/// The organisation of whoever does not say another.
const DEFAULT_ORG: &str = "local";

/// One profile of the file, or its top.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Profile {
    nats: Option<String>,
    token: Option<String>,
    nats_monitor: Option<String>,
    data: Option<PathBuf>,
    org: Option<String>,
    user: Option<String>,
}

/// The file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    default: Profile,
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
    /// Language models, and who provides them.
    #[serde(default)]
    model: ModelFile,
    /// Databases that reports may be made from, by name.
    #[serde(default)]
    data: BTreeMap<String, ConnectionSettings>,
}

/// What holds for this call.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// A running server, if one is named.
    pub(crate) nats: Option<String>,
    /// Its token.
    pub(crate) token: Option<String>,
    /// Its monitoring endpoints.
    pub(crate) monitoring: Vec<String>,
    /// Where the private server and the read model lie.
    pub(crate) data: PathBuf,
    /// The organisation spoken for.
    pub(crate) org: String,
    /// The user spoken for.
    pub(crate) user: String,
    /// Never fetch anything.
    pub(crate) offline: bool,
    /// Say less.
    pub(crate) quiet: bool,
    /// Language models of the file, and who provides them.
    pub(crate) model: ModelFile,
    /// Databases of the file, by name.
    pub(crate) connections: BTreeMap<String, ConnectionSettings>,
}

impl Settings {
    /// Settles every setting.
    pub(crate) fn resolve(global: &Global) -> anyhow::Result<Self> {
        let file = config_file().map(|path| read(&path)).transpose()?.unwrap_or_default();
        let profile = match &global.profile {
            None => file.default.clone(),
            Some(name) => match file.profile.get(name) {
                Some(profile) => profile.clone(),
                None => {
                    let known: Vec<_> = file.profile.keys().map(String::as_str).collect();
                    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                    return Err(usage(format!("no profile {name:?} in longhaul.toml; it has: {known}")));
                }
            },
        };
        let data = global.data.clone().or(profile.data);
        Ok(Self {
            nats: said(global.nats.clone()).or(profile.nats),
            token: said(global.token.clone()).or(profile.token),
            monitoring: endpoints(said(global.nats_monitor.clone()).or(profile.nats_monitor)),
            data: match data {
                Some(data) => data,
                None => data_home()
                    .ok_or_else(|| usage("no home directory is known; say where to keep data: --data DIR"))?
                    .join("longhaul"),
            },
            org: global.org.clone().or(profile.org).unwrap_or_else(|| DEFAULT_ORG.to_owned()),
            user: global.user.clone().or(profile.user).unwrap_or_else(login),
            offline: global.offline,
            quiet: global.quiet,
            model: file.model,
            connections: file.data,
        })
    }

    /// Language models: those of the file, and of the environment.
    pub(crate) fn models(&self) -> anyhow::Result<longhaul_model::Settings> {
        let variable = |name: &str| std::env::var(name).ok();
        longhaul_model::Settings::of(self.model.clone(), &variable).map_err(|error| usage(error.to_string()))
    }

    /// Databases: those of the file, and of the environment.
    pub(crate) fn connections(&self) -> anyhow::Result<Connections> {
        let variable = |name: &str| std::env::var(name).ok();
        let all = || {
            let mut all = Connections::from_settings(&self.connections, variable)?;
            // Variables that are no text name no connection.
            let texts = std::env::vars_os();
            all.add_environment(
                texts.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
            )?;
            Ok::<_, longhaul_agent::data::ConnectionError>(all)
        };
        all().map_err(|error| usage(error.to_string()))
    }
}

/// An empty variable is as good as none.
fn said(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

/// What is separated by commas.
fn endpoints(given: Option<String>) -> Vec<String> {
    let given = given.unwrap_or_default();
    given.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

/// The login name, as far as it can be an id.
fn login() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let name: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).take(64).collect();
    if name.is_empty() { "me".to_owned() } else { name }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

fn xdg(variable: &str, under_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| Some(home()?.join(under_home)))
}

fn data_home() -> Option<PathBuf> {
    xdg("XDG_DATA_HOME", ".local/share")
}

/// `LONGHAUL_CONFIG`, or `longhaul.toml` here, or in the user's configuration.
fn config_file() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("LONGHAUL_CONFIG") {
        return Some(PathBuf::from(named));
    }
    let here = PathBuf::from("longhaul.toml");
    let users = xdg("XDG_CONFIG_HOME", ".config").map(|path| path.join("longhaul/longhaul.toml"));
    [Some(here), users].into_iter().flatten().find(|path| path.is_file())
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| usage(format!("cannot read the configuration {}: {error}", path.display())))?;
    toml::from_str(&text).map_err(|error| usage(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_named() {
        let error = toml::from_str::<File>("[default]\norganization = 'x'\n").unwrap_err().to_string();
        assert!(error.contains("organization") && error.contains("org"), "{error}");
        let file: File = toml::from_str("[profile.prod]\nnats = 'nats://db:4222'\norg = 'acme'\n").unwrap();
        assert_eq!(file.profile["prod"].org.as_deref(), Some("acme"));
        let file: File = toml::from_str("[default]\nnats-monitor = 'http://a:1, http://b:1,'\n").unwrap();
        assert_eq!(endpoints(file.default.nats_monitor), ["http://a:1", "http://b:1"]);
    }
}
