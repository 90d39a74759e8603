//! The log behind what is shown: any moment of it, and what happened around one.

use longhaul_client::Client;
use longhaul_client::fleet::{Brief, Moment, Point, Scope, StoryThen, Stretch};
use longhaul_core::TaskRef;
use longhaul_wire::query::Positions;

use crate::source::chain;

/// The log behind what is shown.
#[derive(Clone)]
pub struct Records {
    client: Client,
    scope: Scope,
}

/// Something to ask of the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ask {
    /// Where a moment lies.
    Moment(Point),
    /// How these tasks stood then.
    Tasks(Moment, Vec<TaskRef>),
    /// What happened right after these places.
    After(Positions),
    /// What happened right before.
    Before(Positions),
    /// The story of a task as it was then.
    Story(TaskRef, Moment),
    /// Where the next or last record of a task lies, seen from a moment.
    Beside { at: TaskRef, moment: Moment, back: bool, turns: bool },
}

/// What the log says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Moment(Moment),
    Tasks(Vec<(TaskRef, Option<Brief>)>),
    After(Stretch),
    Before(Stretch),
    Story(TaskRef, Option<StoryThen>),
    Beside(Option<Point>),
}

impl Records {
    /// What a client sees in scope.
    pub fn new(client: Client, scope: Scope) -> Self {
        Self { client, scope }
    }

    /// Asks; the error is one line.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, String> {
        let (client, scope) = (&self.client, &self.scope);
        let answer = match ask {
            Ask::Moment(point) => client.moment(scope, point).await.map(Answer::Moment),
            Ask::Tasks(moment, tasks) => client.tasks_then(tasks, &moment).await.map(Answer::Tasks),
            Ask::After(places) => client.stretch_after(scope, &places).await.map(Answer::After),
            Ask::Before(places) => client.stretch_before(scope, &places).await.map(Answer::Before),
            Ask::Story(at, moment) => {
                client.story_then(&at, &moment).await.map(|story| Answer::Story(at, story))
            }
            Ask::Beside { at, moment, back, turns } => {
                client.beside(&at, &moment, back, turns).await.map(Answer::Beside)
            }
        };
        answer.map_err(|error| chain(&error))
    }
}
