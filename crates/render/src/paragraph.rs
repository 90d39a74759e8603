//! Running text: paragraphs and lines.

/// `text` as paragraphs of lines: an empty line parts paragraphs, a line break stays one.
pub(crate) fn paragraphs(text: &str) -> Vec<Vec<&str>> {
    let mut paragraphs: Vec<Vec<&str>> = Vec::new();
    let mut apart = true;
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            _ if line.is_empty() => apart = true,
            Some(paragraph) if !apart => paragraph.push(line),
            _ => {
                paragraphs.push(vec![line]);
                apart = false;
            }
        }
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_lines_are_kept() {
        assert_eq!(paragraphs("\none\ntwo\n\n\n three "), [vec!["one", "two"], vec!["three"]]);
        assert!(paragraphs(" \n ").is_empty());
    }
}
