//! Who provides models, and how they are reached: what a configuration file or the environment says.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// How long a provider may be silent, unless its settings say otherwise. Models that think before they
/// speak say nothing for that long.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest name of a provider: processes share a value under it.
const LONGEST_NAME: usize = 50;

/// What is wrong with the settings, or with the name of a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A value that cannot be used.
    #[error("the model provider {provider} cannot be used: {why}")]
    Unusable {
        /// The provider, by name.
        provider: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such provider here.
    #[error("no model provider {name} is configured here; there are: {there}")]
    UnknownProvider {
        /// The name that was given.
        name: String,
        /// The names there are.
        there: String,
    },
    /// The provider may not be asked for this model.
    #[error("the model provider {provider} has no model {model} here; there are: {there}")]
    UnknownModel {
        /// The provider.
        provider: String,
        /// The model that was named.
        model: String,
        /// Those there are.
        there: String,
    },
    /// A name that is none.
    #[error("{0:?} does not name a model; write PROVIDER/MODEL, openai/gpt-5 for example")]
    NoName(String),
}

/// A key. Nothing shows it: not `Debug`, not an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key, white space around it left out; none if there is nothing else.
    #[must_use]
    pub fn new(key: &str) -> Option<Self> {
        let key = key.trim();
        (!key.is_empty()).then(|| Self(key.to_owned()))
    }

    /// The key itself: for the header that carries it, and for taking it out of texts.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The language that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Chat completions as OpenAI has them, and many others too.
    #[serde(rename = "openai")]
    OpenAi,
    /// Messages, as Anthropic has them.
    Anthropic,
    /// Generated content, as Google has it.
    Gemini,
}

impl Api {
    /// Where it is, unless something else is said.
    #[must_use]
    pub fn home(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com",
            Self::Gemini => "https://generativelanguage.googleapis.com",
        }
    }
}

/// How a provider is reached, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Its name here: the first part of `NAME/MODEL`.
    pub name: String,
    /// What it speaks.
    pub api: Api,
    /// Where it is. Requests go nowhere else: redirects are not followed.
    pub base_url: String,
    /// The key, if it wants one.
    pub key: Option<Secret>,
    /// The models that may be asked for; any, if there are none.
    pub models: Vec<String>,
    /// How many tokens its models can read, if that is known.
    pub context: Option<u64>,
    /// How many requests a minute it allows, if that is known.
    pub requests_per_minute: Option<u64>,
    /// How many tokens a minute it allows, if that is known.
    pub tokens_per_minute: Option<u64>,
    /// How long it may say nothing.
    pub patience: Duration,
    /// Whether it may be reached without encryption though it is on another machine.
    pub allow_plain: bool,
}

impl ProviderSettings {
    /// A provider at its usual address, without a key.
    #[must_use]
    pub fn new(name: impl Into<String>, api: Api) -> Self {
        Self {
            name: name.into(),
            api,
            base_url: api.home().to_owned(),
            key: None,
            models: Vec::new(),
            context: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            patience: PATIENCE,
            allow_plain: false,
        }
    }

    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !(1..=LONGEST_NAME).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            let why = format!("its name is not 1 to {LONGEST_NAME} of A-Z a-z 0-9 _ -");
            return Err(unusable(&self.name, why));
        }
        if [self.requests_per_minute, self.tokens_per_minute].contains(&Some(0)) {
            let why = "a limit of 0 a minute allows nothing; leave it out, or say how much it is";
            return Err(unusable(&self.name, why));
        }
        Ok(())
    }
}

/// `[model]` of a configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModelFile {
    /// The model to be used where none is named: `PROVIDER/MODEL`.
    #[serde(default, rename = "use")]
    pub default: Option<String>,
    /// The providers, by name.
    #[serde(default)]
    pub provider: BTreeMap<String, ProviderFile>,
}

/// `[model.provider.NAME]` of a configuration file. A key does not stand in it, only where it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProviderFile {
    /// What it speaks: `openai`, `anthropic` or `gemini`.
    pub api: Api,
    /// Where it is; at home, if nothing is said.
    pub base_url: Option<String>,
    /// The variable of the environment that has the key.
    pub key_env: Option<String>,
    /// The models that may be asked for; any, if there are none.
    #[serde(default)]
    pub models: Vec<String>,
    /// How many tokens its models can read.
    pub context: Option<u64>,
    /// How many requests a minute it allows.
    pub requests_per_minute: Option<u64>,
    /// How many tokens a minute it allows.
    pub tokens_per_minute: Option<u64>,
    /// How many seconds it may say nothing.
    pub patience_seconds: Option<u64>,
    /// Whether it may be reached without encryption though it is on another machine.
    #[serde(default)]
    pub allow_plain: bool,
}

