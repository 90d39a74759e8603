//! Objects named by their digest, in an object store as every NATS client knows it.

use std::time::Duration;

use async_nats::jetstream::object_store::{DeleteErrorKind, InfoErrorKind, ObjectInfo, ObjectStore};
use bytes::{Bytes, BytesMut};
use longhaul_core::{Digest, Sequence};
use longhaul_wire::{sha256, topology};
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::link::{ANSWER, Link};
use super::provision::files_stream;
use super::read::Reader;
use crate::port::PortError;

/// How long storing an object may take beside its bytes, and at what speed they must go at least.
const PATIENCE: Duration = Duration::from_secs(30);
const BYTES_A_SECOND: usize = 1 << 20;

/// The object store of the log.
#[derive(Default)]
pub(super) struct Files {
    store: OnceCell<ObjectStore>,
}

impl Files {
    async fn store(&self, link: &Link) -> Result<&ObjectStore, PortError> {
        let open = || async {
            link.up(ANSWER).await?;
            let store = link.context().get_object_store(topology::FILES).await;
            store.map_err(|why| PortError::Unreachable(format!("the object store: {why}")))
        };
        self.store.get_or_try_init(open).await
    }

    /// What is known of an object; nothing if there is none.
    async fn info(&self, link: &Link, digest: Digest) -> Result<Option<ObjectInfo>, PortError> {
        let store = self.store(link).await?;
        link.up(ANSWER).await?;
        match store.info(digest.to_string()).await {
            Ok(info) => Ok(Some(info).filter(|info| !info.deleted)),
            Err(why) if why.kind() == InfoErrorKind::NotFound => Ok(None),
            Err(why) => Err(failed(digest, &why)),
        }
    }

    /// Stores an object, unless it is there.
    pub(super) async fn put(&self, link: &Link, digest: Digest, body: Bytes) -> Result<(), PortError> {
        if sha256(&body) != digest {
            return Err(PortError::Corrupt(format!("the object's bytes do not have the digest {digest}")));
        }
        let known = self.info(link, digest).await?;
        if known.is_some_and(|info| info.size == body.len()) {
            return Ok(());
        }
        let store = self.store(link).await?;
        let patience = PATIENCE + Duration::from_secs((body.len() / BYTES_A_SECOND) as u64);
        let mut bytes = &body[..];
        let name = digest.to_string();
        match timeout(patience, store.put(name.as_str(), &mut bytes)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(failed(digest, &why)),
            Err(_) => Err(PortError::Unreachable(format!("the object {digest}: not stored in {patience:?}"))),
        }
    }

    /// An object, checked against its digest.
    pub(super) async fn get(&self, link: &Link, digest: Digest, replicas: usize) -> Result<Bytes, PortError> {
        let mut why = String::new();
        // Somebody may just be storing it anew, and its old pieces go while they are read.
        for pause in [Duration::ZERO, Duration::from_millis(100), Duration::from_secs(1)] {
            sleep(pause).await;
            let Some(info) = self.info(link, digest).await? else {
                return Err(PortError::NotFound(format!("the object {digest}")));
            };
            let reader = Reader { link, stream: files_stream(), replicas };
            let pieces = format!("$O.{}.C.{}", topology::FILES, info.nuid);
            let pieces = reader.all(&pieces, Sequence::ZERO).await?;
            let mut body = BytesMut::with_capacity(info.size);
            for piece in &pieces {
                body.extend_from_slice(&piece.body);
            }
            if sha256(&body) == digest {
                return Ok(body.freeze());
            }
            why = format!("{} of {} bytes", body.len(), info.size);
        }
        Err(PortError::Corrupt(format!(
            "the object {digest} is damaged: its bytes have another digest ({why})"
        )))
    }

    /// Removes an object, if it is there.
    pub(super) async fn remove(&self, link: &Link, digest: Digest) -> Result<(), PortError> {
        let store = self.store(link).await?;
        link.up(ANSWER).await?;
        match store.delete(digest.to_string()).await {
            Ok(()) => Ok(()),
            Err(why) if why.kind() == DeleteErrorKind::NotFound => Ok(()),
            Err(why) => Err(failed(digest, &why)),
        }
    }
}

fn failed(digest: Digest, why: &dyn std::error::Error) -> PortError {
    let source = why.source().map_or_else(String::new, |source| format!(": {source}"));
    PortError::Unreachable(format!("the object {digest}: {why}{source}"))
}
