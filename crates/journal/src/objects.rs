//! The object store, and payloads.

use bytes::Bytes;
use longhaul_core::{Digest, Payload};
use longhaul_wire::sha256;
use serde_json::Value;

use crate::error::Error;
use crate::journal::Journal;
use crate::tries::again;

/// Largest payload kept in the event itself, in bytes of JSON.
pub const MAX_INLINE: usize = 64 * 1024;

/// Largest payload, in bytes of JSON.
pub const MAX_PAYLOAD: u64 = 64 * 1024 * 1024;

/// Largest object, in bytes.
pub const MAX_OBJECT: u64 = 512 * 1024 * 1024;

impl Journal {
    /// Stores an object under its digest. Storing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_OBJECT`], or if the store is not available.
    pub async fn put(&self, body: Bytes) -> Result<Digest, Error> {
        bounded("the object", body.len(), MAX_OBJECT)?;
        let digest = sha256(&body);
        again(self.deadline, || self.port.put(digest, body.clone())).await?;
        Ok(digest)
    }

    /// An object, checked against its digest.
    ///
    /// # Errors
    /// If it is not there, or the store is not available.
    pub async fn get(&self, digest: Digest) -> Result<Bytes, Error> {
        Ok(again(self.deadline, || self.port.get(digest)).await?)
    }

    /// Makes a payload of JSON: in the event itself up to [`MAX_INLINE`], else in the object store.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_PAYLOAD`], or if the store is not available.
    pub async fn store_payload(&self, value: Value) -> Result<Payload, Error> {
        self.store_body(Body::of(value)?).await
    }

    /// The same for JSON that was measured already.
    ///
    /// # Errors
    /// As [`Journal::store_payload`].
    pub async fn store_body(&self, body: Body) -> Result<Payload, Error> {
        let bytes = match body {
            Body::Inline(value) => return Ok(Payload::Inline(value)),
            Body::Apart(bytes) => bytes,
        };
        bounded("the payload", bytes.len(), MAX_PAYLOAD)?;
        let size = bytes.len() as u64;
        let sha256 = self.put(bytes).await?;
        Ok(Payload::Stored { sha256, size })
    }

    /// The JSON of a payload.
    ///
    /// # Errors
    /// [`Error::Gone`] if it was erased; if it is not in the store, or that is not available.
    pub async fn load_payload(&self, payload: &Payload) -> Result<Value, Error> {
        match payload {
            Payload::Inline(value) => Ok(value.clone()),
            Payload::Gone => Err(Error::Gone),
            Payload::Stored { sha256, .. } => {
                let bytes = self.get(*sha256).await?;
                serde_json::from_slice(&bytes)
                    .map_err(|source| Error::Malformed { what: format!("the payload {sha256}"), source })
            }
        }
    }
}

/// JSON on its way into the log, measured: for whoever asks where it will lie before it is stored.
#[derive(Debug, Clone)]
pub enum Body {
    /// It goes into the event itself.
    Inline(Value),
    /// It is larger than [`MAX_INLINE`] and goes into the object store, as these bytes.
    Apart(Bytes),
}

impl Body {
    /// Measures JSON.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what cannot be written out.
    pub fn of(value: Value) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(&value)
            .map_err(|source| Error::Malformed { what: "the payload".to_owned(), source })?;
        Ok(if bytes.len() <= MAX_INLINE { Self::Inline(value) } else { Self::Apart(bytes.into()) })
    }
}

fn bounded(what: &'static str, size: usize, limit: u64) -> Result<(), Error> {
    let size = size as u64;
    if size <= limit { Ok(()) } else { Err(Error::TooLarge { what, size, limit }) }
}
