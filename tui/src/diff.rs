//! What differs between two texts, line by line.

/// Lines of context around a change.
const AROUND: usize = 2;
/// Beyond so many pairs of lines nobody waits for the shortest difference.
const PAIRS: usize = 4_000_000;

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// In both.
    Same(String),
    /// Only in the first.
    Out(String),
    /// Only in the second.
    In(String),
    /// So many lines that are in both are left out.
    Skipped(usize),
}

/// What differs, with a little around it; nothing if the texts are alike.
pub(crate) fn diff(before: &str, after: &str) -> Vec<Change> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[same..], &new[same..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_mid, new_mid) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    if old_mid.is_empty() && new_mid.is_empty() {
        return Vec::new();
    }
    let keep = |lines: &[&str]| lines.iter().map(|line| Change::Same((*line).to_owned())).collect::<Vec<_>>();
    let mut all = keep(&old[..same]);
    middle(old_mid, new_mid, &mut all);
    all.extend(keep(&old_rest[old_rest.len() - tail..]));
    around(all)
}

/// The shortest way from one to the other, by the longest common subsequence.
fn middle(old: &[&str], new: &[&str], out: &mut Vec<Change>) {
    let width = new.len() + 1;
    // How long the common subsequence of what is left from here on is.
    let mut longest = vec![0_u32; if old.len() * new.len() > PAIRS { 0 } else { (old.len() + 1) * width }];
    if !longest.is_empty() {
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                longest[i * width + j] = if old[i] == new[j] {
                    longest[(i + 1) * width + j + 1] + 1
                } else {
                    longest[(i + 1) * width + j].max(longest[i * width + j + 1])
                };
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if !longest.is_empty() && i < old.len() && j < new.len() && old[i] == new[j] {
            out.push(Change::Same(old[i].to_owned()));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len()
            && (j == new.len()
                || longest.is_empty()
                || longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            out.push(Change::Out(old[i].to_owned()));
            i += 1;
        } else {
            out.push(Change::In(new[j].to_owned()));
            j += 1;
        }
    }
}

/// Leaves out what is far from every change.
fn around(all: Vec<Change>) -> Vec<Change> {
    let changed: Vec<usize> =
        (0..).zip(&all).filter(|(_, line)| !matches!(line, Change::Same(_))).map(|(at, _)| at).collect();
    let near = |at: usize| {
        let next = changed.partition_point(|place| *place < at);
        let after = changed.get(next).is_some_and(|place| place - at <= AROUND);
        after || next.checked_sub(1).is_some_and(|before| at - changed[before] <= AROUND)
    };
    let mut out = Vec::new();
    for (at, line) in all.into_iter().enumerate() {
        match (near(at), out.last_mut()) {
            (true, _) => out.push(line),
            (false, Some(Change::Skipped(n))) => *n += 1,
            (false, _) => out.push(Change::Skipped(1)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_changed_stands_out_with_a_little_around_it() {
        let before = "a\nb\nc\nd\ne\nf\ng";
        let after = "a\nb\nc\nd\nE\nf\ng";
        let same = |line: &str| Change::Same(line.to_owned());
        assert_eq!(
            diff(before, after),
            [
                Change::Skipped(2),
                same("c"),
                same("d"),
                Change::Out("e".to_owned()),
                Change::In("E".to_owned()),
                same("f"),
                same("g"),
            ]
        );
        assert_eq!(diff(before, before), []);
    }

    proptest! {
        #[test]
        fn the_second_text_comes_out_of_the_first(
            before in prop::collection::vec("[abc]", 0..12), after in prop::collection::vec("[abc]", 0..12),
        ) {
            let changes = diff(&before.join("\n"), &after.join("\n"));
            let removed = changes.iter().filter(|change| matches!(change, Change::Out(_))).count();
            let added = changes.iter().filter(|change| matches!(change, Change::In(_))).count();
            prop_assert_eq!(before.len() + added, after.len() + removed);
            prop_assert_eq!(changes.is_empty(), before == after);
        }
    }
}
