//! The loop: waits for something to happen, lets `update` take it, draws.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyEventKind};
use ratatui::crossterm::terminal;
use tokio::sync::mpsc;

use super::inline::Inline;
use super::state::{Chat, Msg};
use super::told::{Told, Wish};
use super::update::update;
use super::view::bottom;
use crate::run::Error;
use crate::start::fitting;
use crate::stop::{Stop, Stops, Whom, stop};
use crate::theme::{Glyphs, Palette, Theme};
use crate::typing::{Keys, hung_up};

/// How often what moves moves.
const TICK: Duration = Duration::from_millis(120);
/// Words that are taken before it is drawn.
const GULP: usize = 64;

/// How the conversation is to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Which colours; nothing: what suits the terminal.
    pub palette: Option<Palette>,
    /// Which signs; nothing: what suits the terminal.
    pub glyphs: Option<Glyphs>,
}

/// Holds a conversation on this terminal until its person leaves it, or the one who keeps it does.
///
/// # Errors
/// [`Error::NoTerminal`] without a terminal, [`Error::Terminal`] if it breaks. In either case the
/// terminal is as it was before.
pub async fn run(
    options: Options,
    wish: mpsc::UnboundedSender<Wish>,
    mut told: mpsc::Receiver<Told>,
) -> Result<(), Error> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Error::NoTerminal);
    }
    // From here on no signal ends the process before the terminal is given back.
    let mut stops = Stops::listen();
    // Asked before anything else reads from the terminal.
    let theme = Theme {
        palette: options.palette.unwrap_or_else(fitting),
        glyphs: options.glyphs.unwrap_or_else(Glyphs::fitting),
    };
    let mut chat = Chat { theme, size: terminal::size()?, ..Chat::default() };
    let mut screen = Inline::take(theme)?;
    let mut keys = Keys::read();
    while !chat.left {
        let finished = std::mem::take(&mut chat.finished);
        screen.draw(&finished, &bottom(&chat), chat.size.0)?;
        let tick = tokio::time::sleep(TICK);
        let mut words = Vec::new();
        tokio::select! {
            biased;
            happened = stops.next() => match happened {
                Stop::End => return Ok(()),
                Stop::Gone => return Err(hung_up().into()),
                Stop::Asked => suspend(&mut screen, &mut chat, Whom::Us)?,
                Stop::Over => screen.come_back()?,
            },
            event = keys.events.recv() => {
                let Some(event) = event else { return Err(hung_up().into()) };
                words.extend(message(event?.1));
            }
            word = told.recv() => {
                let Some(word) = word else { return Ok(()) };
                words.push(Msg::Told(word));
                while let (true, Ok(word)) = (words.len() < GULP, told.try_recv()) {
                    words.push(Msg::Told(word));
                }
            }
            () = tick, if chat.moves() => words.push(Msg::Tick),
        }
        for word in words {
            for wanted in update(&mut chat, word) {
                // Whoever keeps the conversation has left if nobody takes it: that is heard next.
                let _ = wish.send(wanted);
            }
        }
        if std::mem::take(&mut chat.suspend) {
            suspend(&mut screen, &mut chat, Whom::Job)?;
        }
    }
    Ok(())
}

/// What an event of the terminal means here.
fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Msg::Key(key)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(columns, rows) => Some(Msg::Resize(columns, rows)),
        Event::Key(_) | Event::Mouse(_) | Event::FocusGained | Event::FocusLost => None,
    }
}

/// Gives the terminal back and stops until somebody has the process go on.
fn suspend(screen: &mut Inline, chat: &mut Chat, whom: Whom) -> io::Result<()> {
    screen.leave(chat.size.0);
    stop(whom);
    screen.come_back()?;
    // The window may have another size by now.
    chat.size = terminal::size()?;
    Ok(())
}
