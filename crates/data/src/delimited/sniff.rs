//! Which delimiter and which quoting a text uses.

use csv::{ByteRecord, ReaderBuilder};

/// How the fields of a text are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quoting: Quoting,
    /// Bytes to leave out at the beginning: the line `sep=;` that spreadsheets write.
    pub(super) skip: usize,
}

/// How a field that contains the delimiter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// `"a ""quoted"" field"`, as nearly everybody does.
    Doubled,
    /// `"a \"quoted\" field"`.
    Escaped,
    /// `'a quoted field'`.
    Single,
}

impl Dialect {
    /// A reader of records over `bytes`, which must begin where [`Dialect::skip`] says.
    pub(super) fn reader<'a>(&self, bytes: &'a [u8]) -> csv::Reader<&'a [u8]> {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).has_headers(false).flexible(true).trim(csv::Trim::None);
        match self.quoting {
            Quoting::Doubled => {}
            Quoting::Escaped => {
                builder.double_quote(false).escape(Some(b'\\'));
            }
            Quoting::Single => {
                builder.quote(b'\'');
            }
        }
        builder.from_reader(bytes)
    }

    /// The quote character.
    pub(super) fn quote(&self) -> u8 {
        match self.quoting {
            Quoting::Doubled | Quoting::Escaped => b'"',
            Quoting::Single => b'\'',
        }
    }

    /// The delimiter as it is named in a message.
    pub(super) fn delimiter_name(&self) -> &'static str {
        match self.delimiter {
            b',' => "comma",
            b';' => "semicolon",
            b'\t' => "tab",
            _ => "vertical bar",
        }
    }
}

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const SAMPLE_BYTES: usize = 128 * 1024;
const SAMPLE_RECORDS: usize = 400;

/// The dialect whose records agree best on their number of fields. Where no delimiter splits
/// anything, the text is one column.
pub(super) fn sniff(text: &str) -> Dialect {
    let (told, skip) = separator_line(text);
    let sample = sample(&text.as_bytes()[skip..]);
    let quotings = quotings(sample);
    let delimiters = told.map_or_else(|| DELIMITERS.to_vec(), |one| vec![one]);

    let mut best: Option<(Agreement, Dialect)> = None;
    for delimiter in delimiters {
        for quoting in &quotings {
            let dialect = Dialect { delimiter, quoting: *quoting, skip };
            let agreement = agreement(&dialect, sample);
            // Earlier candidates are the commoner ones: they win a draw.
            if best.as_ref().is_none_or(|(seen, _)| agreement.beats(seen)) {
                best = Some((agreement, dialect));
            }
        }
    }
    best.map_or(Dialect { delimiter: b',', quoting: Quoting::Doubled, skip }, |(_, dialect)| dialect)
}

/// How well the records agree under one dialect.
struct Agreement {
    /// Fields per record, in most records.
    fields: usize,
    /// The share of records that have as many, in thousandths.
    share: usize,
}

impl Agreement {
    /// A split beats none; then the better agreement, then the finer split.
    fn beats(&self, other: &Self) -> bool {
        let key = |a: &Self| (a.fields > 1 && a.share >= 500, a.share, a.fields);
        key(self) > key(other)
    }
}

fn agreement(dialect: &Dialect, sample: &[u8]) -> Agreement {
    let mut counts: Vec<usize> = Vec::new();
    let mut reader = dialect.reader(sample);
    let mut record = ByteRecord::new();
    while counts.len() < SAMPLE_RECORDS {
        match reader.read_byte_record(&mut record) {
            Ok(true) => counts.push(record.len()),
            Ok(false) | Err(_) => break,
        }
    }
    counts.sort_unstable();
    let most = counts.chunk_by(|a, b| a == b).max_by_key(|run| (run.len(), run[0]));
    match most {
        None => Agreement { fields: 0, share: 0 },
        Some(run) => Agreement { fields: run[0], share: run.len() * 1000 / counts.len() },
    }
}

/// The beginning of the text, cut after a whole line.
fn sample(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= SAMPLE_BYTES {
        return bytes;
    }
    let head = &bytes[..SAMPLE_BYTES];
    match head.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => &head[..=end],
        None => head,
    }
}

/// Only what the sample can mean is tried, so that a stray apostrophe decides nothing.
fn quotings(sample: &[u8]) -> Vec<Quoting> {
    let mut quotings = vec![Quoting::Doubled];
    if sample.windows(2).any(|pair| pair == b"\\\"") {
        quotings.push(Quoting::Escaped);
    }
    let opens = |pair: &[u8]| pair[1] == b'\'' && DELIMITERS.contains(&pair[0]);
    if !sample.contains(&b'"') && sample.windows(2).any(opens) {
        quotings.push(Quoting::Single);
    }
    quotings
}

/// The first line `sep=;`, by which spreadsheets name their delimiter.
fn separator_line(text: &str) -> (Option<u8>, usize) {
    let line_end = text.find('\n').map_or(text.len(), |at| at + 1);
    let line = text[..line_end].trim_end();
    let told =
        line.get(..4).filter(|head| head.eq_ignore_ascii_case("sep=")).map(|_| line.as_bytes()[4..].to_vec());
    match told.as_deref() {
        Some([one]) if DELIMITERS.contains(one) => (Some(*one), line_end),
        // `sep=` and a tab, which the trimming above took away.
        Some([]) if text[..line_end].contains('\t') => (Some(b'\t'), line_end),
        _ => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter(text: &str) -> char {
        char::from(sniff(text).delimiter)
    }

    #[test]
    fn the_delimiter_is_the_one_the_records_agree_on() {
        assert_eq!(delimiter("a,b,c\n1,2,3\n4,5,6\n"), ',');
        assert_eq!(delimiter("a;b\n1,5;2,5\n3,5;4,5\n"), ';');
        assert_eq!(delimiter("a\tb\n1, 2\t3\n4\t5\n"), '\t');
        assert_eq!(delimiter("a|b\nx, y|3\nz|5\n"), '|');
        assert_eq!(delimiter("name,note\nA,\"x;y\"\nB,\"p;q;r\"\n"), ',');
        assert_eq!(delimiter("sep=;\na,b;c\n1,2;3\n"), ';');
    }

    #[test]
    fn quoting_is_recognised() {
        let escaped = "a,b\n\"x \\\", y\",1\n\"z\",2\n";
        assert_eq!(sniff(escaped).quoting, Quoting::Escaped);
        let single = "a,b\n1,'x, y'\n2,'z, w, v'\n";
        assert_eq!(sniff(single).quoting, Quoting::Single);
        assert_eq!(sniff("a,b\nit's,1\n").quoting, Quoting::Doubled);
    }

    #[test]
    fn the_separator_line_is_left_out() {
        let text = "sep=;\na;b\n";
        let dialect = sniff(text);
        assert_eq!(&text[dialect.skip..], "a;b\n");
    }
}
