//! Going to a moment of the past, on from there, and back to now.

use longhaul_client::fleet::{Moment, Point};
use longhaul_core::{Millis, TaskRef, Timestamp};

use crate::app::{App, Jump, Notice, Opened, Past, SPEEDS, Wish, World};
use crate::effect::Effect;
use crate::keys::Act;
use crate::records::{Answer, Ask};
use crate::theme::Tone;

/// A turn of the scrubber by time.
const MINUTE: i64 = 60_000;
/// How many steps must lie ahead before more are asked for.
const AHEAD: usize = 64;

/// Does what a key asks for.
pub(super) fn act(app: &mut App, act: Act) -> Vec<Effect> {
    match act {
        Act::Past => enter_or_leave(app),
        Act::EventBack => wish(app, Wish { back: true, turns: false }),
        Act::EventNext => wish(app, Wish { back: false, turns: false }),
        Act::TurnBack => wish(app, Wish { back: true, turns: true }),
        Act::TurnNext => wish(app, Wish { back: false, turns: true }),
        Act::MinuteBack => by_time(app, -MINUTE),
        Act::MinuteNext => by_time(app, MINUTE),
        Act::Play => play(app),
        Act::Faster => speed(app, 1),
        Act::Slower => speed(app, -1),
        _ => Vec::new(),
    }
}

fn say(app: &mut App, tone: Tone, text: impl Into<String>) {
    app.say(Notice { at: app.now, tone, text: text.into(), about: None });
}

fn enter_or_leave(app: &mut App) -> Vec<Effect> {
    match app.past() {
        Some(_) => leave(app),
        None => go(app, Point::At(app.now)),
    }
}

fn ask(app: &App, ask: Ask) -> Effect {
    Effect::Ask(app.travel.turn, ask)
}

/// Where time ends: now, or the end of a file.
pub(super) fn end(app: &App) -> Timestamp {
    app.travel.ends_at.unwrap_or(app.now)
}

/// Goes to a moment. What is shown stays until everything of the moment is there.
pub(super) fn go(app: &mut App, point: Point) -> Vec<Effect> {
    let end = end(app);
    if matches!(point, Point::At(at) if at > end) {
        let what =
            if app.travel.ends_at.is_some() { "the file ends at" } else { "that is still to come: it is" };
        say(app, Tone::Warning, format!("{what} {}", crate::text::dated(end)));
        return Vec::new();
    }
    app.travel.turn += 1;
    app.travel.jump = Some(Jump::Seeking);
    if let Some(past) = &mut app.travel.past {
        (past.wish, past.playing) = (None, false);
    }
    vec![ask(app, Ask::Moment(point))]
}

/// Gives up a jump that is under way; whether there was one. Of a file nothing else can be shown.
pub(super) fn cancel(app: &mut App) -> bool {
    let must = app.travel.ends_at.is_some() && app.past().is_none();
    if must || app.travel.jump.take().is_none() {
        return false;
    }
    app.travel.turn += 1;
    forget_asked(app);
    true
}

/// What was asked for is not waited for any more.
fn forget_asked(app: &mut App) {
    if let Some(past) = &mut app.travel.past {
        (past.asked, past.wish, past.playing, past.story) = ([false; 2], None, false, None);
    }
}

/// Back to now.
pub(super) fn leave(app: &mut App) -> Vec<Effect> {
    app.travel.turn += 1;
    app.travel.jump = None;
    if app.travel.ends_at.is_some() {
        say(app, Tone::Warning, "this is a file: there is no now to go back to");
        return Vec::new();
    }
    let Some(mut past) = app.travel.past.take() else { return Vec::new() };
    past.live.exchange(app);
    other_world(app);
    // Its story is told as of then; now it is told as it goes on.
    app.peek = None;
    let at = app.opened.as_ref().map(|opened| opened.at.clone());
    let mut effects = at.map(|at| reopen(app, at)).unwrap_or_else(|| vec![Effect::Close]);
    effects.push(Effect::Unask);
    effects
}

fn reopen(app: &mut App, at: TaskRef) -> Vec<Effect> {
    match &mut app.opened {
        Some(opened) => opened.begin_anew(),
        None => app.opened = Some(Opened::new(at.clone())),
    }
    vec![Effect::Open(at)]
}

/// Rows are at other places now.
fn other_world(app: &mut App) {
    app.order.clear();
    app.mine.clear();
}

/// What was said of the live world: it goes on behind the one that is shown.
pub(super) fn behind<T>(app: &mut App, take: impl FnOnce(&mut App) -> T) -> T {
    let Some(mut past) = app.travel.past.take() else { return take(app) };
    past.live.exchange(app);
    let taken = take(app);
    past.live.exchange(app);
    app.travel.past = Some(past);
    taken
}

