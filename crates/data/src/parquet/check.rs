//! What must hold of a Parquet file before its reader is let near it.
//!
//! The reader believes what a file says of itself: how deep its schema is, how large its pages
//! become, how many values they hold. A broken or a hostile file could overflow its stack or take
//! all memory with a few bytes. So these figures are looked at first.

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::thrift::{Broken, Reader, Type};
use crate::FileFault;
use crate::load::LoadError;

/// How every Parquet file begins and ends.
pub(crate) const MAGIC: &[u8] = b"PAR1";
/// How one ends whose footer is encrypted.
const ENCRYPTED: &[u8] = b"PARE";
/// Levels of nesting, and elements on all of them: columns, and what they consist of.
const DEEPEST: usize = 32;
const MOST_ELEMENTS: usize = 10_000;
/// Bytes that a page may have once it is unpacked. Writers make pages of one megabyte; a dictionary
/// or a long text may take more.
const LARGEST_PAGE: i64 = 128 * 1024 * 1024;

pub(super) fn broken(problem: impl Into<String>) -> FileFault {
    FileFault::whole(problem, "get the file anew, or write it again with the program that made it")
}

/// Looks at the frame of a file and at its schema.
pub(super) fn footer(bytes: &[u8]) -> Result<(), FileFault> {
    if !bytes.starts_with(MAGIC) {
        if bytes.starts_with(ENCRYPTED) {
            return Err(FileFault::whole("it is encrypted", "write it without encryption"));
        }
        return Err(FileFault::whole(
            "it does not begin as a Parquet file does",
            "give the file the ending of what it is: .csv, .json, .sqlite",
        ));
    }
    let cut_off = || broken("it does not end as a Parquet file does: it is cut off, or still being written");
    let end = bytes.len().checked_sub(8).filter(|end| *end >= MAGIC.len()).ok_or_else(cut_off)?;
    let (length, magic) = bytes[end..].split_at(4);
    if magic == ENCRYPTED {
        return Err(FileFault::whole("it is encrypted", "write it without encryption"));
    }
    if magic != MAGIC {
        return Err(cut_off());
    }
    let length = length.iter().rev().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    let begin = end.checked_sub(length).filter(|begin| *begin >= MAGIC.len());
    let begin = begin.ok_or_else(|| broken("its footer is longer than the file"))?;
    let mut children = Vec::new();
    let read = Reader::new(&bytes[begin..end]).fields(|reader, number, kind| match (number, kind) {
        (2, Type::List) => {
            let (count, kind) = reader.list()?;
            if kind != Type::Struct {
                return Err(Broken);
            }
            for _ in 0..count {
                children.push(element(reader)?);
            }
            Ok(true)
        }
        _ => Ok(false),
    });
    read.map_err(|Broken| broken("its footer cannot be read"))?;
    schema(&children)
}

/// How many children an element of the schema has.
fn element(reader: &mut Reader<'_>) -> Result<i64, Broken> {
    let mut children = 0;
    reader.fields(|reader, number, kind| {
        if (number, kind) == (5, Type::Integer) {
            children = reader.integer()?;
            return Ok(true);
        }
        Ok(false)
    })?;
    Ok(children)
}

/// The schema is a tree, told from top to bottom.
fn schema(children: &[i64]) -> Result<(), FileFault> {
    if children.len() > MOST_ELEMENTS {
        return Err(FileFault::whole(
            format!(
                "its schema has {} elements, more than the {MOST_ELEMENTS} that are read",
                children.len()
            ),
            "write it with the columns that the report needs",
        ));
    }
    let mut open: Vec<i64> = Vec::new();
    for (n, count) in children.iter().enumerate() {
        while open.pop_if(|left| *left <= 0).is_some() {}
        match open.last_mut() {
            Some(left) => *left -= 1,
            None if n == 0 => {}
            None => return Err(broken("its schema is not one tree")),
        }
        if *count > 0 {
            open.push(*count);
        }
        if open.len() > DEEPEST {
            return Err(FileFault::whole(
                format!("its columns are nested more than {DEEPEST} levels deep"),
                "write the inner columns as columns of their own",
            ));
        }
    }
    if open.into_iter().any(|left| left > 0) {
        return Err(broken("its schema ends before all its columns are told"));
    }
    Ok(())
}

