//! For tests: a dashboard full of samples under a clock that stands still, its picture as text, and
//! how it is styled.

mod history;
mod past;
mod states;

use longhaul_client::fleet::{Brief, Changes, Happening, Link, Pulse, Word};
use longhaul_core::board::{WaitReason, Waiting};
use longhaul_core::{
    ApprovalId, Beat, Digest, ExecutorId, HeldRun, Kind, Millis, OrgId, Room, RunNumber, Sequence, Status,
    TaskId, TaskRef, Timestamp, Title, UserId,
};
use longhaul_wire::Shard;
use longhaul_wire::query::{Positions, Slot, SlotsTaken, UserSlot};
use longhaul_wire::view::{ApprovalView, StepName};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use uuid::Uuid;

pub(crate) use history::{Until, pending, story};
pub(crate) use past::{hour, hour_ago, step};
pub(crate) use states::{State, condition, ends_at, read};

use crate::app::{App, Me};
use crate::effect::Effect;
use crate::msg::Msg;
use crate::theme::{Glyphs, Palette, Theme};
use crate::update::update;

/// The time it is: 2026-11-21T14:32:07Z.
pub(crate) const NOW: Timestamp = Timestamp(1_795_271_527_000);

/// Themes by name, for snapshots.
pub(crate) const THEMES: [(&str, Theme); 5] = [
    ("dark", Theme { palette: Palette::Dark, glyphs: Glyphs::Unicode }),
    ("light", Theme { palette: Palette::Light, glyphs: Glyphs::Unicode }),
    ("16", Theme { palette: Palette::Sixteen, glyphs: Glyphs::Unicode }),
    ("mono", Theme { palette: Palette::Mono, glyphs: Glyphs::Unicode }),
    ("ascii", Theme { palette: Palette::Dark, glyphs: Glyphs::Ascii }),
];

/// The `n`th sample task's id.
pub(crate) fn task_id(n: u32) -> TaskId {
    TaskId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 | u128::from(n) << 4 | 0xa))
}

/// The `n`th sample executor's id.
pub(crate) fn executor_id(n: u32) -> ExecutorId {
    ExecutorId(Uuid::from_u128(0x0193_0000_0000_7000_9000_0000_0000_0000 | u128::from(n)))
}

/// A sample task's address.
pub(crate) fn address(n: u32) -> TaskRef {
    TaskRef { org: OrgId::new("acme").unwrap(), task: task_id(n) }
}

const TITLES: [&str; 8] = [
    "refactor billing webhooks",
    "enrich 4k CRM leads",
    "flaky test hunt",
    "migrate docs to v3",
    "triage inbound tickets",
    "weekly revenue digest",
    "translate help centre",
    "audit IAM policies",
];
const STEPS: [&str; 4] = ["planning", "querying", "drafting", "rendering"];

