//! What the dashboard costs and how fast it is: this program's own, as a process on a terminal of its
//! own, over a log of many tasks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;
use tokio::task::block_in_place;

use super::Bench;
use crate::bulk::{Shape, load};
use crate::bustle::{Bustle, Written};
use crate::error::Error;
use crate::figures::Samples;
use crate::process::Meter;
use crate::pty::{Seen, Terminal};
use crate::report::{Case, Cost, Figures, Measured};
use crate::stage::{Books, PATIENCE, Stage};

/// What stands beside the tasks that have ended, where there are enough tasks.
const RUNNING: usize = 400;
const WAITING: usize = 100;
const ASKING: usize = 20;
/// How long a dashboard may take to settle after it has begun, or after the load has.
const SETTLE: Duration = Duration::from_secs(3);

/// How often each thing is done.
struct Times {
    starts: u32,
    keys: u32,
    filters: u32,
    jumps: u32,
}

pub(super) async fn measure(bench: &Bench) -> Result<Measured, Error> {
    let tasks = bench.tasks(100_000, 300) as usize;
    let times = match bench.options.quick {
        true => Times { starts: 1, keys: 4, filters: 1, jumps: 2 },
        false => Times { starts: 5, keys: 300, filters: 8, jumps: 30 },
    };
    let durability = bench.durabilities().into_iter().next().flatten();
    let setup = crate::stage::Setup { organisations: 1, ..bench.setup(durability) };
    let mut stage = Stage::open(&bench.options, bench.binary.as_ref(), &setup).await?;
    let clients = stage.clients(1).await?;
    let running = RUNNING.min(tasks / 10).max(1);
    let (waiting, asking) = (WAITING.min(tasks / 20), ASKING.min(tasks / 50));
    let ended = tasks.saturating_sub(running + waiting + asking) as u64;
    bench.tell(format!("dashboard: writing {ended} histories"));
    let loaded = load(&clients, ended, Shape::Varied, &*bench.options.tell).await?;
    stage.project().await?;
    stage.caught_up_within(PATIENCE * 10).await?;
    let bustle = Bustle::start(&clients[0], running, waiting, asking).await?;
    stage.caught_up().await?;
    let shard = stage.journal.shards().of(&clients[0].identity().org);
    let head = stage.journal.head(shard).await?.0;
    let mut theatre =
        Theatre { bench, org: clients[0].identity().org.to_string(), head, times, stage, bustle };
    let mut repetitions = Vec::new();
    for number in 1..=bench.options.repeat {
        let figures = theatre.once(number).await?;
        let repetition = figures.into_repetition(theatre.stage.durability(), Case::new(), number);
        bench.tell(format!("dashboard, {number}: {}", super::gist(&repetition)));
        repetitions.push(repetition);
    }
    let (columns, rows) = bench.options.size;
    let parameters = BTreeMap::from([
        ("tasks", json!(tasks)),
        ("running", json!(running)),
        ("waiting", json!(waiting)),
        ("asking", json!(asking)),
        ("events", json!(loaded.events)),
        ("records", json!(head)),
        ("rate", json!(bench.options.rate)),
        ("seconds", json!(bench.options.seconds)),
        ("size", json!(format!("{columns}x{rows}"))),
        ("shards", json!(theatre.stage.journal.shards().get())),
    ]);
    let Theatre { stage, bustle, .. } = theatre;
    drop((bustle, clients));
    stage.close().await?;
    let notes = [
        "the dashboard runs as a process on a pseudo-terminal that is read at once; each part has a dashboard of \
         its own; those that have ended have ten events each, in six records, besides the ledger's",
        "start: from the program's begin; paint: until the first whole frame; shown: until the list is whole, \
         and the same from when the log was connected to",
        "idle: no events; executors beat each second, the clock is in sight. busy: the tasks that run write \
         events of all kinds, end, and others begin; their executors beat whenever a run begins or ends",
        "frame: from when it is due until it is written, by the dashboard's own clock; key: from when it is read \
         until the frame after it is written, of those that move or change the view; seen: from typing into the terminal until the whole frame that \
         only this key brings about has been read from it",
        "jump: `:at` a random record of the log, without events meanwhile",
    ];
    Ok(Measured::new("dashboard", parameters, notes.map(str::to_owned).to_vec(), repetitions))
}

