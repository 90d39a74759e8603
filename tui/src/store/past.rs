//! The store as it was at a moment, and on from there, both ways.

use std::collections::HashMap;
use std::sync::Arc;

use longhaul_client::fleet::{Brief, Moment, Step};
use longhaul_core::{Sequence, TaskRef};

use super::{Flags, Store, Sym};

impl Store {
    /// How everything stood at a moment, as far as this store tells; and the tasks of which it does
    /// not: something happened to them after it, and they were, or may have been, there before it.
    ///
    /// It tells of the others for certain only if it goes as far as the moment.
    pub(crate) fn then(&self, moment: &Moment) -> (Self, Vec<TaskRef>) {
        let mut then = Self {
            names: self.names.clone(),
            unreadable: self.unreadable,
            moved: self.moved.others(),
            ..Self::default()
        };
        let mut between = Vec::new();
        let mut places: HashMap<Sym, Sequence> = HashMap::new();
        for row in &self.rows {
            let until = *places.entry(row.key.org).or_insert_with(|| {
                self.name(row.key.org).parse().map_or(Sequence::ZERO, |org| moment.of(&org))
            });
            // One that was put aside since has the place of the last record that could be read.
            if row.sequence > until || row.flags.has(Flags::ASIDE) {
                if row.submitted.is_none_or(|at| at <= until) {
                    between.extend(self.address(row));
                }
                continue;
            }
            let mut row = Arc::clone(row);
            // The log does not say who was heard of, nor why a task waited.
            if row.flags.has(Flags::LATE) || row.flags.has(Flags::HELD) {
                let flags = &mut Arc::make_mut(&mut row).flags;
                flags.set(Flags::LATE, false);
                flags.set(Flags::HELD, false);
            }
            if let Some(question) = self.questions.get(&row.key) {
                then.questions.insert(row.key, question.clone());
            }
            let at = u32::try_from(then.rows.len()).unwrap_or(u32::MAX);
            then.counts.add(&row);
            then.index.insert(row.key, at);
            then.rows.push(row);
        }
        (then, between)
    }

    /// A task as it stood then; nothing: it was not there.
    pub(crate) fn stood(&mut self, at: &TaskRef, brief: Option<Brief>) {
        match brief {
            Some(brief) => self.set(brief),
            None => self.remove(at),
        }
    }

    /// Goes over a step, or back over it.
    pub(crate) fn cross(&mut self, step: &Step, back: bool) {
        let brief = if back { &step.before } else { &step.after };
        self.stood(&step.task, brief.clone());
    }

    /// Forgets a task. Places of rows are other ones afterwards.
    fn remove(&mut self, at: &TaskRef) {
        let Some(key) = self.key(at) else { return };
        let Some(place) = self.index.remove(&key) else { return };
        let row = self.rows.swap_remove(place as usize);
        self.counts.remove(&row);
        if let Some(moved) = self.rows.get(place as usize) {
            self.index.insert(moved.key, place);
        }
        self.questions.remove(&key);
        self.waits.remove(&key);
        self.moved = self.moved.others();
    }
}
