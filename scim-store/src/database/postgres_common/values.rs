//! The binary form of values, by the type that the server expects or returns.

use std::fmt;

use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::rows::Rows;

/// A type of PostgreSQL, as far as values are written and read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Uuid,
    /// A type whose binary form is its text: `text`, `varchar`, an enum, `citext`.
    Text,
    /// Another built-in type, such as `timestamptz`: statements cast it from and to a text.
    Other,
}

impl ValueType {
    /// The type with this object id. The ids of built-in types are the same in every database; `pg_type.dat` of
    /// PostgreSQL lists them.
    pub(crate) fn from_oid(oid: u32) -> Self {
        /// The first id that is not reserved for built-in types.
        const FIRST_NORMAL_OID: u32 = 16_384;
        match oid {
            16 => Self::Bool,
            20 => Self::Int8,
            21 => Self::Int2,
            23 => Self::Int4,
            700 => Self::Float4,
            701 => Self::Float8,
            2950 => Self::Uuid,
            // "char", name, text, json, unknown, bpchar, varchar
            18 | 19 | 25 | 114 | 705 | 1042 | 1043 => Self::Text,
            // Enums of the application, and types of extensions such as citext.
            FIRST_NORMAL_OID.. => Self::Text,
            _ => Self::Other,
        }
    }
}

