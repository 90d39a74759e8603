//! A road between a client and a server that can be cut, blocked and made lossy.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::frames::{Frames, Piece};

/// How much is carried at once.
const CHUNK: usize = 64 << 10;

/// A TCP proxy on 127.0.0.1 in front of a nats-server: everything through it goes through the
/// faults that are switched on. They may be changed at any time and hold for the connections that
/// are open, too.
///
/// A client must not learn of ways around it: a lone server tells of none, the servers of a
/// [`Cluster`](longhaul_broker::Cluster) only if they are started without gossip.
///
/// Dropped, it is gone with all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    road: Arc<Road>,
    accepting: AbortHandle,
}

/// What has happened on the road so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were accepted and reached the server.
    pub carried: u64,
    /// Connections that were turned away.
    pub refused: u64,
    /// Connections that were open when they were cut.
    pub cut: u64,
    /// Messages for the client that were thrown away.
    pub swallowed: u64,
    /// Connections that are open now.
    pub open: u64,
}

#[derive(Debug)]
struct Road {
    faults: watch::Sender<Faults>,
    carried: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
    swallowed: AtomicU64,
    open: AtomicU64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    refuse: bool,
    stall: bool,
    swallow: bool,
    delay: Duration,
    /// How often everything was cut.
    cuts: u64,
}

