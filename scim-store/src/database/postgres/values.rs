//! Converts values to and from the types of PostgreSQL.

use std::error::Error;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::param::Param;

type Result<T> = std::result::Result<T, Box<dyn Error + Sync + Send>>;

/// The text form of a value of type `uuid`.
pub(super) struct Uuid(pub(super) String);

impl<'a> FromSql<'a> for Uuid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self> {
        let mut text = String::with_capacity(36);
        for (index, byte) in raw.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{byte:02x}"));
        }
        Ok(Self(text))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}

/// The bytes of a `uuid` in text form.
fn uuid_bytes(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != '-').filter_map(|c| c.to_digit(16)).collect();
    if digits.len() != 32 || text.len() != 36 {
        return Err(format!("`{text}` is not a uuid").into());
    }
    let pairs = digits.chunks_exact(2).map(|pair| match *pair {
        [high, low] => u8::try_from(high * 16 + low).map_err(Into::into),
        _ => Ok(0),
    });
    pairs.collect()
}

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(text) if *ty == Type::UUID => {
                out.extend_from_slice(&uuid_bytes(text)?);
                Ok(IsNull::No)
            }
            // The binary form of text types and of enums is the text.
            Self::Text(text) => text.to_sql(ty, out),
            Self::Int(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Self::Int(number) if *ty == Type::INT2 => i16::try_from(*number)?.to_sql(ty, out),
            Self::Int(number) => number.to_sql_checked(ty, out),
            Self::Real(number) => number.to_sql_checked(ty, out),
            Self::Bool(flag) => flag.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_the_same_text_afterwards() {
        let text = "0f8fad5b-d9cb-469f-a165-70867728950e";
        let bytes = uuid_bytes(text).unwrap();
        assert_eq!(bytes.len(), 16);
        assert_eq!(Uuid::from_sql(&Type::UUID, &bytes).unwrap().0, text);
        for wrong in
            ["", "0f8fad5b", "0f8fad5b-d9cb-469f-a165-70867728950g", "0f8fad5bd9cb469fa16570867728950e"]
        {
            assert!(uuid_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn integers_get_the_width_of_the_column() {
        let bytes = |param: Param, ty: Type| {
            let mut out = BytesMut::new();
            param.to_sql_checked(&ty, &mut out).map(|_| out.to_vec())
        };
        assert_eq!(bytes(Param::Int(7), Type::INT2).unwrap(), [0, 7]);
        assert_eq!(bytes(Param::Int(7), Type::INT4).unwrap(), [0, 0, 0, 7]);
        assert_eq!(bytes(Param::Int(7), Type::INT8).unwrap(), [0, 0, 0, 0, 0, 0, 0, 7]);
        assert!(bytes(Param::Int(70_000), Type::INT2).is_err());
    }
}
