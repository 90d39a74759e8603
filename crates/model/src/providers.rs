//! The models that can be asked here, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::rig::{Provider, transport};
use crate::settings::named;
use crate::{Model, ModelFile, ProviderSettings, Settings, SettingsError};

/// The models that can be asked here, by name. Whoever asks names them by `PROVIDER/MODEL` only: where a
/// provider is, and its key, are known in here alone. Cheap to clone.
#[derive(Clone, Default)]
pub struct Providers {
    default: Option<String>,
    providers: Arc<BTreeMap<String, Entry>>,
    /// Models of their own, by their whole name.
    given: BTreeMap<String, Arc<dyn Model>>,
}

struct Entry {
    settings: ProviderSettings,
    provider: Provider,
}

impl Providers {
    /// The models of these settings.
    ///
    /// # Errors
    /// If a provider cannot be used: an address that is none, or one that a key must not be sent to.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let mut providers = BTreeMap::new();
        for settings in settings.providers {
            settings.check()?;
            let provider = Provider::new(&settings, transport(&settings)?);
            providers.insert(settings.name.clone(), Entry { settings, provider });
        }
        let new = Self { default: settings.default, providers: Arc::new(providers), given: BTreeMap::new() };
        // A default that nobody can be asked for is told at the start, not by the first task.
        new.get(None)?;
        Ok(new)
    }

    /// The models that the environment of this process names; see [`Settings::of`].
    ///
    /// # Errors
    /// As [`Providers::new`] and [`Settings::of`].
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::new(Settings::of(ModelFile::default(), &|name| std::env::var(name).ok())?)
    }

    /// With one model more, under the name that its facts say; it is the default if there is none.
    #[must_use]
    pub fn with(mut self, model: Arc<dyn Model>) -> Self {
        let name = format!("{}/{}", model.facts().provider, model.facts().model);
        self.default.get_or_insert_with(|| name.clone());
        self.given.insert(name, model);
        self
    }

    /// The model of this name, `PROVIDER/MODEL`; without a name the default, if there is one.
    ///
    /// # Errors
    /// If there is no such provider, or it may not be asked for this model.
    pub fn get(&self, name: Option<&str>) -> Result<Option<Arc<dyn Model>>, SettingsError> {
        let Some(name) = name.or(self.default.as_deref()) else { return Ok(None) };
        if let Some(model) = self.given.get(name) {
            return Ok(Some(Arc::clone(model)));
        }
        let (provider, model) = named(name)?;
        let Some(entry) = self.providers.get(provider) else {
            return Err(SettingsError::UnknownProvider { name: provider.to_owned(), there: self.names() });
        };
        let models = &entry.settings.models;
        if !models.is_empty() && !models.iter().any(|there| there == model) {
            return Err(SettingsError::UnknownModel {
                provider: provider.to_owned(),
                model: model.to_owned(),
                there: models.join(", "),
            });
        }
        Ok(Some(Arc::new(entry.provider.model(model))))
    }

    /// The model that is used where none is named.
    #[must_use]
    pub fn default_name(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// The settings of a provider.
    #[must_use]
    pub fn settings(&self, provider: &str) -> Option<&ProviderSettings> {
        self.providers.get(provider).map(|entry| &entry.settings)
    }

    fn names(&self) -> String {
        let names: Vec<&str> =
            self.providers.keys().map(String::as_str).chain(self.given.keys().map(String::as_str)).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Providers").field("default", &self.default).field("names", &self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Api, Scripted, Secret};

    fn providers(
        default: Option<&str>,
        change: impl FnOnce(&mut ProviderSettings),
    ) -> Result<Providers, SettingsError> {
        let mut settings = ProviderSettings::new("local", Api::OpenAi);
        settings.base_url = "http://127.0.0.1:1/v1".to_owned();
        change(&mut settings);
        Providers::new(Settings { default: default.map(str::to_owned), providers: vec![settings] })
    }

    #[test]
    fn models_are_found_by_name() {
        let here = providers(Some("local/llama"), |local| local.context = Some(1000)).unwrap();
        for (name, model) in [(None, "llama"), (Some("local/meta/llama-3"), "meta/llama-3")] {
            let found = here.get(name).unwrap().unwrap();
            let facts = found.facts();
            assert_eq!((facts.provider.as_str(), facts.model.as_str()), ("local", model));
            assert_eq!(facts.context, Some(1000));
        }
        let said = |error: Result<_, SettingsError>| error.err().unwrap().to_string();
        assert_eq!(
            said(here.get(Some("other/m1"))),
            "no model provider other is configured here; there are: local"
        );
        let few = providers(None, |local| local.models = vec!["m1".to_owned(), "m2".to_owned()]).unwrap();
        assert!(few.get(None).unwrap().is_none());
        assert!(few.get(Some("local/m1")).unwrap().is_some());
        assert_eq!(
            said(few.get(Some("local/m3"))),
            "the model provider local has no model m3 here; there are: m1, m2"
        );
        assert!(providers(Some("other/m1"), |_| {}).is_err(), "a default nobody has is told at the start");

        let with = few.with(Arc::new(Scripted::new([])));
        assert_eq!(with.default_name(), Some("scripted/script"));
        assert_eq!(with.get(None).unwrap().unwrap().facts().provider, "scripted");
        assert!(Providers::default().get(None).unwrap().is_none());
    }

    #[test]
    fn a_key_goes_nowhere_unsafe() {
        let fits =
            ["http://127.0.0.1:1/v1", "http://localhost:1", "http://[::1]:1/v1", "https://api.example/v1"];
        for url in fits {
            assert!(providers(None, |local| local.base_url = url.to_owned()).is_ok(), "{url}");
        }
        let misfits = [
            ("http://api.example/v1", "not encrypted"),
            ("http://localhost.example/v1", "not encrypted"),
            ("http://127.0.0.1.example/v1", "not encrypted"),
            ("ftp://127.0.0.1/v1", "only https"),
            ("https://name:password@api.example", "name or password"),
            ("https://api.example/v1?key=1", "leave out"),
            ("api.example/v1", "no address"),
        ];
        for (url, why) in misfits {
            let error = providers(None, |local| local.base_url = url.to_owned()).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("password@"), "{url}: {error}");
        }
        let allowed = |local: &mut ProviderSettings| {
            local.base_url = "http://api.example/v1".to_owned();
            local.allow_plain = true;
        };
        assert!(providers(None, allowed).is_ok());
        type Set = fn(&mut ProviderSettings);
        let odd: [(Set, &str); 3] = [
            (|local| local.name = "my server".to_owned(), "its name"),
            (|local| local.name = "x".repeat(51), "its name"),
            (|local| local.tokens_per_minute = Some(0), "leave it out"),
        ];
        for (set, why) in odd {
            let error = providers(None, set).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let error = providers(None, |local| local.key = Secret::new("sk\n1")).unwrap_err().to_string();
        assert!(error.contains("its key has characters"), "{error}");
    }
}
