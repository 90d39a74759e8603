//! The loop: waits for something to happen, lets [`update`](crate::update) take it, draws when
//! something changed, at most so often.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use longhaul_client::fleet::Point;
use longhaul_core::Millis;
use ratatui::crossterm::event::{Event, KeyEventKind};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::aside::Aside;
use crate::effect::{Effect, Performer, ROOM};
use crate::figures::Figures;
use crate::host::{Host, Hosted, Left, Remark};
use crate::msg::Msg;
use crate::settings::Settings;
use crate::source::Source;
use crate::start::{begin, fitting};
use crate::stop::{Stop, Stops, Whom, stop};
use crate::terminal::Screen;
use crate::theme::{self, Palette};
use crate::typing::{Keys, hung_up};
use crate::update::update;

/// The shortest time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);
/// The same while nobody looks.
const UNSEEN: Duration = Duration::from_millis(500);
/// How many messages are taken before a frame is drawn, at most.
const GULP: usize = 64;

/// How the dashboard is to be.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The organisation spoken for.
    pub org: String,
    /// The user spoken for.
    pub user: String,
    /// Where the log is, for people; may be empty.
    pub place: String,
    /// How a command of `longhaul` finds the log: options with a blank before each, for a shell.
    pub call: String,
    /// All organisations are shown.
    pub everything: bool,
    /// Which colours; nothing: what suits the terminal.
    pub palette: Option<Palette>,
    /// Which signs; nothing: what suits the terminal.
    pub glyphs: Option<theme::Glyphs>,
    /// The mouse works from the beginning; nothing: as it was the last time, or as suits the terminal.
    pub mouse: Option<bool>,
    /// Only the user's own tasks, as a list of downloads.
    pub mine: bool,
    /// The moment to begin at; nothing: now.
    pub at: Option<Point>,
    /// Where downloads and exports are written; empty: where one is.
    pub folder: PathBuf,
    /// A file with keys in place of the usual ones, if there is one.
    pub keys: Option<PathBuf>,
    /// A file in which choices are remembered.
    pub remembered: Option<PathBuf>,
    /// A file into which is written, at the end, how long everything took.
    pub figures: Option<PathBuf>,
}

/// Why the dashboard does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody could see it.
    #[error(
        "the dashboard needs a terminal, and stdin or stdout is none; for scripts there are `longhaul tui --plain`, `longhaul ls` and `longhaul watch`"
    )]
    NoTerminal,
    /// What reads the log broke off: a bug.
    #[error("what reads the log broke off ({0}); start the dashboard again")]
    Reader(String),
    /// The terminal does not do what it is told.
    #[error("the terminal cannot be used")]
    Terminal(#[from] io::Error),
}

/// Runs the dashboard on this terminal until its user leaves it, or the process is asked to end.
///
/// To be awaited where the process began, as by `block_on`: a panic there is told on a terminal that was
/// given back, while one of another thread goes into the log only, since the dashboard goes on.
///
/// # Errors
/// [`Error::NoTerminal`] without a terminal, [`Error::Terminal`] if it breaks. In either case the
/// terminal is as it was before.
pub async fn run(source: Arc<dyn Source>, options: Options) -> Result<Left, Error> {
    run_for(Host::default(), source, options).await
}

/// Runs the dashboard for a command that runs things of its own beside it, as [`run`] does. Dropped, it
/// gives the terminal back.
///
/// # Errors
/// As [`run`].
pub async fn run_for(host: Host, source: Arc<dyn Source>, options: Options) -> Result<Left, Error> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Error::NoTerminal);
    }
    // From here on no signal ends the process before the terminal is given back.
    let stops = Stops::listen();
    // Asked before anything else reads from the terminal.
    let palette = options.palette.unwrap_or_else(fitting);
    let app = begin(source.as_ref(), &options, palette, Hosted::by(&host));
    let mut screen = Screen::take()?;
    let app = App { size: screen.size()?, ..app };
    if app.mouse {
        screen.mouse(true)?;
    }
    let (sender, words) = mpsc::channel(ROOM);
    let mut performer = Performer::start(source.clone(), options.folder.clone(), sender);
    let keys = Keys::read();
    let mut figures = options.figures.as_deref().map(Figures::new);
    if let Some(figures) = &mut figures {
        figures.connected();
    }
    // A log that does not grow is seen at its end.
    let at = options.at.or(source.ends_at().map(Point::At));
    let remarks = host.remarks;
    let mut all =
        Loop { app, screen, source, words, remarks, keys, stops, focused: true, aside: None, figures };
    if let Some(point) = at {
        all.take(&mut performer, Msg::Go(point))?;
    }
    let outcome = all.run(&mut performer).await;
    if let Some(path) = &options.remembered {
        Settings::of(&all.app).write(path);
    }
    if let Some(figures) = &all.figures {
        figures.write()?;
    }
    outcome
}

struct Loop {
    app: App,
    screen: Screen,
    source: Arc<dyn Source>,
    words: mpsc::Receiver<Msg>,
    /// What the host says, until it has nothing more to say.
    remarks: Option<mpsc::Receiver<Remark>>,
    keys: Keys,
    stops: Stops,
    focused: bool,
    /// What needs the terminal for itself, next.
    aside: Option<Aside>,
    figures: Option<Figures>,
}

