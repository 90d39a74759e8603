//! `chat`: a conversation. Who keeps it is a [`Talk`]; a terminal or a pair of pipes is where it is held.

mod files;
mod follow;
mod open;
mod order;
mod pipe;
mod question;
mod screen;
mod talk;
mod turn;

use longhaul_tui::chat::{Told, Wish};
use tokio::sync::mpsc;

use self::talk::Talk;
use crate::args::{Chat, Format};
use crate::exit::{Code, usage};
use crate::place::Place;
use crate::settings::Settings;

/// In place of a model: the analyst that ships with the program.
const BUILT_IN: &str = "built-in";
/// Things told that wait to be taken.
const TOLD: usize = 256;

pub(crate) async fn run(place: &Place, settings: &Settings, args: &Chat) -> anyhow::Result<Code> {
    if args.shape.format == Format::Json {
        return Err(usage("a conversation is no single document; use -o ndjson"));
    }
    let (tell, told) = mpsc::channel::<Told>(TOLD);
    let (wish, wishes) = mpsc::unbounded_channel::<Wish>();
    let talk = Talk::open(place, settings, args, tell).await?;
    let conversation = talk.conversation.clone();
    let keeping = tokio::spawn(talk.keep(wishes));
    let outcome = match args.shape.format {
        Format::Table if longhaul_tui::has_terminal() => {
            screen::hold(place, conversation.as_str(), wish, told).await
        }
        format => pipe::hold(format, wish, told, place.quiet()).await,
    };
    keeping.abort();
    outcome
}
