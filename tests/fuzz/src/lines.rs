//! What a program says on its events descriptor. The first line of the input tells where the stream
//! is cut, a byte a piece; the rest is the stream.

use longhaul_executor::exec::protocol::{BadLine, Lines, MAX_LINE, Said, Word, parse};

use crate::first_line;

/// A first line that begins so asks for a stream that begins with as many blanks as a line may have.
const LONG: u8 = b'!';

/// - No bytes panic, and it does not matter where the stream is cut.
/// - Each line says what it says alone; one that is too long says so, and no more.
pub fn check(input: &[u8]) {
    let Some((cuts, rest)) = first_line(input) else { return };
    let (cuts, stream) = match cuts {
        [LONG, cuts @ ..] => (cuts, [&vec![b' '; MAX_LINE], rest].concat()),
        _ => (cuts, rest.to_vec()),
    };
    let mut expected: Vec<Said> = stream.split(|byte| *byte == b'\n').map(parse).collect();
    let mut whole = Lines::default();
    let mut said = whole.push(&stream);
    said.push(whole.end());
    assert_eq!(said, expected);
    // What the stream ended in was taken: nothing of it is left for what comes after.
    assert_eq!(whole.end(), Ok(Vec::new()));
    assert_eq!(in_pieces(&stream, cuts), expected);
    for said in expected.drain(..) {
        makes_sense(said);
    }
}

/// What is said if the stream comes in pieces. A byte tells a piece's length, in units that grow with
/// the stream.
fn in_pieces(stream: &[u8], cuts: &[u8]) -> Vec<Said> {
    let unit = 1 + stream.len() / 4096;
    let mut sizes = cuts.iter().cycle();
    let (mut lines, mut said, mut rest) = (Lines::default(), Vec::new(), stream);
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |byte| 1 + usize::from(*byte) * unit);
        let (piece, later) = rest.split_at(size.min(rest.len()));
        said.extend(lines.push(piece));
        rest = later;
    }
    said.push(lines.end());
    said
}

fn makes_sense(said: Said) {
    match said {
        Ok(words) => {
            for pair in words.windows(2) {
                assert!(rank(&pair[0]) < rank(&pair[1]), "words in another order than theirs: {words:?}");
            }
            for word in &words {
                if let Word::Progress(fraction) = word {
                    assert!((0.0..=1.0).contains(fraction), "a progress of {fraction}");
                }
            }
        }
        Err(why) => {
            assert!(!why.to_string().is_empty());
            assert!(why != BadLine::TooLong || MAX_LINE > 0);
        }
    }
}

fn rank(word: &Word) -> u8 {
    match word {
        Word::Step { .. } => 0,
        Word::Result(_) => 1,
        Word::Progress(_) => 2,
        Word::Message(_) => 3,
        Word::Text(_) => 4,
        Word::Usage { .. } => 5,
        Word::Artifact { .. } => 6,
        Word::Output(_) => 7,
    }
}
