//! `tui`: the dashboard.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use longhaul_client::fleet::{Point, Recorded, Scope};
use longhaul_client::{Client, Error as ClientError, Identity};
use longhaul_core::{OrgId, Timestamp};
use longhaul_tui::{Glyphs, Live, Options, Palette};

use crate::args::{GlyphsArg, ThemeArg, Tui};
use crate::command::dashboard;
use crate::exit::{Code, usage};
use crate::output::say;
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
    if !args.plain && (!std::io::stdout().is_terminal() || !std::io::stdin().is_terminal()) {
        return Err(usage(longhaul_tui::Error::NoTerminal.to_string()));
    }
    // Only what is asked for.
    dashboard::log(&settings.data.join("tui.log"), None)?;
    if let Some(path) = &args.bundle {
        return bundle(settings, args, path).await;
    }
    let place = Place::open(settings, Need::Questions).await?;
    let scope = match args.all {
        true => Scope::Everything,
        false => Scope::Organisation(OrgId::new(&settings.org)?),
    };
    let options = options(settings, args, address(settings.nats.as_deref()), place.journal().now())?;
    if let Err(refused) = there(place.client(), &scope, options.at).await {
        place.close().await;
        return Err(refused);
    }
    let source = Arc::new(Live::new(place.client().clone(), scope));
    let outcome = match args.plain {
        true => longhaul_tui::plain(source, options, std::io::stdout()).await,
        false => longhaul_tui::run(source, options).await.map(drop),
    };
    place.close().await;
    outcome?;
    Ok(Code::Done)
}

/// Opens a history from a file.
async fn bundle(settings: &Settings, args: &Tui, path: &Path) -> anyhow::Result<Code> {
    let named = || format!("{} cannot be opened", path.display());
    let file = File::open(path).with_context(named)?;
    let recorded = Recorded::read(BufReader::new(file)).with_context(named)?;
    let identity = Identity::new(&settings.org, &settings.user, "tui")?;
    let client = Client::new(recorded.journal(), identity);
    let ends_at = recorded.ends_at();
    let mut options = options(settings, args, path.display().to_string(), ends_at)?;
    // A file is whole: what is in it is shown, whoever it belongs to.
    options.everything = true;
    there(&client, &Scope::Everything, options.at).await?;
    let source = longhaul_tui::Recorded::new(client, Scope::Everything, ends_at);
    longhaul_tui::run(Arc::new(source), options).await?;
    for damage in recorded.damage() {
        say(format!("the file is not whole: {damage}"));
    }
    Ok(Code::Done)
}

/// Refuses a moment that is not there, before anything is drawn.
async fn there(client: &Client, scope: &Scope, at: Option<Point>) -> anyhow::Result<()> {
    let Some(point) = at else { return Ok(()) };
    match client.moment(scope, point).await {
        Ok(_) => Ok(()),
        Err(why @ ClientError::Invalid { .. }) => Err(usage(format!("--at: {why}"))),
        Err(other) => Err(other.into()),
    }
}

/// How it is to be, at a place, where it is this late.
pub(super) fn options(
    settings: &Settings,
    args: &Tui,
    place: String,
    now: Timestamp,
) -> anyhow::Result<Options> {
    let at = args.at.as_deref().map(|text| longhaul_tui::point(text, now)).transpose().map_err(usage)?;
    if matches!(at, Some(Point::At(at)) if at > now) {
        let end = crate::time::local(now);
        return Err(usage(format!("--at: nothing has happened there yet: the log ends at {end}")));
    }
    Ok(Options {
        org: settings.org.clone(),
        user: settings.user.clone(),
        place,
        call: call(settings),
        everything: args.all,
        palette: args.theme.map(Palette::from),
        glyphs: args.glyphs.map(|glyphs| match glyphs {
            GlyphsArg::Ascii => Glyphs::Ascii,
            GlyphsArg::Unicode => Glyphs::Unicode,
        }),
        mouse: match (args.mouse, args.no_mouse) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        mine: args.mine,
        at,
        folder: PathBuf::new(),
        keys: home("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("longhaul/keys.toml")),
        figures: args.figures.clone(),
        remembered: home("XDG_STATE_HOME", ".local/state").map(|folder| folder.join("longhaul/tui.toml")),
    })
}

/// Where the log is, without what is secret in the address.
pub(super) fn address(url: Option<&str>) -> String {
    let Some(url) = url else { return "local".to_owned() };
    let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
    host.trim_start_matches("nats://").to_owned()
}

/// How another call finds the same log: options with a blank before each. What is secret in an address is
/// left out.
fn call(settings: &Settings) -> String {
    let (option, value) = match &settings.nats {
        Some(url) => ("--nats", format!("nats://{}", address(Some(url)))),
        None => {
            let data = std::path::absolute(&settings.data).unwrap_or_else(|_| settings.data.clone());
            ("--data", data.display().to_string())
        }
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:,@%+=".contains(c);
    match value.chars().all(plain) {
        true => format!(" {option} {value}"),
        false => format!(" {option} '{}'", value.replace('\'', r"'\''")),
    }
}

/// A folder of the XDG specification, which says to ignore relative paths.
fn home(variable: &str, under_home: &str) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder(variable).or_else(|| Some(folder("HOME")?.join(under_home)))
}
