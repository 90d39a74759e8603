//! A conversation in a real terminal: answers beside a report under way, what Esc stops, what belongs to
//! what, documents that are offered, and another day.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

use std::path::Path;
use std::process::Command;

use longhaul_tests::model::{Fault, Mock, Relay, fixtures};
use longhaul_tests::process::longhaul;
use longhaul_tests::screen::{SANE, screen};
use serde_json::{Value, json};
use std::time::Duration;

fn chat(home: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = longhaul(home, &[&["chat"], args].concat());
    command.env("LONGHAUL_MODEL", "mock/m1");
    command.env("LONGHAUL_MODEL_URL", format!("{url}/v1"));
    command.env("LONGHAUL_MODEL_KEY", "sk-nobody-may-read-this-0123456789");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn one_talks_while_reports_are_made() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("sales.csv"), "country,total\nUSA,523.06\nCanada,303.96\n").unwrap();
    let asks = [(
        "c1",
        "execute_sql",
        json!({"sql": "SELECT country, total AS sales FROM sales", "purpose": "sales"}),
    )];
    let report = json!({
        "title": "Where sales come from",
        "summary": [{"kind": "paragraph", "text": "The USA buys most."}],
        "sections": [{"heading": "Countries", "parts": [{"kind": "table", "query": 1, "caption": "Sales"}]}]
    });
    let long = (1..=60).map(|n| format!("word{n} ")).collect::<String>();
    let mock = Mock::start(&[
        fixtures::text("thanks a lot", 0, "You are welcome. \u{202e}No harm is done by \u{1b}[2J either."),
        fixtures::text("tell me more about those figures", 3, &long),
        fixtures::text("which country has the most sales?", 3, "The USA, with 523.06."),
        fixtures::calls("sales by country", 0, "I look.", &asks),
        fixtures::calls("sales by country", 1, "I write.", &[("c2", "write_report", report)]),
    ]);
    let relay = Relay::start(mock.address()).await;
    // The report's first question is never answered; the last answer of the day comes slowly.
    relay.then(Fault::StallAfter(0));
    for _ in ["thanks", "the report, again", "its second turn"] {
        relay.then(Fault::Headers(Vec::new()));
    }
    relay.then(Fault::Slow(Duration::from_millis(500)));
    let steps = format!(
        "wait-for 'Enter sends' 60\ntype 'sales by country'\nkey Enter\n\
         wait-for '► report under way: sales by country' 60\nwait-for 'm1 thinks, turn 1' 60\n\
         type 'thanks a lot'\nkey Enter\nwait-for 'You are welcome. No harm is done by .2J either' 60\n\
         wait-for 'Esc stops a report' 30\nexpect 'm1 thinks, turn 1'\n\
         type 'generate a report about refunds'\nkey Enter\n\
         wait-for 'this belongs to the report under way.*sales by country' 30\n\
         wait-for 'Esc stops a report' 30\nkey Esc\nwait-for 'stop which. 1 sales by country' 10\nkey 1\n\
         wait-for '∎ sales by country' 60\nexpect 'aborted by tester.*/retry tries it again'\n\
         type /retry\nkey Enter\nwait-for '✓ sales by country' 60\n\
         expect 'The USA buys most'\nexpect '▸ where-sales-come-from.pdf +/open +/save'\n\
         wait-for 'earlier lines' 30\ntype 'export this as markdown'\nkey Enter\n\
         wait-for '▸ where-sales-come-from.md' 60\nwait-for 'earlier lines' 30\n\
         type '/save kept.md'\nkey Enter\nwait-for 'kept kept.md' 30\n\
         type 'tell me more about those figures'\nkey Enter\nwait-for 'word3 ' 60\nkey Esc\n\
         wait-for '! stopped' 30\nexpect-not 'word60'\nwait-for 'earlier lines' 30\n\
         key Up Up\nwait-for '› /save kept.md' 10\nkey C-c C-d\n\
         wait-for 'left with 0' 60\nexpect 'longhaul chat --conversation c1'\n{SANE}"
    );
    let program = chat(home.path(), &relay.url(), &["sales.csv", "--conversation", "c1"]);
    screen(home.path(), &program, &steps).await;
    let kept = std::fs::read_to_string(home.path().join("kept.md")).unwrap();
    assert!(kept.contains("523.06"), "{kept}");

    // Another day: what was completed is known, what was stopped is not.
    let steps = format!(
        "wait-for '› export this as markdown' 60\nexpect 'It is in where-sales-come-from.md'\nexpect-not 'word3'\n\
         type 'which country has the most sales?'\nkey Enter\nwait-for 'The USA, with 523.06' 60\n\
         wait-for 'earlier lines' 30\nresize 60x20\nwait-stable 0.5 10\nexpect 'The USA, with 523.06'\n\
         key C-z\nwait-for 'stopped for a while' 30\n{SANE}key Enter\nwait-for 'earlier lines' 30\n\
         run kill -TERM PID\nwait-for 'left with 0' 60\n{SANE}"
    );
    screen(home.path(), &chat(home.path(), &relay.url(), &["--conversation", "c1"]), &steps).await;
    assert_eq!(mock.unprepared().await, Vec::<Value>::new());
}
