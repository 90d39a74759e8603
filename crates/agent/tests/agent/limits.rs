//! The rate limit that all tasks of an organisation share, whoever runs them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use longhaul_agent::Models;
use longhaul_core::{Limits, RATE_LIMIT, Snapshot, Status};
use longhaul_model::{Allowance, Ask, Class, Error, Facts, Heard, Model, RateFigures, Rates, Retry, Turn};
use serde_json::json;

use crate::renderer::script;
use crate::stage::{SETS, Stage, input, says};

/// A provider that counts: so many at once, and as many a minute as its limit says.
struct Counting {
    facts: Facts,
    burst: f64,
    limit: u32,
    /// Whether it says so.
    tells: bool,
    /// What it wants after it has said no.
    retry_after: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When it was asked, and whether it answered.
    asked: Vec<(Instant, bool)>,
    level: f64,
}

impl Counting {
    fn new(limit: u32, burst: u32, settings: Rates) -> Self {
        let facts =
            Facts { provider: "counting".to_owned(), model: "m1".to_owned(), context: None, rates: settings };
        let (burst, retry_after) = (f64::from(burst), Duration::from_millis(500));
        Self { facts, burst, limit, tells: false, retry_after, state: Mutex::default() }
    }

    fn asked(&self) -> Vec<(Instant, bool)> {
        self.state.lock().unwrap().asked.clone()
    }

    fn refused(&self) -> usize {
        self.asked().iter().filter(|(_, answered)| !answered).count()
    }

    fn answer(&self) -> Vec<Result<Heard, Error>> {
        let mut state = self.state.lock().unwrap();
        let (now, each) = (Instant::now(), f64::from(self.limit) / 60.0);
        if let Some((before, _)) = state.asked.last() {
            state.level = (state.level - now.duration_since(*before).as_secs_f64() * each).max(0.0);
        }
        let answered = state.level + 1.0 <= self.burst;
        state.asked.push((now, answered));
        state.level += if answered { 1.0 } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
        let remaining = (self.burst - state.level) as u64;
        let requests =
            Allowance { limit: Some(self.limit.into()), remaining: Some(remaining), reset_in: None };
        let figures = self.tells.then(|| RateFigures { requests, ..RateFigures::default() });
        if !answered {
            let mut error = Error::new(Class::RateLimited, "too many");
            error.retry_after = Some(self.retry_after);
            error.figures = figures.map(Box::new);
            return vec![Err(error)];
        }
        let empty = json!({"title": "T", "summary": [{"kind": "note", "text": "Nothing."}], "sections": []});
        let Turn::Reply(reply) = says("", &[("write_report", empty)]) else { unreachable!() };
        figures.into_iter().map(Heard::Figures).chain([Heard::Reply(Box::new(reply))]).map(Ok).collect()
    }
}

impl Model for Shared {
    fn ask(&self, _: Ask) -> BoxStream<'static, Result<Heard, Error>> {
        let counting = Arc::clone(&self.0);
        stream::once(async move { stream::iter(counting.answer()) }).flatten().boxed()
    }

    fn facts(&self) -> &Facts {
        &self.0.facts
    }
}

struct Shared(Arc<Counting>);

/// Two executors that know of each other only by the log, and their provider.
fn two(counting: Counting) -> (Stage, Arc<Counting>) {
    let counting = Arc::new(counting);
    let asked = Arc::clone(&counting);
    let mut stage = Stage::with([], script(SETS), |agent| {
        agent.models = Models::by(move |_| Ok(Arc::new(Shared(Arc::clone(&asked)))));
        agent.retry = Retry::default();
    });
    stage.another();
    (stage, counting)
}

const TWO_A_SECOND: Rates = Rates { requests: Some(120), tokens: None };

/// So many tasks at once, all of which complete in their first attempt.
async fn seventeen(stage: &Stage) -> Vec<Snapshot> {
    let mut tasks = Vec::new();
    for _ in 0..17 {
        tasks.push(stage.submit(input(), Limits::default()).await);
    }
    let mut all = Vec::new();
    for task in tasks {
        let ended = stage.end(task).await;
        assert_eq!((ended.status, ended.attempt), (Status::Completed, 1), "{ended:#?}");
        all.push(ended);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn executors_that_know_the_limit_keep_it_together() {
    let (stage, counting) = two(Counting::new(120, 13, TWO_A_SECOND));
    for ended in seventeen(&stage).await {
        assert_eq!((ended.progress.waits, ended.usage.model_calls), (None, 1));
    }
    assert_eq!((counting.refused(), counting.asked().len()), (0, 17));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_the_provider_names_is_kept_from_then_on() {
    let mut provider = Counting::new(120, 13, Rates::default());
    provider.tells = true;
    let (stage, counting) = two(provider);
    seventeen(&stage).await;
    let asked = counting.asked();
    assert_eq!(asked.iter().filter(|(_, answered)| *answered).count(), 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_says_so_stops_at_once_and_gives_its_place_to_the_next() {
    let (stage, counting) = two(Counting::new(1, 1, Rates { requests: Some(1), tokens: None }));
    let first = stage.submit(input(), Limits::default()).await;
    assert_eq!(stage.end(first).await.status, Status::Completed);

    let mut until = Vec::new();
    for _ in 0..2 {
        let task = stage.submit(input(), Limits::default()).await;
        let waits = stage.until(task, |snapshot, _| snapshot.progress.waits.is_some()).await;
        assert_eq!(waits.status, Status::Running, "it keeps its slot");
        let told = waits.progress.waits.unwrap();
        assert_eq!((told.code.as_str(), told.provider.as_str()), (RATE_LIMIT, "counting"));
        let message = waits.progress.message.unwrap();
        assert!(
            message.starts_with("waits ") && message.ends_with(" s for the rate limit of counting"),
            "{message}"
        );
        until.push(told.until);

        stage.client.abort(task, None).await.unwrap();
        let ended = stage.end(task).await;
        assert_eq!((ended.status, ended.usage.model_calls), (Status::Aborted, 0), "{ended:#?}");
        assert!(ended.progress.waits.is_none());
    }
    // Told in whole milliseconds, each from when it was told.
    assert!(until[0].0.abs_diff(until[1].0) < 20_000, "the second has the place of the first: {until:?}");
    assert_eq!(counting.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_says_no_is_left_alone_by_all_for_as_long_as_it_asks() {
    let mut provider = Counting::new(6000, 1, Rates::default());
    provider.retry_after = Duration::from_secs(2);
    let (stage, counting) = two(provider);
    let tasks = [0; 4].map(|_| stage.submit(input(), Limits::default()));
    for task in futures::future::join_all(tasks).await {
        assert_eq!(stage.end(task).await.status, Status::Completed);
    }
    // Whoever is under way when it says no does not know yet. Who comes later does.
    let asked = counting.asked();
    for (at, answered) in &asked {
        let soon = |then: &&(Instant, bool)| {
            let after = then.0.saturating_duration_since(*at);
            !answered && after > Duration::from_millis(500) && after < Duration::from_millis(1_900)
        };
        assert_eq!(asked.iter().find(soon), None, "{asked:?}");
    }
}
