//! Rules of the read model, over histories that the core itself decided.

mod aside;
mod asking;
mod bell;
mod figures;
mod lists;
mod plans;
mod rebuild;
mod running;
mod waiting;
mod world;

use std::path::Path;
use std::sync::Arc;

use longhaul_journal::{Entry, Shard, Shards};

use crate::model::{Boards, Model, Place};

/// A read model in a directory of its own, folded without a runtime.
struct Bench {
    dir: tempfile::TempDir,
    shards: Shards,
    open: Option<(Place, Model)>,
}

impl Bench {
    fn new(shards: Shards) -> Self {
        let mut bench = Self { dir: tempfile::tempdir().unwrap(), shards, open: None };
        bench.reopen();
        bench
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Closes it, as a process that ends, and opens it again.
    fn reopen(&mut self) {
        self.open = None;
        let place = Place::take(self.path()).unwrap();
        let model = Model::open(&place, self.shards, false, Arc::new(Boards::default())).unwrap();
        self.open = Some((place, model));
    }

    fn model(&mut self) -> &mut Model {
        &mut self.open.as_mut().unwrap().1
    }

    /// Folds everything in batches of `batch`.
    fn fold(&mut self, entries: &[Vec<Entry>], batch: usize) {
        for (shard, entries) in (0..).map(Shard).zip(entries) {
            for batch in entries.chunks(batch) {
                self.model().fold(shard, batch).unwrap();
            }
        }
    }

    fn dump(&mut self) -> Vec<String> {
        crate::dump(self.model().db()).unwrap()
    }
}

/// The first lines in which two dumps differ: shorter to read than both.
fn difference(left: &[String], right: &[String]) -> String {
    let only = |a: &[String], b: &[String]| {
        a.iter().filter(|line| !b.contains(line)).take(3).cloned().collect::<Vec<_>>()
    };
    format!("only in the first: {:#?}\nonly in the second: {:#?}", only(left, right), only(right, left))
}
