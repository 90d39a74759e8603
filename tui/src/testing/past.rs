//! A dashboard in the past, and what the log says of it.

use longhaul_client::fleet::{Brief, Happening, Moment, Step, Stretch};
use longhaul_core::{Sequence, Status, Timestamp};
use longhaul_wire::query::Positions;
use longhaul_wire::{Shard, Shards};

use super::{NOW, address, brief, press, sample};
use crate::app::App;
use crate::effect::Effect;
use crate::msg::Msg;
use crate::records::{Answer, Ask};
use crate::update::update;

/// A sample dashboard an hour ago: half of its tasks were there, and one stood otherwise.
pub(crate) fn hour_ago(columns: u16, rows: u16) -> App {
    let mut app = sample(columns, rows);
    let positions = Positions::at(Shard(0), Sequence(1019));
    let moment = Moment { positions: positions.clone(), at: hour(), shards: Shards::ONE };
    press(&mut app, &["t"]);
    let turn = app.travel.turn;
    let asked = update(&mut app, Msg::Past(turn, Ok(Answer::Moment(moment))));
    let Some(Effect::Ask(_, Ask::Tasks(_, between))) = asked.first() else { panic!("{asked:?}") };
    assert_eq!(between.len(), 21, "those of a later record, the first of which may lie before");
    let stood = Brief { sequence: Sequence(900), ..brief(1, Status::Paused) };
    let tasks = between.iter().map(|at| (at.clone(), Some(&stood).filter(|brief| brief.at == *at).cloned()));
    let answer = Answer::Tasks(tasks.collect());
    update(&mut app, Msg::Past(turn, Ok(answer)));
    let before = Stretch { steps: vec![step(10, 1018), step(11, 1019)], last: true, ..Stretch::default() };
    update(&mut app, Msg::Past(turn, Ok(Answer::Before(before))));
    let to = Positions::at(Shard(0), Sequence(1_204_331));
    let steps = vec![step(12, 1020), step(13, 1025)];
    let after = Stretch { steps, from: positions, to, last: true };
    update(&mut app, Msg::Past(turn, Ok(Answer::After(after))));
    app
}

pub(crate) fn hour() -> Timestamp {
    Timestamp(NOW.0 - 3_600_000)
}

/// The `n`th sample task ends.
pub(crate) fn step(n: u32, sequence: u64) -> Step {
    let (task, sequence) = (address(n), Sequence(sequence));
    let stored_at = Timestamp(hour().0 + (i64::try_from(sequence.0).unwrap() - 1019) * 1000);
    let at = |status| Some(Brief { sequence, ..brief(n, status) });
    let text = "data_unavailable: the file is gone".to_owned();
    let events = vec![Happening { sequence, at: stored_at, task: task.clone(), name: "failed", text }];
    let (before, after) = (at(Status::Running), at(Status::Failed));
    Step { shard: Shard(0), sequence, stored_at, task, before, after, events }
}
