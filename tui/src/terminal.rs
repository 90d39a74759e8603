//! The terminal itself: taken over, written to once a frame, and given back whatever happens.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::ThreadId;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute, queue};

use crate::app::App;
use crate::view;

/// Whether the terminal is taken over: whoever gives it back first, does.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The thread that took it over.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// The terminal, for as long as this lives.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Frames>>,
    frames: Frames,
}

impl Screen {
    /// Takes the terminal over. It is given back when this is dropped, and before a panic of this thread is
    /// told. A panic elsewhere ends one task of many: it is logged, and the screen stays.
    pub(crate) fn take() -> io::Result<Self> {
        HOOK.call_once(|| {
            let told = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                let draws = *DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
                if TAKEN.load(Ordering::SeqCst) && draws != Some(std::thread::current().id()) {
                    return tracing::error!("{panic}");
                }
                give_back();
                told(panic);
            }));
        });
        *DRAWS.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current().id());
        let frames = Frames::default();
        let terminal = enter().and_then(|()| Terminal::new(CrosstermBackend::new(frames.clone())));
        match terminal {
            Ok(terminal) => Ok(Self { terminal, frames }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Lets another program have the terminal.
    pub(crate) fn leave(&mut self) {
        give_back();
    }

    /// Takes it back: the other program has ended.
    pub(crate) fn come_back(&mut self) -> io::Result<()> {
        enter()?;
        self.terminal.clear()
    }

    /// Rings the bell, and has terminals that can show a notification of one line (OSC 9).
    pub(crate) fn ring(&mut self, text: &str) -> io::Result<()> {
        let clean = longhaul_core::text::line(text, 200);
        let mut out = io::stdout().lock();
        // What begins with a number would mean something else to some terminals.
        write!(out, "\x1b]9;longhaul: {clean}\x07\x07")?;
        out.flush()
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws what changed, in one write of so many bytes.
    pub(crate) fn draw(&mut self, app: &App) -> io::Result<usize> {
        queue!(self.frames, BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| view::draw(app, frame))?;
        queue!(self.frames, EndSynchronizedUpdate)?;
        self.frames.send()
    }

    /// Draws every cell at the next frame.
    pub(crate) fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Turns the mouse on or off.
    pub(crate) fn mouse(&mut self, on: bool) -> io::Result<()> {
        if on {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// Puts a text on the terminal's clipboard, wherever the terminal is (OSC 52).
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
        out.flush()
    }
}

/// Whether this process has a terminal it may take: stdin and stdout are one, and it is in its foreground.
/// One that was started with `&` would only be stopped for it.
pub fn has_terminal() -> bool {
    let stdin = io::stdin();
    let both = stdin.is_terminal() && io::stdout().is_terminal();
    both && rustix::termios::tcgetpgrp(&stdin).is_ok_and(|group| group == rustix::process::getpgrp())
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Takes the terminal over.
fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, cursor::Hide)
}

/// Gives the terminal back as it was. What fails here has nowhere to be told.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Gathers a frame; only [`Frames::send`] writes.
#[derive(Clone, Default)]
struct Frames(Arc<Mutex<Vec<u8>>>);

impl Frames {
    fn send(&self) -> io::Result<usize> {
        let mut frame = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = io::stdout().lock();
        let sent = out.write_all(&frame).and_then(|()| out.flush());
        let bytes = frame.len();
        frame.clear();
        sent.map(|()| bytes)
    }
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Nothing yet: the frame is not over.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let of = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let all = of(0) << 16 | of(1) << 8 | of(2);
        for place in 0..4_usize {
            let letter = LETTERS[(all >> (18 - 6 * place) & 63) as usize];
            out.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_everybody_reads_it() {
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
