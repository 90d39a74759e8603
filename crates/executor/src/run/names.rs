//! Names of steps, unique within a task.

use std::collections::HashMap;

use longhaul_core::text::{self, MAX_NAME};

/// Room left in a name for ` (12345)`.
const SUFFIX: usize = 10;

/// Gives every step of a run its name. A later run of the same handler asks for the same steps in
/// the same order, and so gets the same names. Under each name: how many of it there were.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, u32>);

impl Names {
    /// The name of the next step that was asked for as `wanted`: made one printable line, and the
    /// n-th of its name ends with ` (n)`.
    pub(crate) fn next(&mut self, wanted: &str) -> String {
        let clean = text::line(wanted, MAX_NAME - SUFFIX);
        let base = match clean.trim() {
            "" => "step",
            name => name,
        };
        // Where the count begins, so that thousands of one name do not search from 1 each time.
        let given = self.0.get(base).copied().unwrap_or(0);
        let (n, name) = (given.saturating_add(1)..)
            .map(|n| (n, if n == 1 { base.to_owned() } else { format!("{base} ({n})") }))
            .find(|(_, name)| !self.0.contains_key(name))
            .unwrap_or_else(|| (given, base.to_owned()));
        self.0.insert(base.to_owned(), n);
        self.0.entry(name.clone()).or_insert(1);
        name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repeated_name_is_numbered() {
        let mut names = Names::default();
        assert_eq!(names.next("fetch"), "fetch");
        assert_eq!(names.next("fetch"), "fetch (2)");
        assert_eq!(names.next("fetch (3)"), "fetch (3)");
        assert_eq!(names.next("fetch"), "fetch (4)");
        assert_eq!(names.next(" \u{202E}\n"), "step");
    }

    proptest! {
        #[test]
        fn names_are_unique_and_usable(wanted in proptest::collection::vec("[a-c\\x00-\\x1f ]{0,4}|.{190,210}", 0..30)) {
            let mut names = Names::default();
            let mut seen = HashSet::new();
            for wanted in wanted {
                let name = names.next(&wanted);
                prop_assert!(!name.is_empty() && text::line(&name, MAX_NAME) == name, "{name:?}");
                prop_assert!(seen.insert(name));
            }
        }
    }
}
