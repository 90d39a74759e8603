//! The power goes: whatever was not on the disk is gone, and what was acknowledged is there.
//!
//! A kill proves nothing here, since what was written survives it in the kernel's memory. So the server
//! lies on a disk of its own, a file, which is cut off without a last write (`FS_IOC_SHUTDOWN` without
//! flushing the journal), unmounted, and mounted again. Under `relaxed` the same has to lose something:
//! if it does not, nothing is proved by `strict` losing nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longhaul_broker::{Durability, Error, Server, ServerConfig};
use longhaul_client::Client;
use longhaul_core::{Sequence, TaskId, TaskRef};
use longhaul_journal::{Auth, ConnectOptions, Journal};
use longhaul_tests::fault::{client_over, told};
use longhaul_tests::world::rehearsal;

/// `_IOR('X', 125, __u32)`
const FS_IOC_SHUTDOWN: libc::c_ulong = 0x8004_587d;
/// Nothing more reaches the disk, not even what is in the journal's memory.
const NO_LOG_FLUSH: u32 = 2;

/// How often the power goes under `strict`.
const CUTS: usize = 6;

/// A disk that is a file.
struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    fn new(folder: &Path) -> Self {
        let disk = Self { image: folder.join("disk"), mounted: folder.join("mounted") };
        std::fs::create_dir(&disk.mounted).unwrap();
        File::create(&disk.image).unwrap().set_len(512 << 20).unwrap();
        tool("mkfs.ext4", &[&"-q", &disk.image]);
        disk.mount();
        disk
    }

    fn mount(&self) {
        tool("mount", &[&"-o", &"loop", &self.image, &self.mounted]);
    }

    /// Nothing that is written from now on, or was but a moment ago, is there after the next mount.
    fn cut(&self) {
        let folder = File::open(&self.mounted).unwrap();
        let how = NO_LOG_FLUSH;
        // SAFETY: the request reads one u32 through the pointer, which outlives the call.
        #[expect(unsafe_code, reason = "there is no other way to cut a disk off")]
        let outcome = unsafe { libc::ioctl(folder.as_raw_fd(), FS_IOC_SHUTDOWN, &raw const how) };
        assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
    }

    fn mount_again(&self) {
        tool("umount", &[&self.mounted]);
        self.mount();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.mounted).status();
    }
}

fn tool(name: &str, args: &[&dyn AsRef<std::ffi::OsStr>]) {
    let mut command = Command::new(name);
    args.iter().for_each(|arg| _ = command.arg(arg));
    let output = command.output().unwrap_or_else(|error| panic!("{name}: {error}; it has to be installed"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}; this test needs root and loop devices");
}

async fn start(disk: &Disk, durability: Durability) -> Result<Server, Error> {
    let binary = tokio::task::spawn_blocking(|| {
        let options = longhaul_broker::Options::from_env();
        longhaul_broker::locate(&options, &mut longhaul_broker::talk_on_stderr())
    });
    let binary = binary.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
    let start_within = Duration::from_secs(15);
    let config = ServerConfig { durability, start_within, ..ServerConfig::new(disk.mounted.join("nats")) };
    Server::start(&binary, config).await
}

async fn connect(server: &Server) -> Journal {
    let options = ConnectOptions {
        auth: Auth::Token(server.token().to_owned()),
        monitoring: vec![server.monitoring_url().to_owned()],
        ..ConnectOptions::new(server.url())
    };
    Journal::connect(&options).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Submits until told to stop, or until it is not acknowledged.
async fn submit(client: Client, stop: Arc<AtomicBool>) -> Vec<TaskId> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::SeqCst)
        && let Ok(done) = client.submit(rehearsal("hello")).await
    {
        acknowledged.push(done.snapshot.task);
    }
    acknowledged
}

/// Submits for a while, cuts the power, and gives what was acknowledged before that.
async fn until_the_power_goes(disk: &Disk, mut server: Server, a_while: Duration) -> Vec<TaskId> {
    let journal = connect(&server).await.with_deadline(Duration::from_secs(1));
    let stop = Arc::new(AtomicBool::new(false));
    let submitting: Vec<_> = (0..16)
        .map(|n| tokio::spawn(submit(client_over(&journal, &format!("user-{n}")), Arc::clone(&stop))))
        .collect();
    tokio::time::sleep(a_while).await;
    disk.cut();
    server.kill().await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = Vec::new();
    for submitting in submitting {
        acknowledged.extend(submitting.await.unwrap());
    }
    drop((journal, server));
    disk.mount_again();
    acknowledged
}

/// Those of them that are not there.
async fn missing(journal: &Journal, acknowledged: &[TaskId]) -> Vec<TaskId> {
    // A log that is gone is made again when one connects: then it is empty.
    let mut ends = 0;
    for shard in journal.shards().all() {
        ends += journal.head(shard).await.unwrap_or(Sequence::ZERO).0;
    }
    let there = if ends == 0 { Default::default() } else { told(journal).await.tasks };
    let org = longhaul_core::OrgId::new("acme").unwrap();
    let is_there = |task: &TaskId| there.contains_key(&TaskRef { org: org.clone(), task: *task });
    acknowledged.iter().filter(|task| !is_there(task)).copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root and loop devices: just power-cut"]
async fn under_strict_nothing_acknowledged_is_lost_and_under_relaxed_something_is() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path());
    let mut acknowledged = Vec::new();
    for n in 0..CUTS {
        let server = start(&disk, Durability::Strict).await.unwrap_or_else(|error| panic!("{error}"));
        let a_while = Duration::from_millis(500 + 300 * n as u64);
        let before = acknowledged.len();
        acknowledged.extend(until_the_power_goes(&disk, server, a_while).await);
        assert!(acknowledged.len() > before + 20, "too few to prove anything");
        let server = start(&disk, Durability::Strict).await.unwrap_or_else(|error| panic!("{error}"));
        let missing = missing(&connect(&server).await, &acknowledged).await;
        assert_eq!(missing, [], "cut {n}: of {}", acknowledged.len());
        server.stop().await.unwrap();
    }
    eprintln!("strict: {} acknowledged before {CUTS} power cuts, 0 lost", acknowledged.len());

    let (mut acknowledged, mut lost) = (0, 0);
    while lost == 0 {
        assert!(acknowledged < 20_000, "the power did not go: what strict kept proves nothing");
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path());
        let server = start(&disk, Durability::Relaxed).await.unwrap();
        let these = until_the_power_goes(&disk, server, Duration::from_millis(1700)).await;
        acknowledged += these.len();
        lost += match start(&disk, Durability::Relaxed).await {
            Ok(server) => missing(&connect(&server).await, &these).await.len(),
            // A young log may be gone whole, and the server says so.
            Err(Error::NotReady { .. }) => these.len(),
            Err(error) => panic!("{error}"),
        };
    }
    eprintln!("relaxed: {acknowledged} acknowledged before power cuts, {lost} lost");
}