/// The log has answered.
pub(super) fn answered(app: &mut App, turn: u64, answer: Result<Answer, String>) -> Vec<Effect> {
    if turn != app.travel.turn {
        return Vec::new();
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            let jumped = app.travel.jump.take().is_some();
            forget_asked(app);
            let what = if jumped { "one cannot go there" } else { "the past cannot be read" };
            say(app, Tone::Bad, format!("{what}: {}", crate::text::fit(&why, 200)));
            return Vec::new();
        }
    };
    match answer {
        Answer::Moment(moment) => {
            app.travel.jump = Some(Jump::Waiting(moment));
            advance(app)
        }
        Answer::Tasks(tasks) => {
            let Some(Jump::Reading(moment, mut store, _)) = app.travel.jump.take() else { return Vec::new() };
            tasks.into_iter().for_each(|(at, brief)| store.stood(&at, brief));
            arrive(app, moment, *store)
        }
        Answer::Before(stretch) => {
            let Some(past) = &mut app.travel.past else { return Vec::new() };
            past.asked[0] = false;
            past.stale = true;
            past.add_before(stretch);
            pursue(app)
        }
        Answer::After(stretch) => {
            let Some(past) = &mut app.travel.past else { return Vec::new() };
            past.asked[1] = false;
            past.add_after(stretch);
            pursue(app)
        }
        Answer::Story(at, story) => {
            let open = app.opened.iter_mut().chain(&mut app.peek);
            for opened in open.filter(|opened| opened.at == at) {
                opened.as_then(story.clone());
            }
            Vec::new()
        }
        Answer::Beside(Some(point)) => go(app, point),
        Answer::Beside(None) => {
            say(app, Tone::Warning, "nothing more of this task lies there");
            Vec::new()
        }
    }
}

/// Goes on with a jump as soon as the live world is known up to its moment.
pub(super) fn advance(app: &mut App) -> Vec<Effect> {
    let Some(Jump::Waiting(moment)) = &app.travel.jump else { return Vec::new() };
    if !app.listed || !app.read.covers(&moment.positions) {
        return Vec::new();
    }
    let moment = moment.clone();
    let live = app.travel.past.as_ref().map_or(&app.store, |past| past.live.store());
    let (store, between) = live.then(&moment);
    if between.is_empty() {
        return arrive(app, moment, store);
    }
    app.travel.jump = Some(Jump::Reading(moment.clone(), Box::new(store), between.len()));
    vec![ask(app, Ask::Tasks(moment, between))]
}

/// Everything of a moment is there.
fn arrive(app: &mut App, moment: Moment, store: crate::store::Store) -> Vec<Effect> {
    app.travel.jump = None;
    // What went wrong on the way here no longer matters.
    app.toast.take_if(|(notice, _)| matches!(notice.tone, Tone::Warning | Tone::Bad));
    let mut past = Past::new(moment);
    match app.travel.past.take() {
        Some(before) => {
            (past.live, past.speed) = (before.live, before.speed);
        }
        None => {
            let mut live = World::default();
            live.exchange(app);
            past.live = live;
        }
    }
    past.mark();
    past.asked = [true; 2];
    let places = past.moment.positions.clone();
    app.store = store;
    app.travel.past = Some(Box::new(past));
    other_world(app);
    vec![ask(app, Ask::Before(places.clone())), ask(app, Ask::After(places))]
}

/// Wants to go to the next record in a direction: of the opened task, or of all.
fn wish(app: &mut App, wish: Wish) -> Vec<Effect> {
    if app.travel.jump.is_some() {
        return Vec::new();
    }
    let opened = app.opened.as_ref().map(|opened| opened.at.clone());
    let Some(past) = &mut app.travel.past else { return Vec::new() };
    past.playing = false;
    if let Some(at) = opened {
        let Wish { back, turns } = wish;
        let moment = past.moment.clone();
        return vec![ask(app, Ask::Beside { at, moment, back, turns })];
    }
    past.wish = Some(wish);
    pursue(app)
}

/// Crosses steps until the wish is met; asks for more where they run out.
fn pursue(app: &mut App) -> Vec<Effect> {
    look_on(app);
    let Some(past) = &mut app.travel.past else { return Vec::new() };
    let Some(Wish { back, turns }) = past.wish else { return Vec::new() };
    while let Some(step) = past.cross(&mut app.store, back) {
        if !turns || step.turns() {
            past.wish = None;
            return Vec::new();
        }
    }
    if if back { past.is_first } else { past.is_last } {
        past.wish = None;
        let end = if back { "nothing happened before this" } else { "nothing has happened after this" };
        say(app, Tone::Warning, end);
        return Vec::new();
    }
    more(app, back)
}

