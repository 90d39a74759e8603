//! Where one message ends and the next begins in what a nats-server sends to a client.

/// The longest line that is still waited for. A server's own limit is below that.
const LONGEST_LINE: usize = 64 << 10;

/// Cuts a stream of bytes into pieces none of which spans two frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// How much of a message's content is still to come.
    content: usize,
}

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The first line of a message.
    Head(Vec<u8>),
    /// Content of the message that began last.
    Content(Vec<u8>),
    /// Anything else: INFO, PING, PONG, errors.
    Other(Vec<u8>),
}

impl Frames {
    /// The pieces that are complete with these bytes. Every byte comes out once, in order.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            if self.content > 0 {
                let (now, later) = bytes.split_at(self.content.min(bytes.len()));
                self.content -= now.len();
                pieces.push(Piece::Content(now.to_vec()));
                bytes = later;
                continue;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            let (now, later) = bytes.split_at(end);
            self.line.extend_from_slice(now);
            bytes = later;
            if self.line.ends_with(b"\n") || self.line.len() > LONGEST_LINE {
                let line = std::mem::take(&mut self.line);
                pieces.push(match content_of(&line) {
                    Some(content) => {
                        self.content = content;
                        Piece::Head(line)
                    }
                    None => Piece::Other(line),
                });
            }
        }
        pieces
    }
}

/// How many bytes follow this line, if it begins a message: its size and the end of the line.
fn content_of(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    if !matches!(words.next()?, "MSG" | "HMSG") {
        return None;
    }
    let size: usize = words.next_back()?.parse().ok()?;
    Some(size + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b"INFO {}\r\nPING\r\nMSG a.b 1 5\r\nMSG x\r\nHMSG a 1 reply 4 6\r\nab\r\ncd\r\nMSG a 1 0\r\n\r\nPONG\r\n";

    #[test]
    fn pieces_are_the_same_however_the_bytes_arrive() {
        for size in 1..STREAM.len() {
            let mut frames = Frames::default();
            let (mut all, mut plain, mut heads) = (Vec::new(), Vec::new(), 0);
            for piece in STREAM.chunks(size).flat_map(|chunk| frames.feed(chunk)) {
                match piece {
                    Piece::Head(bytes) => {
                        heads += 1;
                        all.extend(bytes);
                    }
                    Piece::Content(bytes) => all.extend(bytes),
                    Piece::Other(bytes) => {
                        all.extend_from_slice(&bytes);
                        plain.extend(bytes);
                    }
                }
            }
            assert_eq!(all, STREAM, "in chunks of {size}");
            assert_eq!(plain, b"INFO {}\r\nPING\r\nPONG\r\n", "in chunks of {size}");
            assert_eq!(heads, 3, "in chunks of {size}");
        }
    }
}
