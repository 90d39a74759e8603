//! What was asked of many tasks at once: told of as one thing when all have answered.

/// One thing asked of many tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bulk {
    id: u32,
    what: &'static str,
    of: usize,
    done: usize,
    refused: usize,
}

/// What was asked of many at once and is not answered by all yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bulks {
    open: Vec<Bulk>,
    last: u32,
}

impl Bulks {
    /// Begins one; the number its answers name.
    pub(crate) fn begin(&mut self, what: &'static str, of: usize) -> u32 {
        self.last += 1;
        self.open.push(Bulk { id: self.last, what, of, done: 0, refused: 0 });
        self.last
    }

    /// Counts an answer; what there is to tell if it was the last, and whether all went well.
    pub(crate) fn answered(&mut self, id: u32, well: bool) -> Option<(String, bool)> {
        let place = self.open.iter().position(|bulk| bulk.id == id)?;
        let bulk = &mut self.open[place];
        bulk.done += usize::from(well);
        bulk.refused += usize::from(!well);
        if bulk.done + bulk.refused < bulk.of {
            return None;
        }
        let Bulk { what, done, refused, .. } = self.open.swap_remove(place);
        let tasks = if done == 1 { "task" } else { "tasks" };
        let text = match refused {
            0 => format!("{what} of {done} {tasks}"),
            _ => format!("{what} of {done} {tasks}, {refused} refused"),
        };
        Some((text, refused == 0))
    }
}
