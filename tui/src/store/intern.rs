//! Texts that repeat, kept once.

use std::collections::HashMap;
use std::sync::Arc;

/// A text that is kept once. The first is the empty one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sym(u32);

impl Sym {
    /// The empty text.
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }
}

/// Gives out symbols.
#[derive(Clone)]
pub(crate) struct Interner {
    texts: Vec<Arc<str>>,
    known: HashMap<Arc<str>, Sym>,
}

impl Default for Interner {
    fn default() -> Self {
        let empty: Arc<str> = Arc::from("");
        Self { texts: vec![empty.clone()], known: HashMap::from([(empty, Sym::EMPTY)]) }
    }
}

impl Interner {
    pub(crate) fn intern(&mut self, text: &str) -> Sym {
        if let Some(sym) = self.known.get(text) {
            return *sym;
        }
        let sym = Sym(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Arc<str> = Arc::from(text);
        self.texts.push(text.clone());
        self.known.insert(text, sym);
        sym
    }

    pub(crate) fn find(&self, text: &str) -> Option<Sym> {
        self.known.get(text).copied()
    }

    pub(crate) fn get(&self, sym: Sym) -> &str {
        self.texts.get(sym.0 as usize).map_or("", |text| text)
    }
}