/// Asks for more steps in a direction, unless that is done already.
fn more(app: &mut App, back: bool) -> Vec<Effect> {
    let Some(past) = &mut app.travel.past else { return Vec::new() };
    if std::mem::replace(&mut past.asked[usize::from(!back)], true) {
        return Vec::new();
    }
    let ask_for = match back {
        true => Ask::Before(past.since.clone()),
        false => Ask::After(past.until.clone()),
    };
    vec![ask(app, ask_for)]
}

/// Goes by time: along the steps as far as they are known, else by a jump.
fn by_time(app: &mut App, by: i64) -> Vec<Effect> {
    if app.travel.jump.is_some() {
        return Vec::new();
    }
    let Some(past) = &mut app.travel.past else { return Vec::new() };
    (past.wish, past.playing) = (None, false);
    let to = Timestamp(past.moment.at.0.saturating_add(by));
    let end = app.travel.ends_at.unwrap_or(app.now);
    if by > 0 && to > end {
        say(app, Tone::Warning, "nothing lies there yet: that is beyond the end");
        return Vec::new();
    }
    match walk(app, to) {
        true => Vec::new(),
        false => go(app, Point::At(to)),
    }
}

/// What was the end of the log may no longer be.
fn look_on(app: &mut App) {
    if let Some(past) = &mut app.travel.past {
        past.is_last &= past.until.covers(&app.read);
    }
}

/// Crosses all steps up to a time; whether they reach so far.
fn walk(app: &mut App, to: Timestamp) -> bool {
    look_on(app);
    let Some(past) = &mut app.travel.past else { return false };
    if to < past.moment.at {
        while past.last().is_some_and(|step| step.stored_at > to) {
            past.cross(&mut app.store, true);
        }
        if past.last().is_none() && !past.is_first {
            return false;
        }
    } else {
        while past.next().is_some_and(|step| step.stored_at <= to) {
            past.cross(&mut app.store, false);
        }
        if past.next().is_none() && !past.is_last {
            return false;
        }
    }
    past.moment.at = to;
    past.stale = true;
    true
}

fn play(app: &mut App) -> Vec<Effect> {
    if app.travel.jump.is_none()
        && let Some(past) = &mut app.travel.past
    {
        past.wish = None;
        past.playing = !past.playing;
    }
    Vec::new()
}

fn speed(app: &mut App, by: isize) -> Vec<Effect> {
    if let Some(past) = &mut app.travel.past {
        past.speed = past.speed.saturating_add_signed(by).min(SPEEDS.len() - 1);
    }
    Vec::new()
}

/// Time has gone by since: what is played moves on.
pub(super) fn tick(app: &mut App, since: Timestamp) -> Vec<Effect> {
    let Some(past) = app.past().filter(|past| past.playing) else { return Vec::new() };
    // After a long pause it does not leap.
    let Millis(went_by) = Millis(app.now.since(since).0.min(1000));
    let by = i64::try_from(went_by.saturating_mul(past.times())).unwrap_or(i64::MAX);
    let to = Timestamp(past.moment.at.0.saturating_add(by));
    let end = app.travel.ends_at.unwrap_or(app.now);
    // Where the steps run out it holds until there are more.
    let reached = walk(app, to.min(end));
    let Some(past) = &mut app.travel.past else { return Vec::new() };
    if reached && to >= end {
        past.playing = false;
        say(app, Tone::Good, "played to the end");
        return Vec::new();
    }
    let runs_out = past.remaining() < AHEAD && !past.is_last;
    if runs_out { more(app, false) } else { Vec::new() }
}

/// What is counted of the past is counted anew, before anything is made of it.
pub(super) fn recount(app: &mut App) {
    let Some(mut past) = app.travel.past.take() else { return };
    if std::mem::take(&mut past.stale) {
        app.order.mark_stale();
        app.mine.clear();
        app.tail.replace(past.tail());
        app.slots = past.slots(&app.store, &app.me.org);
        past.count_executors(&app.store);
    }
    app.travel.past = Some(past);
}

/// While one is in the past, the story of the task one looks at is told as of then.
pub(super) fn stories(app: &mut App, effects: Vec<Effect>) -> Vec<Effect> {
    if app.past().is_none() {
        return effects;
    }
    let mut effects: Vec<Effect> =
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Open(_))).collect();
    let looked_at = app.opened.as_ref().or(app.peek.as_ref()).map(|opened| opened.at.clone());
    let wanted = looked_at.map(|at| {
        let row = app.store.key(&at).and_then(|key| app.store.get(key));
        // Before it was submitted there is nothing to tell, whenever that is.
        (at, row.map(|row| row.sequence).unwrap_or_default())
    });
    let turn = app.travel.turn;
    let Some(past) = &mut app.travel.past else { return effects };
    if past.story != wanted {
        past.story = wanted.clone();
        let then = past.moment.clone();
        effects.extend(wanted.map(|(at, _)| Effect::Ask(turn, Ask::Story(at, then))));
    }
    effects
}
