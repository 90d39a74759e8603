//! A conversation on a terminal.

use longhaul_tui::chat::{Options, Told, Wish};
use tokio::sync::mpsc;

use crate::exit::Code;
use crate::output::say;
use crate::place::Place;

/// Holds a conversation on this terminal until its person leaves.
pub(super) async fn hold(
    place: &Place,
    conversation: &str,
    wish: mpsc::UnboundedSender<Wish>,
    told: mpsc::Receiver<Told>,
) -> anyhow::Result<Code> {
    longhaul_tui::chat::run(Options::default(), wish, told).await?;
    if !place.quiet() {
        say(format!("the conversation is kept: longhaul chat --conversation {conversation}"));
    }
    Ok(Code::Done)
}
