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
            let provider = Provider::new(&settings, transport(&settings)?);
            providers.insert(settings.name.clone(), Entry { settings, provider });
        }
        let new =
            Self { default: settings.default, providers: Arc::new(providers), given: BTreeMap::new() };
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
