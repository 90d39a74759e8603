//! What is typed, read on a thread of its own.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc;

/// How often the thread that reads keys looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(200);

/// Something the terminal said, and when it was read.
pub(crate) type Heard = (std::time::Instant, Event);

/// What the terminal says, read on a thread of its own.
pub(crate) struct Keys {
    pub(crate) events: mpsc::Receiver<io::Result<Heard>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keys {
    /// Reads the terminal until nobody listens.
    pub(crate) fn read() -> Self {
        let (sender, events) = mpsc::channel(64);
        let read = move || {
            while !sender.is_closed() {
                let read = match event::poll(LOOK) {
                    Ok(false) => continue,
                    Ok(true) => event::read().map(|event| (std::time::Instant::now(), event)),
                    Err(error) => Err(error),
                };
                let broken = read.is_err();
                if sender.blocking_send(read).is_err() || broken {
                    return;
                }
            }
        };
        Self { events, thread: Some(std::thread::spawn(read)) }
    }

    /// Reads no more: what is typed from here on is another program's.
    pub(crate) fn stop(&mut self) {
        self.events.close();
        if let Some(thread) = self.thread.take() {
            // It only ends by itself; a panic in it has been told already.
            let _ = thread.join();
        }
    }
}

/// What is told of a terminal that is gone.
pub(crate) fn hung_up() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "it is gone")
}
