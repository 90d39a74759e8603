//! Values of a Parquet file as they are stored.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::data_type::Decimal;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

use crate::load::Cell;

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    /// Whole numbers without a sign, some of which no column of integers holds.
    Unsigned,
    Float,
    /// With so many digits behind the point.
    Decimal(i32),
    Date,
    /// Moments, in so many units a second.
    Moment(i64),
    /// Times of day, likewise.
    Time(i64),
    Uuid,
    Text,
    /// Bytes, or a text that is not declared as one.
    Bytes,
    /// Lists, maps and structures.
    Nested,
}

const MILLIS: i64 = 1_000;
const MICROS: i64 = 1_000_000;
const NANOS: i64 = 1_000_000_000;

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => MILLIS,
        TimeUnit::MICROS => MICROS,
        TimeUnit::NANOS => NANOS,
    }
}

impl Kind {
    /// What a column of the schema holds.
    pub(super) fn of(column: &Type) -> Self {
        let info = column.get_basic_info();
        let Type::PrimitiveType { physical_type, scale, .. } = column else { return Self::Nested };
        if info.has_repetition() && info.repetition() == parquet::basic::Repetition::REPEATED {
            return Self::Nested;
        }
        match info.logical_type_ref() {
            Some(LogicalType::Date) => return Self::Date,
            Some(LogicalType::Timestamp(stamp)) => return Self::Moment(per_second(stamp.unit)),
            Some(LogicalType::Time(time)) => return Self::Time(per_second(time.unit)),
            Some(LogicalType::Decimal(_)) => return Self::Decimal(*scale),
            Some(LogicalType::Uuid) => return Self::Uuid,
            Some(LogicalType::Float16) => return Self::Float,
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => return Self::Text,
            _ => {}
        }
        match (info.converted_type(), physical_type) {
            (ConvertedType::DATE, _) => Self::Date,
            (ConvertedType::TIMESTAMP_MILLIS, _) | (_, Physical::INT96) => Self::Moment(MILLIS),
            (ConvertedType::TIMESTAMP_MICROS, _) => Self::Moment(MICROS),
            (ConvertedType::TIME_MILLIS, _) => Self::Time(MILLIS),
            (ConvertedType::TIME_MICROS, _) => Self::Time(MICROS),
            (ConvertedType::DECIMAL, _) => Self::Decimal(*scale),
            (ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON, _) => Self::Text,
            (ConvertedType::UINT_64, _) => Self::Unsigned,
            (_, Physical::BOOLEAN) => Self::Boolean,
            (_, Physical::INT32 | Physical::INT64) => Self::Integer,
            (_, Physical::FLOAT | Physical::DOUBLE) => Self::Float,
            (_, Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY) => Self::Bytes,
        }
    }

