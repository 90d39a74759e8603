//! Which language models an executor has, by name.

use std::fmt;
use std::sync::Arc;

use longhaul_executor::Failure;
use longhaul_model::{Model, Providers};

/// Finds language models by the names that tasks give. Where they are and with which key they are asked
/// is the executor's alone: a task that could say so could have the key sent elsewhere.
#[derive(Clone)]
pub struct Models(Arc<Find>);

type Find = dyn Fn(&str) -> Result<Arc<dyn Model>, String> + Send + Sync;

impl Models {
    /// Models found by `find`. Where there is none of a name it says so, and what there is instead, in
    /// half a sentence: `there is no model "x"; this executor has a and b`.
    pub fn by(find: impl Fn(&str) -> Result<Arc<dyn Model>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// No model at all.
    #[must_use]
    pub fn none() -> Self {
        Self::by(|name| {
            Err(format!(
                "there is no model {name:?}: this executor has none; leave the model out, or set one up"
            ))
        })
    }

    /// The model of that name.
    ///
    /// # Errors
    /// `unknown_model` if there is none, with what there is.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Model>, Failure> {
        (self.0)(name).map_err(|why| Failure::permanent("unknown_model", why))
    }
}

impl From<Providers> for Models {
    fn from(providers: Providers) -> Self {
        Self::by(move |name| {
            let found = providers.get(Some(name)).map_err(|error| error.to_string())?;
            found.ok_or_else(|| format!("there is no model {name:?}"))
        })
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Models")
    }
}