impl ProviderFile {
    /// One at this address that wants no key.
    #[must_use]
    pub fn at(api: Api, base_url: impl Into<String>) -> Self {
        Self {
            api,
            base_url: Some(base_url.into()),
            key_env: None,
            models: Vec::new(),
            context: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            patience_seconds: None,
            allow_plain: false,
        }
    }
}

/// All that is known of models here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The model to be used where none is named: `PROVIDER/MODEL`.
    pub default: Option<String>,
    /// The providers, each name once.
    pub providers: Vec<ProviderSettings>,
}

/// Providers whose key is where everybody looks for it.
const KNOWN: [(&str, Api, &str); 3] = [
    ("openai", Api::OpenAi, "OPENAI_API_KEY"),
    ("anthropic", Api::Anthropic, "ANTHROPIC_API_KEY"),
    ("gemini", Api::Gemini, "GEMINI_API_KEY"),
];

impl Settings {
    /// What a file and the environment say together; `env` looks up a variable.
    ///
    /// Providers of the file come first. `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` and `GEMINI_API_KEY` add
    /// `openai`, `anthropic` and `gemini`, unless the file has one of that name. `LONGHAUL_MODEL`
    /// (`PROVIDER/MODEL`) is used rather than what the file says, and `LONGHAUL_MODEL_URL` and
    /// `LONGHAUL_MODEL_KEY` are where its provider is and its key; a provider that nothing else is known of
    /// speaks as OpenAI does.
    ///
    /// # Errors
    /// If a variable that the file names is not set, or something of the environment cannot be used.
    pub fn of(file: ModelFile, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let mut providers = BTreeMap::new();
        for (name, file) in file.provider {
            providers.insert(name.clone(), of_file(name, file, &env)?);
        }
        for (name, api, variable) in KNOWN {
            if let Some(key) = env(variable).and_then(|key| Secret::new(&key)) {
                let known = || ProviderSettings { key: Some(key), ..ProviderSettings::new(name, api) };
                providers.entry(name.to_owned()).or_insert_with(known);
            }
        }
        let chosen = env("LONGHAUL_MODEL").map(|chosen| chosen.trim().to_owned());
        let (url, key) = (env("LONGHAUL_MODEL_URL"), env("LONGHAUL_MODEL_KEY"));
        if let Some(chosen) = &chosen {
            let (name, _) = named(chosen)?;
            if url.is_some() || key.is_some() {
                let known = KNOWN.iter().find(|known| known.0 == name).map_or(Api::OpenAi, |known| known.1);
                let settings =
                    providers.entry(name.to_owned()).or_insert_with(|| ProviderSettings::new(name, known));
                if let Some(url) = url {
                    // The key of another address must not be sent to this one.
                    settings.key = None;
                    settings.base_url = url.trim().to_owned();
                }
                if let Some(key) = key {
                    settings.key = Secret::new(&key);
                }
            }
        } else if url.is_some() || key.is_some() {
            let why = "LONGHAUL_MODEL_URL and LONGHAUL_MODEL_KEY belong to the model that LONGHAUL_MODEL names; \
                       set that too";
            return Err(unusable("of the environment", why));
        }
        Ok(Self { default: chosen.or(file.default), providers: providers.into_values().collect() })
    }
}

