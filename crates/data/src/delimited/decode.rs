//! Bytes to text: encodings, and files that are no text at all.

use crate::FileFault;

/// The text of a file.
pub(super) struct Text {
    pub(super) text: String,
    /// What the reader of the report must know about how it was read.
    pub(super) remark: Option<String>,
}

/// Files that people name by mistake, by their first bytes.
const OTHER_FORMATS: [(&[u8], &str, &str); 5] = [
    (b"PK\x03\x04", "this is a ZIP archive or an Excel workbook", "save the sheet as CSV and name that file"),
    (b"\xD0\xCF\x11\xE0", "this is an old Excel workbook", "save the sheet as CSV and name that file"),
    (b"%PDF", "this is a PDF", "name the table it was made from instead"),
    (b"\x1F\x8B", "this is a gzip archive", "unpack it and name the file inside"),
    (b"SQLite format 3", "this is a damaged SQLite file", "restore it from a copy"),
];

pub(super) fn decode(bytes: &[u8]) -> Result<Text, FileFault> {
    if let Some((_, what, advice)) = OTHER_FORMATS.iter().find(|(m, ..)| bytes.starts_with(m)) {
        return Err(FileFault::whole(*what, *advice));
    }
    let decoded = if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        utf8(rest)?
    } else if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        utf16(rest, u16::from_le_bytes)?
    } else if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        utf16(rest, u16::from_be_bytes)?
    } else {
        utf8(bytes)?
    };
    if decoded.text.trim().is_empty() {
        return Err(FileFault::whole("the file is empty", "write a header line and the records below it"));
    }
    refuse_markup(&decoded.text)?;
    refuse_control_characters(&decoded.text)?;
    Ok(decoded)
}

fn utf8(bytes: &[u8]) -> Result<Text, FileFault> {
    refuse_nul(bytes)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Text { text: text.to_owned(), remark: None }),
        Err(error) => {
            let good = error.valid_up_to();
            let line = line_of(bytes, good);
            // A file with valid multi-byte characters before the fault was meant to be UTF-8.
            if !bytes[..good].is_ascii() {
                return Err(FileFault::at(
                    line,
                    "a byte here is not valid UTF-8, while characters before it are",
                    "save the file as UTF-8",
                ));
            }
            windows_1252(bytes).ok_or_else(|| {
                FileFault::at(
                    line,
                    "a byte here is neither valid UTF-8 nor a Windows-1252 character",
                    "save the file as UTF-8",
                )
            })
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Text, FileFault> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let whole = rest.is_empty();
    let text: Option<String> =
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).map(Result::ok).collect();
    match text {
        Some(text) if whole => {
            refuse_nul(text.as_bytes())?;
            Ok(Text { text, remark: None })
        }
        _ => Err(FileFault::whole("the file begins as UTF-16 and is not valid UTF-16", "save it as UTF-8")),
    }
}

fn refuse_nul(bytes: &[u8]) -> Result<(), FileFault> {
    match bytes.iter().position(|byte| *byte == 0) {
        None => Ok(()),
        Some(at) => Err(FileFault::at(
            line_of(bytes, at),
            "a NUL byte, which no text file has",
            "this looks like a binary file; export the data as CSV",
        )),
    }
}

fn refuse_markup(text: &str) -> Result<(), FileFault> {
    let begin = text.trim_start();
    let json = ["{", "[{", "[[", "[\n", "[\r"];
    if json.iter().any(|mark| begin.starts_with(mark)) {
        return Err(FileFault::whole("this is JSON", "give the file a name that ends with .json"));
    }
    if begin.starts_with('<') {
        return Err(FileFault::whole(
            "this is HTML or XML",
            "export the table in it as CSV and name that file",
        ));
    }
    Ok(())
}

/// A few control characters are slips; many mean that these bytes are no text.
fn refuse_control_characters(text: &str) -> Result<(), FileFault> {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let mut odd = text.char_indices().filter(|(_, c)| is_odd(*c));
    let Some((first, _)) = odd.next() else {
        return Ok(());
    };
    let count = 1 + odd.count();
    if count * 1000 > text.len() {
        return Err(FileFault::at(
            line_of(text.as_bytes(), first),
            "control characters, as only binary files have them",
            "export the data as CSV",
        ));
    }
    Ok(())
}

pub(super) fn line_of(bytes: &[u8], at: usize) -> u64 {
    let newlines = bytes[..at.min(bytes.len())].iter().filter(|b| **b == b'\n');
    1 + newlines.count() as u64
}

/// What Windows-1252 has at 0x80 to 0x9F; `\0` marks the five bytes it leaves undefined.
const UPPER: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

fn windows_1252(bytes: &[u8]) -> Option<Text> {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for byte in bytes {
        match byte {
            0x80..=0x9F => match UPPER[usize::from(byte - 0x80)] {
                '\0' => return None,
                c => text.push(c),
            },
            other => text.push(char::from(*other)),
        }
    }
    Some(Text {
        text,
        remark: Some("The file is not UTF-8; it was read as Windows-1252 (Western European).".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        decode(bytes).map(|t| t.text).unwrap()
    }

    fn fault(bytes: &[u8]) -> FileFault {
        decode(bytes).map(|t| t.text).unwrap_err()
    }

    #[test]
    fn encodings_are_recognised() {
        assert_eq!(text("a;b\nÄ;1\n".as_bytes()), "a;b\nÄ;1\n");
        assert_eq!(text(b"\xEF\xBB\xBFa,b\n"), "a,b\n");
        assert_eq!(text(b"\xFF\xFEa\0,\0b\0\n\0"), "a,b\n");
        assert_eq!(text(b"\xFE\xFF\0a\0,\0b\0\n"), "a,b\n");
        assert_eq!(text(b"name\nK\xF6ln \x80\nM\xFCnchen\n"), "name\nKöln €\nMünchen\n");
        assert!(decode(b"name\nK\xF6ln\n").unwrap().remark.is_some());
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        assert!(fault(b"").problem.contains("empty"));
        assert!(fault(b" \r\n\n").problem.contains("empty"));
        assert_eq!(fault(b"a,b\n1,\x002\n").line, Some(2));
        assert_eq!(fault("ä,b\n1,2\n3,".bytes().chain([0xFF]).collect::<Vec<_>>().as_slice()).line, Some(3));
        assert_eq!(fault(b"a,b\n1,2\n3,\x81\n").line, Some(3));
        assert!(fault(b"PK\x03\x04....").problem.contains("Excel"));
        assert!(fault(b"[{\"a\":1}]").problem.contains("JSON"));
        assert!(fault(b"\n<!DOCTYPE html>").problem.contains("HTML"));
        assert!(fault(b"%PDF-1.7").problem.contains("PDF"));
        assert!(fault(b"a,b\n\x01\x02\x03\x04,\x05\n").problem.contains("control"));
        assert!(fault(b"\xFF\xFEa\0,").problem.contains("UTF-16"));
    }
}
