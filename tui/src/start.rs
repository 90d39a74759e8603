//! The dashboard as it is to begin.

use std::path::Path;

use crate::app::{App, Me, Notice, Travel, View};
use crate::host::Hosted;
use crate::keys::Keymap;
use crate::run::Options;
use crate::settings::Settings;
use crate::source::Source;
use crate::text::fit;
use crate::theme::{ASK, Glyphs, Palette, Theme, Tone};

/// The dashboard as it is to begin: what was asked for goes before what is remembered, and that before
/// what suits the terminal.
pub(crate) fn begin(source: &dyn Source, options: &Options, palette: Palette, host: Hosted) -> App {
    let me = Me {
        org: options.org.clone(),
        user: options.user.clone(),
        place: options.place.clone(),
        everything: options.everything,
    };
    let mut app = App {
        me,
        call: options.call.clone(),
        host,
        origin: source.origin(),
        now: source.now(),
        travel: Travel { ends_at: source.ends_at(), ..Travel::default() },
        // Over a slow line reports of the mouse are a burden, and selecting text matters more.
        mouse: !["SSH_TTY", "SSH_CONNECTION"].iter().any(|name| std::env::var_os(name).is_some()),
        ..App::default()
    };
    app.theme = Theme { palette, glyphs: Glyphs::fitting() };
    // The first line is the newest: so they are read as they were written.
    for text in app.host.notices.iter().rev().cloned() {
        app.inbox.add(Notice { at: app.now, tone: Tone::Good, text, about: None });
    }
    app.inbox.read();
    let remembered = options.remembered.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    choose(&mut app, options, palette, &remembered.unwrap_or_default());
    if let Some(path) = &options.keys
        && let Ok(text) = std::fs::read_to_string(path)
    {
        own_keys(&mut app, path, &text);
    }
    app
}

/// What is remembered, and over it what was asked for.
fn choose(app: &mut App, options: &Options, palette: Palette, remembered: &str) {
    Settings::read(remembered).apply(app);
    // Whoever wants no colour has none, whatever was chosen before.
    if palette == Palette::Mono || options.palette.is_some() {
        app.theme.palette = palette;
    }
    app.theme.glyphs = options.glyphs.unwrap_or(app.theme.glyphs);
    app.mouse = options.mouse.unwrap_or(app.mouse);
    if options.mine {
        (app.alone, app.view) = (true, View::Mine);
    }
}

/// Takes the keys of a file; one that is not sound is told of and left alone.
fn own_keys(app: &mut App, path: &Path, text: &str) {
    match Keymap::read(text) {
        Ok(keys) => app.keys = keys,
        Err(why) => {
            let text = format!("{} is not used: {why}", fit(&path.to_string_lossy(), 100));
            let notice = Notice { at: app.now, tone: Tone::Bad, text, about: None };
            app.inbox.add(notice.clone());
            app.say(notice);
        }
    }
}

/// The colours that suit this terminal.
pub(crate) fn fitting() -> Palette {
    let set = |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    if set("NO_COLOR") {
        return Palette::Mono;
    }
    let many = std::env::var("COLORTERM").is_ok_and(|said| said == "truecolor" || said == "24bit");
    if !many {
        return Palette::Sixteen;
    }
    let mut options = terminal_colorsaurus::QueryOptions::default();
    options.timeout = ASK.duration();
    match terminal_colorsaurus::theme_mode(options) {
        Ok(terminal_colorsaurus::ThemeMode::Light) => Palette::Light,
        _ => Palette::Dark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{picture, press, sample};

    #[test]
    fn what_is_asked_for_goes_before_what_is_remembered() {
        let remembered = "theme = \"light\"\nglyphs = \"ascii\"\nmouse = true\nbell = false\n";
        let begun = |options: Options, palette| {
            let mut app = sample(120, 36);
            choose(&mut app, &options, palette, remembered);
            app
        };
        let app = begun(Options::default(), Palette::Dark);
        assert_eq!(app.theme, Theme { palette: Palette::Light, glyphs: Glyphs::Ascii });
        assert!(app.mouse && app.bell.off && !app.alone);
        let options = Options {
            palette: Some(Palette::Sixteen),
            glyphs: Some(Glyphs::Unicode),
            mouse: Some(false),
            mine: true,
            ..Options::default()
        };
        let app = begun(options, Palette::Sixteen);
        assert_eq!(app.theme, Theme { palette: Palette::Sixteen, glyphs: Glyphs::Unicode });
        assert!(!app.mouse && app.alone && app.view == View::Mine);
        let app = begun(Options::default(), Palette::Mono);
        assert_eq!(app.theme.palette, Palette::Mono, "NO_COLOR is NO_COLOR");
    }

    #[test]
    fn keys_that_are_not_sound_are_told_of_and_the_usual_ones_hold() {
        let mut app = sample(120, 36);
        own_keys(&mut app, Path::new("keys.toml"), "abort = \"a\"");
        assert!(picture(&app).contains("keys.toml is not used: a would mean both"), "{}", picture(&app));
        assert_eq!(app.inbox.unread(), 1);
        press(&mut app, &["q"]);
        assert!(app.quit);
        let mut app = sample(120, 36);
        own_keys(&mut app, Path::new("keys.toml"), "quit = \"Q\"");
        press(&mut app, &["q"]);
        assert!(!app.quit);
        press(&mut app, &["Q"]);
        assert!(app.quit);
        assert!(picture(&app).contains("Q quit"), "the footer says so too");
    }
}
