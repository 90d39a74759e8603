//! What is asked for: drawn from the seed, the same whatever the order in which clients come to it.

use std::path::Path;
use std::time::Duration;

use longhaul_client::{Client, NewTask, OnBusy};
use longhaul_core::{Caps, Limits, Millis, Policy, Priority, RetryPolicy};
use serde_json::{Value, json};

use super::dice::Dice;
use super::witness;

/// Organisations, by how much they ask for, in percent.
pub const ORGS: [(u64, &str); 4] = [(40, "acme"), (30, "globex"), (20, "initech"), (10, "umbrella")];

/// Users of each.
const USERS: u64 = 5;

/// An organisation that may do less than others; the others have the default.
pub fn tight() -> (&'static str, Policy) {
    let caps = Caps { user: 2, organisation: 6, ..Caps::default() };
    ("umbrella", Policy { caps, ..Policy::default() })
}

/// A task to come, and what its client does about it.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its place in the workload.
    pub n: u64,
    /// Whose.
    pub org: &'static str,
    /// Whose.
    pub user: String,
    /// What; the idempotency key is in it.
    pub task: NewTask,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Ask for an abort so long after the acknowledgement.
    pub abort_after: Option<Duration>,
    /// Submit the same again under the same key.
    pub again: Again,
    /// If it fails or expires, try it once more.
    pub retry: bool,
}

/// How a submission is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It is not.
    No,
    /// By a second client at the same time.
    AtOnce,
    /// After the acknowledgement.
    Later,
    /// After the acknowledgement, with another body: to be refused.
    Other,
}

/// What a handler is asked to do.
#[derive(Debug, Clone, Copy)]
enum Work {
    Say,
    Slow,
    Chain,
    Fail,
    FailLater,
    Approve,
    Program,
    Temporary,
    Long,
}

const WORK: [(u64, Work); 9] = [
    (45, Work::Say),
    (20, Work::Slow),
    (6, Work::Chain),
    (3, Work::Fail),
    (4, Work::FailLater),
    (7, Work::Approve),
    (9, Work::Program),
    (2, Work::Temporary),
    (4, Work::Long),
];

impl Wish {
    /// The `n`-th wish under a seed. Programs write to the file `witness`. `now` is what delayed
    /// starts count from.
    ///
    /// # Panics
    /// Never: everything drawn is usable.
    pub fn draw(seed: u64, n: u64, client: &Client, witness: &Path) -> Self {
        let mut dice = Dice::of(seed, "tasks", n);
        let org = dice.weighted(&ORGS);
        let user = format!("user-{}", dice.below(USERS));
        let work = dice.weighted(&WORK);
        let (kind, input, limits) = spelled(work, n, &mut dice, witness);
        let mut task = NewTask::new(kind, &format!("{kind} {n}"), &input).unwrap();
        task = task.limits(limits).retry(retry(work, &mut dice)).priority(dice.weighted(&[
            (20, Priority::Interactive),
            (60, Priority::Normal),
            (20, Priority::Batch),
        ]));
        if dice.percent(6) {
            let later = Millis(dice.between(100, 3000));
            task = task.not_before(client.journal().now().plus(later));
        }
        if dice.percent(15) {
            let conversation = format!("{user}-{}", dice.below(3));
            let busy = dice.weighted(&[
                (5, OnBusy::Enqueue),
                (3, OnBusy::Join),
                (1, OnBusy::Reject),
                (1, OnBusy::Interrupt),
            ]);
            task = task.conversation(&conversation, busy).unwrap();
        }
        let key = dice.percent(80).then(|| format!("wish-{n}"));
        if let Some(key) = &key {
            task = task.idempotency_key(key).unwrap();
        }
        let again = match &key {
            Some(_) => {
                dice.weighted(&[(86, Again::No), (6, Again::AtOnce), (6, Again::Later), (2, Again::Other)])
            }
            None => Again::No,
        };
        let abort = matches!(work, Work::Long) || dice.percent(9);
        let abort_after = abort.then(|| dice.millis(0, 1500));
        Self { n, org, user, task, key, abort_after, again, retry: dice.percent(25) }
    }
}

fn spelled(work: Work, n: u64, dice: &mut Dice, witness: &Path) -> (&'static str, Value, Limits) {
    let usual = Limits::default();
    match work {
        Work::Say => ("rehearsal", json!({"say": format!("word {n}")}), usual),
        Work::Slow => {
            let command = format!("slow {} {}", dice.between(2, 12), dice.between(5, 100));
            ("rehearsal", json!(command), usual)
        }
        Work::Chain => {
            let command = format!("slow {} {}", dice.between(8, 20), dice.between(30, 60));
            ("rehearsal", json!(command), Limits { slice: Millis(dice.between(150, 400)), ..usual })
        }
        Work::Fail => ("rehearsal", json!("fail"), usual),
        Work::FailLater => ("rehearsal", json!("fail later"), usual),
        Work::Approve => ("rehearsal", json!("approve"), usual),
        Work::Program => ("exec", witness::program(witness, dice.between(2, 6), dice.between(0, 40)), usual),
        Work::Temporary => ("exec", json!({"program": "sh", "args": ["-c", "exit 75"]}), usual),
        // Only an abort ends it in time.
        Work::Long => ("rehearsal", json!("slow 400 50"), usual),
    }
}

/// Enough attempts that most tasks outlive the kills; some have but one.
fn retry(work: Work, dice: &mut Dice) -> RetryPolicy {
    let max_attempts = match work {
        Work::FailLater | Work::Temporary => u32::try_from(dice.between(1, 3)).unwrap_or(1),
        _ if dice.percent(8) => 1,
        _ => 12,
    };
    RetryPolicy { max_attempts, backoff: Millis(dice.between(50, 300)), max_backoff: Millis::seconds(2) }
}
