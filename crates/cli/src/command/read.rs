//! `get`, `ls`, `watch`, `wait`, `text`, `download`, `notifications`.

use std::path::Path;

use anyhow::Context as _;
use futures::StreamExt as _;
use longhaul_client::{Client, Error, TextPart};
use longhaul_core::{LabelKey, TaskId, UserId, text};
use longhaul_wire::query;
use longhaul_wire::view::SnapshotView;

use crate::args::{Download, Filter, Get, Ids, List, Notifications, Text, Wait};
use crate::command::submit::{pair, view};
use crate::exit::{Code, usage};
use crate::follow::{Followed, follow};
use crate::output::{self, say};
use crate::place::Place;
use crate::signals::CtrlC;

/// A task with why it waits, if a projector answers; else as the log has it.
pub(crate) async fn seen(client: &Client, task: TaskId) -> Result<SnapshotView, Error> {
    let snapshot = client.get(task).await?;
    let question =
        query::Get { task, org: Some(client.identity().org.clone()), at_least: client.place(&snapshot) };
    let answered = client.query(&question).await.ok().and_then(|got| got.item?.view);
    // Never behind what was just read from the log.
    Ok(answered.filter(|seen| seen.sequence >= snapshot.sequence).unwrap_or_else(|| view(&snapshot)))
}

pub(crate) async fn get(client: &Client, args: &Get) -> anyhow::Result<Code> {
    output::one(args.shape.format, &seen(client, args.task).await?, output::task)?;
    Ok(Code::Done)
}

impl Filter {
    /// The filter as a projector takes it, within the client's organisation.
    pub(crate) fn query(&self, client: &Client) -> anyhow::Result<query::Filter> {
        let mut labels = std::collections::BTreeMap::new();
        for label in &self.labels {
            let (key, value) = pair(label)?;
            labels.insert(LabelKey::new(key).map_err(|error| usage(error.to_string()))?, value.to_owned());
        }
        let user = self.of.as_ref().map(UserId::new).transpose().map_err(|error| usage(error.to_string()))?;
        let kind = self.kind.as_ref().map(longhaul_core::Kind::new).transpose();
        Ok(query::Filter {
            org: Some(client.identity().org.clone()),
            user,
            kind: kind.map_err(|error| usage(error.to_string()))?,
            status: self.status.clone(),
            labels,
            since: self.since,
            text: self.title.clone(),
            dismissed: self.all,
            ..query::Filter::default()
        })
    }

    /// Whether it says anything at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.status.is_empty()
            && self.of.is_none()
            && self.kind.is_none()
            && self.labels.is_empty()
            && self.since.is_none()
            && self.title.is_none()
    }
}

pub(crate) async fn list(client: &Client, args: &List) -> anyhow::Result<Code> {
    let filter = args.filter.query(client)?;
    let head = client.here().await?;
    if args.count {
        let counted = client.query(&query::Count { filter, by: None, at_least: head }).await?;
        output::one(args.shape.format, &counted, |counted| {
            let rows = counted.all.status.iter().map(|(status, n)| vec![status.to_string(), n.to_string()]);
            let total = vec!["total".to_owned(), counted.all.total.to_string()];
            output::table(&["STATUS", "TASKS"], rows.chain([total]))
        })?;
        return Ok(Code::Done);
    }
    let mut question = query::List {
        filter,
        after: args.cursor.clone().map(query::Cursor),
        limit: Some(args.limit.clamp(1, query::MAX_PAGE)),
        at_least: head,
        ..query::List::default()
    };
    let mut items = Vec::new();
    let next = loop {
        let page = client.query(&question).await?;
        items.extend(page.items);
        match page.next {
            Some(cursor) if items.len() < args.limit as usize => {
                let left = args.limit as usize - items.len();
                question.limit = Some(u32::try_from(left).unwrap_or(query::MAX_PAGE).min(query::MAX_PAGE));
                question.after = Some(cursor);
            }
            next => break next,
        }
    };
    for item in items.iter().filter(|item| item.unreadable.is_some()) {
        say(format!("task {} is put aside: a record of it cannot be read", item.task));
    }
    let views: Vec<SnapshotView> = items.into_iter().filter_map(|item| item.view).collect();
    output::many(args.shape.format, &views, |views| output::tasks(views, longhaul_journal::clock::now()))?;
    if let Some(next) = next {
        say(format!("more: --cursor {}", next.0));
    }
    Ok(Code::Done)
}