    /// The type the column is declared with; the schema reader knows these words.
    pub(super) fn declared(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::Float | Self::Decimal(_) => "REAL",
            Self::Date => "DATE",
            Self::Moment(_) => "DATETIME",
            Self::Time(_) | Self::Uuid | Self::Text | Self::Nested => "TEXT",
            // As the values are.
            Self::Unsigned | Self::Bytes => "BLOB",
        }
    }

    /// A value of the column; `None` if nothing can hold it.
    pub(super) fn cell(self, field: Field) -> Option<Cell> {
        Some(match (self, field) {
            (_, Field::Null) => Cell::Null,
            (Self::Uuid, Field::Bytes(bytes)) => Cell::Text(uuid(bytes.data())),
            (Self::Decimal(scale), Field::Int(n)) => Cell::Decimal(decimal(&n.to_be_bytes(), scale).0),
            (Self::Decimal(scale), Field::Long(n)) => Cell::Decimal(decimal(&n.to_be_bytes(), scale).0),
            (Self::Decimal(scale), Field::Bytes(bytes)) => Cell::Decimal(decimal(bytes.data(), scale).0),
            (Self::Date, Field::Int(n) | Field::Date(n)) => Cell::Text(date(n)?),
            (Self::Moment(units), Field::Long(n) | Field::TimestampMillis(n) | Field::TimestampMicros(n)) => {
                Cell::Text(moment(n, units)?)
            }
            (Self::Time(units), Field::Int(n) | Field::TimeMillis(n)) => Cell::Text(time(n.into(), units)?),
            (Self::Time(units), Field::Long(n) | Field::TimeMicros(n)) => Cell::Text(time(n, units)?),
            (_, Field::Bool(yes)) => Cell::Integer(yes.into()),
            (_, Field::Byte(n)) => Cell::Integer(n.into()),
            (_, Field::Short(n)) => Cell::Integer(n.into()),
            (_, Field::Int(n)) => Cell::Integer(n.into()),
            (_, Field::Long(n)) => Cell::Integer(n),
            (_, Field::UByte(n)) => Cell::Integer(n.into()),
            (_, Field::UShort(n)) => Cell::Integer(n.into()),
            (_, Field::UInt(n)) => Cell::Integer(n.into()),
            (_, Field::ULong(n)) => {
                i64::try_from(n).map_or_else(|_| Cell::Text(n.to_string()), Cell::Integer)
            }
            (_, Field::Float16(x)) => Cell::Decimal(shortest(f32::from(x))),
            (_, Field::Float(x)) => Cell::Decimal(shortest(x)),
            (_, Field::Double(x)) => Cell::Decimal(x),
            (_, Field::Decimal(value)) => Cell::Decimal(decimal_of(&value).0),
            (_, Field::Str(text)) => Cell::Text(text),
            (_, Field::Bytes(bytes)) => match std::str::from_utf8(bytes.data()) {
                Ok(text) => Cell::Text(text.to_owned()),
                Err(_) => Cell::Bytes(bytes.data().to_vec()),
            },
            (_, Field::Date(n)) => Cell::Text(date(n)?),
            (_, Field::TimeMillis(n)) => Cell::Text(time(n.into(), MILLIS)?),
            (_, Field::TimeMicros(n)) => Cell::Text(time(n, MICROS)?),
            (_, Field::TimestampMillis(n)) => Cell::Text(moment(n, MILLIS)?),
            (_, Field::TimestampMicros(n)) => Cell::Text(moment(n, MICROS)?),
            (_, nested @ (Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_))) => {
                let mut text = String::new();
                json(nested, &mut text);
                Cell::Text(text)
            }
        })
    }
}

/// Whether a decimal has more digits than a figure keeps.
pub(super) fn is_rounded(field: &Field) -> bool {
    matches!(field, Field::Decimal(value) if decimal_of(value).1)
}

fn decimal_of(value: &Decimal) -> (f64, bool) {
    decimal(value.data(), value.scale())
}

/// A whole number of any length, its highest byte first, with its point moved; and whether it was
/// rounded.
fn decimal(bytes: &[u8], scale: i32) -> (f64, bool) {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let fill = if negative { 0xFF } else { 0 };
    let digits = bytes.iter().position(|byte| *byte != fill).map_or(&bytes[bytes.len()..], |at| &bytes[at..]);
    if digits.len() > 15 {
        // More than 36 digits, of which a figure keeps 15.
        let whole = bytes
            .iter()
            .fold(0.0, |sum, byte| sum * 256.0 + f64::from(if negative { !*byte } else { *byte }));
        let value = whole * 10_f64.powi(scale.saturating_neg());
        return (if negative { -value } else { value }, true);
    }
    let whole =
        digits.iter().fold(if negative { -1_i128 } else { 0 }, |whole, byte| whole << 8 | i128::from(*byte));
    let exact = whole.unsigned_abs() < 1_000_000_000_000_000;
    // Through text, so that 0.1 is the 0.1 of everybody else.
    (format!("{whole}e{}", scale.saturating_neg()).parse().unwrap_or(f64::NAN), !exact)
}

/// The figure that is written as short as the single one: 0.1, not 0.10000000149011612.
fn shortest(x: f32) -> f64 {
    x.to_string().parse().unwrap_or_else(|_| f64::from(x))
}

fn date(days: i32) -> Option<String> {
    let day = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    (day.year() >= 0).then(|| day.to_string())
}

