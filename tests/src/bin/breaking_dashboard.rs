//! A dashboard whose clock breaks while it is shown, or, as the first argument says, a thread beside it
//! (`elsewhere`) or what reads the log (`reader`): to see what becomes of the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::BoxFuture;
use longhaul_client::fleet::{Scope, Told, Word};
use longhaul_client::{Client, Identity};
use longhaul_core::{OrgId, TaskRef, Timestamp};
use longhaul_journal::{Auth, ConnectOptions, Journal};
use longhaul_tui::{Live, Options, Records, Source, Steer};
use tokio::sync::mpsc;

/// How often the clock is read before it breaks: the first frames are drawn by then.
const READINGS: u32 = 10;

struct Breaking {
    live: Live,
    what: String,
    readings: AtomicU32,
}

impl Source for Breaking {
    fn words(&self, to: mpsc::Sender<Word>) -> BoxFuture<'static, ()> {
        if self.what == "reader" {
            return Box::pin(async { panic!("the reader broke") });
        }
        self.live.words(to)
    }

    fn story(&self, at: TaskRef, to: mpsc::Sender<Told>) -> BoxFuture<'static, ()> {
        self.live.story(at, to)
    }

    fn steer(&self, at: TaskRef, steer: Steer) -> BoxFuture<'static, Result<String, String>> {
        self.live.steer(at, steer)
    }

    fn records(&self) -> Records {
        self.live.records()
    }

    fn now(&self) -> Timestamp {
        let readings = self.readings.fetch_add(1, Ordering::Relaxed);
        if readings >= READINGS {
            assert!(!self.what.is_empty(), "the clock broke");
            if readings == READINGS && self.what == "elsewhere" {
                drop(std::thread::spawn(|| panic!("another thread broke")));
            }
        }
        self.live.now()
    }

    fn is_live(&self) -> bool {
        true
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (url, token) = (std::env::var("LONGHAUL_NATS")?, std::env::var("LONGHAUL_TOKEN")?);
    let options = ConnectOptions { auth: Auth::Token(token), ..ConnectOptions::new(&url) };
    let journal = Journal::connect(&options).await?;
    let client = Client::new(journal, Identity::new("acme", "ann", "test")?);
    let live = Live::new(client, Scope::Organisation(OrgId::new("acme")?));
    let what = std::env::args().nth(1).unwrap_or_default();
    let breaking = Breaking { live, what, readings: AtomicU32::new(0) };
    longhaul_tui::run(Arc::new(breaking), Options::default()).await?;
    Ok(())
}
