//! One task, compactly.

use longhaul_client::fleet::Brief;
use longhaul_core::{ExecutorId, Sequence, Status, Timestamp, Title};

use super::intern::Interner;
use super::{Key, Standing, Sym};

/// Yes-or-no facts of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    /// Hidden from its owner's panel.
    pub(crate) const HIDDEN: Self = Self(1);
    /// A record of it cannot be read; this is its state before that.
    pub(crate) const ASIDE: Self = Self(2);
    /// Its executor's beat is late.
    pub(crate) const LATE: Self = Self(4);
    /// Others are in its way.
    pub(crate) const HELD: Self = Self(8);
    /// In the foreground.
    pub(crate) const FOREGROUND: Self = Self(16);

    pub(crate) fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) fn set(&mut self, flag: Self, on: bool) {
        self.0 = if on { self.0 | flag.0 } else { self.0 & !flag.0 };
    }
}

/// One task, compactly: a hundred thousand of these must fit.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) key: Key,
    pub(crate) user: Sym,
    /// Empty: none.
    pub(crate) conversation: Sym,
    pub(crate) kind: Sym,
    /// The step under way or last recorded; empty: none.
    pub(crate) step: Sym,
    /// Its place, counted from 0, and of how many; 0: not known.
    pub(crate) step_index: u16,
    pub(crate) step_of: u16,
    pub(crate) attempt: u16,
    /// How far it is, in thousandths.
    pub(crate) fraction: Option<u16>,
    pub(crate) status: Status,
    pub(crate) flags: Flags,
    pub(crate) artifacts: u16,
    pub(crate) run: u32,
    pub(crate) title: Title,
    /// What it is doing, or why it stands as it does.
    pub(crate) note: Box<str>,
    pub(crate) executor: Option<ExecutorId>,
    pub(crate) tokens: u64,
    pub(crate) submitted_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) updated_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// The commit that submitted it, where that was seen.
    pub(crate) submitted: Option<Sequence>,
    /// The last commit that is in this row.
    pub(crate) sequence: Sequence,
}

impl Row {
    pub(super) fn new(key: Key, brief: Brief, names: &mut Interner) -> Self {
        let small = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        let mut flags = Flags::default();
        flags.set(Flags::HIDDEN, brief.dismissed);
        flags.set(Flags::ASIDE, brief.aside);
        flags.set(Flags::FOREGROUND, !brief.lane.is_background());
        let (step, step_index, step_of) = match &brief.step {
            Some(step) => (names.intern(&step.name), small(step.index), small(step.of.unwrap_or(0))),
            None => (Sym::EMPTY, 0, 0),
        };
        Self {
            key,
            user: names.intern(brief.user.as_str()),
            conversation: brief.conversation.map_or(Sym::EMPTY, |id| names.intern(id.as_str())),
            kind: names.intern(brief.kind.as_str()),
            step,
            step_index,
            step_of,
            attempt: small(brief.attempt),
            fraction: brief.fraction.map(thousandths),
            status: brief.status,
            flags,
            artifacts: small(brief.artifacts),
            run: brief.run.0,
            title: brief.title,
            note: brief.note.into_boxed_str(),
            executor: brief.executor,
            tokens: brief.tokens,
            submitted_at: brief.submitted_at,
            started_at: brief.started_at,
            updated_at: brief.updated_at,
            ended_at: brief.ended_at,
            submitted: brief.submitted,
            sequence: brief.sequence,
        }
    }

    /// Where it stands.
    pub(crate) fn standing(&self) -> Standing {
        let (late, held) = (self.flags.has(Flags::LATE), self.flags.has(Flags::HELD));
        Standing::of(self.status, self.attempt.into(), late, held)
    }

    /// How long it has been what it is: since its end, else since its submission.
    pub(crate) fn age(&self, now: Timestamp) -> longhaul_core::Millis {
        now.since(self.ended_at.unwrap_or(self.submitted_at))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
fn thousandths(part: f64) -> u16 {
    (part.clamp(0.0, 1.0) * 1000.0) as u16
}