fn moment(count: i64, units: i64) -> Option<String> {
    let nanos = i128::from(count) * i128::from(NANOS / units);
    let moment = Timestamp::from_nanosecond(nanos).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    (moment.year() >= 0).then(|| format!("{} {}", moment.date(), moment.time()))
}

fn time(count: i64, units: i64) -> Option<String> {
    let nanos = count.checked_mul(NANOS / units).filter(|nanos| (0..86_400 * NANOS).contains(nanos))?;
    Some(Time::midnight().checked_add(jiff::SignedDuration::from_nanos(nanos)).ok()?.to_string())
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (n, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&n) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes a value as compact JSON, members in the order of the file.
fn json(field: Field, text: &mut String) {
    match field {
        Field::Group(row) => group(row, text),
        Field::ListInternal(list) => {
            text.push('[');
            for (n, element) in list.elements().iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                json(element.clone(), text);
            }
            text.push(']');
        }
        Field::MapInternal(map) => {
            text.push('{');
            for (n, (key, value)) in map.entries().iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                let mut name = String::new();
                json(key.clone(), &mut name);
                if name.starts_with('"') {
                    text.push_str(&name);
                } else {
                    scalar(name.into(), text);
                }
                text.push(':');
                json(value.clone(), text);
            }
            text.push('}');
        }
        Field::Bool(yes) => scalar(yes.into(), text),
        other => match Kind::Text.cell(other) {
            None | Some(Cell::Null) => text.push_str("null"),
            Some(Cell::Integer(n)) => scalar(n.into(), text),
            Some(Cell::Decimal(x)) => scalar(x.into(), text),
            Some(Cell::Text(inner)) => scalar(inner.into(), text),
            Some(Cell::Bytes(bytes)) => scalar(format!("({} bytes)", bytes.len()).into(), text),
        },
    }
}

fn group(row: Row, text: &mut String) {
    text.push('{');
    for (n, (name, value)) in row.into_columns().into_iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        scalar(name.into(), text);
        text.push(':');
        json(value, text);
    }
    text.push('}');
}

fn scalar(value: serde_json::Value, text: &mut String) {
    text.push_str(&value.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_length() {
        assert_eq!(decimal(&12_345_i32.to_be_bytes(), 2), (123.45, false));
        assert_eq!(decimal(&(-1_i64).to_be_bytes(), 1), (-0.1, false));
        assert_eq!(decimal(&[0xFF], 0), (-1.0, false));
        assert_eq!(decimal(&[0x80], 0), (-128.0, false));
        assert_eq!(decimal(&[0, 0x80], 0), (128.0, false));
        assert_eq!(decimal(&[], 3), (0.0, false));
        let long = 123_456_789_012_345_678_i64;
        assert_eq!(decimal(&long.to_be_bytes(), 8), (1_234_567_890.123_456_8, true));
        let (huge, rounded) = decimal(&[0x7F; 32], 0);
        assert!(huge > 1e70 && rounded);
        let (huge, rounded) = decimal(&[0x80; 32], 0);
        assert!(huge < -1e70 && rounded);
        assert_eq!(decimal(&[1], i32::MIN).0, f64::INFINITY);
        assert_eq!(decimal(&[1], i32::MAX).0, 0.0);
    }

    #[test]
    fn moments_are_texts_that_sort() {
        assert_eq!(date(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date(-1).as_deref(), Some("1969-12-31"));
        assert_eq!(date(i32::MAX), None);
        assert_eq!(date(-800_000), None);
        assert_eq!(moment(1_500, MILLIS).as_deref(), Some("1970-01-01 00:00:01.5"));
        assert_eq!(moment(-1, NANOS).as_deref(), Some("1969-12-31 23:59:59.999999999"));
        assert_eq!(moment(i64::MAX, MILLIS), None);
        assert_eq!(time(3_661_000_000, MICROS).as_deref(), Some("01:01:01"));
        assert_eq!(time(-1, MICROS), None);
        assert_eq!(time(86_400_000, MILLIS), None);
    }
}