/// Looks at the pages of a row group: that they lie in the file, how large they become, and that they
/// hold as many values as there are rows. `most` is how many values a column may have.
pub(super) fn pages(bytes: &[u8], group: &RowGroupMetaData, most: u64) -> Result<(), LoadError> {
    let rows = u64::try_from(group.num_rows()).map_err(|_| broken("a row group has fewer than no rows"))?;
    if rows > most {
        return Err(LoadError::TooManyRows);
    }
    for column in group.columns() {
        let name = || column.column_path().string();
        let values = values_of(bytes, column, most)?;
        let flat = column.column_descr().max_rep_level() == 0;
        if flat && values != rows {
            return Err(broken(format!(
                "a row group of {rows} rows has {values} values in its column {}",
                name()
            ))
            .into());
        }
        if !flat && values < rows {
            return Err(broken(format!(
                "a row group of {rows} rows has {values} values in its column {}",
                name()
            ))
            .into());
        }
    }
    Ok(())
}

/// Walks along the pages of a column and counts their values.
fn values_of(bytes: &[u8], column: &ColumnChunkMetaData, most: u64) -> Result<u64, LoadError> {
    let name = || column.column_path().string();
    let outside = || broken(format!("the column {} lies outside the file", name()));
    // Where the reader begins: the dictionary lies before the data.
    let begin = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let length = usize::try_from(column.compressed_size()).map_err(|_| outside())?;
    let begin = usize::try_from(begin).map_err(|_| outside())?;
    let end = begin.checked_add(length).ok_or_else(outside)?;
    let mut chunk = bytes.get(begin..end).ok_or_else(outside)?;
    let mut values = 0_u64;
    while !chunk.is_empty() {
        let page = Page::read(chunk)
            .map_err(|Broken| broken(format!("a page of the column {} cannot be read", name())))?;
        if page.unpacked > LARGEST_PAGE {
            return Err(LoadError::TooLargeUnpacked);
        }
        values = values.saturating_add(page.values);
        if values > most || page.entries > most {
            return Err(LoadError::TooManyRows);
        }
        chunk = chunk.get(page.length..).ok_or_else(outside)?;
    }
    Ok(values)
}

/// What the head of a page says.
struct Page {
    /// Bytes in the file, its head included.
    length: usize,
    /// Bytes once it is unpacked.
    unpacked: i64,
    /// Values of the column in it.
    values: u64,
    /// Values of its dictionary.
    entries: u64,
}

impl Page {
    fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let mut reader = Reader::new(bytes);
        let (mut packed, mut unpacked, mut values, mut entries) = (None, None, 0, 0);
        reader.fields(|reader, number, kind| {
            match (number, kind) {
                (2, Type::Integer) => unpacked = Some(reader.integer()?),
                (3, Type::Integer) => packed = Some(reader.integer()?),
                // Pages of data in their two versions; of a dictionary.
                (5 | 8, Type::Struct) => values = first(reader)?,
                (7, Type::Struct) => entries = first(reader)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let whole = |number: i64| u64::try_from(number).map_err(|_| Broken);
        let packed = usize::try_from(packed.ok_or(Broken)?).map_err(|_| Broken)?;
        let unpacked = unpacked.filter(|bytes| *bytes >= 0).ok_or(Broken)?;
        let length = reader.position().checked_add(packed).ok_or(Broken)?;
        Ok(Self { length, unpacked, values: whole(values)?, entries: whole(entries)? })
    }
}

/// The whole number that is a structure's first field.
fn first(reader: &mut Reader<'_>) -> Result<i64, Broken> {
    let mut found = 0;
    reader.fields(|reader, number, kind| {
        if (number, kind) == (1, Type::Integer) {
            found = reader.integer()?;
            return Ok(true);
        }
        Ok(false)
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_one_tree_of_bounded_depth() {
        assert!(schema(&[2, 0, 0]).is_ok());
        assert!(schema(&[2, 1, 0, 2, 0, 0]).is_ok());
        assert!(schema(&[0]).is_ok());
        assert!(schema(&[2, 0]).is_err());
        assert!(schema(&[1, 0, 0]).is_err());
        assert!(schema(&[1; 100_000]).is_err());
        assert!(schema(&[vec![1; 40], vec![0]].concat()).unwrap_err().problem.contains("deep"));
    }
}
