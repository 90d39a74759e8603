//! As much of Thrift's compact protocol as it takes to look into a Parquet file before its reader
//! does: fields by their numbers, and skipping.

/// Bytes that do not go on as they should.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    True,
    False,
    Byte,
    Integer,
    Double,
    Bytes,
    List,
    Map,
    Struct,
    Uuid,
}

impl Type {
    fn of(code: u8) -> Result<Self, Broken> {
        Ok(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Bytes,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(Broken),
        })
    }
}

/// Structures within structures that are skipped; Parquet has a handful.
const DEEPEST: u32 = 64;

/// Reads from first to last.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let byte = *self.bytes.get(self.at).ok_or(Broken)?;
        self.at += 1;
        Ok(byte)
    }

    fn pass(&mut self, bytes: u64) -> Result<(), Broken> {
        let bytes = usize::try_from(bytes).map_err(|_| Broken)?;
        let end = self.at.checked_add(bytes).filter(|end| *end <= self.bytes.len());
        self.at = end.ok_or(Broken)?;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Broken)
    }

    /// A whole number.
    pub(super) fn integer(&mut self) -> Result<i64, Broken> {
        let raw = self.varint()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// How many elements a list has, and of what type.
    pub(super) fn list(&mut self) -> Result<(u64, Type), Broken> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        // Lists of booleans say either code.
        Ok((count, Type::of(head & 0x0F)?))
    }

    /// Goes through the fields of a structure. What `field` does not read (it says so by `false`) is
    /// skipped.
    pub(super) fn fields(
        &mut self,
        mut field: impl FnMut(&mut Self, i64, Type) -> Result<bool, Broken>,
    ) -> Result<(), Broken> {
        let mut number = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            number = match head >> 4 {
                0 => self.integer()?,
                step => number + i64::from(step),
            };
            let kind = Type::of(head & 0x0F)?;
            if !field(self, number, kind)? {
                self.skip(kind, DEEPEST)?;
            }
        }
    }

    fn skip(&mut self, kind: Type, depth: u32) -> Result<(), Broken> {
        let deeper = depth.checked_sub(1).ok_or(Broken)?;
        match kind {
            Type::True | Type::False => Ok(()),
            Type::Byte => self.pass(1),
            Type::Integer => self.varint().map(|_| ()),
            Type::Double => self.pass(8),
            Type::Uuid => self.pass(16),
            Type::Bytes => {
                let length = self.varint()?;
                self.pass(length)
            }
            Type::List => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.element(kind, deeper))
            }
            Type::Map => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                let (key, value) = (Type::of(kinds >> 4)?, Type::of(kinds & 0x0F)?);
                (0..count).try_for_each(|_| {
                    self.element(key, deeper)?;
                    self.element(value, deeper)
                })
            }
            Type::Struct => loop {
                let head = self.byte()?;
                if head == 0 {
                    return Ok(());
                }
                if head >> 4 == 0 {
                    self.integer()?;
                }
                self.skip(Type::of(head & 0x0F)?, deeper)?;
            },
        }
    }

    /// Unlike a field, an element that is a boolean takes a byte: so no list costs more time than it
    /// has bytes.
    fn element(&mut self, kind: Type, depth: u32) -> Result<(), Broken> {
        match kind {
            Type::True | Type::False => self.pass(1),
            other => self.skip(other, depth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_number_and_others_skipped() {
        // 1: 150, 2: "ab", 3: [true, false], 7: {1: -1}, 24: 5
        let bytes = [
            0x15, 0xAC, 0x02, 0x18, 0x02, b'a', b'b', 0x19, 0x21, 0x01, 0x02, 0x4C, 0x15, 0x01, 0x00, 0x05,
            0x30, 0x0A, 0x00,
        ];
        let mut found = Vec::new();
        let mut reader = Reader::new(&bytes);
        let read = reader.fields(|reader, number, kind| {
            if kind == Type::Integer {
                found.push((number, reader.integer()?));
                return Ok(true);
            }
            Ok(false)
        });
        assert_eq!(read, Ok(()));
        assert_eq!(found, [(1, 150), (24, 5)]);
        assert_eq!(reader.position(), bytes.len());
        for cut in 0..bytes.len() {
            assert_eq!(Reader::new(&bytes[..cut]).fields(|_, _, _| Ok(false)), Err(Broken), "{cut}");
        }
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_broken() {
        let deep = [0x1C; 1_000_000];
        assert_eq!(Reader::new(&deep).fields(|_, _, _| Ok(false)), Err(Broken));
        // A list of 2^60 structures, a text of 2^60 bytes.
        let long = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
        let list: Vec<u8> = [0x19, 0xFC].into_iter().chain(long).chain([0; 20]).collect();
        assert_eq!(Reader::new(&list).fields(|_, _, _| Ok(false)), Err(Broken));
        let text: Vec<u8> = [0x18].into_iter().chain(long).chain([0; 20]).collect();
        assert_eq!(Reader::new(&text).fields(|_, _, _| Ok(false)), Err(Broken));
    }
}
