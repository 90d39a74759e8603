//! Colours and glyphs. Colour never stands alone: every status has its glyph and its word.
//!
//! Views ask for what a thing means, never for a colour. In [`Glyphs::Ascii`] views draw as always, and
//! one pass over the finished frame puts ASCII in place ([`Theme::finish`]).

use longhaul_core::Millis;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::store::Standing;

/// Which colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Palette {
    /// For a dark background.
    #[default]
    Dark,
    /// For a light background.
    Light,
    /// Only the terminal's own sixteen.
    Sixteen,
    /// None: bold, dim and reverse only.
    Mono,
}

impl Palette {
    /// The palette of that name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "dark" => Some(Self::Dark),
            "light" => Some(Self::Light),
            "16" => Some(Self::Sixteen),
            "mono" => Some(Self::Mono),
            _ => None,
        }
    }
}

/// Which signs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Lines, blocks and symbols.
    #[default]
    Unicode,
    /// ASCII only, for terminals that lack the others or take them for wide.
    Ascii,
}

impl Glyphs {
    /// The signs of that name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "unicode" => Some(Self::Unicode),
            "ascii" => Some(Self::Ascii),
            _ => None,
        }
    }

    /// Signs that this terminal shows as wide as they are meant to be.
    pub(crate) fn fitting() -> Self {
        let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if said("TERM").is_some_and(|term| term == "dumb" || term == "linux") {
            return Self::Ascii;
        }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said).unwrap_or_default();
        // There, lines and blocks are often drawn two columns wide.
        let wide = ["ja", "ko", "zh"].iter().any(|language| locale.starts_with(language));
        let other = locale.contains('.') && !locale.to_lowercase().replace('-', "").ends_with("utf8");
        if wide || other { Self::Ascii } else { Self::Unicode }
    }
}

/// Colours and glyphs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Theme {
    /// Which colours.
    pub palette: Palette,
    /// Which signs.
    pub glyphs: Glyphs,
}

/// What a line at the top says, by how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
    Bad,
}

const fn rgb(hex: u32) -> Color {
    let [_, r, g, b] = hex.to_be_bytes();
    Color::Rgb(r, g, b)
}

impl Theme {
    fn pick(self, dark: u32, light: u32, sixteen: Style) -> Style {
        match self.palette {
            Palette::Dark => Style::new().fg(rgb(dark)),
            Palette::Light => Style::new().fg(rgb(light)),
            Palette::Sixteen => sixteen,
            Palette::Mono => Style::new(),
        }
    }

    /// How a standing is drawn.
    pub(crate) fn standing(self, standing: Standing) -> Style {
        let fg = |color| Style::new().fg(color);
        let dim = Style::new().add_modifier(Modifier::DIM);
        let mono_dim = self.palette == Palette::Mono;
        let style = match standing {
            Standing::Paused => self.pick(0xE69F00, 0x8A5A00, fg(Color::Yellow)),
            Standing::Failed => self.pick(0xEB6928, 0xB43800, fg(Color::Red)),
            Standing::Expired => self.pick(0xEB6928, 0xB43800, fg(Color::Red)),
            Standing::Stalled => self.pick(0xF0E442, 0x6E5F00, fg(Color::LightYellow)),
            Standing::Aborting => self.pick(0xCC79A7, 0x963C6E, fg(Color::Magenta)),
            Standing::Retrying => self.pick(0xCC79A7, 0x963C6E, fg(Color::Magenta)),
            Standing::Running => self.pick(0x56B4E9, 0x00629E, fg(Color::Cyan)),
            Standing::Held => self.pick(0x968CC8, 0x605496, fg(Color::LightMagenta)),
            Standing::Pending => self.pick(0x969EAA, 0x5F6773, dim),
            Standing::Aborted => self.pick(0x8A909A, 0x5F6773, dim),
            Standing::Completed => self.pick(0x00B282, 0x006E50, fg(Color::Green)),
        };
        if standing.wants_attention() {
            style.add_modifier(Modifier::BOLD)
        } else if mono_dim && matches!(standing, Standing::Pending | Standing::Held | Standing::Aborted) {
            dim
        } else {
            style
        }
    }

    /// The glyph cell of a standing: a failure's is reversed, since its colour alone is weak for many.
    pub(crate) fn glyph_style(self, standing: Standing) -> Style {
        let style = self.standing(standing);
        match standing {
            Standing::Failed | Standing::Expired => style.add_modifier(Modifier::REVERSED),
            _ => style,
        }
    }

    /// What matters less.
    pub(crate) fn dim(self) -> Style {
        self.pick(0x8A909A, 0x5F6773, Style::new().add_modifier(Modifier::DIM))
            .add_modifier(if self.palette == Palette::Mono { Modifier::DIM } else { Modifier::empty() })
    }

