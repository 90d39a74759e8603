//! The connection: what is asked over it, and what is known of its state.
//!
//! The client underneath reconnects for ever and keeps what it was given meanwhile. Nothing is given
//! to it while it is not connected, so that little piles up and little happens late.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::{Client, ConnectErrorKind, Event, HeaderMap, Message, RequestErrorKind};
use bytes::Bytes;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::api::{ApiError, ApiFailure};
use super::haste::Haste;
use super::options::{Auth, ConnectOptions, auth_of, without_secrets};
use crate::port::PortError;

/// How long an answer is waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// How long a question that may be asked twice is asked again, over reconnections and elections.
const PATIENCE: Duration = Duration::from_secs(15);

/// A server that is silent for three of these is given up. So soon that an executor whose server hangs
/// is connected to another one and heard there before its lease ends, even if it first knocks at the
/// one that hangs. A connection that was given up too early costs little: what was under way is looked
/// up. Only who hears nothing else asks at all.
const PING: Duration = Duration::from_secs(2);

/// How long the server is given to let a client in.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How many commands to the client may wait. More than may be in flight, so that a command never
/// waits while the connection is up.
const COMMANDS: usize = 8192;

/// How many messages one subscription may hold that were not read yet; beyond, they are dropped. Far
/// above what is ever asked for at a time; it bounds who only listens.
const UNREAD: usize = 64 * 1024;

/// How often the state is looked at even if nothing was said: the client drops events when many come
/// at once.
const LOOK: Duration = Duration::from_millis(250);

/// The connection at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connection {
    /// Whether it is there.
    pub(super) up: bool,
    /// How often it was made: another number is another connection.
    pub(super) number: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Not connected: nothing was sent.
    Down,
    /// Nobody takes messages on this subject: nobody got it.
    Nobody(String),
    /// The server does not let this client: it was thrown away.
    Denied(String),
    /// Too large for one message: not sent.
    TooLarge { size: usize, limit: usize },
    /// It was sent, or is about to be, and the connection broke.
    Broken,
    /// No answer came in time.
    Silence(Duration),
    /// The client failed on it.
    Client(String),
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Down => Self::Unreachable("not connected".to_owned()),
            Failure::Nobody(subject) => Self::Unreachable(format!("nobody takes messages on {subject}")),
            Failure::Denied(what) => Self::Refused(what),
            Failure::TooLarge { size, limit } => {
                Self::Refused(format!("the message has {size} bytes; at most {limit} are allowed"))
            }
            Failure::Broken => Self::Unreachable("the connection broke before the answer".to_owned()),
            Failure::Silence(after) => Self::Unreachable(format!("no answer within {after:?}")),
            Failure::Client(why) => Self::Unreachable(why),
        }
    }
}

/// A word of the server that this client may not do something.
#[derive(Debug, Clone)]
pub(super) struct Denial {
    text: String,
    subject: String,
}

/// What was forbidden since it was asked for.
pub(super) type Denials = broadcast::Receiver<Denial>;

impl Denial {
    /// `Permissions Violation for Publish to "lh.0.adm.acme"`.
    fn parse(text: &str) -> Option<Self> {
        let (_, after) = text.split_once("ermissions Violation")?;
        let subject = after.split('"').nth(1)?.to_owned();
        Some(Self { text: text.to_owned(), subject })
    }
}

