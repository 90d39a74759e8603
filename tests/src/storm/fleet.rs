//! The services under the storm, as processes of their own, and what keeps them running.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::ground::Ground;
use super::plan::Part;
use super::record::Record;
use crate::process::{Process, longhaul_at};

/// How often a part that ended by itself is looked for.
const LOOK: Duration = Duration::from_millis(200);
/// How long a part may take to end when it is told to.
const FAREWELL: Duration = Duration::from_secs(60);
/// Exit code of a command whose server is out of reach.
const UNREACHABLE: i32 = 7;

/// One process after another in the same role.
pub struct Seat {
    /// Which part.
    pub part: Part,
    /// Its name in the report and of its folder.
    pub name: String,
    args: Vec<String>,
    /// None while it is down on purpose.
    running: Mutex<Option<Process>>,
}

/// All services.
pub struct Fleet {
    /// The seats.
    pub seats: Vec<Seat>,
    program: PathBuf,
    home: PathBuf,
    nats: String,
    token: String,
    record: Arc<Record>,
}

impl Fleet {
    /// Two schedulers, a projector and three executors, started.
    pub fn launch(
        ground: &Ground,
        home: &Path,
        program: &Path,
        lease: Duration,
        record: Arc<Record>,
    ) -> Self {
        let lease = format!("{}ms", lease.as_millis());
        let seat = |part, name: &str, args: &[&str]| Seat {
            part,
            name: name.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            running: Mutex::new(None),
        };
        let work = |name, kinds| seat(Part::Executor, name, &["work", "--kind", kinds, "--places", "24"]);
        let seats = vec![
            seat(Part::Scheduler, "scheduler-1", &["schedule", "--lease", &lease]),
            seat(Part::Scheduler, "scheduler-2", &["schedule", "--lease", &lease]),
            seat(Part::Projector, "projector-1", &["project"]),
            work("executor-1", "rehearsal"),
            work("executor-2", "exec"),
            work("executor-3", "rehearsal,exec"),
        ];
        Self {
            seats,
            program: program.to_owned(),
            home: home.to_owned(),
            nats: ground.exposed_urls(),
            token: ground.token().to_owned(),
            record,
        }
    }

    /// The seats of a part.
    pub fn of(&self, part: Part) -> Vec<&Seat> {
        self.seats.iter().filter(|seat| seat.part == part).collect()
    }

    /// Where the projector keeps its model.
    pub fn model(&self) -> PathBuf {
        self.home.join("projector-1").join("projector")
    }

    fn start(&self, seat: &Seat) -> Process {
        let args: Vec<&str> = seat.args.iter().map(String::as_str).collect();
        let mut command = longhaul_at(&self.program, &self.home, &args);
        command.env("LONGHAUL_NATS", &self.nats).env("LONGHAUL_TOKEN", &self.token);
        command.env("LONGHAUL_DATA", self.home.join(&seat.name)).env("LONGHAUL_LOG", "warn");
        Process::start(command, &self.home, &seat.name)
    }

    /// Starts what does not run, and goes on doing so for as long as it is polled. A service that
    /// finds no server ends with code 7; whatever else ends by itself is a finding.
    pub async fn keep(&self) {
        loop {
            for seat in &self.seats {
                let Ok(mut running) = seat.running.try_lock() else { continue };
                if let Some(process) = running.as_mut() {
                    let Some(code) = process.over() else { continue };
                    let said = process.said();
                    if code != Some(UNREACHABLE) || said.contains("panicked") {
                        self.record.broke(&seat.name, code, &said);
                    }
                }
                *running = Some(self.start(seat));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Kills a seat's process, and leaves it down for a while.
    pub async fn kill(&self, seat: &Seat, down: Duration) {
        let mut running = seat.running.lock().await;
        if let Some(mut process) = running.take() {
            process.kill();
            self.note_panic(seat, &process);
        }
        tokio::time::sleep(down).await;
        *running = Some(self.start(seat));
    }

    /// Freezes a seat's process for a while.
    pub async fn freeze(&self, seat: &Seat, still: Duration) {
        let mut running = seat.running.lock().await;
        let Some(process) = running.as_mut() else { return };
        if process.over().is_some() {
            return;
        }
        process.freeze();
        tokio::time::sleep(still).await;
        process.thaw();
    }

    /// Tells a seat's process to end, waits for it, and starts the next.
    pub async fn drain(&self, seat: &Seat) {
        let mut running = seat.running.lock().await;
        self.ended(seat, running.take()).await;
        *running = Some(self.start(seat));
    }

    /// Ends everything of a part in good order.
    pub async fn dismiss(&self, part: Part) {
        for seat in self.of(part) {
            let process = seat.running.lock().await.take();
            self.ended(seat, process).await;
        }
    }

    async fn ended(&self, seat: &Seat, process: Option<Process>) {
        let Some(mut process) = process else { return };
        if process.over().is_some() {
            return;
        }
        process.terminate();
        let told = Instant::now();
        let code = loop {
            if let Some(code) = process.over() {
                break code;
            }
            if told.elapsed() > FAREWELL {
                process.kill();
                self.record.broke(
                    &seat.name,
                    None,
                    &format!("it did not end within {FAREWELL:?} of SIGTERM"),
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        // Told before it had come up, it ends as any program does, or has not found the server.
        let up = process.said().contains(" runs\n");
        if !matches!(code, Some(0 | UNREACHABLE)) && (up || code.is_some()) {
            self.record.broke(&seat.name, code, &process.said());
        }
        self.note_panic(seat, &process);
    }

    fn note_panic(&self, seat: &Seat, process: &Process) {
        let said = process.said();
        if said.contains("panicked") {
            self.record.broke(&seat.name, None, &said);
        }
    }

    /// Name and process id of what runs.
    pub async fn pids(&self) -> Vec<(String, u32)> {
        let mut pids = Vec::new();
        for seat in &self.seats {
            if let Ok(running) = seat.running.try_lock()
                && let Some(process) = running.as_ref()
            {
                pids.push((seat.name.clone(), process.pid()));
            }
        }
        pids
    }
}