/// The `n`th sample task, in a status.
pub(crate) fn brief(n: u32, status: Status) -> Brief {
    let pick = n as usize;
    let submitted_at = Timestamp(NOW.0 - i64::from(n) * 97_000 - 5_000);
    let begun = status != Status::Pending;
    let question = (status == Status::Paused).then(|| {
        Box::new(ApprovalView {
            id: ApprovalId(Uuid::from_u128(u128::from(n))),
            action: "send_email".to_owned(),
            arguments: serde_json::json!({"to": "segment:plan-b", "subject": "Outage on 12 May"}),
            digest: Digest([7; 32]),
            schema: Some(serde_json::json!({"properties": {"to": {"type": "string"}}, "required": ["to"]})),
            note: None,
            requested_at: submitted_at.plus(Millis::seconds(3)),
            expires_at: NOW.plus(Millis::seconds(192 + u64::from(n) * 60)),
        })
    });
    let note = match status {
        Status::Paused => "send_email",
        Status::Failed => "data_unavailable: the file is gone",
        Status::Aborted => "aborted by ana, stopped at querying",
        Status::Expired => "no heartbeat within 15s",
        Status::Aborting => "abort asked for by ana",
        Status::Pending => "just submitted",
        Status::Running => "reading 214 rows",
        Status::Completed => "",
    };
    Brief {
        at: address(n),
        user: UserId::new(["ana", "eli", "kim"][pick % 3]).unwrap(),
        conversation: None,
        lane: Default::default(),
        kind: Kind::new(["report", "exec"][pick % 2]).unwrap(),
        title: Title::new(TITLES[pick % TITLES.len()]).unwrap(),
        status,
        note: note.to_owned(),
        attempt: 1,
        run: RunNumber(u32::from(begun)),
        executor: begun.then(|| executor_id(n / 8 % 2)),
        step: begun.then(|| StepName {
            name: STEPS[pick % STEPS.len()].to_owned(),
            index: n % 4,
            of: Some(4),
        }),
        fraction: begun.then(|| f64::from(n * 13 % 100) / 100.0),
        waiting: (status == Status::Pending && pick.is_multiple_of(2)).then(|| Waiting {
            reason: WaitReason::UserCap { running: 6, cap: 6 },
            place: 2,
            blockers: vec![task_id(1)],
            not_before: None,
        }),
        question,
        tokens: u64::from(n) * 1234,
        artifacts: u32::from(status == Status::Completed),
        submitted_at,
        started_at: begun.then(|| submitted_at.plus(Millis::seconds(1))),
        updated_at: submitted_at.plus(Millis::seconds(4)),
        ended_at: status.is_terminal().then(|| submitted_at.plus(Millis::seconds(60))),
        dismissed: false,
        aside: false,
        submitted: None,
        sequence: Sequence(1000 + u64::from(n)),
    }
}

/// Heartbeats of both sample executors; the second has been silent for `silent`.
pub(crate) fn beats(silent: Millis) -> Word {
    let pulse = |n: u32, ago: Millis| Pulse {
        beat: Beat {
            executor: executor_id(n),
            at: Timestamp(NOW.0 - i64::try_from(ago.0).unwrap()),
            version: "0.1.0".to_owned(),
            host: format!("node-{n}/4711"),
            kinds: vec![Room { kind: Kind::new("report").unwrap(), places: 8, free: 5 }],
            runs: (0..3)
                .map(|task| HeldRun {
                    org: OrgId::new("acme").unwrap(),
                    task: task_id(task),
                    run: RunNumber(1),
                })
                .collect(),
            draining: false,
        },
        heard_at: Timestamp(NOW.0 - i64::try_from(ago.0).unwrap()),
    };
    Word::Beats(vec![pulse(0, Millis(400)), pulse(1, silent)])
}

/// The link answers.
pub(crate) fn up() -> Word {
    Word::Link(Link::Up {
        took: std::time::Duration::from_millis(2),
        heads: Positions::at(Shard(0), Sequence(1_204_331)),
        at: NOW,
    })
}

/// The log has said something about these tasks.
pub(crate) fn happened(tasks: Vec<Brief>) -> Word {
    let events = tasks.iter().map(|brief| Happening {
        sequence: brief.sequence,
        at: NOW,
        task: brief.at.clone(),
        name: "step_completed",
        text: "planning".to_owned(),
    });
    let up_to = tasks.iter().map(|brief| brief.sequence).max().unwrap_or_default();
    Word::Happened(Box::new(Changes {
        shard: Shard(0),
        up_to,
        stored_at: NOW,
        behind: 0,
        events: events.collect(),
        tasks,
        unreadable: 0,
    }))
}

/// A dashboard before anything was heard.
pub(crate) fn empty(columns: u16, rows: u16) -> App {
    let me =
        Me { org: "acme".to_owned(), user: "ana".to_owned(), place: "prod".to_owned(), everything: false };
    let mut app = App { me, ..App::default() };
    update(&mut app, Msg::Resize(columns, rows));
    update(&mut app, Msg::Tick(NOW));
    app
}

