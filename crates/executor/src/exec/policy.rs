//! Which programs an executor runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// How long a program has between being asked to end and being killed, unless said otherwise.
pub const GRACE: Duration = Duration::from_secs(10);

/// The longest such time that a task may ask for.
pub const MAX_GRACE: Duration = Duration::from_secs(300);

/// Variables of the executor's environment that every program gets: where things are and how people
/// here write. Everything else, tokens above all, stays with the executor.
const PASSED: [&str; 8] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// Which programs an executor runs: fixed ones under kinds of their own, or any.
#[derive(Debug, Clone, Default)]
pub struct ExecPolicy {
    pub(super) programs: Vec<(String, Program)>,
    pub(super) any: Option<Vec<String>>,
}

impl ExecPolicy {
    /// No program at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs this program for tasks of a kind. Whoever submits one chooses its input, nothing else.
    #[must_use]
    pub fn program(mut self, kind: impl Into<String>, program: Program) -> Self {
        self.programs.push((kind.into(), program));
        self
    }

    /// Runs whatever program a task of the kind `exec` names: whoever may submit one may do whatever
    /// this process may. For one's own machine. Of the environment, programs get the variables named
    /// here besides `PATH`, `HOME`, `USER`, `LANG`, `LC_ALL`, `LC_CTYPE`, `TZ` and `TMPDIR`.
    #[must_use]
    pub fn any<N: Into<String>>(mut self, passing: impl IntoIterator<Item = N>) -> Self {
        self.any = Some(passing.into_iter().map(Into::into).collect());
        self
    }
}

/// A program, and how it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) passing: Vec<String>,
    pub(super) cwd: Option<PathBuf>,
    pub(super) grace: Duration,
}

impl Program {
    /// A program: a path, or a name that is looked for in `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            passing: Vec::new(),
            cwd: None,
            grace: GRACE,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Gives it a variable of the executor's environment. It gets only those, and the few named at
    /// [`ExecPolicy::any`].
    #[must_use]
    pub fn pass(mut self, name: impl Into<String>) -> Self {
        self.passing.push(name.into());
        self
    }

    /// Where it runs; where the executor runs otherwise.
    #[must_use]
    pub fn cwd(self, cwd: impl Into<PathBuf>) -> Self {
        Self { cwd: Some(cwd.into()), ..self }
    }

    /// How long it has between being asked to end and being killed; [`GRACE`] otherwise.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The environment it runs in, the task's own variables not counted. Its own come before the
    /// executor's.
    pub(super) fn environment(
        &self,
        of_executor: impl Fn(&str) -> Option<String>,
    ) -> BTreeMap<String, String> {
        let passed = PASSED.into_iter().chain(self.passing.iter().map(String::as_str));
        let mut all: BTreeMap<String, String> =
            passed.filter_map(|name| Some((name.to_owned(), of_executor(name)?))).collect();
        all.extend(self.env.clone());
        all
    }
}

/// The input of a task of the kind `exec`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExecInput {
    program: PathBuf,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    pub(super) input: Value,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    cwd: Option<PathBuf>,
    /// Seconds.
    #[serde(default)]
    grace: Option<f64>,
}

impl ExecInput {
    /// The program a task asks for.
    pub(super) fn program(&self, passing: &[String]) -> Program {
        let grace = self.grace.and_then(|grace| Duration::try_from_secs_f64(grace).ok());
        Program {
            program: self.program.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            passing: passing.to_vec(),
            cwd: self.cwd.clone(),
            grace: grace.map_or(GRACE, |grace| grace.min(MAX_GRACE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_gets_what_it_is_given_and_no_secrets() {
        let program = Program::new("sh").pass("ALLOWED").env("OWN", "1").env("LANG", "C");
        let environment = program.environment(|name| (name != "HOME").then(|| format!("of {name}")));
        let get = |name: &str| environment.get(name).map(String::as_str);
        assert_eq!(
            (get("PATH"), get("ALLOWED"), get("OWN"), get("LANG")),
            (Some("of PATH"), Some("of ALLOWED"), Some("1"), Some("C"))
        );
        assert_eq!((get("HOME"), get("LONGHAUL_TOKEN")), (None, None));
    }

    #[test]
    fn a_task_says_which_program_and_how() {
        let said: ExecInput =
            serde_json::from_value(json!({"program": "ls", "args": ["-l"], "grace": 1e9})).unwrap();
        let expected = Program { grace: MAX_GRACE, ..Program::new("ls").arg("-l") };
        assert_eq!((said.program(&[]), said.input), (expected, Value::Null));
        let negative: ExecInput = serde_json::from_value(json!({"program": "ls", "grace": -1})).unwrap();
        assert_eq!(negative.program(&[]).grace, GRACE);
        assert!(serde_json::from_value::<ExecInput>(json!({"program": "ls", "argv": []})).is_err());
    }
}