/// A value that does not have the type that the server expects, or a cell that cannot be read.
#[derive(Debug)]
pub(crate) enum ValueError {
    /// The type cannot hold this value.
    DoesNotFit(String),
    /// The statement has a parameter or a column of a type that cannot be converted.
    WrongType(String),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotFit(reason) | Self::WrongType(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ValueError {}

impl From<ValueError> for DatabaseError {
    fn from(error: ValueError) -> Self {
        match error {
            ValueError::DoesNotFit(_) => Self::InvalidValue(error.into()),
            ValueError::WrongType(_) => Self::Unexpected(error.into()),
        }
    }
}

/// Writes a parameter in the binary form of a type. Returns whether it is NULL, for which nothing is written.
///
/// # Errors
///
/// If the type cannot hold the value, or is not one for values of this kind.
pub(crate) fn write(
    param: &Param,
    value_type: ValueType,
    mut write: impl FnMut(&[u8]),
) -> Result<bool, ValueError> {
    match (param, value_type) {
        (Param::Null, _) => return Ok(true),
        (Param::Text(text), ValueType::Text) => write(text.as_bytes()),
        (Param::Text(text), ValueType::Uuid) => write(&uuid_bytes(text)?),
        (Param::Int(number), ValueType::Int8) => write(&number.to_be_bytes()),
        (Param::Int(number), ValueType::Int4) => write(&narrow::<i32>(*number)?.to_be_bytes()),
        (Param::Int(number), ValueType::Int2) => write(&narrow::<i16>(*number)?.to_be_bytes()),
        (Param::Real(number), ValueType::Float8) => write(&number.to_be_bytes()),
        (Param::Real(number), ValueType::Float4) => write(&single(*number).to_be_bytes()),
        (Param::Bool(flag), ValueType::Bool) => write(&[u8::from(*flag)]),
        _ => {
            let kind = match param {
                Param::Text(_) => "a text",
                Param::Int(_) => "an integer",
                Param::Real(_) => "a floating point number",
                Param::Bool(_) => "a boolean",
                Param::Null => "NULL",
            };
            return Err(ValueError::WrongType(format!(
                "{kind} cannot be a parameter of type {value_type:?}"
            )));
        }
    }
    Ok(false)
}

fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T, ValueError> {
    T::try_from(number).map_err(|_| ValueError::DoesNotFit(format!("{number} is too large for its column")))
}

#[expect(clippy::cast_possible_truncation, reason = "the column has this precision")]
fn single(number: f64) -> f32 {
    number as f32
}

/// Adds a cell to rows, from the binary form of a type; `None` is NULL.
///
/// # Errors
///
/// If the bytes are not a value of the type, or the type cannot be converted.
pub(crate) fn read(bytes: Option<&[u8]>, value_type: ValueType, rows: &mut Rows) -> Result<(), ValueError> {
    let Some(bytes) = bytes else {
        rows.push_null();
        return Ok(());
    };
    match value_type {
        ValueType::Bool => rows.push_bool(array::<1>(bytes)? != [0]),
        ValueType::Int2 => rows.push_int(i16::from_be_bytes(array(bytes)?).into()),
        ValueType::Int4 => rows.push_int(i32::from_be_bytes(array(bytes)?).into()),
        ValueType::Int8 => rows.push_int(i64::from_be_bytes(array(bytes)?)),
        ValueType::Float4 => rows.push_real(f32::from_be_bytes(array(bytes)?).into()),
        ValueType::Float8 => rows.push_real(f64::from_be_bytes(array(bytes)?)),
        ValueType::Uuid => rows.push_text(&uuid_text(array(bytes)?)),
        ValueType::Text => match std::str::from_utf8(bytes) {
            Ok(text) => rows.push_text(text),
            Err(_) => return Err(ValueError::WrongType("a column is no text; cast it".to_owned())),
        },
        ValueType::Other => {
            let reason = "a column has a type that cannot be converted; cast it to text";
            return Err(ValueError::WrongType(reason.to_owned()));
        }
    }
    Ok(())
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], ValueError> {
    let wrong = |_| ValueError::WrongType(format!("a value has {} bytes instead of {N}", bytes.len()));
    bytes.try_into().map_err(wrong)
}

/// The text form of a `uuid`.
fn uuid_text(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// The bytes of a `uuid` in text form.
fn uuid_bytes(text: &str) -> Result<[u8; 16], ValueError> {
    let wrong = || ValueError::DoesNotFit(format!("`{text}` is not a uuid"));
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let is_uuid = text.len() == 36 && digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let number = if is_uuid { u128::from_str_radix(&digits, 16).ok() } else { None };
    number.map(u128::to_be_bytes).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(param: Param, value_type: ValueType) -> Result<Option<Vec<u8>>, ValueError> {
        let mut out = Vec::new();
        let is_null = write(&param, value_type, |bytes| out.extend_from_slice(bytes))?;
        Ok((!is_null).then_some(out))
    }

    #[test]
    fn a_uuid_is_the_same_text_afterwards() {
        let text = "0f8fad5b-d9cb-469f-a165-70867728950e";
        let bytes = uuid_bytes(text).unwrap();
        assert_eq!((bytes[0], bytes[15]), (0x0f, 0x0e));
        assert_eq!(uuid_text(bytes), text);
        for wrong in
            ["", "0f8fad5b", "0f8fad5b-d9cb-469f-a165-70867728950g", "0f8fad5bd9cb469fa16570867728950e"]
        {
            assert!(uuid_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn integers_get_the_width_of_the_column() {
        assert_eq!(bytes(Param::Int(7), ValueType::Int2).unwrap(), Some(vec![0, 7]));
        assert_eq!(bytes(Param::Int(-1), ValueType::Int4).unwrap(), Some(vec![255; 4]));
        assert_eq!(bytes(Param::Int(7), ValueType::Int8).unwrap(), Some(vec![0, 0, 0, 0, 0, 0, 0, 7]));
        assert!(matches!(bytes(Param::Int(70_000), ValueType::Int2), Err(ValueError::DoesNotFit(_))));
    }

    #[test]
    fn a_text_is_never_sent_as_a_number() {
        for value_type in [ValueType::Int8, ValueType::Float8, ValueType::Bool, ValueType::Other] {
            let wrong = bytes(Param::from("12345678"), value_type);
            assert!(matches!(wrong, Err(ValueError::WrongType(_))), "{value_type:?}");
        }
        assert_eq!(bytes(Param::Null, ValueType::Other).unwrap(), None);
    }

    #[test]
    fn what_was_written_can_be_read() {
        let values = [
            (Param::Bool(true), ValueType::Bool),
            (Param::Int(-7), ValueType::Int2),
            (Param::Int(-7), ValueType::Int4),
            (Param::Int(i64::MIN), ValueType::Int8),
            (Param::Real(1.5), ValueType::Float4),
            (Param::Real(0.1), ValueType::Float8),
            (Param::from("é"), ValueType::Text),
        ];
        for (param, value_type) in values {
            let mut rows = Rows::new(1);
            let written = bytes(param.clone(), value_type).unwrap();
            read(written.as_deref(), value_type, &mut rows).unwrap();
            let row = rows.first().unwrap();
            match param {
                Param::Bool(flag) => assert_eq!(row.boolean(0), Some(flag)),
                Param::Int(number) => assert_eq!(row.int(0), Some(number)),
                Param::Real(number) => assert_eq!(row.real(0), Some(number)),
                _ => assert_eq!(row.text(0), Some("é")),
            }
        }
        assert!(read(Some(&[1]), ValueType::Int4, &mut Rows::new(1)).is_err());
        assert!(read(Some(&[255]), ValueType::Text, &mut Rows::new(1)).is_err());
    }
}
