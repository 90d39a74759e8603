//! Artifacts.

use bytes::Bytes;
use longhaul_core::{Artifact, TaskId};

use crate::{Client, Error};

impl Client {
    /// A file the task made, checked against its digest: the named one, or its only one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::NoArtifact`] if the name is not among its files, or is left out
    /// where there are none or several.
    pub async fn download(&self, task: TaskId, name: Option<&str>) -> Result<(Artifact, Bytes), Error> {
        let snapshot = self.get(task).await?;
        let found = match name {
            Some(name) => snapshot.artifacts.iter().find(|artifact| artifact.name == name),
            None => {
                let mut files = snapshot.files();
                files.next().filter(|_| files.next().is_none())
            }
        };
        let Some(artifact) = found else {
            let known: Vec<&str> = snapshot.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Error::NoArtifact { task, name: name.unwrap_or("").to_owned(), known });
        };
        Ok((artifact.clone(), self.content(artifact).await?))
    }

    /// What is in a file that a task made, checked against its digest.
    ///
    /// # Errors
    /// If it cannot be had, or is gone because the task was erased.
    pub async fn content(&self, artifact: &Artifact) -> Result<Bytes, Error> {
        Ok(self.journal.get(artifact.sha256).await?)
    }
}