impl Proxy {
    /// A proxy before the server at `host:port` or `nats://host:port`. Needs a runtime around it.
    /// The server need not be there yet.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn start(upstream: &str) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let address = listener.local_addr().expect("its address");
        let listener = TcpListener::from_std(listener).expect("a runtime");
        let road = Arc::new(Road {
            faults: watch::Sender::new(Faults::default()),
            carried: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            swallowed: AtomicU64::new(0),
            open: AtomicU64::new(0),
        });
        let upstream = upstream.trim_start_matches("nats://").to_owned();
        let accepting = tokio::spawn(accept(listener, upstream, Arc::clone(&road))).abort_handle();
        Self { address, road, accepting }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same for a NATS client: `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Ends every connection that is open. What was on its way is lost, in both directions.
    pub fn cut(&self) {
        self.road.faults.send_modify(|faults| faults.cuts += 1);
    }

    /// Whether what the server sends to clients is thrown away, message by message: answers,
    /// deliveries, everything but the connection's own signs of life. The client's words arrive.
    pub fn swallow_answers(&self, on: bool) {
        self.road.faults.send_modify(|faults| faults.swallow = on);
    }

    /// Whether new connections are turned away.
    pub fn refuse(&self, on: bool) {
        self.road.faults.send_modify(|faults| faults.refuse = on);
    }

    /// How many milliseconds everything takes longer, in each direction.
    pub fn delay(&self, milliseconds: u64) {
        self.road.faults.send_modify(|faults| faults.delay = Duration::from_millis(milliseconds));
    }

    /// Whether nothing gets through while connections stay open, as behind a cable that was pulled
    /// out. Nothing is lost if it ends in time.
    pub fn stall(&self, on: bool) {
        self.road.faults.send_modify(|faults| faults.stall = on);
    }

    /// Cuts everything and lets nobody in, or lets everybody in again.
    pub fn close(&self, on: bool) {
        self.road.faults.send_modify(|faults| {
            faults.refuse = on;
            faults.cuts += u64::from(on);
        });
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Counts {
            carried: read(&self.road.carried),
            refused: read(&self.road.refused),
            cut: read(&self.road.cut),
            swallowed: read(&self.road.swallowed),
            open: read(&self.road.open),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::SeqCst);
}

async fn accept(listener: TcpListener, upstream: String, road: Arc<Road>) {
    // Ends its tasks when it is dropped, and it is dropped with this one.
    let mut connections = JoinSet::new();
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        // Too many open files, or a client that has gone already.
        let Ok((client, _)) = client else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if road.faults.borrow().refuse {
            count(&road.refused);
            continue;
        }
        let (upstream, road) = (upstream.clone(), Arc::clone(&road));
        connections.spawn(async move { carry(client, &upstream, &road).await });
    }
}

/// Counts a connection for as long as it is open.
struct Open<'a>(&'a Road);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn carry(client: TcpStream, upstream: &str, road: &Road) {
    let mut faults = road.faults.subscribe();
    let before = faults.borrow().cuts;
    let Ok(server) = TcpStream::connect(upstream).await else {
        count(&road.refused);
        return;
    };
    count(&road.open);
    let _open = Open(road);
    count(&road.carried);
    // An answer that waits for the next packet would look like a slow server.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut faults = road.faults.subscribe();
        let mut chunk = vec![0; CHUNK];
        while let Some(bytes) = next(&mut from_client, &mut chunk, &mut faults).await {
            if to_server.write_all(bytes).await.is_err() {
                break;
            }
        }
    };
    let back = async {
        let mut faults = road.faults.subscribe();
        let mut chunk = vec![0; CHUNK];
        let mut sieve = Sieve::default();
        while let Some(bytes) = next(&mut from_server, &mut chunk, &mut faults).await {
            let bytes = sieve.sift(bytes, road);
            if to_client.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = faults.wait_for(|faults| faults.cuts != before) => count(&road.cut),
    }
}

/// The next bytes, when they may go on. Nothing: the connection has ended.
async fn next<'a>(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    chunk: &'a mut [u8],
    faults: &mut watch::Receiver<Faults>,
) -> Option<&'a [u8]> {
    // Before reading as well, so that a stalled road fills up as a real one would.
    pass(faults).await?;
    let read = from.read(chunk).await.ok().filter(|read| *read > 0)?;
    let delay = faults.borrow().delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    pass(faults).await?;
    chunk.get(..read)
}

async fn pass(faults: &mut watch::Receiver<Faults>) -> Option<()> {
    faults.wait_for(|faults| !faults.stall).await.ok().map(|_| ())
}

/// Lets through what is not swallowed. A message is swallowed whole or not at all.
#[derive(Default)]
struct Sieve {
    frames: Frames,
    swallowing: bool,
}

impl Sieve {
    fn sift(&mut self, bytes: &[u8], road: &Road) -> Vec<u8> {
        let mut kept = Vec::with_capacity(bytes.len());
        for piece in self.frames.feed(bytes) {
            match piece {
                Piece::Head(bytes) => {
                    self.swallowing = road.faults.borrow().swallow;
                    if self.swallowing {
                        count(&road.swallowed);
                    } else {
                        kept.extend(bytes);
                    }
                }
                Piece::Content(bytes) if !self.swallowing => kept.extend(bytes),
                Piece::Content(_) => {}
                Piece::Other(bytes) => kept.extend(bytes),
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    use super::*;

    /// Answers each line with a message that holds it.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (read, mut write) = stream.into_split();
                    let mut lines = BufReader::new(read).lines();
                    while let Ok(Some(line)) = lines.next_line().await {
                        let answer = match line.as_str() {
                            "PING" => "PONG\r\n".to_owned(),
                            line => format!("MSG echo 1 {}\r\n{line}\r\n", line.len()),
                        };
                        if write.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        address
    }

    struct Caller(BufReader<TcpStream>);

    impl Caller {
        async fn connect(proxy: &Proxy) -> Self {
            Self(BufReader::new(TcpStream::connect(proxy.address()).await.unwrap()))
        }

        async fn say(&mut self, line: &str) {
            self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        }

        /// The next line that comes; empty when the connection has ended.
        async fn hear(&mut self) -> String {
            let mut line = String::new();
            let heard = tokio::time::timeout(crate::PATIENCE, self.0.read_line(&mut line)).await;
            // A connection that is reset has ended as well.
            heard.expect("an answer or the end").map_or(String::new(), |_| line.trim_end().to_owned())
        }

        async fn ask(&mut self, line: &str) -> String {
            self.say(line).await;
            let head = self.hear().await;
            if head.starts_with("MSG") { self.hear().await } else { head }
        }
    }

    #[tokio::test]
    async fn carries_cuts_and_refuses() {
        let proxy = Proxy::start(&echo().await.to_string());
        let mut caller = Caller::connect(&proxy).await;
        assert_eq!(caller.ask("hello").await, "hello");
        proxy.cut();
        assert_eq!(caller.hear().await, "");
        proxy.refuse(true);
        assert_eq!(Caller::connect(&proxy).await.hear().await, "");
        proxy.refuse(false);
        assert_eq!(Caller::connect(&proxy).await.ask("again").await, "again");
        let counts = proxy.counts();
        assert_eq!((counts.carried, counts.cut, counts.refused), (2, 1, 1));
    }

    #[tokio::test]
    async fn swallows_messages_whole_and_nothing_else() {
        let proxy = Proxy::start(&echo().await.to_string());
        let mut caller = Caller::connect(&proxy).await;
        assert_eq!(caller.ask("one").await, "one");
        proxy.swallow_answers(true);
        caller.say("two").await;
        caller.say("three").await;
        assert_eq!(caller.ask("PING").await, "PONG");
        proxy.swallow_answers(false);
        assert_eq!(caller.ask("four").await, "four");
        assert_eq!(proxy.counts().swallowed, 2);
    }

    #[tokio::test]
    async fn a_stalled_road_holds_everything_and_loses_nothing() {
        let proxy = Proxy::start(&echo().await.to_string());
        let mut caller = Caller::connect(&proxy).await;
        assert_eq!(caller.ask("one").await, "one");
        proxy.stall(true);
        caller.say("two").await;
        let heard = tokio::time::timeout(Duration::from_millis(200), caller.0.fill_buf()).await;
        assert!(heard.is_err(), "something came through");
        proxy.stall(false);
        assert_eq!((caller.hear().await.as_str(), caller.hear().await.as_str()), ("MSG echo 1 3", "two"));
        proxy.delay(20);
        assert_eq!(caller.ask("three").await, "three");
        proxy.stall(true);
        proxy.cut();
        assert_eq!(caller.hear().await, "");
    }

    #[tokio::test]
    async fn a_road_that_is_gone_leaves_nothing_open() {
        let proxy = Proxy::start(&echo().await.to_string());
        let mut caller = Caller::connect(&proxy).await;
        assert_eq!(caller.ask("one").await, "one");
        drop(proxy);
        assert_eq!(caller.hear().await, "");
    }
}
