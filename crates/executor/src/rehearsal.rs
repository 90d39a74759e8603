//! The kind `rehearsal`: for trying clients, and for tests. It does nothing, in every way a handler can.

use std::time::Duration;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Value, json};

use crate::executor::Executor;
use crate::failure::Failure;
use crate::run::{Decided, Run};

/// The kind's name.
pub const REHEARSAL: &str = "rehearsal";

/// Most steps of a slow one.
const MAX_STEPS: u32 = 10_000;

/// Longest step of a slow one.
const MAX_STEP: Duration = Duration::from_secs(3600);

/// What is rehearsed.
///
/// As JSON: `{"say": "any text"}`, a command as a string, or `{"command": "…"}`. The commands are
/// `slow N MS`, `fail`, `fail later` and `approve`; any other string is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsal {
    /// Says the text, and gives it back.
    Say(String),
    /// Works so many steps of a length, with a piece of text in each.
    Slow {
        /// How many.
        steps: u32,
        /// How long each takes.
        each: Duration,
    },
    /// Fails after a piece of text.
    Fail {
        /// Whether trying again may help (it does not).
        retryable: bool,
    },
    /// Asks for an approval, and gives back the answer.
    Approve,
}

impl Rehearsal {
    /// What a command means.
    ///
    /// # Errors
    /// What is wrong with it, where it begins as a command does.
    pub fn parse(command: &str) -> Result<Self, String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["slow", steps, each] => slow(steps, each),
            ["slow", ..] => {
                Err("slow takes two numbers: steps, and milliseconds for each, as in `slow 5 200`".to_owned())
            }
            ["fail"] => Ok(Self::Fail { retryable: false }),
            ["fail", "later"] => Ok(Self::Fail { retryable: true }),
            ["approve"] => Ok(Self::Approve),
            _ => Ok(Self::Say(command.to_owned())),
        }
    }
}

fn slow(steps: &str, each: &str) -> Result<Rehearsal, String> {
    let bad = |what, most| format!("the number of {what} goes from 0 to {most}");
    let steps = steps
        .parse()
        .ok()
        .filter(|steps| *steps <= MAX_STEPS)
        .ok_or_else(|| bad("steps", u64::from(MAX_STEPS)))?;
    let each = each.parse().ok().map(Duration::from_millis).filter(|each| *each <= MAX_STEP);
    let each = each.ok_or_else(|| bad("milliseconds", MAX_STEP.as_secs() * 1000))?;
    Ok(Rehearsal::Slow { steps, each })
}

impl<'de> Deserialize<'de> for Rehearsal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = r#"expected {"say": text}, {"command": text}, or a command as a string"#;
        let said = Value::deserialize(deserializer)?;
        let member = |name: &str| said.as_object().filter(|all| all.len() == 1)?.get(name)?.as_str();
        match (said.as_str().or_else(|| member("command")), member("say")) {
            (Some(command), _) => Self::parse(command).map_err(D::Error::custom),
            (None, Some(text)) => Ok(Self::Say(text.to_owned())),
            (None, None) => Err(D::Error::custom(EXPECTED)),
        }
    }
}

impl Executor {
    /// Runs tasks of the kind [`REHEARSAL`].
    pub fn handle_rehearsal(self) -> Self {
        self.handle(REHEARSAL, rehearse)
    }
}

/// The handler of [`REHEARSAL`].
///
/// # Errors
/// `rehearsed` where that was asked for; a stop where the run ends.
pub async fn rehearse(run: &mut Run, rehearsal: Rehearsal) -> Result<Value, Failure> {
    match rehearsal {
        Rehearsal::Say(text) => {
            run.text(&text).await?;
            Ok(json!({"said": text}))
        }
        Rehearsal::Slow { steps, each } => work_slowly(run, steps, each).await,
        Rehearsal::Fail { retryable } => {
            run.text("This will not go well.\n").await?;
            let message = "failed on purpose, as asked for; submit another rehearsal to see it succeed";
            Err(match retryable {
                true => Failure::retryable("rehearsed", message),
                false => Failure::permanent("rehearsed", message),
            })
        }
        Rehearsal::Approve => {
            run.text("May I?\n").await?;
            let answer = run.approval("rehearse", json!({"what": "nothing at all"})).await?;
            Ok(match answer {
                Decided::Approved(arguments) => json!({"approved": arguments}),
                Decided::Modified(arguments) => json!({"modified": arguments}),
                Decided::Rejected { by, reason } => json!({"rejected": {"by": by, "reason": reason}}),
                Decided::Lapsed => json!({"lapsed": true}),
            })
        }
    }
}

async fn work_slowly(run: &mut Run, steps: u32, each: Duration) -> Result<Value, Failure> {
    run.steps_of(steps as usize);
    for n in 1..=steps {
        run.step(format!("step {n}"), async |step| {
            step.text(format!("step {n} of {steps}\n")).await?;
            tokio::select! {
                () = step.cancelled() => step.checkpoint().await,
                () = tokio::time::sleep(each) => Ok(()),
            }
        })
        .await?;
        run.progress(n as usize, steps as usize);
    }
    Ok(json!({"steps": steps}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: Value) -> Result<Rehearsal, String> {
        serde_json::from_value(input).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_understood() {
        let slow = Rehearsal::Slow { steps: 5, each: Duration::from_millis(200) };
        assert_eq!(read(json!("slow 5 200")), Ok(slow.clone()));
        assert_eq!(read(json!({"command": " slow  5 200 "})), Ok(slow));
        assert_eq!(read(json!("fail")), Ok(Rehearsal::Fail { retryable: false }));
        assert_eq!(read(json!("fail later")), Ok(Rehearsal::Fail { retryable: true }));
        assert_eq!(read(json!("approve")), Ok(Rehearsal::Approve));
        assert_eq!(read(json!("approve of this")), Ok(Rehearsal::Say("approve of this".into())));
        assert_eq!(read(json!({"say": "slow 5 200"})), Ok(Rehearsal::Say("slow 5 200".into())));
    }

    #[test]
    fn nonsense_says_what_is_expected() {
        for bad in [json!(null), json!(3), json!({}), json!({"say": 1}), json!({"say": "a", "command": "b"})]
        {
            assert!(read(bad).unwrap_err().contains("expected {\"say\": text}"));
        }
        for bad in ["slow", "slow 5", "slow 5 200 1"] {
            assert!(read(json!(bad)).unwrap_err().contains("two numbers"));
        }
        for bad in ["slow -1 5", "slow x 5", "slow 10001 5", "slow 5 3600001", "slow 5 1e3"] {
            assert!(read(json!(bad)).unwrap_err().contains("goes from 0 to"), "{bad}");
        }
    }
}