    /// Frames.
    pub(crate) fn border(self) -> Style {
        self.pick(0x5A606B, 0xA0A6B0, Style::new()).add_modifier(match self.palette {
            Palette::Sixteen | Palette::Mono => Modifier::DIM,
            Palette::Dark | Palette::Light => Modifier::empty(),
        })
    }

    /// Titles, and the view one is in. In a frame a title would otherwise take the frame's colour, or
    /// be as dim.
    pub(crate) fn title(self) -> Style {
        Style::new().fg(Color::Reset).add_modifier(Modifier::BOLD).remove_modifier(Modifier::DIM)
    }

    /// Keys in hints, links, what can be acted on.
    pub(crate) fn accent(self) -> Style {
        self.pick(0x56B4E9, 0x00629E, Style::new().fg(Color::Cyan)).add_modifier(Modifier::BOLD)
    }

    /// The row one is on.
    pub(crate) fn selected(self) -> Style {
        match self.palette {
            Palette::Dark => Style::new().bg(rgb(0x2A3342)),
            Palette::Light => Style::new().bg(rgb(0xD9E4F2)),
            Palette::Sixteen | Palette::Mono => {
                // Dim inside a reversed row stays dim, and is then unreadable; colours would each be
                // reversed by themselves.
                let plain = Style::new().fg(Color::Reset).bg(Color::Reset);
                plain.add_modifier(Modifier::REVERSED).remove_modifier(Modifier::DIM)
            }
        }
    }

    /// A word or line of a tone.
    pub(crate) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Good => self.standing(Standing::Completed),
            Tone::Warning => self.standing(Standing::Paused),
            Tone::Bad => self.standing(Standing::Failed),
        }
    }

    /// A whole line that must not be overlooked.
    pub(crate) fn banner(self, tone: Tone) -> Style {
        self.tone(tone).add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    /// A bar of `columns` columns: what is done, and the rest.
    pub(crate) fn bar(self, thousandths: u16, columns: usize) -> (String, String) {
        let halves = (usize::from(thousandths) * columns * 2 + 500) / 1000;
        let (full, half) = (halves / 2, halves % 2);
        let mut done = "━".repeat(full);
        if half == 1 {
            done.push('╾');
        }
        (done, "─".repeat(columns - full - half))
    }

    /// A text with the signs that this terminal has. Letters are left alone: they are somebody's words.
    pub(crate) fn spelled(self, text: &str) -> std::borrow::Cow<'_, str> {
        if self.glyphs == Glyphs::Unicode || text.is_ascii() {
            return text.into();
        }
        let spelled = |c: char| match ascii(c.encode_utf8(&mut [0; 4])) {
            '?' if c != '◊' => c,
            sign => sign,
        };
        text.chars().map(spelled).collect::<String>().into()
    }

    /// The last touch on a finished frame.
    pub(crate) fn finish(self, buffer: &mut Buffer) {
        if self.glyphs == Glyphs::Unicode {
            return;
        }
        for cell in &mut buffer.content {
            let symbol = cell.symbol();
            if !symbol.is_ascii() {
                let plain = ascii(symbol);
                cell.set_char(plain);
            }
        }
    }
}

/// The glyph of a standing.
pub(crate) fn glyph(standing: Standing) -> &'static str {
    match standing {
        Standing::Paused => "◊",
        Standing::Failed => "✗",
        Standing::Expired => "⧗",
        Standing::Stalled => "!",
        Standing::Aborting => "◂",
        Standing::Retrying => "↻",
        Standing::Running => "►",
        Standing::Held => "⊘",
        Standing::Pending => "◌",
        Standing::Aborted => "∎",
        Standing::Completed => "✓",
    }
}

/// What stands for a symbol in ASCII.
fn ascii(symbol: &str) -> char {
    match symbol.chars().next().unwrap_or(' ') {
        '◊' => '?',
        '✗' => 'x',
        '⧗' => 'e',
        '◂' => '<',
        '↻' => '~',
        '►' | '▸' => '>',
        '⊘' => '=',
        '◌' | '·' | '•' => '.',
        '∎' => '#',
        '✓' => 'v',
        '⚑' => '*',
        '…' => '~',
        '→' | '›' => '>',
        '↑' => '^',
        '━' | '╾' | '┃' | '█' | '▓' => '#',
        '─' => '-',
        '│' | '╎' => '|',
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => {
            '+'
        }
        '▁' | '▂' => '_',
        '▃' | '▄' => '-',
        '▅' | '▆' => '=',
        '▇' => '#',
        '╪' => '|',
        '⠀' => ' ',
        '⠁'..='⣿' => '.',
        '░' | '▒' => ':',
        _ => '?',
    }
}

/// How long it may take until a terminal says what its background is.
pub(crate) const ASK: Millis = Millis(100);
