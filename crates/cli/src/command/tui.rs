//! `tui`: the dashboard.

use std::io::IsTerminal as _;
use std::sync::Arc;

use longhaul_client::fleet::Scope;
use longhaul_core::OrgId;
use longhaul_tui::{Glyphs, Live, Options, Palette};

use crate::args::{GlyphsArg, ThemeArg, Tui};
use crate::exit::{Code, usage};
use crate::place::{Need, Place};
use crate::settings::Settings;

impl From<ThemeArg> for Palette {
    fn from(arg: ThemeArg) -> Self {
        match arg {
            ThemeArg::Dark => Self::Dark,
            ThemeArg::Light => Self::Light,
            ThemeArg::Sixteen => Self::Sixteen,
            ThemeArg::Mono => Self::Mono,
        }
    }
}

pub(crate) async fn run(settings: &Settings, args: &Tui) -> anyhow::Result<Code> {
    // Before anything is started for it.
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(usage(longhaul_tui::Error::NoTerminal.to_string()));
    }
    log(settings)?;
    let place = Place::open(settings, Need::Questions).await?;
    let scope = match args.all {
        true => Scope::Everything,
        false => Scope::Organisation(OrgId::new(&settings.org)?),
    };
    let options = Options {
        org: settings.org.clone(),
        user: settings.user.clone(),
        place: address(settings),
        everything: args.all,
        palette: args.theme.map(Palette::from),
        glyphs: match args.glyphs {
            Some(GlyphsArg::Ascii) => Glyphs::Ascii,
            Some(GlyphsArg::Unicode) => Glyphs::Unicode,
            None => fitting(),
        },
        mouse: args.mouse,
    };
    let source = Arc::new(Live::new(place.client().clone(), scope));
    let outcome = longhaul_tui::run(source, options).await;
    place.close().await;
    outcome?;
    Ok(Code::Done)
}

/// Where the log is, without what is secret in the address.
fn address(settings: &Settings) -> String {
    let Some(url) = &settings.nats else { return "local".to_owned() };
    let host = url.rsplit_once('@').map_or(url.as_str(), |(_, host)| host);
    host.trim_start_matches("nats://").to_owned()
}

/// Signs that a terminal shows as wide as they are meant to be.
fn fitting() -> Glyphs {
    let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if said("TERM").is_some_and(|term| term == "dumb" || term == "linux") {
        return Glyphs::Ascii;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said).unwrap_or_default();
    // There, lines and blocks are often drawn two columns wide.
    let wide = ["ja", "ko", "zh"].iter().any(|language| locale.starts_with(language));
    let other = locale.contains('.') && !locale.to_lowercase().replace('-', "").ends_with("utf8");
    if wide || other { Glyphs::Ascii } else { Glyphs::Unicode }
}

/// Logs go to a file, and only what `LONGHAUL_LOG` asks for: the screen is not theirs.
fn log(settings: &Settings) -> anyhow::Result<()> {
    let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("LONGHAUL_LOG") else { return Ok(()) };
    std::fs::create_dir_all(&settings.data)?;
    let path = settings.data.join("tui.log");
    let file = std::fs::File::options().create(true).append(true).open(&path)?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let _ = subscriber.with_writer(std::sync::Mutex::new(file)).try_init();
    Ok(())
}