/// A log with tasks at work, and dashboards over it.
struct Theatre<'a> {
    bench: &'a Bench,
    org: String,
    /// Where the log ended when it had been made.
    head: u64,
    times: Times,
    stage: Stage,
    bustle: Bustle,
}

/// A dashboard, and where it writes what it measures.
struct Shown {
    terminal: Terminal,
    path: PathBuf,
}

/// What the dashboard measured itself. Times of day and spans in microseconds.
#[derive(Deserialize)]
struct Inside {
    connected_at: Option<u64>,
    listed_at: Option<u64>,
    frames: Vec<Frame>,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Frame {
    at: u64,
    took: u64,
    bytes: u64,
}

#[derive(Deserialize)]
struct Key {
    at: u64,
    took: u64,
}

impl Theatre<'_> {
    async fn once(&mut self, number: u32) -> Result<Figures, Error> {
        let mut figures = Figures::default();
        self.starts(&mut figures)?;
        self.idle(&mut figures).await?;
        if number == 1 {
            self.jumps(&mut figures)?;
        }
        self.bustle.pace(self.bench.options.rate);
        self.busy(&mut figures).await?;
        self.keys(&mut figures)?;
        self.bustle.rest();
        self.stage.caught_up().await?;
        Ok(figures)
    }

    fn open(&self) -> Result<Shown, Error> {
        let path = self.stage.folder().join("figures.json");
        let folder = self.stage.folder();
        let mut command = self.stage.command()?;
        // Nobody's settings but these.
        command
            .env("HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .env("XDG_STATE_HOME", folder.join("state"));
        let file = path.to_string_lossy();
        let args = ["tui", "--org", &self.org, "--user", "bench", "--no-mouse", "--figures", &file];
        let _ = std::fs::remove_dir_all(folder.join("state"));
        Ok(Shown { terminal: Terminal::start(command, &args, self.bench.options.size)?, path })
    }

    /// Opens one and waits until all tasks are listed.
    fn whole(&self) -> Result<(Shown, Instant), Error> {
        let shown = self.open()?;
        let listed = |seen: &Seen| is_listed(seen);
        let at = block_in_place(|| shown.terminal.wait("all tasks", PATIENCE, listed))?;
        Ok((shown, at))
    }

    fn starts(&self, figures: &mut Figures) -> Result<(), Error> {
        let (mut painted, mut whole, mut connected) =
            (Samples::default(), Samples::default(), Samples::default());
        for _ in 0..self.times.starts {
            let (shown, at) = self.whole()?;
            let (begun, first) = {
                let seen = shown.terminal.seen();
                (seen.begun.unwrap_or(at), seen.painted.unwrap_or(at))
            };
            painted.push(first.saturating_duration_since(begun));
            whole.push(at.saturating_duration_since(begun));
            let inside = shown.leave()?;
            if let (Some(from), Some(to)) = (inside.connected_at, inside.listed_at) {
                connected.push(Duration::from_micros(to.saturating_sub(from)));
            }
        }
        figures.put_spread("start_to_paint", &painted);
        figures.put_spread("start_to_shown", &whole);
        figures.put_spread("connect_to_shown", &connected);
        Ok(())
    }

    async fn idle(&mut self, figures: &mut Figures) -> Result<(), Error> {
        let (shown, _) = self.whole()?;
        tokio::time::sleep(SETTLE).await;
        let window = self.watch(&shown.terminal.meter()).await?;
        put_memory("idle", &shown.terminal.meter(), figures);
        let inside = shown.leave()?;
        figures.put("idle_cpu", "%", window.percent());
        window.put_frames("idle", &inside, figures);
        Ok(())
    }

    async fn busy(&mut self, figures: &mut Figures) -> Result<(), Error> {
        let (shown, _) = self.whole()?;
        tokio::time::sleep(SETTLE).await;
        let books = Books::open(&self.stage, None);
        let window = self.watch(&shown.terminal.meter()).await?;
        let mut costs = books.close();
        put_memory("busy", &shown.terminal.meter(), figures);
        let memory = shown.terminal.meter().memory();
        let inside = shown.leave()?;
        figures.put("busy_events", "1/s", window.rate(|written| written.events));
        figures.put("busy_records", "1/s", window.rate(|written| written.records));
        figures.put("busy_cpu", "%", window.percent());
        window.put_frames("busy", &inside, figures);
        costs.push(Cost {
            process: "dashboard".to_owned(),
            cpu_ms: window.cpu.as_secs_f64() * 1000.0,
            memory_bytes: memory.map(|memory| memory.resident),
            peak_bytes: memory.map(|memory| memory.peak),
        });
        figures.processes = costs;
        Ok(())
    }

    /// Watches for a while what a process costs.
    async fn watch(&mut self, meter: &Meter) -> Result<Window, Error> {
        let (from, before, written) = (now(), meter.cpu(), self.bustle.written()?);
        tokio::time::sleep(Duration::from_secs(self.bench.options.seconds.into())).await;
        let after = meter.cpu();
        let cpu = after.zip(before).map(|(after, before)| after.saturating_sub(before)).unwrap_or_default();
        self.stage.check()?;
        Ok(Window { from, to: now(), cpu, before: written, after: self.bustle.written()? })
    }

    /// Types under load.
    fn keys(&self, figures: &mut Figures) -> Result<(), Error> {
        let (shown, _) = self.whole()?;
        std::thread::sleep(Duration::from_secs(1));
        let typed = Typed(&shown.terminal);
        let mut views = Samples::default();
        for n in 0..self.times.keys / 2 {
            // At no fixed distance from frames and batches.
            pause(u64::from(n * 7 % 40));
            typed.seen("2", "Waiting for you", &mut views)?;
            pause(u64::from(n * 11 % 40));
            typed.seen("1", "attention first, newest", &mut views)?;
        }
        for n in 0..self.times.keys {
            pause(u64::from(n * 13 % 40));
            shown.terminal.press(if n % 2 == 0 { "j" } else { "k" })?;
        }
        pause(100);
        // What follows is looked at by itself.
        let (moved, mut strokes, mut sorts) = (now(), Samples::default(), Samples::default());
        for _ in 0..self.times.filters {
            shown.terminal.press("/")?;
            let mut text = String::from("/");
            for letter in ["b", "i", "l", "l", "i", "n", "g"] {
                pause(60);
                text += letter;
                typed.seen(letter, &format!("newest {text} "), &mut strokes)?;
            }
            typed.until("\x1b\x1b", |seen| !seen.screen.shows("newest /"))?;
        }
        let orders = ["newest first", "by status", "by title", "farthest first", "most tokens first"];
        for _ in 0..self.times.filters {
            for order in orders {
                pause(60);
                typed.seen("s", &format!(" Tasks {order} "), &mut sorts)?;
            }
            pause(60);
            typed.seen("s", "attention first, newest", &mut sorts)?;
        }
        let inside = shown.leave()?;
        figures.put_spread("seen", &views);
        figures.put_spread("seen_filter", &strokes);
        figures.put_spread("seen_sort", &sorts);
        let keys = inside.keys.iter().filter(|key| key.at < moved);
        figures.put_spread("key", &spans(keys.map(|key| key.took)));
        Ok(())
    }

    /// Goes to places all over the log.
    fn jumps(&self, figures: &mut Figures) -> Result<(), Error> {
        let (shown, _) = self.whole()?;
        let typed = Typed(&shown.terminal);
        let (mut into, mut within) = (Samples::default(), Samples::default());
        let mut place = self.head / 2;
        for n in 0..self.times.jumps {
            // All over it, in no order.
            place = (place + self.head * 618 / 1000) % self.head.max(1) + 1;
            let is_there = format!("seq {place}  ");
            let from_now = n % 2 == 0;
            if from_now && n > 0 {
                typed.until("t", |seen| !seen.screen.shows(" PAST "))?;
            }
            pause(100);
            shown.terminal.press(&format!(":at {place}"))?;
            block_in_place(|| {
                shown.terminal.wait("the command", PATIENCE, |seen| seen.screen.shows(&format!("at {place}")))
            })?;
            let samples = if from_now { &mut into } else { &mut within };
            typed.seen_if("\r", samples, |seen| {
                seen.screen.shows(" PAST ")
                    && seen.screen.shows(&is_there)
                    && !seen.screen.shows("that lived then")
            })?;
        }
        let memory = shown.terminal.meter().memory();
        shown.leave()?;
        figures.put_spread("jump_from_now", &into);
        figures.put_spread("jump_within_past", &within);
        if let Some(memory) = memory {
            figures.put("past_memory", "bytes", memory.resident as f64);
            figures.put("past_memory_peak", "bytes", memory.peak as f64);
        }
        Ok(())
    }
}

impl Shown {
    /// Leaves it; what it measured itself.
    fn leave(self) -> Result<Inside, Error> {
        block_in_place(|| self.terminal.leave())?;
        let bytes = std::fs::read(&self.path).map_err(Error::at("read", &self.path))?;
        serde_json::from_slice(&bytes)
            .map_err(|why| Error::Unfit(format!("the dashboard gave no figures: {why}")))
    }
}

/// Whoever types into a dashboard and looks at it.
struct Typed<'a>(&'a Terminal);

