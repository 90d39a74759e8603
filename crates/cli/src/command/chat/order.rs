//! A line of a conversation: a message, or a command behind a slash.

use std::path::PathBuf;

use longhaul_agent::DocumentFormat;
use longhaul_agent::path::Path;
use longhaul_client::OnBusy;
use longhaul_core::Decision;

/// What a line wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Order {
    /// A message; what is to be done where a report is under way to which it belongs.
    Say(String, OnBusy),
    /// The last message that joined a report, with another rule.
    Again(OnBusy),
    /// The way that messages go; by their words without one.
    Path(Option<Path>),
    /// What is at hand, in a format.
    As(DocumentFormat),
    /// Which data is spoken of; to be told it without a name.
    Data(Option<PathBuf>),
    /// Which model answers; the built-in analyst without one.
    Model(Option<String>),
    /// The last files, into a folder or file.
    Save(Option<PathBuf>),
    /// The last files, shown by whatever shows such files.
    Open,
    /// What is said to the question that a task asked last.
    Decide(Decision),
    /// The last task that did not complete, once more.
    Retry,
    /// Nothing more until no report is under way.
    Wait,
    /// What there is.
    Help,
    /// The end.
    Quit,
    /// Nothing.
    Nothing,
}

/// What commands there are: how they are written, and what they do.
pub(super) const COMMANDS: [(&str, &str); 15] = [
    ("/as FORMAT", "what is at hand as pdf, html, markdown or docx"),
    ("/save [PATH]", "keep the last files here, or there"),
    ("/open", "keep the last files here and open them"),
    ("/data [DATA]", "speak about other data; says which without a name"),
    ("/path fast|slow|auto", "all at once, all as reports, or by their words"),
    ("/model NAME|built-in", "who answers and writes"),
    ("/queue [TEXT]", "a report of its own, after the one under way"),
    ("/interrupt [TEXT]", "a report of its own, instead of the one under way"),
    ("/approve", "yes to what a task last asked"),
    ("/reject [REASON]", "no to it"),
    ("/retry", "the last task that did not complete, once more"),
    ("/wait", "go on when no report is under way: for scripts"),
    ("/help", "this"),
    ("/quit", "leave; what runs goes on"),
    ("//TEXT", "a message that begins with a slash"),
];

/// Whether a line answers a question that a task asks.
pub(super) fn is_decision(line: &str) -> bool {
    matches!(line.split_whitespace().next(), Some("/approve" | "/reject"))
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub(super) fn read(line: &str) -> Result<Order, String> {
    let line = line.trim();
    let Some(command) = line.strip_prefix('/') else {
        return Ok(if line.is_empty() { Order::Nothing } else { Order::Say(line.to_owned(), OnBusy::Join) });
    };
    if command.starts_with('/') {
        return Ok(Order::Say(command.to_owned(), OnBusy::Join));
    }
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = Some(rest.trim()).filter(|rest| !rest.is_empty());
    let busy = |rule| rest.map_or(Order::Again(rule), |text| Order::Say(text.to_owned(), rule));
    Ok(match word {
        "as" => {
            let named = rest.ok_or("name a format: /as pdf, html, markdown or docx")?;
            Order::As(named.parse().map_err(|unknown| format!("{unknown}"))?)
        }
        "save" => Order::Save(rest.map(PathBuf::from)),
        "open" => Order::Open,
        "data" => Order::Data(rest.map(PathBuf::from)),
        "path" => match rest {
            None | Some("auto") => Order::Path(None),
            Some(named) => Order::Path(Some(named.parse().map_err(|unknown| format!("{unknown}"))?)),
        },
        "model" => {
            let named = rest.ok_or("name a model, or built-in for none")?;
            Order::Model(Some(named.to_owned()).filter(|named| named != super::BUILT_IN))
        }
        "queue" => busy(OnBusy::Enqueue),
        "interrupt" => busy(OnBusy::Interrupt),
        "approve" => Order::Decide(Decision::Approved),
        "reject" => Order::Decide(Decision::Rejected { reason: rest.map(str::to_owned) }),
        "retry" => Order::Retry,
        "wait" => Order::Wait,
        "help" | "?" => Order::Help,
        "quit" | "exit" | "q" => Order::Quit,
        other => return Err(format!("there is no /{other}; /help tells what there is")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_messages_or_commands() {
        let say = |text: &str, busy| Ok(Order::Say(text.to_owned(), busy));
        assert_eq!(read("  sales by country "), say("sales by country", OnBusy::Join));
        assert_eq!(read("//etc/passwd"), say("/etc/passwd", OnBusy::Join));
        assert_eq!(read("/queue sales by year"), say("sales by year", OnBusy::Enqueue));
        assert_eq!(read("/interrupt"), Ok(Order::Again(OnBusy::Interrupt)));
        assert_eq!(read("/as docx"), Ok(Order::As(DocumentFormat::Docx)));
        assert_eq!(read("/path auto"), Ok(Order::Path(None)));
        assert_eq!(read("/path slow"), Ok(Order::Path(Some(Path::Slow))));
        assert_eq!(read("/model built-in"), Ok(Order::Model(None)));
        assert_eq!(read(""), Ok(Order::Nothing));
        for (wrong, told) in
            [("/as odt", "pdf"), ("/path middle", "fast"), ("/dance", "/help"), ("/as", "format")]
        {
            let why = read(wrong).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn every_command_that_is_told_is_there() {
        for (written, _) in COMMANDS {
            let word = written.split_whitespace().next().unwrap();
            let tried = if word == "/as" { "/as pdf" } else { word };
            assert!(read(tried).is_ok() || word == "/model", "{written}");
        }
    }
}
