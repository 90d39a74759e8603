//! A session that can only read: made for one piece of work, bounded in time, thrown away.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::query::Stop;

/// Why a piece of work did not end well.
pub(super) enum Broken {
    /// The engine refused or failed.
    Engine(tokio_postgres::Error),
    /// There is no session: out of reach, wrong password, no TLS.
    Unreachable(String),
    /// The role may do more than read.
    Role(String),
    TooSlow,
    Stopped,
}

impl From<tokio_postgres::Error> for Broken {
    fn from(error: tokio_postgres::Error) -> Self {
        // The engine's own clock ran out, or this side's cancellation came first.
        if error.code() == Some(&SqlState::QUERY_CANCELED) { Self::TooSlow } else { Self::Engine(error) }
    }
}

/// How long reaching a database may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a query may wait for somebody else's lock.
const LOCK_MILLIS: u64 = 3_000;
/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(20);
/// How long telling the engine to stop may take.
const CANCEL: Duration = Duration::from_secs(3);

/// Runs `work` in a read-only transaction of a session of its own, which is rolled back after it.
///
/// The engine is told the time limit too, a little longer than ours: it ends what this side could no
/// longer tell it to end.
pub(super) fn run<T>(
    config: &Config,
    millis: u64,
    stop: &Stop,
    work: impl AsyncFnOnce(&Client) -> Result<T, Broken>,
) -> Result<T, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Broken::Unreachable(format!("no runtime: {error}")))?;
    let deadline = Instant::now() + Duration::from_millis(millis);
    runtime.block_on(async {
        let tls = (config.get_ssl_mode() != SslMode::Disable).then(tls).transpose()?;
        let client = within(deadline.min(Instant::now() + CONNECT), stop, connect(config, tls.clone())).await;
        let client = match client {
            Err(Broken::TooSlow) => return Err(Broken::Unreachable("it does not answer".to_owned())),
            other => other?,
        };
        let done = within(deadline, stop, async {
            begin(&client, millis).await?;
            work(&client).await
        })
        .await;
        match done {
            Err(Broken::TooSlow | Broken::Stopped) => {
                let token = client.cancel_token();
                let cancel = async {
                    match tls {
                        Some(tls) => token.cancel_query(tls).await,
                        None => token.cancel_query(NoTls).await,
                    }
                };
                // Without an answer the closed connection and the engine's own clock end it.
                let _ = tokio::time::timeout(CANCEL, cancel).await;
            }
            // The session ends with it: whatever happens, nothing is committed.
            _ => {
                let _ = tokio::time::timeout(CANCEL, client.batch_execute("ROLLBACK")).await;
            }
        }
        done
    })
}

/// Bounds `work` in time and looks whether to stop.
async fn within<T>(
    deadline: Instant,
    stop: &Stop,
    work: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    let asked = async {
        while !stop.is_asked() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        biased;
        () = asked => Err(Broken::Stopped),
        done = work => done,
        () = tokio::time::sleep_until(deadline.into()) => Err(Broken::TooSlow),
    }
}

async fn connect(config: &Config, tls: Option<MakeRustlsConnect>) -> Result<Client, Broken> {
    let unreachable = |error: tokio_postgres::Error| Broken::Unreachable(reason(&error));
    match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(unreachable)?;
            tokio::spawn(connection);
            Ok(client)
        }
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(unreachable)?;
            tokio::spawn(connection);
            Ok(client)
        }
    }
}

/// Certificates are checked against those that this machine trusts.
fn tls() -> Result<MakeRustlsConnect, Broken> {
    let failed = |what: String| Broken::Unreachable(format!("no TLS: {what}"));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Roles by which a superuser lends what goes beyond the database.
const LENT: &str = "'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'";

/// Begins a transaction that can only read, and looks at who it is that reads.
async fn begin(client: &Client, millis: u64) -> Result<(), Broken> {
    let engine_millis = millis.saturating_add(1_000);
    client
        .batch_execute(&format!(
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL statement_timeout = {engine_millis};
             SET LOCAL lock_timeout = {LOCK_MILLIS};
             SET LOCAL idle_in_transaction_session_timeout = {engine_millis};
             SET LOCAL standard_conforming_strings = on;
             SET LOCAL DateStyle = 'ISO, YMD';
             SET LOCAL IntervalStyle = 'postgres';
             SET LOCAL TimeZone = 'UTC';
             SET LOCAL bytea_output = 'hex';
             SET LOCAL extra_float_digits = 1;
             SET LOCAL client_min_messages = error"
        ))
        .await?;
    let row = client
        .query_one(
            &format!(
                "SELECT bool_or(r.rolsuper), bool_or(EXISTS (SELECT FROM pg_catalog.pg_roles lent
                     WHERE lent.rolname IN ({LENT})
                     AND pg_catalog.pg_has_role(r.oid, lent.oid, 'MEMBER')))
                 FROM pg_catalog.pg_roles r WHERE r.rolname IN (session_user, current_user)"
            ),
            &[],
        )
        .await?;
    if row.try_get(0)? {
        return Err(Broken::Role("its role is a superuser, whom nothing is refused".to_owned()));
    }
    if row.try_get(1)? {
        return Err(Broken::Role(
            "its role may read or write files of the server, or run programs".to_owned(),
        ));
    }
    Ok(())
}

/// What the engine said, or why it could not be asked. Neither holds the address.
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    let said = match (error.as_db_error(), error.source()) {
        (Some(engine), _) => engine.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    };
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