impl Typed<'_> {
    /// How long it takes from typing until a text is seen.
    fn seen(&self, keys: &str, text: &str, samples: &mut Samples) -> Result<(), Error> {
        self.seen_if(keys, samples, |seen| seen.screen.shows(text))
    }

    fn seen_if(
        &self,
        keys: &str,
        samples: &mut Samples,
        is_shown: impl Fn(&Seen) -> bool,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let at = self.until(keys, is_shown)?;
        samples.push(at.saturating_duration_since(begun));
        Ok(())
    }

    fn until(&self, keys: &str, is_shown: impl Fn(&Seen) -> bool) -> Result<Instant, Error> {
        self.0.press(keys)?;
        block_in_place(|| self.0.wait(&format!("what {keys:?} brings about"), PATIENCE, is_shown))
    }
}

/// What a process cost in a while, and what happened meanwhile.
struct Window {
    /// Times of day, in microseconds.
    from: u64,
    to: u64,
    cpu: Duration,
    before: Written,
    after: Written,
}

impl Window {
    fn seconds(&self) -> f64 {
        (self.after.at - self.before.at).as_secs_f64()
    }

    /// Of one core.
    fn percent(&self) -> f64 {
        self.cpu.as_secs_f64() / self.seconds() * 100.0
    }

    fn rate(&self, of: impl Fn(&Written) -> u64) -> f64 {
        (of(&self.after) - of(&self.before)) as f64 / self.seconds()
    }