pub(crate) async fn watch(place: &Place, args: &Ids) -> anyhow::Result<Code> {
    let client = place.client();
    let mut ctrl_c = CtrlC::listen()?;
    let mut code = Code::Done;
    for task in &args.tasks {
        let snapshot = client.get(*task).await?;
        let followed = follow(client, *task, place.quiet(), &mut ctrl_c).await?;
        let detached = matches!(followed, Followed::Detached);
        code = code.worse(super::submit::finish(place, &snapshot, followed, args.shape.format).await?);
        if detached {
            return Ok(Code::Interrupted);
        }
    }
    Ok(code)
}

pub(crate) async fn wait(client: &Client, args: &Wait) -> anyhow::Result<Code> {
    let timeout = args.timeout.map(longhaul_core::Millis::duration);
    let waits = args.tasks.iter().map(|task| client.wait(*task, timeout));
    let ended: Vec<_> = futures::future::join_all(waits).await.into_iter().collect::<Result<_, _>>()?;
    let views: Vec<SnapshotView> = ended.iter().map(view).collect();
    output::many(args.shape.format, &views, |views| {
        let lines =
            views.iter().map(|v| format!("{}  {}: {}", v.task, v.status, text::line(&v.reason_text, 400)));
        lines.collect::<Vec<_>>().join("\n")
    })?;
    Ok(ended.iter().fold(Code::Done, |code, s| code.worse(Code::of(s.status))))
}

pub(crate) async fn read_text(client: &Client, args: &Text) -> anyhow::Result<Code> {
    if !args.follow {
        let told = text::block(&client.text(args.task).await?);
        output::raw(&told)?;
        if !told.is_empty() && !told.ends_with('\n') {
            output::raw("\n")?;
        }
        return Ok(Code::Done);
    }
    let mut parts = client.follow_text(args.task).await?;
    while let Some(part) = parts.next().await {
        match part? {
            TextPart::Text(part) => output::raw(&text::block(&part))?,
            TextPart::Anew(whole) => {
                say("\nthe run before was lost; the text begins anew");
                output::raw(&text::block(&whole))?;
            }
            TextPart::End => output::raw("\n")?,
        }
    }
    Ok(Code::of(client.get(args.task).await?.status))
}

pub(crate) async fn download(client: &Client, args: &Download) -> anyhow::Result<Code> {
    let (artifact, bytes) = client.download(args.task, args.name.as_deref()).await?;
    match &args.output {
        Some(path) if path == Path::new("-") => output::bytes(&bytes)?,
        chosen => {
            // The decider refuses names that are more than one path component.
            let path = chosen.clone().unwrap_or_else(|| artifact.name.clone().into());
            let path = if path.is_dir() { path.join(&artifact.name) } else { path };
            write_file(&path, &bytes)?;
            output::line(path.display().to_string())?;
        }
    }
    Ok(Code::Done)
}

/// That a file can be written there, or into that folder: as far as can be told beforehand.
pub(crate) fn can_write(path: &Path) -> anyhow::Result<()> {
    if is_device(path) {
        let open = std::fs::File::options().write(true).open(path);
        return open.map(drop).with_context(|| format!("cannot write {}", path.display()));
    }
    beside(&if path.is_dir() { path.join("file") } else { path.to_owned() }).map(drop)
}

/// Whether it is a device, a pipe, or the like: to be written, never to be replaced.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// A file that is to take another one's place, in the same folder. The folder is made if need be.
fn beside(path: &Path) -> anyhow::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write into {}", folder.display()))
}

/// Writes a whole file or none of it.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if is_device(path) {
        return std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()));
    }
    let mut file = beside(path)?;
    std::io::Write::write_all(&mut file, bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)
        .map_err(|error| error.error)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

pub(crate) async fn notifications(client: &Client, args: &Notifications) -> anyhow::Result<Code> {
    let bell = client.notifications(!args.all, None).await?;
    if args.read {
        let question = query::MarkRead {
            org: client.identity().org.clone(),
            user: client.identity().user.clone(),
            up_to: bell.notifications.first().map(|latest| latest.sequence),
            these: Vec::new(),
            at_least: bell.as_of.clone(),
        };
        client.query(&question).await?;
    }
    output::many(args.shape.format, &bell.notifications, |notifications| {
        if notifications.is_empty() {
            return "nothing new".to_owned();
        }
        let rows = notifications.iter().map(|n| {
            let mark = if n.read { "" } else { "new" };
            vec![
                crate::time::local(n.at),
                mark.to_owned(),
                n.status.to_string(),
                n.title.clone(),
                n.task.to_string(),
            ]
        });
        output::table(&["WHEN", "", "STATUS", "TITLE", "TASK"], rows)
    })?;
    Ok(Code::Done)
}
