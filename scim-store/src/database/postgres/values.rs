//! Gives values to `tokio-postgres`, and takes them from it, in their binary form.

use std::borrow::Cow;
use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::postgres_common::values::{ValueType, read, write};
use super::super::rows::Rows;

type Result<T> = std::result::Result<T, Box<dyn Error + Sync + Send>>;

/// The type as which values are written and read. The values of a domain are those of its base type.
fn value_type(ty: &Type) -> ValueType {
    match ty.kind() {
        Kind::Domain(base) => value_type(base),
        _ => ValueType::from_oid(ty.oid()),
    }
}

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull> {
        if *ty == Type::UNKNOWN {
            return Ok(self.write_text(out));
        }
        let is_null = write(self, value_type(ty), |bytes| out.extend_from_slice(bytes))?;
        Ok(if is_null { IsNull::Yes } else { IsNull::No })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    /// The server infers the type of an unknown parameter, and reads its value from the text form.
    fn encode_format(&self, ty: &Type) -> Format {
        if *ty == Type::UNKNOWN { Format::Text } else { Format::Binary }
    }

    to_sql_checked!();
}

impl Param {
    /// Writes the text form, which the server converts to any type.
    fn write_text(&self, out: &mut BytesMut) -> IsNull {
        let text = match self {
            Self::Null => return IsNull::Yes,
            Self::Text(text) => Cow::Borrowed(text.as_str()),
            Self::Int(number) => number.to_string().into(),
            Self::Real(number) => number.to_string().into(),
            Self::Bool(flag) => flag.to_string().into(),
        };
        out.extend_from_slice(text.as_bytes());
        IsNull::No
    }
}

/// Checks that the values can be written as these types.
///
/// # Errors
///
/// [`DatabaseError::InvalidValue`] for a value that does not fit.
pub(super) fn check_values(params: &[Param], types: &[Type]) -> std::result::Result<(), DatabaseError> {
    for (param, ty) in params.iter().zip(types) {
        write(param, value_type(ty), |_| ())?;
    }
    Ok(())
}

/// The bytes of a value of any type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Converts the rows of a query.
pub(super) fn convert_rows(found: &[Row]) -> std::result::Result<Rows, DatabaseError> {
    let columns = found.first().map(Row::columns).unwrap_or_default();
    let types: Vec<ValueType> = columns.iter().map(|column| value_type(column.type_())).collect();
    let mut rows = Rows::new(types.len());
    for row in found {
        for (index, value_type) in types.iter().enumerate() {
            let raw = row.try_get::<_, Option<Raw<'_>>>(index)?;
            read(raw.map(|Raw(bytes)| bytes), *value_type, &mut rows)?;
        }
    }
    Ok(rows)
}
