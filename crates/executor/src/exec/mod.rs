//! Running any program as a handler.
//!
//! The program gets its input as one line of JSON on its standard input, and in `LONGHAUL_INPUT` if it
//! is not larger than 64 KiB. It may say events, a JSON object a line ([`protocol`]), on the
//! descriptor that `LONGHAUL_EVENTS` names. What it prints is kept as `stdout.log` and `stderr.log`.
//! Exit 0 completes the task; 75 (`EX_TEMPFAIL`) fails it retryably; anything else fails it.
//!
//! On an abort, when its span is used up, or shortly before a draining executor leaves, the program's
//! group gets SIGTERM, and SIGKILL after its grace. A program has no checkpoints, and no slices: a next
//! run would begin it anew. Where a draining executor ends it, exit 75 says that it can go on in a
//! next run; `LONGHAUL_STEPS` then names the steps that are recorded.

mod capture;
mod log;
mod perform;
mod policy;
mod process;
pub mod protocol;
mod words;

use std::sync::Arc;

use serde_json::Value;

pub use policy::{ExecPolicy, GRACE, MAX_GRACE, Program};

use crate::executor::Executor;
use crate::failure::Failure;
use crate::handler::erase;
use crate::run::Run;
use policy::ExecInput;

/// The kind under which a task names its program itself.
pub const EXEC: &str = "exec";

impl Executor {
    /// Runs programs: fixed ones under kinds of their own, or, if the policy says so, whatever a task
    /// of the kind [`EXEC`] names.
    pub fn handle_exec(mut self, policy: ExecPolicy) -> Self {
        for (kind, program) in policy.programs {
            let program = Arc::new(program);
            let handler =
                async move |run: &mut Run, input: Value| perform::perform(run, &program, &input).await;
            self = self.register(&kind, erase(handler));
        }
        if let Some(passing) = policy.any {
            let passing = Arc::new(passing);
            let handler = async move |run: &mut Run, said: ExecInput| -> Result<Value, Failure> {
                perform::perform(run, &said.program(&passing), &said.input).await
            };
            self = self.register(EXEC, erase(handler));
        }
        self
    }
}
