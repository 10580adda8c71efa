//! Gives values to `tokio-postgres`, and takes them from it, in their binary form.

use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

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
        let is_null = write(self, value_type(ty), |bytes| out.extend_from_slice(bytes))?;
        Ok(if is_null { IsNull::Yes } else { IsNull::No })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
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
