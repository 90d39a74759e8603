//! One line a change instead of a screen: for screen readers, for pipes, and without a terminal.
//!
//! The same data by the same way as the dashboard; a change of status, a new step and a new question
//! are told, progress within a step is not. A line is plain text: the time, the task, its title, what
//! it is now, what there is to say.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use longhaul_client::fleet::{Link, Word};
use longhaul_core::TaskRef;
use tokio::sync::mpsc;

use crate::app::App;
use crate::host::Hosted;
use crate::msg::Msg;
use crate::run::{Error, Options};
use crate::source::Source;
use crate::start::begin;
use crate::stop::asked_to_end;
use crate::store::{Flags, Key, Row, Standing};
use crate::text::{clock, fit, short};
use crate::theme::Palette;
use crate::update::update;
use crate::view::said;

/// Tells of every change on `out` until the process is asked to end or nobody reads any more.
///
/// # Errors
/// [`Error::Terminal`] if `out` cannot be written to.
pub async fn plain(source: Arc<dyn Source>, options: Options, out: impl Write) -> Result<(), Error> {
    let app = begin(source.as_ref(), &options, Palette::Mono, Hosted::default());
    let (sender, mut words) = mpsc::channel(64);
    let telling = source.words(sender);
    let mut teller = Teller { app, out, known: HashMap::new(), began: false };
    let tell = async {
        while let Some(word) = words.recv().await {
            update(&mut teller.app, Msg::Tick(source.now()));
            teller.hear(word)?;
        }
        Ok::<_, io::Error>(())
    };
    let told = tokio::select! {
        ((), told) = async { tokio::join!(telling, tell) } => told,
        () = asked_to_end() => Ok(()),
    };
    match told {
        // Whoever read has gone.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// What was last told of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    standing: Standing,
    step: u16,
}

struct Teller<W> {
    app: App,
    out: W,
    known: HashMap<Key, Last>,
    /// What there was at the beginning has been told.
    began: bool,
}

impl<W: Write> Teller<W> {
    fn hear(&mut self, word: Word) -> io::Result<()> {
        let link = match &word {
            Word::Link(link) => Some(matches!(link, Link::Up { .. })),
            _ => None,
        };
        let was_down = self.app.down_since.is_some();
        // Of very many tasks only those that something happened to are looked at.
        let some: Option<Vec<TaskRef>> = match &word {
            Word::Happened(changes) => Some(changes.tasks.iter().map(|brief| brief.at.clone()).collect()),
            _ => None,
        };
        let all = matches!(word, Word::Listed { .. } | Word::Beats(_) | Word::Queue(_));
        let anew = matches!(word, Word::Anew);
        update(&mut self.app, Msg::Word(word));
        match link {
            Some(false) if !was_down => {
                self.line("the log is out of reach; what follows is told when it answers")?
            }
            Some(true) if was_down => self.line("connected again")?,
            _ => {}
        }
        if anew {
            self.known.clear();
            self.began = false;
            self.line("the log is another one; everything is read anew")?;
        }
        match some {
            Some(tasks) if self.began => {
                let keys = tasks.iter().filter_map(|at| self.app.store.key(at)).collect::<Vec<_>>();
                self.compare(keys)?;
            }
            _ if self.app.listed && (all || !self.began) => {
                let keys = self.app.store.rows().map(|(_, row)| row.key).collect();
                self.compare(keys)?;
            }
            _ => {}
        }
        self.out.flush()
    }

    /// Tells what is different from what was told last.
    fn compare(&mut self, keys: Vec<Key>) -> io::Result<()> {
        let mut lines = Vec::new();
        for row in keys.into_iter().filter_map(|key| self.app.store.get(key)) {
            let own = self.app.store.name(row.user) == self.app.me.user
                && self.app.store.name(row.key.org) == self.app.me.org;
            if row.flags.has(Flags::HIDDEN) || (self.app.alone && !own) {
                continue;
            }
            let now = Last { standing: row.standing(), step: row.step_index };
            let before = self.known.insert(row.key, now);
            let tells = if self.began { before != Some(now) } else { now.standing.wants_attention() };
            if tells {
                lines.push(told(&self.app, row));
            }
        }
        if !self.began {
            self.began = true;
            let counts = self.app.store.counts();
            let some = |standing: &Standing| counts.of(*standing) > 0;
            let each = Standing::ALL.into_iter().filter(some);
            let each: Vec<_> =
                each.map(|standing| format!("{} {}", counts.of(standing), standing.word())).collect();
            let what = if each.is_empty() { "no tasks".to_owned() } else { each.join(", ") };
            self.line(&format!("{what}; changes follow"))?;
        }
        lines.iter().try_for_each(|line| self.line(line))
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{} {}", clock(self.app.now), fit(text, 500))
    }
}

/// A task in a line.
fn told(app: &App, row: &Row) -> String {
    let (title, word) = (fit(row.title.as_str(), 80), row.standing().word());
    let percent = row.fraction.filter(|_| row.status.is_running());
    let percent = percent.map(|part| format!(", {} percent", part / 10)).unwrap_or_default();
    match said(app, row) {
        what if what.is_empty() => format!("{} {title}: {word}{percent}", short(row.key.task)),
        what => format!("{} {title}: {word}, {}{percent}", short(row.key.task), fit(&what, 200)),
    }
}

#[cfg(test)]
mod tests {
    use longhaul_client::fleet::Brief;
    use longhaul_core::{Sequence, Status};

    use super::*;
    use crate::testing::{NOW, brief, empty, happened, up};

    fn teller() -> Teller<Vec<u8>> {
        let mut teller = Teller { app: empty(0, 0), out: Vec::new(), known: HashMap::new(), began: false };
        let tasks = (0..8).map(|n| brief(n, Status::ALL[n as usize])).collect();
        for word in [up(), Word::Listed { tasks, unreadable: 0, last: true }] {
            teller.hear(word).unwrap();
        }
        teller
    }

    fn lines(teller: &mut Teller<Vec<u8>>) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut teller.out)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn first_the_counts_and_what_needs_somebody_then_one_line_a_change() {
        let mut teller = teller();
        let first = lines(&mut teller);
        assert!(first[0].contains("1 paused") && first[0].ends_with("changes follow"), "{first:?}");
        assert_eq!(first.len(), 4, "paused, failed, expired: {first:?}");
        let n = (0..8).find(|n| Status::ALL[*n as usize] == Status::Running).unwrap();
        let change = |sequence, status| Brief { sequence: Sequence(sequence), ..brief(n, status) };
        teller.hear(happened(vec![change(5000, Status::Completed)])).unwrap();
        let told = lines(&mut teller);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with(&clock(NOW)) && told[0].contains(": completed"), "{told:?}");
        teller.hear(happened(vec![change(5001, Status::Completed)])).unwrap();
        assert_eq!(lines(&mut teller), [""; 0], "nothing a person would call a change");
    }

    #[test]
    fn a_line_is_one_line_of_plain_text() {
        let mut teller = teller();
        lines(&mut teller);
        let note = "evil\u{1b}]52;c;aGk=\u{7}\nfake line\u{9b}2J\u{202e}".to_owned();
        teller
            .hear(happened(vec![Brief { note, sequence: Sequence(9000), ..brief(30, Status::Failed) }]))
            .unwrap();
        let told = lines(&mut teller);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].chars().all(longhaul_core::text::is_plain), "{told:?}");
    }
}