impl Loop {
    async fn run(&mut self, performer: &mut Performer) -> Result<Left, Error> {
        self.draw(performer)?;
        let mut drawn = Instant::now();
        let mut dirty = false;
        while !self.app.quit {
            if let Some(aside) = self.aside.take() {
                match self.step_aside(aside).await? {
                    Some(msg) => self.take(performer, msg)?,
                    None => return Ok(Left::AskedToEnd),
                }
                dirty = true;
            }
            let wake = self.wake();
            let pause = if self.focused { FRAME } else { UNSEEN };
            let frame = drawn + pause;
            let mut at_once = false;
            tokio::select! {
                biased;
                stop = self.stops.next() => {
                    if let Some(left) = self.stopped(stop)? {
                        return Ok(left);
                    }
                    (dirty, at_once) = (true, true);
                }
                event = self.keys.events.recv() => {
                    let Some(event) = event else { return Err(hung_up().into()) };
                    let (read_at, event) = event?;
                    if self.hear(performer, event)? {
                        dirty = true;
                        self.figures.iter_mut().for_each(|figures| figures.pressed(read_at));
                    }
                    at_once = true;
                }
                () = tokio::time::sleep_until(frame), if dirty => at_once = true,
                why = performer.broken() => return Err(Error::Reader(why)),
                remark = said(&mut self.remarks) => {
                    self.take(performer, Msg::Remark(remark))?;
                    dirty = true;
                }
                word = self.words.recv() => {
                    let Some(word) = word else { return Ok(Left::Quit) };
                    dirty |= self.gulp(performer, word)?;
                }
                () = tokio::time::sleep_until(wake) => {
                    self.take(performer, Msg::Tick(self.source.now()))?;
                    dirty = true;
                }
            }
            if dirty && (at_once || drawn.elapsed() >= pause) {
                self.draw(performer)?;
                drawn = Instant::now();
                dirty = false;
            }
        }
        Ok(if self.app.host.at_once { Left::AtOnce } else { Left::Quit })
    }

    /// Draws everything as it is now.
    fn draw(&mut self, performer: &mut Performer) -> io::Result<()> {
        let due = self.figures.is_some().then(std::time::Instant::now);
        // Times that count must be of now, whatever brought this frame about.
        self.take(performer, Msg::Tick(self.source.now()))?;
        let bytes = self.screen.draw(&self.app)?;
        if let (Some(figures), Some(due)) = (&mut self.figures, due) {
            figures.drawn(due, bytes, self.app.listed);
        }
        Ok(())
    }

    /// When something changes by itself next.
    fn wake(&self) -> Instant {
        let Millis(wait) = self.app.wakes_at().since(self.source.now());
        Instant::now() + Duration::from_millis(wait.clamp(1, 1000))
    }

    /// Takes a word and what else is there already: one frame shows all of it. Whether there has to be one.
    fn gulp(&mut self, performer: &mut Performer, first: Msg) -> io::Result<bool> {
        let before = self.app.gist();
        let mut waits = self.app.can_wait(&first);
        self.take(performer, first)?;
        for _ in 0..GULP {
            let Ok(word) = self.words.try_recv() else { break };
            waits &= self.app.can_wait(&word);
            self.take(performer, word)?;
        }
        Ok(!waits || self.app.gist() != before)
    }

    fn take(&mut self, performer: &mut Performer, msg: Msg) -> io::Result<()> {
        for effect in update(&mut self.app, msg) {
            match performer.perform(effect) {
                Some(Effect::Copy(text)) => self.screen.copy(&text)?,
                Some(Effect::Mouse(on)) => self.screen.mouse(on)?,
                Some(Effect::Redraw) => self.screen.redraw()?,
                Some(Effect::Ring(text)) => self.screen.ring(&text)?,
                Some(Effect::Edit(draft)) => self.aside = Some(Aside::Edit(draft)),
                Some(Effect::Show(text)) => self.aside = Some(Aside::Show(text)),
                Some(Effect::Suspend) => self.suspend(Whom::Job)?,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Lets another program have the terminal until it ends; what comes of it. Nothing: the process is
    /// asked to end.
    async fn step_aside(&mut self, aside: Aside) -> io::Result<Option<Msg>> {
        self.keys.stop();
        self.screen.leave();
        let mut ended = std::pin::pin!(aside.run());
        let ended = loop {
            tokio::select! {
                ended = &mut ended => break Some(ended),
                stopped = self.stops.next_aside() => match stopped {
                    Stop::End => break None,
                    // The other program stops by itself, and leaves the terminal as it found it.
                    _ => stop(Whom::Us),
                },
            }
        };
        self.stops.back();
        self.come_back()?;
        self.keys = Keys::read();
        Ok(ended)
    }

    /// Takes the terminal again, however it was left.
    fn come_back(&mut self) -> io::Result<()> {
        self.screen.come_back()?;
        if self.app.mouse {
            self.screen.mouse(true)?;
        }
        // The window may have another size by now.
        (self.app.size, self.focused) = (self.screen.size()?, true);
        Ok(())
    }

    /// Gives the terminal back and stops until somebody has the process go on.
    fn suspend(&mut self, whom: Whom) -> io::Result<()> {
        self.screen.leave();
        stop(whom);
        self.come_back()
    }

    /// Takes what happens to the process; how the dashboard is left for it, if it is.
    fn stopped(&mut self, what: Stop) -> io::Result<Option<Left>> {
        match what {
            Stop::End => return Ok(Some(Left::AskedToEnd)),
            Stop::Asked => self.suspend(Whom::Us)?,
            Stop::Over => {
                self.screen.leave();
                self.come_back()?;
            }
            Stop::Gone => return Err(hung_up()),
        }
        Ok(None)
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

/// What the host says next.
async fn said(remarks: &mut Option<mpsc::Receiver<Remark>>) -> Remark {
    if let Some(open) = remarks {
        match open.recv().await {
            Some(remark) => return remark,
            None => *remarks = None,
        }
    }
    std::future::pending().await
}
