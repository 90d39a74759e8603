//! From what one was told to where it is.

use crate::app::{About, App, Full, View, Whose};
use crate::effect::Effect;

use super::act;

/// Shows what the notice one is on is about.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let about = app.notices().nth(app.list().at).and_then(|notice| notice.about.clone());
    about.map(|about| show(app, about)).unwrap_or_default()
}

fn show(app: &mut App, about: About) -> Vec<Effect> {
    let (view, at) = match about {
        About::Task(at) => return act::open_task(app, at),
        About::Health => (View::Events, 0),
        About::Executor(id) => {
            let place = crate::view::executors(app).iter().position(|known| known.pulse.beat.executor == id);
            (View::Executors, place.unwrap_or(0))
        }
        About::Full(full) => match cap(app, &full) {
            Some(place) => (View::Caps, place),
            None => {
                act::set_filter(app, &waiting(&full));
                (View::Tasks, 0)
            }
        },
    };
    let effects = act::go_to(app, view);
    if app.view == view {
        act::go(app, at);
    }
    effects
}

/// The place of a cap or budget among those that are shown. Only those of one's own organisation are.
fn cap(app: &App, full: &Full) -> Option<usize> {
    let is = |whose: &Whose| match (full, whose) {
        (Full::User(_, user), Whose::User(known)) => user == known,
        (Full::Foreground(_, user), Whose::Foreground(known)) => user == known,
        (Full::Organisation(_), Whose::Organisation) | (Full::Tokens(_), Whose::Budget(_)) => true,
        (Full::Conversation(_, id), Whose::Conversation(known, _)) => id.as_str() == known,
        _ => false,
    };
    let own = full.org().is_some_and(|org| org.as_str() == app.me.org);
    app.caps().filter(|_| own)?.iter().position(|cap| is(&cap.whose))
}

/// A filter for the tasks that wait for it.
fn waiting(full: &Full) -> String {
    match full {
        Full::User(org, user) => format!("org:{org} user:{user} waits:user_cap"),
        Full::Foreground(org, user) => format!("org:{org} user:{user} waits:foreground_cap"),
        Full::Organisation(org) => format!("org:{org} waits:organisation_cap"),
        Full::Tokens(org) => format!("org:{org} waits:token_budget"),
        Full::Conversation(org, id) => format!("org:{org} conv:{id}"),
        Full::NoExecutor(kind) => format!("kind:{kind} waits:no_executor"),
    }
}
