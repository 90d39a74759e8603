//! Arguments that one changes before one says yes to them.

use longhaul_core::fits;
use longhaul_core::text::is_plain;

use crate::app::{App, Confirm, Draft, Notice, Popup, Steer};
use crate::diff::diff;
use crate::effect::Effect;
use crate::keys::Act;
use crate::text::{fit, short};
use crate::theme::Tone;

use super::steer;

/// Opens the editor on what a task asks for.
pub(super) fn modify(app: &mut App) -> Vec<Effect> {
    if let Some(why) = app.tied() {
        warn(app, why.to_owned());
        return Vec::new();
    }
    if app.subjects().len() > 1 {
        warn(app, "several are marked: arguments are changed one task at a time".to_owned());
        return Vec::new();
    }
    let Some(row) = app.subject() else { return Vec::new() };
    if let Err(why) = steer::steer_of(app, row, Act::Approve) {
        warn(app, why);
        return Vec::new();
    }
    let (Some(at), Some(open)) = (app.store.address(row), app.store.question(row.key)) else {
        return Vec::new();
    };
    let before = written(&open.arguments);
    // What could not be sent is gone on with, as long as it answers the same question.
    let kept = app.draft.take().filter(|draft| draft.at == at && draft.digest == open.digest);
    let (approval, digest) = (open.id, open.digest);
    let text = kept.map_or_else(|| before.clone(), |draft| draft.text);
    vec![Effect::Edit(Draft { at, approval, digest, before, text })]
}

/// The editor was closed: shows what is different, and asks whether that is meant.
pub(super) fn edited(app: &mut App, outcome: Result<Draft, String>) {
    let draft = match outcome {
        Ok(draft) => draft,
        Err(why) => return warn(app, fit(&why, 300)),
    };
    let arguments: serde_json::Value = match serde_json::from_str(&draft.text) {
        Ok(arguments) => arguments,
        Err(error) => {
            warn(app, fit(&format!("that is no JSON: {error}; m goes on editing, nothing was sent"), 300));
            app.draft = Some(draft);
            return;
        }
    };
    let asked = app.store.key(&draft.at).and_then(|key| app.store.question(key));
    if let Some(Err(misfit)) = asked.and_then(|open| Some(fits(open.schema.as_ref()?, &arguments))) {
        warn(app, fit(&format!("that does not fit, {misfit}; m goes on editing, nothing was sent"), 300));
        app.draft = Some(draft);
        return;
    }
    let after = written(&arguments);
    let changes = diff(&draft.before, &after);
    if changes.is_empty() {
        return warn(app, "nothing was changed; a approves it as it is".to_owned());
    }
    let action = app.store.key(&draft.at).and_then(|key| app.store.question(key));
    let action = action.map_or_else(String::new, |open| fit(&open.action, 60));
    let lines = vec![
        format!("{} {action}", short(draft.at.task)),
        "It goes on with these arguments instead:".to_owned(),
        String::new(),
    ];
    let steer = Steer::Modify { approval: draft.approval, digest: draft.digest, arguments };
    let then = vec![(draft.at.clone(), steer)];
    app.popup =
        Some(Popup::Confirm(Confirm { changes, ..Confirm::new("Approve with changes", lines, then) }));
    app.draft = Some(draft);
}

/// JSON as one edits it: members in the order of their names, so that only what differs looks different,
/// and whatever a terminal might take for more than text is escaped.
fn written(value: &serde_json::Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    let mut out = String::new();
    for c in format!("{value:#}\n").chars() {
        if c == '\n' || is_plain(c) {
            out.push(c);
        } else {
            // Only within a string, where JSON has this for every character.
            let mut pair = [0; 2];
            c.encode_utf16(&mut pair).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

fn warn(app: &mut App, text: String) {
    app.say(Notice { at: app.now, tone: Tone::Warning, text, about: None });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_edited_without_anything_hidden_in_it() {
        let value = serde_json::json!({"a\u{202e}": "x\u{1b}[2J\u{9b}\u{e0041}\nä"});
        let text = written(&value);
        let turned = written(&serde_json::json!({"b": [{"d": 1, "c": 2}], "a": 3}));
        assert_eq!(turned, written(&serde_json::json!({"a": 3, "b": [{"c": 2, "d": 1}]})));
        assert!(text.chars().all(|c| c == '\n' || is_plain(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
