//! Carries out the strokes of a storm, each when its time has come, some at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::dice::Dice;
use super::fleet::Fleet;
use super::ground::Ground;
use super::plan::{Fault, Part, Stroke};
use super::record::Record;

/// How many strokes may be under way at once.
const AT_ONCE: usize = 4;
/// The least time between two of them: two that come together are one.
const APART: Duration = Duration::from_millis(150);
/// How often it is looked whether the next stroke is due.
const LOOK: Duration = Duration::from_millis(20);

/// The storm under way.
pub struct Weather {
    ground: Arc<Ground>,
    fleet: Arc<Fleet>,
    record: Arc<Record>,
    strokes: Vec<Stroke>,
    struck: AtomicUsize,
    /// Of a cluster one server at a time may be away.
    broker: Mutex<()>,
    road: Mutex<()>,
}

impl Weather {
    /// A storm of these strokes, in order.
    pub fn new(ground: Arc<Ground>, fleet: Arc<Fleet>, record: Arc<Record>, strokes: Vec<Stroke>) -> Self {
        Self {
            ground,
            fleet,
            record,
            strokes,
            struck: AtomicUsize::new(0),
            broker: Mutex::default(),
            road: Mutex::default(),
        }
    }

    /// When the next stroke comes, as a part of the storm; none is left after all have come.
    pub fn next(&self) -> Option<f64> {
        self.strokes.get(self.struck.load(Ordering::Relaxed)).map(|stroke| stroke.at)
    }

    /// Strikes; `so_far` says how much of the storm is over, from 0 to 1. Ends when all have come, or
    /// it is `enough`.
    pub async fn rage(self: &Arc<Self>, so_far: impl Fn() -> f64, enough: &CancellationToken) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        for stroke in &self.strokes {
            while so_far() < stroke.at {
                tokio::time::sleep(LOOK).await;
            }
            if enough.is_cancelled() {
                break;
            }
            let place = Arc::clone(&room).acquire_owned().await.unwrap();
            self.struck.fetch_add(1, Ordering::Relaxed);
            let (weather, stroke) = (Arc::clone(self), *stroke);
            under_way.spawn(async move {
                weather.strike(stroke).await;
                drop(place);
            });
            while let Some(struck) = under_way.try_join_next() {
                struck.unwrap();
            }
            tokio::time::sleep(APART).await;
        }
        while let Some(struck) = under_way.join_next().await {
            struck.unwrap();
        }
    }

    async fn strike(&self, stroke: Stroke) {
        self.record.note(&format!("{} [{}]", stroke.fault, stroke.which % 1000));
        let seat = |part| {
            let seats = self.fleet.of(part);
            let at = usize::try_from(stroke.which).unwrap_or(0) % seats.len();
            seats[at]
        };
        match stroke.fault {
            Fault::Kill(Part::Server, down) => self.kill_server(stroke.which, down).await,
            Fault::Kill(part, down) => self.fleet.kill(seat(part), down).await,
            Fault::Freeze(Part::Server, still) => self.freeze_server(stroke.which, still).await,
            Fault::Freeze(part, still) => self.fleet.freeze(seat(part), still).await,
            Fault::Drain(Part::Server) => self.restart_server(stroke.which).await,
            Fault::Drain(part) => self.fleet.drain(seat(part)).await,
            Fault::Rolling => {
                for seat in &self.fleet.seats {
                    self.fleet.drain(seat).await;
                }
            }
            Fault::Isolate(alone) => self.isolate_server(stroke.which, alone).await,
            Fault::Cut => self.ground.roads.iter().for_each(|road| road.cut()),
            Fault::Swallow(deaf) => {
                let _alone = self.road.lock().await;
                self.ground.roads.iter().for_each(|road| road.swallow_answers(true));
                tokio::time::sleep(deaf).await;
                for road in &self.ground.roads {
                    road.cut();
                    road.swallow_answers(false);
                }
            }
        }
        self.record.count(match stroke.fault {
            Fault::Kill(Part::Scheduler, _) => "kills: scheduler",
            Fault::Kill(Part::Projector, _) => "kills: projector",
            Fault::Kill(Part::Executor, _) => "kills: executor",
            Fault::Kill(Part::Server, _) => "kills: nats-server",
            Fault::Freeze(..) => "freezes",
            Fault::Drain(_) => "drains",
            Fault::Rolling => "rolling restarts",
            Fault::Cut => "cuts",
            Fault::Swallow(_) => "lost answers",
            Fault::Isolate(_) => "isolated servers",
        });
    }

    /// Which server a stroke hits: of a cluster mostly the one that leads the most streams.
    async fn server(&self, which: u64) -> usize {
        let mut dice = Dice::new(which);
        let count = self.ground.servers.len();
        match count > 1 && dice.percent(70) {
            true => {
                self.record.count("faults of a cluster's leader");
                self.ground.leader().await
            }
            false => usize::try_from(dice.throw()).unwrap_or(0) % count,
        }
    }

    async fn kill_server(&self, which: u64, down: Duration) {
        let _alone = self.broker.lock().await;
        let mut server = self.ground.servers[self.server(which).await].lock().await;
        server.kill().await.unwrap();
        tokio::time::sleep(down).await;
        Ground::bring_back(&mut server).await;
    }

    async fn restart_server(&self, which: u64) {
        let _alone = self.broker.lock().await;
        let mut server = self.ground.servers[self.server(which).await].lock().await;
        Ground::bring_back(&mut server).await;
    }

    async fn isolate_server(&self, which: u64, alone: Duration) {
        let _alone = self.broker.lock().await;
        let server = self.server(which).await;
        self.ground.isolate(server, true);
        tokio::time::sleep(alone).await;
        self.ground.isolate(server, false);
    }

    async fn freeze_server(&self, which: u64, still: Duration) {
        let _alone = self.broker.lock().await;
        let server = self.ground.servers[self.server(which).await].lock().await;
        server.freeze().unwrap();
        tokio::time::sleep(still).await;
        server.thaw().unwrap();
    }
}
