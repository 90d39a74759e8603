//! Handlers, and how they are kept.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;
use crate::run::Run;

/// What runs the tasks of a kind: an `async fn(&mut Run, I) -> Result<O, E>`, or an async closure of
/// that form that can be cloned. It is cloned for each run: shared state goes into an [`Arc`].
///
/// It is implemented for all of them; nothing else needs to implement it.
pub trait Handler<'a, I, O, E>: Clone + Send + Sync {
    /// What it does in one run.
    type Future: Future<Output = Result<O, E>> + Send + 'a;

    /// Begins.
    fn call(self, run: &'a mut Run, input: I) -> Self::Future;
}

// `FnOnce`, not `Fn`: an async closure that uses what it captured is only that, as its future
// borrows from it.
impl<'a, F, R, I, O, E> Handler<'a, I, O, E> for F
where
    F: FnOnce(&'a mut Run, I) -> R + Clone + Send + Sync,
    R: Future<Output = Result<O, E>> + Send + 'a,
{
    type Future = R;

    fn call(self, run: &'a mut Run, input: I) -> R {
        self(run, input)
    }
}

/// A handler of any types: JSON in, JSON out.
pub(crate) type Erased =
    Arc<dyn for<'a> Fn(&'a mut Run, Value) -> BoxFuture<'a, Result<Value, Failure>> + Send + Sync>;

/// Lets go of a handler's types.
pub(crate) fn erase<I, O, E, F>(handler: F) -> Erased
where
    F: for<'a> Handler<'a, I, O, E> + 'static,
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    E: Into<Failure> + 'static,
{
    Arc::new(move |run, input| {
        let handler = handler.clone();
        Box::pin(async move {
            let input: I = parse(input)?;
            let output = handler.call(run, input).await.map_err(Into::into)?;
            serde_json::to_value(output).map_err(|why| {
                Failure::permanent("output_unusable", format!("the output cannot be written as JSON: {why}"))
            })
        })
    })
}

/// The input in the form a handler wants it.
fn parse<I: DeserializeOwned>(input: Value) -> Result<I, Failure> {
    serde_path_to_error::deserialize(input).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.inner().to_string());
        let message = match path.as_str() {
            "." => format!("the input is not usable: {why}"),
            field => format!("the input is not usable at {field}: {why}"),
        };
        Failure::permanent("bad_input", message)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Album {
        name: String,
        photos: Vec<Photo>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Photo {
        width: u32,
    }

    #[test]
    fn bad_input_names_the_field() {
        let told = |input| parse::<Album>(input).unwrap_err().to_string();
        assert_eq!(
            told(json!({"name": "x", "photos": [{"width": 1}, {"width": "wide"}]})),
            "bad_input: the input is not usable at photos[1].width: invalid type: string \"wide\", expected u32"
        );
        assert_eq!(told(json!({"name": "x"})), "bad_input: the input is not usable: missing field `photos`");
        assert!(!parse::<Album>(json!(3)).unwrap_err().is_retryable());
    }
}