/// A dashboard with forty tasks in every status, two executors, slots.
pub(crate) fn sample(columns: u16, rows: u16) -> App {
    let mut app = empty(columns, rows);
    let tasks = (0..40).map(|n| brief(n, Status::ALL[n as usize % 8])).collect();
    let slot = |running, cap, waiting| Slot { running, cap, waiting };
    let slots = SlotsTaken {
        as_of: Positions::default(),
        policy: Default::default(),
        organisation: slot(12, 50, 5),
        users: ["ana", "eli", "kim"]
            .map(|user| UserSlot {
                user: UserId::new(user).unwrap(),
                slots: slot(6, 6, 2),
                foreground: slot(0, 2, 0),
            })
            .to_vec(),
    };
    for word in [
        up(),
        Word::Listed { tasks, unreadable: 0, last: true },
        beats(Millis::seconds(12)),
        Word::Slots(Box::new(slots)),
        happened(vec![Brief { sequence: Sequence(1_204_331), ..brief(1, Status::Running) }]),
    ] {
        update(&mut app, Msg::Word(word));
    }
    // The order is made anew at most four times a second.
    update(&mut app, Msg::Tick(NOW.plus(Millis(300))));
    app
}

/// Presses keys, by the names of the key table; what they ask for.
pub(crate) fn press(app: &mut App, keys: &[&str]) -> Vec<Effect> {
    keys.iter().flat_map(|name| update(app, Msg::Key(key(name)))).collect()
}

/// A key by its name: `j`, `C-d`, `Enter`.
pub(crate) fn key(name: &str) -> KeyEvent {
    let (name, modifiers) = match name.strip_prefix("C-") {
        Some(rest) => (rest, KeyModifiers::CONTROL),
        None => (name, KeyModifiers::NONE),
    };
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "S-Tab" => KeyCode::BackTab,
        "Space" => KeyCode::Char(' '),
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Backspace" => KeyCode::Backspace,
        "Del" => KeyCode::Delete,
        "F5" => KeyCode::F(5),
        _ => KeyCode::Char(name.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

/// What is on the screen.
pub(crate) fn drawn(app: &App) -> Buffer {
    let (columns, rows) = app.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| crate::view::draw(app, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as text, a line a row; spaces at the end of lines left out.
pub(crate) fn picture(app: &App) -> String {
    let buffer = drawn(app);
    let width = usize::from(buffer.area.width).max(1);
    let line = |cells: &[ratatui::buffer::Cell]| {
        let mut line = String::new();
        let mut covered = 0;
        for cell in cells {
            // The cell behind a wide character is not drawn.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            covered = crate::text::width(cell.symbol()).saturating_sub(1);
        }
        line.trim_end().to_owned()
    };
    buffer.content.chunks(width).map(line).collect::<Vec<_>>().join("\n")
}

/// How the screen is styled: for each row, runs of cells that are not plain, with their text.
pub(crate) fn styles(app: &App) -> String {
    let buffer = drawn(app);
    let width = usize::from(buffer.area.width).max(1);
    let mut lines = Vec::new();
    for (row, cells) in buffer.content.chunks(width).enumerate() {
        let mut runs: Vec<(String, String)> = Vec::new();
        for cell in cells {
            let style = style(cell.fg, cell.bg, cell.modifier);
            match runs.last_mut() {
                Some((last, text)) if *last == style => text.push_str(cell.symbol()),
                _ => runs.push((style, cell.symbol().to_owned())),
            }
        }
        for (style, text) in runs.iter().filter(|(style, text)| !style.is_empty() && !text.trim().is_empty())
        {
            lines.push(format!("{row:>3} {style:<24} {}", text.trim_end()));
        }
    }
    lines.join("\n")
}

fn style(fg: Color, bg: Color, modifier: Modifier) -> String {
    let mut said = Vec::new();
    if fg != Color::Reset {
        said.push(fg.to_string());
    }
    if bg != Color::Reset {
        said.push(format!("on {bg}"));
    }
    for (flag, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::REVERSED, "reverse"),
        (Modifier::UNDERLINED, "underline"),
    ] {
        if modifier.contains(flag) {
            said.push(word.to_owned());
        }
    }
    said.join(" ")
}
