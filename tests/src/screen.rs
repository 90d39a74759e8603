//! The dashboard in a real terminal, driven and looked at by a script.
//!
//! The tool that does it is `tui-shot`: it lies in `shared/tools` beside the project, or where
//! `LONGHAUL_TUI_SHOT` says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Output;

/// Runs a program as a shell's job and says afterwards how it left the terminal. One that stops is
/// fetched back by Enter.
const WRAPPER: &str = r#"#!/bin/sh
terminal() {
    stty -a | tr ' ;' '\n\n' | grep -x -e '-\{0,1\}icanon' -e '-\{0,1\}echo' | tr '\n' ' '
    echo "is how the terminal is"
    read line
}
set -m
sh -c 'echo $$ > "$0"; exec "$@"' "$LONGHAUL_TEST_PID" "$@"
code=$?
while test $code -eq 148; do
    echo "stopped for a while"
    terminal
    fg
    code=$?
done
echo "left with $code"
terminal
"#;

/// What the wrapper says of a terminal that was given back: lines are read, and what is typed shows.
pub const SANE: &str = r"wait-for '(^|\s)icanon echo is how the terminal is' 30
expect-var '#{alternate_on} #{cursor_flag} #{mouse_any_flag}' '^0 1 0$'
";

/// Waits until the process whose id stands in a file has ended.
///
/// # Panics
/// If it does not end in time, or the file has no id.
pub async fn ends(file: &Path) {
    let pid = std::fs::read_to_string(file).expect("a file").trim().to_owned();
    let process = Path::new("/proc").join(&pid);
    let what = format!("process {pid} to end, as {} names it", file.display());
    crate::eventually(&what, async || (!process.exists()).then_some(())).await;
}

fn tool() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/tools/tui-shot");
    let tool = std::env::var_os("LONGHAUL_TUI_SHOT").map_or_else(beside, PathBuf::from);
    assert!(
        tool.is_file(),
        "tui-shot is needed to look at the dashboard in a terminal; it is not at {}: put it there, or say \
         where it is in LONGHAUL_TUI_SHOT",
        tool.display()
    );
    tool
}

/// Runs a program in a terminal of 120 columns and 36 rows and takes `steps`, one a line. `PID` in them
/// stands for the program's process id, which is kept in the file `pid` of the folder.
///
/// # Panics
/// If the tool is not there, or a step fails; the message has the last screen.
pub async fn screen(folder: &Path, program: &Command, steps: &str) -> Output {
    let wrapper = folder.join("in-a-terminal.sh");
    std::fs::write(&wrapper, WRAPPER).expect("a file");
    let (pid, script) = (folder.join("pid"), folder.join("steps.tui"));
    let mut text = String::new();
    for step in steps.lines() {
        let step = step.replace("PID", &format!("$(cat {})", pid.display()));
        writeln!(text, "{step}").expect("a string");
    }
    std::fs::write(&script, text).expect("a file");
    let mut command = Command::new(tool());
    command.args(["--size", "120x36", "--timeout", "280", "--allow-exit"]).arg("--script").arg(&script);
    command.arg("--env").arg(format!("LONGHAUL_TEST_PID={}", pid.display()));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => {
                let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
                command.arg("--env").arg(format!("{name}={value}"));
            }
            None => drop(command.arg("--unset").arg(name)),
        }
    }
    command.arg("--").arg("sh").arg(&wrapper).arg(program.get_program()).args(program.get_args());
    command.current_dir(folder);
    let output = crate::process::run(command).await;
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    output
}
