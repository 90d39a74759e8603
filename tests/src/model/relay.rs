//! A relay in front of a provider, for whatever can go wrong on the way.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::allowance::{Account, Limit};
use super::http::Head;

/// What happens to one answer. Events are those of an event stream: what stands between empty lines.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It comes with these headers more.
    Headers(Vec<(String, String)>),
    /// Each event comes so much after the one before.
    Slow(Duration),
    /// After so many events the connection breaks.
    CutAfter(usize),
    /// After so many events the answer ends as if it were whole.
    EndAfter(usize),
    /// After so many events comes one that nobody can read.
    GarbageAfter(usize),
    /// After so many events nothing comes any more. With 0 not even the answer begins.
    StallAfter(usize),
    /// Another answer comes, without asking the provider.
    Instead {
        /// Its number.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// What it says.
        body: String,
    },
}

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The path, with what follows a `?`.
    pub path: String,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The question.
    pub body: Value,
}

/// A relay on 127.0.0.1 in front of a server of plain HTTP. Whatever is asked through it is kept. Dropped,
/// it is gone with all its connections.
#[derive(Debug)]
pub struct Relay {
    address: String,
    state: Arc<State>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct State {
    provider: String,
    faults: Mutex<VecDeque<Fault>>,
    asked: Mutex<Vec<Asked>>,
    account: Mutex<Option<Account>>,
    refused: AtomicUsize,
    open: AtomicUsize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// A relay in front of the server at `provider` (`127.0.0.1:PORT`).
    ///
    /// # Panics
    /// If there is no port for it.
    pub async fn start(provider: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("a port").to_string();
        let state = Arc::new(State {
            provider: provider.to_owned(),
            faults: Mutex::default(),
            asked: Mutex::default(),
            account: Mutex::default(),
            refused: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&serving);
                state.open.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    // What a client does not wait for is not sent to its end.
                    let _ = state.serve(stream).await;
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, state, accepting: accepting.abort_handle() }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets this happen to the next answer that nothing else is to happen to. Answers without a fault are
    /// passed on as they are.
    pub fn then(&self, fault: Fault) {
        locked(&self.state.faults).push_back(fault);
    }

    /// Allows no more than that from now on. Beyond it the provider is not asked: 429.
    pub fn limit(&self, limit: Limit) {
        *locked(&self.state.account) = Some(Account::new(limit));
    }

    /// How many questions were beyond the limit.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }

    /// What was asked so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.state.asked).clone()
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    /// Serves one connection: one question, one answer.
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut client = BufReader::new(stream);
        let Some(head) = Head::read(&mut client).await? else { return Ok(()) };
        let body = head.body(&mut client).await?;
        let asked = Asked {
            path: head.word().to_owned(),
            headers: head.headers.clone(),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        };
        let fault = locked(&self.faults).pop_front().or_else(|| self.counted(&asked));
        locked(&self.asked).push(asked);
        if let Some(Fault::StallAfter(0)) = fault {
            return gone(&mut client).await;
        }
        let (answer, body) = match &fault {
            Some(Fault::Instead { status, headers, body }) => {
                let first = format!("HTTP/1.1 {status} As-Told");
                (Head { first, headers: headers.clone() }, body.clone().into_bytes())
            }
            _ => self.provider(&head, &body).await?,
        };
        let headers: &[_] = if let Some(Fault::Headers(more)) = &fault { more } else { &[] };
        send(&mut client, &answer, headers, &body, fault.as_ref()).await
    }

    /// What comes of the limit, if there is one.
    fn counted(&self, asked: &Asked) -> Option<Fault> {
        let mut account = locked(&self.account);
        let account = account.as_mut()?;
        let (headers, wait) = account.count(asked);
        if wait.is_none() {
            return account.limit.tells.then_some(Fault::Headers(headers));
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        let body = json!({ "error": { "message": "too many", "type": "rate_limit_error" } }).to_string();
        Some(Fault::Instead { status: 429, headers, body })
    }

    /// Asks the provider, and reads its answer whole.
    async fn provider(&self, head: &Head, body: &[u8]) -> io::Result<(Head, Vec<u8>)> {
        let mut provider = BufReader::new(TcpStream::connect(&self.provider).await?);
        let length = [
            ("content-length".to_owned(), body.len().to_string()),
            ("connection".to_owned(), "close".to_owned()),
        ];
        provider.write_all(head.written(&length).as_bytes()).await?;
        provider.write_all(body).await?;
        let answer = Head::read(&mut provider).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let body = answer.body(&mut provider).await?;
        Ok((answer, body))
    }
}

/// Sends an answer, event for event, until the fault.
async fn send(
    client: &mut BufReader<TcpStream>,
    answer: &Head,
    headers: &[(String, String)],
    body: &[u8],
    fault: Option<&Fault>,
) -> io::Result<()> {
    let mut more = headers.to_vec();
    more.push(("transfer-encoding".to_owned(), "chunked".to_owned()));
    more.push(("connection".to_owned(), "close".to_owned()));
    client.write_all(answer.written(&more).as_bytes()).await?;
    let events = events(body);
    let most = match fault {
        Some(
            Fault::CutAfter(most)
            | Fault::EndAfter(most)
            | Fault::GarbageAfter(most)
            | Fault::StallAfter(most),
        ) => {
            assert!(*most < events.len(), "the answer has {} events, {fault:?} wants more", events.len());
            *most
        }
        _ => events.len(),
    };
    for event in &events[..most] {
        if let Some(Fault::Slow(wait)) = fault {
            tokio::select! {
                () = tokio::time::sleep(*wait) => {}
                gone = gone(client) => return gone,
            }
        }
        chunk(client, event).await?;
    }
    match fault {
        Some(Fault::CutAfter(_)) => {
            client.get_ref().set_zero_linger()?;
            return Ok(());
        }
        Some(Fault::StallAfter(_)) => return gone(client).await,
        Some(Fault::GarbageAfter(_)) => chunk(client, b"data: {\"half\": an answ\n\n").await?,
        _ => {}
    }
    client.write_all(b"0\r\n\r\n").await?;
    client.shutdown().await?;
    gone(client).await
}

async fn chunk(client: &mut BufReader<TcpStream>, event: &[u8]) -> io::Result<()> {
    let framed = [format!("{:x}\r\n", event.len()).as_bytes(), event, b"\r\n"].concat();
    client.write_all(&framed).await?;
    client.flush().await
}

/// The events of a stream, each with the empty line after it.
fn events(body: &[u8]) -> Vec<&[u8]> {
    let mut rest = body;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\n\n").map_or(rest.len(), |at| at + 2);
        let (event, later) = rest.split_at(end);
        events.push(event);
        rest = later;
    }
    events
}

/// Waits until the client is gone.
async fn gone(client: &mut BufReader<TcpStream>) -> io::Result<()> {
    let mut more = [0; 64];
    while client.read(&mut more).await? > 0 {}
    Ok(())
}
