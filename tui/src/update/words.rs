//! What the source says.

use longhaul_client::TextPart;
use longhaul_client::fleet::{Brief, Link, Told, Word};
use longhaul_core::{ExecutorId, Status, TaskRef};

use crate::app::{About, App, Notice};
use crate::effect::Effect;
use crate::store::Store;
use crate::text::{fit, short, span};
use crate::theme::Tone;

pub(super) fn word(app: &mut App, word: Word) -> Vec<Effect> {
    match word {
        Word::Anew => {
            let text = "the log is another one than it was: everything is read anew".to_owned();
            tell(app, Notice { at: app.now, tone: Tone::Warning, text, about: None });
            app.lag.forget();
            (app.fulls, app.latency) = Default::default();
            app.store = Store::default();
            (app.listed, app.listing, app.read) = Default::default();
            app.tail.clear();
            app.marks.clear();
            app.order.clear();
            app.mine.clear();
        }
        Word::From(places) => {
            places.iter().for_each(|(shard, sequence)| app.read.advance(shard, sequence));
        }
        Word::Counted { tally, older } => app.listing.count(tally, older),
        Word::Listed { tasks, unreadable, last } => {
            app.store.unreadable += u64::from(unreadable);
            tasks.into_iter().for_each(|brief| app.store.put(brief));
            if last {
                app.listed_all();
            }
        }
        Word::Happened(changes) => {
            app.rate.count(changes.events.len());
            app.latency.hear(&changes.events, app.now);
            app.read.advance(changes.shard, changes.up_to);
            app.lag.read(changes.shard, changes.behind, changes.stored_at);
            unreadable(app, changes.unreadable);
            let mut rings = Vec::new();
            for brief in changes.tasks {
                rings.extend(tell_if_new(app, &brief));
                app.store.put(brief);
            }
            app.tail.add(changes.events);
            return rings;
        }
        Word::Beats(pulses) => {
            let late = app.store.beats(pulses, app.listened_until());
            silent(app, late);
        }
        Word::Link(link) => {
            if let (Link::Up { .. }, Some(since)) = (&link, app.down_since) {
                let text = format!("connected again after {}", span(app.now.since(since)));
                app.say(Notice { at: app.now, tone: Tone::Good, text, about: None });
            }
            match (&link, &mut app.deaf) {
                (Link::Down { .. }, None | Some((_, Some(_)))) => app.deaf = Some((app.now, None)),
                (Link::Up { .. }, Some((_, back))) => *back = back.or(Some(app.now)),
                _ => {}
            }
            app.down_since = match link {
                Link::Up { .. } => None,
                Link::Down { .. } => app.down_since.or(Some(app.now)),
            };
            if let Link::Up { heads, at, .. } = &link {
                app.lag.end(*at, heads);
            }
            app.link = Some(link);
        }
        Word::Projector(condition) => {
            app.lag.projector(condition.as_deref(), app.now);
            app.projector = Some(condition.map(|condition| *condition));
        }
        Word::Queue(queued) => {
            for (full, text) in app.fulls.take(&queued, app.now) {
                let about = Some(About::Full(full));
                app.inbox.add(Notice { at: app.now, tone: Tone::Warning, text, about });
            }
            app.store.queue(*queued);
        }
        Word::Slots(slots) => app.slots = Some(*slots),
        Word::Budget(state) => app.budget = state,
    }
    Vec::new()
}

/// Says something for a moment, and keeps it.
fn tell(app: &mut App, notice: Notice) {
    app.inbox.add(notice.clone());
    app.say(notice);
}

/// Counts records that cannot be read. The first is told of; how many there are stands in the header.
fn unreadable(app: &mut App, records: u32) {
    if app.unreadable == 0 && records > 0 {
        let text = "a record cannot be read; its task is shown as it was before: longhaul doctor names it";
        let (text, about) = (text.to_owned(), Some(About::Health));
        tell(app, Notice { at: app.now, tone: Tone::Bad, text, about });
    }
    app.unreadable += u64::from(records);
}

/// Puts what nobody should miss into the inbox: the moment a task asks for something or fails. The
/// terminal rings for that, but not for what had happened before one came.
fn tell_if_new(app: &mut App, brief: &Brief) -> Option<Effect> {
    let before = app.store.key(&brief.at).and_then(|key| app.store.get(key));
    if before.is_some_and(|row| row.status == brief.status || row.sequence > brief.sequence) {
        return None;
    }
    let (tone, what) = match brief.status {
        Status::Paused => (Tone::Warning, "asks for approval of"),
        Status::Failed => (Tone::Bad, "failed:"),
        Status::Expired => (Tone::Bad, "expired:"),
        _ => return None,
    };
    let (name, title) = (short(brief.at.task), fit(brief.title.as_str(), 40));
    let text = format!("{name} {title} {what} {}", brief.note);
    let own = app.me.user == brief.user.as_str() && app.me.org == brief.at.org.as_str();
    let rings = app.listed && (own || !app.alone) && app.bell.ring(app.now);
    let ring = rings.then(|| Effect::Ring(fit(&text, 200)));
    app.inbox.add(Notice { at: app.now, tone, text, about: Some(About::Task(brief.at.clone())) });
    ring
}

/// Tells of executors that fell silent. One that said it would go is not missed, and while the log is
/// out of reach all are silent.
pub(super) fn silent(app: &mut App, mut executors: Vec<ExecutorId>) {
    executors.sort_unstable();
    if app.down_since.is_some() || !matches!(app.link, Some(Link::Up { .. })) {
        return;
    }
    for id in executors {
        let Some(known) = app.store.executors().get(&id).filter(|known| !known.pulse.beat.draining) else {
            continue;
        };
        let host = fit(&known.pulse.beat.host, 40);
        let runs = match known.pulse.beat.runs.len() {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        let quiet = span(app.now.since(known.pulse.heard_at));
        let text = format!("executor {} on {host} fell silent {quiet} ago; it held {runs}", short(id));
        app.inbox.add(Notice { at: app.now, tone: Tone::Bad, text, about: Some(About::Executor(id)) });
    }
}

pub(super) fn told(app: &mut App, at: &TaskRef, told: Told) {
    if let Told::Anew { snapshot, .. } | Told::More { snapshot, .. } = &told {
        // It may not be listed, and this may be ahead of what is.
        app.store.put(Brief::of(snapshot));
    }
    // What is still told of a task that was closed meanwhile.
    let mut open = app.opened.iter_mut().chain(&mut app.peek);
    let Some(opened) = open.find(|opened| opened.at == *at) else { return };
    match told {
        Told::Anew { snapshot, events } => {
            opened.begin_anew();
            opened.snapshot = Some(snapshot);
            opened.add(events);
        }
        Told::More { snapshot, events } => {
            opened.trouble = None;
            opened.snapshot = Some(snapshot);
            opened.add(events);
        }
        Told::Text(TextPart::Text(text)) => opened.add_text(&text),
        Told::Text(TextPart::Anew(text)) => {
            opened.clear_text();
            opened.add_text(&text);
        }
        Told::Text(TextPart::End) => {}
        Told::Broken(why) => opened.trouble = Some(fit(&why, 300)),
    }
}