    /// The frames of that while.
    fn put_frames(&self, name: &str, inside: &Inside, figures: &mut Figures) {
        let frames = || inside.frames.iter().filter(|frame| (self.from..self.to).contains(&frame.at));
        figures.put(format!("{name}_frames"), "1/s", frames().count() as f64 / self.seconds());
        figures.put_spread(&format!("{name}_frame"), &spans(frames().map(|frame| frame.took)));
        let bytes: Vec<f64> = frames().map(|frame| frame.bytes as f64).collect();
        if let Some(middle) = crate::figures::median(&bytes) {
            figures.put(format!("{name}_bytes_per_frame"), "bytes", middle);
        }
    }
}

fn put_memory(name: &str, meter: &Meter, figures: &mut Figures) {
    if let Some(memory) = meter.memory() {
        figures.put(format!("{name}_memory"), "bytes", memory.resident as f64);
        figures.put(format!("{name}_memory_peak"), "bytes", memory.peak as f64);
    }
}

fn spans(micros: impl Iterator<Item = u64>) -> Samples {
    let mut samples = Samples::default();
    micros.for_each(|span| samples.push(Duration::from_micros(span)));
    samples
}

/// Whether every task is in the list.
fn is_listed(seen: &Seen) -> bool {
    seen.screen.rows().next().is_some_and(|header| header.contains(" live "))
}

fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(20 + millis));
}

/// The time of day, in microseconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
