//! A dashboard whose clock breaks while it is shown, or, asked for `elsewhere`, a thread beside it: to see
//! what becomes of the terminal.

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
    elsewhere: bool,
    readings: AtomicU32,
}

impl Source for Breaking {
    fn words(&self, to: mpsc::Sender<Word>) -> BoxFuture<'static, ()> {
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
            assert!(self.elsewhere, "the clock broke");
            if readings == READINGS {
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
    let elsewhere = std::env::args().nth(1).is_some_and(|asked| asked == "elsewhere");
    let breaking = Breaking { live, elsewhere, readings: AtomicU32::new(0) };
    longhaul_tui::run(Arc::new(breaking), Options::default()).await?;
    Ok(())
}
