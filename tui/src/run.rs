//! The loop: waits for something to happen, lets [`update`](crate::update) take it, draws when
//! something changed, at most so often.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use longhaul_core::Millis;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::{App, Me};
use crate::effect::{Effect, Performer};
use crate::msg::Msg;
use crate::source::Source;
use crate::terminal::Screen;
use crate::theme::{self, Palette, Theme};
use crate::update::update;

/// The shortest time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);
/// The same while nobody looks.
const UNSEEN: Duration = Duration::from_millis(500);
/// How many messages are taken before a frame is drawn, at most.
const GULP: usize = 64;
/// How often the thread that reads keys looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(200);

/// How the dashboard is to be.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The organisation spoken for.
    pub org: String,
    /// The user spoken for.
    pub user: String,
    /// Where the log is, for people; may be empty.
    pub place: String,
    /// All organisations are shown.
    pub everything: bool,
    /// Which colours; nothing: what suits the terminal.
    pub palette: Option<Palette>,
    /// Which signs.
    pub glyphs: theme::Glyphs,
    /// The mouse works from the beginning.
    pub mouse: bool,
}

/// Why the dashboard does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody could see it.
    #[error(
        "the dashboard needs a terminal, and stdin or stdout is none; for scripts there are `longhaul ls` and `longhaul watch`"
    )]
    NoTerminal,
    /// The terminal does not do what it is told.
    #[error("the terminal cannot be used")]
    Terminal(#[from] io::Error),
}

/// Runs the dashboard on this terminal until its user leaves it, or the process is asked to end.
///
/// # Errors
/// [`Error::NoTerminal`] without a terminal, [`Error::Terminal`] if it breaks. In either case the
/// terminal is as it was before.
pub async fn run(source: Arc<dyn Source>, options: Options) -> Result<(), Error> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Error::NoTerminal);
    }
    // Asked before anything else reads from the terminal.
    let palette = options.palette.unwrap_or_else(fitting);
    let mut app = App {
        theme: Theme { palette, glyphs: options.glyphs },
        mouse: options.mouse,
        me: Me { org: options.org, user: options.user, place: options.place, everything: options.everything },
        origin: source.origin(),
        now: source.now(),
        ..App::default()
    };
    let mut screen = Screen::take()?;
    app.size = screen.size()?;
    if app.mouse {
        screen.mouse(true)?;
    }
    let (sender, words) = mpsc::channel(64);
    let mut performer = Performer::start(source.clone(), sender);
    let keys = read_terminal();
    Loop { app, screen, source, words, keys, focused: true }.run(&mut performer).await?;
    Ok(())
}

struct Loop {
    app: App,
    screen: Screen,
    source: Arc<dyn Source>,
    words: mpsc::Receiver<Msg>,
    keys: mpsc::Receiver<io::Result<Event>>,
    focused: bool,
}

impl Loop {
    async fn run(&mut self, performer: &mut Performer) -> io::Result<()> {
        let mut end = std::pin::pin!(asked_to_end());
        self.take(performer, Msg::Tick(self.source.now()))?;
        self.screen.draw(&self.app)?;
        let mut drawn = Instant::now();
        let mut dirty = false;
        while !self.app.quit {
            let wake = self.wake();
            let pause = if self.focused { FRAME } else { UNSEEN };
            let frame = drawn + pause;
            let mut at_once = false;
            tokio::select! {
                biased;
                () = &mut end => return Ok(()),
                event = self.keys.recv() => {
                    let Some(event) = event else { return Ok(()) };
                    dirty |= self.hear(performer, event?)?;
                    at_once = true;
                }
                () = tokio::time::sleep_until(frame), if dirty => at_once = true,
                word = self.words.recv() => {
                    let Some(word) = word else { return Ok(()) };
                    self.take(performer, word)?;
                    self.gulp(performer)?;
                    dirty = true;
                }
                () = tokio::time::sleep_until(wake) => {
                    self.take(performer, Msg::Tick(self.source.now()))?;
                    dirty = true;
                }
            }
            if dirty && (at_once || drawn.elapsed() >= pause) {
                // Times that count must be of now, whatever brought this frame about.
                self.take(performer, Msg::Tick(self.source.now()))?;
                self.screen.draw(&self.app)?;
                drawn = Instant::now();
                dirty = false;
            }
        }
        Ok(())
    }

    /// When something changes by itself next.
    fn wake(&self) -> Instant {
        let Millis(wait) = self.app.wakes_at().since(self.source.now());
        Instant::now() + Duration::from_millis(wait.clamp(1, 1000))
    }

    /// Takes what else is there already: one frame shows all of it.
    fn gulp(&mut self, performer: &mut Performer) -> io::Result<()> {
        for _ in 0..GULP {
            let Ok(word) = self.words.try_recv() else { break };
            self.take(performer, word)?;
        }
        Ok(())
    }

    fn take(&mut self, performer: &mut Performer, msg: Msg) -> io::Result<()> {
        for effect in update(&mut self.app, msg) {
            match performer.perform(effect) {
                Some(Effect::Copy(text)) => self.screen.copy(&text)?,
                Some(Effect::Mouse(on)) => self.screen.mouse(on)?,
                Some(Effect::Redraw) => self.screen.redraw()?,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Takes what the terminal says; whether something may have changed.
    fn hear(&mut self, performer: &mut Performer, event: Event) -> io::Result<bool> {
        let msg = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => Msg::Key(key),
            Event::Key(_) => return Ok(false),
            Event::Mouse(mouse) => Msg::Mouse(mouse),
            Event::Paste(text) => Msg::Paste(text),
            Event::Resize(columns, rows) => Msg::Resize(columns, rows),
            Event::FocusGained => {
                self.focused = true;
                return Ok(true);
            }
            Event::FocusLost => {
                self.focused = false;
                return Ok(false);
            }
        };
        self.take(performer, msg)?;
        Ok(true)
    }
}

/// Reads the terminal on a thread of its own, until nobody listens.
fn read_terminal() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        while !sender.is_closed() {
            let read = match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let broken = read.is_err();
            if sender.blocking_send(read).is_err() || broken {
                return;
            }
        }
    });
    receiver
}

/// Waits until the process is asked to end.
async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}

/// The colours that suit this terminal.
fn fitting() -> Palette {
    let set = |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    if set("NO_COLOR") {
        return Palette::Mono;
    }
    let many = std::env::var("COLORTERM").is_ok_and(|said| said == "truecolor" || said == "24bit");
    if !many {
        return Palette::Sixteen;
    }
    let mut options = terminal_colorsaurus::QueryOptions::default();
    options.timeout = theme::ASK.duration();
    match terminal_colorsaurus::theme_mode(options) {
        Ok(terminal_colorsaurus::ThemeMode::Light) => Palette::Light,
        _ => Palette::Dark,
    }
}
