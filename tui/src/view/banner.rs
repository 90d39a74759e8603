//! What must not be overlooked, in a line of its own above every view.

use longhaul_client::fleet::Link;
use longhaul_core::Millis;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::app::App;
use crate::text::{number, pad, span, width};
use crate::theme::Tone;
use crate::update;

use super::put;

/// What must not be overlooked: how bad it is, and in words, the longest first.
pub(crate) struct Banner {
    pub(crate) tone: Tone,
    texts: Vec<String>,
}

impl Banner {
    /// The longest words that fit into so many columns; the shortest if none do.
    pub(crate) fn within(&self, columns: usize) -> &str {
        let fits = self.texts.iter().find(|text| width(text) <= columns);
        fits.or(self.texts.last()).map_or("", String::as_str)
    }
}

/// What must not be overlooked, if anything.
pub(crate) fn banner(app: &App) -> Option<Banner> {
    disconnected(app).or_else(|| silent(app)).or_else(|| lags(app)).or_else(|| host(app))
}

fn disconnected(app: &App) -> Option<Banner> {
    let (Some(since), Some(Link::Down { next, .. })) = (app.down_since, &app.link) else { return None };
    let gone = span(app.now.since(since));
    let again = match next.since(app.now) {
        Millis(0..1000) => "Trying again (F5 now)".to_owned(),
        wait => format!("Retry in {} (F5 now)", span(wait)),
    };
    Some(Banner {
        tone: Tone::Bad,
        texts: vec![
            format!(" ! DISCONNECTED {gone}. Last known state. {again}. Actions are off."),
            format!(" ! DISCONNECTED {gone}. {again}. Actions are off."),
            format!(" ! DISCONNECTED {gone}. Actions are off."),
            format!(" ! DOWN {gone}"),
        ],
    })
}

fn silent(app: &App) -> Option<Banner> {
    let since = app.lag.silent_since.filter(|_| app.link.is_some())?;
    let gone = span(app.now.since(since));
    let (long, short) = match app.listed {
        true => {
            ("Tasks are live; why they wait and caps are old.", "Tasks are live; queue and caps are old.")
        }
        false => ("Lists cannot be read.", "No lists."),
    };
    Some(Banner {
        tone: Tone::Warning,
        texts: vec![
            format!(" ! NO PROJECTOR ANSWERS for {gone}. {long} Start one: longhaul project"),
            format!(" ! NO PROJECTOR for {gone}. {short}"),
            format!(" ! NO PROJECTOR {gone}"),
        ],
    })
}

/// Tasks are folded from the log itself; but which there are is first told by the projector, and why
/// they wait and how caps stand only by it.
fn lags(app: &App) -> Option<Banner> {
    let (records, age) = app.lag.lags(app.now)?;
    let records = number(records);
    let old = age.map_or_else(|| "OLD".to_owned(), |age| format!("{} OLD", span(age)));
    let texts = match app.listed {
        false => vec![
            format!(" ! LISTS ARE {old} ({records} events behind). Actions still go through. 5 Events"),
            format!(" ! LISTS ARE {old} ({records} events behind). 5 Events"),
            format!(" ! LISTS {old}"),
        ],
        true => vec![
            format!(
                " ! WHY TASKS WAIT AND CAPS ARE {old} (projector {records} events behind). Tasks are live, actions go through. 5 Events"
            ),
            format!(" ! QUEUE AND CAPS ARE {old} ({records} events behind). Tasks are live. 5 Events"),
            format!(" ! QUEUE, CAPS {old} ({records} behind). 5 Events"),
            format!(" ! CAPS {old}"),
        ],
    };
    Some(Banner { tone: Tone::Warning, texts })
}

/// What the command that opened the dashboard says all this is about.
fn host(app: &App) -> Option<Banner> {
    let here = app.host.turn.as_ref().filter(|(task, _)| update::is_on(app, task));
    let text = here.map(|(_, here)| here).or(app.host.standing.as_ref())?;
    let closes =
        app.host.closes_at.map(|at| format!(" This closes by itself in {}.", span(at.since(app.now))));
    let texts = vec![format!(" {text}{}", closes.unwrap_or_default()), format!(" {text}")];
    Some(Banner { tone: Tone::Good, texts })
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(banner) = banner(app) else { return };
    let columns = usize::from(area.width);
    let text = pad(banner.within(columns), columns);
    put(buffer, area, 0, vec![Span::styled(text, app.theme.banner(banner.tone))]);
}
