//! Programs that leave a mark outside the log for every step they do: what the log says was recorded
//! can be held against what was really done.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use longhaul_core::{RunNumber, TaskId};
use serde_json::{Value, json};

/// Marks each step it does not find recorded: a line `task step run`, appended before the step's work.
/// A line this short is written whole or not at all.
const SCRIPT: &str = r#"
n=1
while [ $n -le $2 ]; do
  case "$LONGHAUL_STEPS" in
    *"\"step $n\""*) ;;
    *)
      echo "{\"step\":\"step $n\",\"of\":$2}" >&"$LONGHAUL_EVENTS"
      echo "$LONGHAUL_TASK $n $LONGHAUL_RUN" >> "$1"
      sleep "0.$3"
      echo "{\"result\":$n}" >&"$LONGHAUL_EVENTS"
      ;;
  esac
  n=$((n + 1))
done
"#;

/// The input of an `exec` task with so many steps of so many hundredths of a second.
pub fn program(file: &Path, steps: u64, hundredths: u64) -> Value {
    let args = ["-c", SCRIPT, "witness", &file.display().to_string(), &steps.to_string()];
    let mut args: Vec<String> = args.map(str::to_owned).into();
    args.push(format!("{hundredths:02}"));
    json!({"program": "sh", "args": args, "grace": 1.0})
}

/// Who recorded which step.
pub type Recorded = HashMap<(TaskId, String), RunNumber>;

/// What the marks say.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Testimony {
    /// Steps done, however often.
    pub done: u64,
    /// Steps a later run did again although an earlier one had recorded them.
    pub repeated: Vec<String>,
    /// Steps one run did twice.
    pub twice: Vec<String>,
    /// Lines that are no marks.
    pub unreadable: u64,
}

/// Holds the marks against the log. A step that was done but not recorded may be done again; one that
/// an executor without the task did meanwhile is its own affair: its run came before.
///
/// # Errors
/// If the file cannot be read; one that is not there has no marks.
pub fn examine(file: &Path, recorded: &Recorded) -> std::io::Result<Testimony> {
    let mut testimony = Testimony::default();
    if !file.exists() {
        return Ok(testimony);
    }
    let mut seen = HashSet::new();
    for line in BufReader::new(std::fs::File::open(file)?).lines() {
        let line = line?;
        let Some((task, step, run)) = mark(&line) else {
            testimony.unreadable += 1;
            continue;
        };
        testimony.done += 1;
        if recorded.get(&(task, step.clone())).is_some_and(|by| run > *by) {
            testimony.repeated.push(line.clone());
        }
        if !seen.insert((task, step, run)) {
            testimony.twice.push(line);
        }
    }
    Ok(testimony)
}

fn mark(line: &str) -> Option<(TaskId, String, RunNumber)> {
    let mut words = line.split(' ');
    let task = words.next()?.parse().ok()?;
    let step = format!("step {}", words.next()?);
    let run = RunNumber(words.next()?.parse().ok()?);
    words.next().is_none().then_some((task, step, run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_step_that_is_done_again_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("marks");
        let task: TaskId = longhaul_journal::new_id();
        let recorded: Recorded = [((task, "step 1".to_owned()), RunNumber(2))].into();
        let say = |lines: &[&str]| {
            let text: String = lines.iter().map(|line| format!("{task} {line}\n")).collect();
            std::fs::write(&file, text).unwrap();
            examine(&file, &recorded).unwrap()
        };
        // Done and not recorded, then done and recorded; the next step by the same run.
        let good = say(&["1 1", "1 2", "2 2"]);
        assert_eq!((good.done, good.repeated.len(), good.twice.len()), (3, 0, 0));
        assert_eq!(say(&["1 2", "1 3"]).repeated.len(), 1);
        assert_eq!(say(&["2 2", "2 2"]).twice.len(), 1);
        assert_eq!(say(&["2"]).unreadable, 1);
    }
}