fn of_file(
    name: String,
    file: ProviderFile,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<ProviderSettings, SettingsError> {
    let key = match &file.key_env {
        Some(variable) => match env(variable).and_then(|key| Secret::new(&key)) {
            Some(key) => Some(key),
            None => {
                return Err(unusable(&name, format!("its key should be in {variable}, which is not set")));
            }
        },
        None => None,
    };
    Ok(ProviderSettings {
        name,
        api: file.api,
        key,
        base_url: file.base_url.unwrap_or_else(|| file.api.home().to_owned()),
        models: file.models,
        context: file.context,
        requests_per_minute: file.requests_per_minute,
        tokens_per_minute: file.tokens_per_minute,
        patience: file.patience_seconds.map_or(PATIENCE, Duration::from_secs),
        allow_plain: file.allow_plain,
    })
}

pub(crate) fn unusable(provider: &str, why: impl Into<String>) -> SettingsError {
    SettingsError::Unusable { provider: provider.to_owned(), why: why.into() }
}

/// Provider and model of `PROVIDER/MODEL`; the model may have slashes of its own.
///
/// # Errors
/// [`SettingsError::NoName`] if one of them is missing.
pub(crate) fn named(name: &str) -> Result<(&str, &str), SettingsError> {
    match name.split_once('/') {
        Some((provider, model)) if !provider.is_empty() && !model.is_empty() => Ok((provider, model)),
        _ => Err(SettingsError::NoName(name.chars().take(100).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str, env: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let look =
            |name: &str| env.iter().find(|(there, _)| *there == name).map(|(_, value)| (*value).to_owned());
        Settings::of(toml::from_str(file).unwrap(), &look)
    }

    fn names(settings: &Settings) -> Vec<&str> {
        settings.providers.iter().map(|provider| provider.name.as_str()).collect()
    }

    #[test]
    fn a_file_names_providers_and_where_their_keys_are() {
        let file = r#"
            use = "local/llama3.3"
            [provider.local]
            api = "openai"
            base-url = "http://127.0.0.1:11434/v1"
            requests-per-minute = 60
            tokens-per-minute = 90000
            context = 128000
            patience-seconds = 300
            [provider.claude]
            api = "anthropic"
            key-env = "TEAM_KEY"
            models = ["claude-a", "claude-b"]
        "#;
        let read = settings(file, &[("TEAM_KEY", " sk-1\n"), ("OPENAI_API_KEY", "sk-2")]).unwrap();
        assert_eq!(read.default.as_deref(), Some("local/llama3.3"));
        assert_eq!(names(&read), ["claude", "local", "openai"]);
        let [claude, local, openai] = &read.providers[..] else { panic!("{read:?}") };
        assert_eq!(
            (claude.key.clone(), claude.base_url.as_str()),
            (Secret::new("sk-1"), Api::Anthropic.home())
        );
        assert_eq!((local.key.clone(), local.patience), (None, Duration::from_secs(300)));
        assert_eq!((local.requests_per_minute, local.tokens_per_minute), (Some(60), Some(90_000)));
        assert_eq!((openai.key.clone(), openai.context), (Secret::new("sk-2"), None));
        let shown = format!("{read:?}");
        assert!(!shown.contains("sk-1") && !shown.contains("sk-2"), "{shown}");

        let error = settings(file, &[("TEAM_KEY", " ")]).unwrap_err();
        assert!(error.to_string().contains("TEAM_KEY, which is not set"), "{error}");
        for wrong in
            ["[provider.x]\napi = \"other\"", "[provider.x]\napi = \"openai\"\nkey = \"sk\"", "model = 1"]
        {
            assert!(toml::from_str::<ModelFile>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_environment_chooses_a_model() {
        assert_eq!(settings("", &[]).unwrap(), Settings::default());
        // A key alone spends nobody's money.
        let keys = [("ANTHROPIC_API_KEY", "a"), ("GEMINI_API_KEY", "g"), ("OPENAI_API_KEY", "")];
        let read = settings("", &keys).unwrap();
        assert_eq!((read.default.as_deref(), names(&read)), (None, vec!["anthropic", "gemini"]));

        let mock = [
            ("LONGHAUL_MODEL", "mock/some/m1"),
            ("LONGHAUL_MODEL_URL", "http://127.0.0.1:4000/v1"),
            ("LONGHAUL_MODEL_KEY", "k"),
        ];
        let read = settings("use = \"openai/gpt-5\"", &mock).unwrap();
        assert_eq!(read.default.as_deref(), Some("mock/some/m1"));
        let [provider] = &read.providers[..] else { panic!("{read:?}") };
        assert_eq!((provider.name.as_str(), provider.api), ("mock", Api::OpenAi));
        assert_eq!((provider.base_url.as_str(), &provider.key), (mock[1].1, &Secret::new("k")));

        // Another address does not get the key of the usual one.
        let elsewhere = [
            ("ANTHROPIC_API_KEY", "a"),
            ("LONGHAUL_MODEL", "anthropic/claude-a"),
            ("LONGHAUL_MODEL_URL", "https://proxy.example"),
        ];
        let read = settings("", &elsewhere).unwrap();
        assert_eq!((read.providers[0].api, &read.providers[0].key), (Api::Anthropic, &None));

        assert!(settings("", &[("LONGHAUL_MODEL_KEY", "k")]).is_err());
        for wrong in ["gpt-5", "/gpt-5", "openai/"] {
            let error = settings("", &[("LONGHAUL_MODEL", wrong)]).unwrap_err();
            assert_eq!(error, SettingsError::NoName(wrong.to_owned()));
        }
    }
}