/// A connection and all that is known of it. Dropped, the connection ends.
pub(super) struct Link {
    client: Client,
    context: Context,
    connection: watch::Receiver<Connection>,
    denials: broadcast::Sender<Denial>,
    inbox_prefix: String,
    watcher: AbortHandle,
    haste: Arc<Haste>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl Link {
    /// Connects once, and stays connected from then on.
    pub(super) async fn connect(options: &ConnectOptions) -> Result<Arc<Self>, PortError> {
        let nudge = Arc::new(Notify::new());
        let (denials, _) = broadcast::channel(64);
        let heard = (Arc::clone(&nudge), denials.clone());
        let haste = Arc::new(Haste::default());
        let pause = Arc::clone(&haste);
        let inbox_prefix = options.inbox_prefix.clone().unwrap_or_else(|| "_INBOX".to_owned());
        let mut settings = authenticate(&options.auth, &options.url)
            .await?
            .name(options.name.as_deref().unwrap_or("longhaul"))
            .ping_interval(PING)
            .connection_timeout(HANDSHAKE)
            .request_timeout(Some(ANSWER))
            .max_reconnects(None)
            // It is waited here, where the wait can be cut short, before the servers are tried in turn.
            .reconnect_delay_callback(|_| Duration::ZERO)
            .reconnect_to_server_callback(move |_, _| {
                let pause = Arc::clone(&pause);
                async move {
                    pause.wait().await;
                    None
                }
            })
            .client_capacity(COMMANDS)
            .subscription_capacity(UNREAD)
            .custom_inbox_prefix(&inbox_prefix)
            .event_callback(move |event| {
                let (nudge, denials) = heard.clone();
                async move {
                    hear(&event, &denials);
                    nudge.notify_one();
                }
            });
        if let Some(file) = &options.ca_file {
            settings = settings.add_root_certificates(file.clone());
        }
        let addresses: Vec<String> = options.url.split(',').map(|url| url.trim().to_owned()).collect();
        let client = settings.connect(addresses).await.map_err(|why| refused(&why, &options.url))?;

        let (sender, connection) = watch::channel(state(&client));
        let watching = watch_connection(client.clone(), nudge, sender, Arc::clone(&haste));
        let watcher = tokio::spawn(watching).abort_handle();
        let context = async_nats::jetstream::new(client.clone());
        Ok(Arc::new(Self { client, context, connection, denials, inbox_prefix, watcher, haste }))
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// The connection's number once it is there, if that is within `wait`.
    pub(super) async fn up(&self, wait: Duration) -> Result<u64, Failure> {
        let mut connection = self.connection.clone();
        let now = *connection.borrow();
        if now.up {
            return Ok(now.number);
        }
        match timeout(wait, connection.wait_for(|now| now.up)).await {
            Ok(Ok(now)) => Ok(now.number),
            _ => Err(Failure::Down),
        }
    }

    /// Tries at once to connect. A connection that is there and of no use is given up for another.
    pub(super) fn reconnect(&self) {
        if self.connection.borrow().up {
            let client = self.client.clone();
            tokio::spawn(async move { client.force_reconnect().await });
        } else {
            self.haste.hurry();
        }
    }

    /// Resolves when the connection with this number is not there any more.
    pub(super) async fn lost(&self, number: u64) {
        let mut connection = self.connection.clone();
        let _ = connection.wait_for(|now| !now.up || now.number != number).await;
    }

    /// Asks once. What the failure says of whether it was heard is exact.
    pub(super) async fn request(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        body: Bytes,
        wait: Duration,
    ) -> Result<Message, Failure> {
        let number = self.up(wait).await?;
        let size = body.len();
        let mut request = async_nats::Request::new().payload(body).timeout(Some(wait));
        request.headers = headers;
        // Heard from before it is sent.
        let mut denials = self.denials();
        tokio::select! {
            biased;
            answer = self.client.send_request(subject.to_owned(), request) => {
                answer.map_err(|why| self.failure(subject, size, &why, wait))
            }
            why = self.denied(&mut denials, subject) => Err(Failure::Denied(why)),
            () = self.lost(number) => Err(Failure::Broken),
        }
    }

    fn failure(
        &self,
        subject: &str,
        size: usize,
        error: &async_nats::RequestError,
        wait: Duration,
    ) -> Failure {
        match error.kind() {
            RequestErrorKind::NoResponders => Failure::Nobody(subject.to_owned()),
            RequestErrorKind::TimedOut => Failure::Silence(wait),
            RequestErrorKind::MaxPayloadExceeded => {
                Failure::TooLarge { size, limit: self.client.max_payload() }
            }
            _ => Failure::Client(error.to_string()),
        }
    }

    /// What the server forbids from now on.
    pub(super) fn denials(&self) -> Denials {
        self.denials.subscribe()
    }

    /// Resolves when the server says that this client may not use `subject`, or may not hear any answer.
    pub(super) async fn denied(&self, denials: &mut Denials, subject: &str) -> String {
        loop {
            match denials.recv().await {
                Ok(denial) if denial.subject == subject || self.is_inbox(&denial) => {
                    return format!(
                        "{}; the server's permissions for this user have to allow it",
                        denial.text
                    );
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn is_inbox(&self, denial: &Denial) -> bool {
        denial.text.contains("Subscription") && denial.subject.starts_with(&self.inbox_prefix)
    }

    /// Asks what may be asked twice, until it is answered or patience ends.
    pub(super) async fn query(&self, subject: &str, body: Bytes) -> Result<Message, PortError> {
        let until = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(20);
        loop {
            let failure = match self.request(subject, None, body.clone(), ANSWER).await {
                Ok(message) => return Ok(message),
                Err(failure) => failure,
            };
            let lasting = matches!(failure, Failure::Denied(_) | Failure::TooLarge { .. });
            if lasting || Instant::now() + pause > until {
                return Err(failure.into());
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Asks the JetStream interface what may be asked twice. The inner error is the server's own.
    pub(super) async fn api<T: serde::de::DeserializeOwned>(
        &self,
        call: &str,
        body: &impl serde::Serialize,
    ) -> Result<Result<T, ApiError>, PortError> {
        let subject = format!("$JS.API.{call}");
        let unusable = |why: serde_json::Error| PortError::Corrupt(format!("the answer to {subject}: {why}"));
        let body = serde_json::to_vec(body).map_err(unusable)?;
        let answer = self.query(&subject, body.into()).await?;
        let ApiFailure { error } = serde_json::from_slice(&answer.payload).map_err(unusable)?;
        match error {
            Some(error) => Ok(Err(error)),
            None => Ok(Ok(serde_json::from_slice(&answer.payload).map_err(unusable)?)),
        }
    }

    /// Publishes what nobody answers to.
    pub(super) async fn say(&self, subject: &str, body: Bytes) -> Result<(), PortError> {
        self.up(ANSWER).await?;
        match timeout(ANSWER, self.client.publish(subject.to_owned(), body)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(match why.kind() {
                async_nats::client::PublishErrorKind::Send => PortError::Unreachable(why.to_string()),
                _ => PortError::Refused(why.to_string()),
            }),
            Err(_) => Err(Failure::Silence(ANSWER).into()),
        }
    }

    /// Returns once the server has heard everything this client sent before. Best effort.
    pub(super) async fn settle(&self) -> Result<(), PortError> {
        let inbox = self.client.new_inbox();
        let subscribed = self.client.subscribe(inbox.clone()).await;
        let mut echo = subscribed.map_err(|why| PortError::Unreachable(why.to_string()))?;
        self.say(&inbox, Bytes::new()).await?;
        match timeout(ANSWER, futures::StreamExt::next(&mut echo)).await {
            Ok(Some(_)) => Ok(()),
            _ => Err(Failure::Silence(ANSWER).into()),
        }
    }
}

fn state(client: &Client) -> Connection {
    Connection {
        up: client.connection_state() == State::Connected,
        number: client.statistics().connects.load(std::sync::atomic::Ordering::Relaxed),
    }
}

async fn watch_connection(
    client: Client,
    nudge: Arc<Notify>,
    sender: watch::Sender<Connection>,
    haste: Arc<Haste>,
) {
    loop {
        let now = state(&client);
        if now.up {
            haste.begin_anew();
        }
        sender.send_if_modified(|seen| {
            let changed = *seen != now;
            *seen = now;
            changed
        });
        let _ = timeout(LOOK, nudge.notified()).await;
    }
}

/// Tells what the client tells, and passes on what the server forbids.
fn hear(event: &Event, denials: &broadcast::Sender<Denial>) {
    match event {
        Event::Connected => tracing::info!("connected to the log"),
        Event::Disconnected => tracing::warn!("the connection to the log is lost; connecting again"),
        Event::LameDuckMode => tracing::warn!("the server is about to stop; going to another one"),
        Event::SlowConsumer(_) => {
            tracing::warn!("a listener in this process is too slow; it misses what is said");
        }
        Event::ServerError(error) => match Denial::parse(&error.to_string()) {
            Some(denial) => {
                tracing::error!(subject = denial.subject, "not permitted: {}", denial.text);
                // Nobody may be waiting for it.
                let _ = denials.send(denial);
            }
            None => tracing::warn!("the server says: {error}"),
        },
        Event::ClientError(error) => tracing::debug!("connecting: {error}"),
        Event::Draining | Event::Closed => tracing::debug!("the connection to the log ends"),
    }
}

async fn authenticate(auth: &Auth, url: &str) -> Result<async_nats::ConnectOptions, PortError> {
    let settings = async_nats::ConnectOptions::new();
    let from_url;
    let auth = match auth {
        Auth::Url => {
            from_url = auth_of(url);
            match &from_url {
                Some(auth) => auth,
                None => return Ok(settings),
            }
        }
        given => given,
    };
    match auth {
        Auth::Url => Ok(settings),
        Auth::Token(token) => Ok(settings.token(token.clone())),
        Auth::User { name, password } => Ok(settings.user_and_password(name.clone(), password.clone())),
        Auth::NkeySeed(seed) => Ok(settings.nkey(seed.trim().to_owned())),
        Auth::CredentialsFile(path) => settings.credentials_file(path).await.map_err(|why| {
            PortError::Misconfigured(format!("the credentials file {} cannot be used: {why}", path.display()))
        }),
    }
}

fn refused(error: &async_nats::ConnectError, url: &str) -> PortError {
    let at = without_secrets(url);
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => PortError::Refused(
            format!("{at} does not let this client in: check the token, password, key or credentials"),
        ),
        ConnectErrorKind::ServerParse => {
            PortError::Misconfigured(format!("{at:?} is not a server's URL; write nats://host:port"))
        }
        kind => {
            let why = std::error::Error::source(error).map_or_else(|| kind.to_string(), ToString::to_string);
            PortError::Unreachable(format!("{at}: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::haste::LONGEST_DELAY;
    use super::*;

    #[test]
    fn a_silent_server_is_given_up_within_the_lease() {
        let elsewhere = PING * 3 + HANDSHAKE + LONGEST_DELAY;
        assert!(elsewhere + longhaul_core::BEAT.duration() < longhaul_core::LEASE.duration());
    }

    #[test]
    fn what_the_server_forbids_names_the_subject() {
        let text = r#"nats: Permissions Violation for Publish to "lh.0.adm.acme""#;
        assert_eq!(Denial::parse(text).map(|denial| denial.subject).as_deref(), Some("lh.0.adm.acme"));
        assert!(Denial::parse("nats: maximum connections exceeded").is_none());
    }
}
