//! What a user may not do is said in words: it neither hangs nor looks like a server out of reach.

use futures::stream::StreamExt as _;
use longhaul_core::{CellName, OrgId, Sequence};
use longhaul_journal::nats::{Auth, ConnectOptions};
use longhaul_journal::port::{AppendError, Port};
use longhaul_journal::{Journal, PortError, SwapError};
use longhaul_wire::Shard;

use crate::server::{Custom, any, connect, custom, first, fresh, refused, soon};

async fn server() -> Custom {
    custom(|store| {
        format!(
            r#"
            jetstream {{ store_dir: {store:?} }}
            authorization {{ users: [
                {{ user: "operator", password: "o" }}
                {{ user: "reader", password: "r", permissions: {{
                    publish: {{ deny: ["lh.>", "$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.MSG.DELETE.>"] }}
                }} }}
                {{ user: "blind", password: "b", permissions: {{
                    publish: {{ deny: ["$JS.API.CONSUMER.MSG.NEXT.>", "$JS.API.DIRECT.GET.LH_LOG_0"] }}
                    subscribe: {{ deny: ["lh.live.>"] }}
                }} }}
                {{ user: "tenant", password: "t", permissions: {{
                    publish: ["lh.cell.acme.*", "$JS.API.STREAM.INFO.*", "$JS.API.DIRECT.GET.LH_CELLS.lh.cell.acme.*"]
                }} }}
                {{ user: "deaf", password: "d", permissions: {{ subscribe: "own.>" }} }}
            ] }}
            "#
        )
    })
    .await
}

fn user(server: &Custom, name: &str) -> ConnectOptions {
    let auth = Auth::User { name: name.to_owned(), password: name[..1].to_owned() };
    ConnectOptions { auth, ..ConnectOptions::new(&server.url) }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_make_the_log_can_use_one_that_is_there() {
    let server = server().await;
    let why = refused(user(&server, "reader")).await;
    assert!(matches!(why, PortError::Refused(_)), "{why:?}");
    let text = why.to_string();
    assert!(text.contains("LH_LOG_0") && text.contains("Permissions Violation"), "{text}");

    let operator = connect(user(&server, "operator")).await;
    let subject = fresh(1);
    operator.append(first(&subject, "there")).await.unwrap();
    let reader = connect(user(&server, "reader")).await;
    assert_eq!(reader.read(&subject, Sequence::ZERO).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_permitted_is_refused() {
    let server = server().await;
    let operator = connect(user(&server, "operator")).await;
    let sequence = operator.append(any(&fresh(1), "there")).await.unwrap();
    let reader = connect(user(&server, "reader")).await;
    let subject = fresh(1);
    let outcome = reader.append(first(&subject, "mine")).await;
    assert!(
        matches!(&outcome, Err(AppendError::DidNotHappen(PortError::Refused(why))) if why.contains(subject.as_str())),
        "{outcome:?}"
    );
    let forgotten = reader.forget(Shard(0), &[sequence]).await;
    assert!(matches!(forgotten, Err(PortError::Refused(_))), "{forgotten:?}");
    assert!(operator.read(&subject, Sequence::ZERO).await.unwrap().is_empty());
}

/// A user that may not hear answers would wait for each of them.
#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_hear_answers_learns_why() {
    let server = server().await;
    connect(user(&server, "operator")).await;
    let why = refused(user(&server, "deaf")).await;
    assert!(matches!(&why, PortError::Refused(text) if text.contains("_INBOX")), "{why:?}");
    // With inboxes of its own it can.
    let own = ConnectOptions { inbox_prefix: Some("own.inbox".to_owned()), ..user(&server, "deaf") };
    assert_eq!(connect(own).await.info().shards, 1);
}

/// Nothing that is asked for ever waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_is_told() {
    let server = server().await;
    let operator = connect(user(&server, "operator")).await;
    let subject = fresh(1);
    operator.append(first(&subject, "there")).await.unwrap();
    let blind = connect(user(&server, "blind")).await;
    let read = blind.read(&subject, Sequence::ZERO).await;
    assert!(matches!(&read, Err(PortError::Refused(why)) if why.contains("DIRECT.GET")), "{read:?}");
    let mut follower = blind.follow(Shard(0), Sequence::ZERO).await.unwrap();
    let end = soon("the end", follower.next()).await;
    assert!(matches!(&end, Some(Err(PortError::Refused(why))) if why.contains("MSG.NEXT")), "{end:?}");
    assert!(follower.next().await.is_none());
    let mut heard = blind.listen("lh.live.acme.*").await.unwrap();
    assert!(soon("the end", heard.next()).await.is_none());
}

/// An organisation's cells are its own: read by their own subjects, and swapped under them.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_use_an_organisations_cells_may_use_no_others() {
    let server = server().await;
    let operator = Journal::new(connect(user(&server, "operator")).await);
    let tenant = Journal::new(connect(user(&server, "tenant")).await);
    let name = CellName::new("limit-x").unwrap();
    let cells = |journal: &Journal, org: &str| journal.cells(&OrgId::new(org).unwrap());
    let theirs = cells(&operator, "globex").swap(&name, Sequence::ZERO, "theirs".into()).await.unwrap();
    let mine = cells(&tenant, "acme").swap(&name, Sequence::ZERO, "mine".into()).await.unwrap();
    assert_eq!(cells(&tenant, "acme").get(&name).await.unwrap(), Some((mine, "mine".into())));
    let read = cells(&tenant, "globex").get(&name).await;
    assert!(matches!(read, Err(PortError::Refused(_))), "{read:?}");
    let swapped = cells(&tenant, "globex").swap(&name, theirs, "mine".into()).await;
    assert!(matches!(swapped, Err(SwapError::Unavailable(PortError::Refused(_)))), "{swapped:?}");
    assert_eq!(cells(&operator, "globex").get(&name).await.unwrap(), Some((theirs, "theirs".into())));
}

/// A log of before there were cells is used without them by whoever may not make them.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_cells_is_a_log() {
    let server = server().await;
    connect(user(&server, "operator")).await;
    async_nats::jetstream::new(
        async_nats::ConnectOptions::with_user_and_password("operator".to_owned(), "o".to_owned())
            .connect(&server.url)
            .await
            .unwrap(),
    )
    .delete_stream("LH_CELLS")
    .await
    .unwrap();
    let reader = Journal::new(connect(user(&server, "reader")).await);
    let name = CellName::new("limit-x").unwrap();
    let cells = reader.cells(&OrgId::new("acme").unwrap());
    assert!(matches!(cells.get(&name).await, Err(PortError::Unreachable(_))));
    // Whoever may make them does.
    connect(user(&server, "operator")).await;
    assert_eq!(cells.get(&name).await.unwrap(), None);
}
