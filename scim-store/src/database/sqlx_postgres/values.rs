//! Gives values to `sqlx`, and takes them from it, in their binary form.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgStatement, PgTypeInfo, PgTypeKind};
use sqlx::{Arguments, Column, Either, Encode, Postgres, Row, Statement, Type, ValueRef};

use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::postgres_common::values::{ValueError, ValueType, read, write};
use super::super::rows::Rows;

/// The type as which values are written and read. The values of a domain are those of its base type.
fn value_type(info: &PgTypeInfo) -> ValueType {
    match info.kind() {
        PgTypeKind::Domain(base) => value_type(base),
        _ => info.oid().map_or(ValueType::Other, |oid| ValueType::from_oid(oid.0)),
    }
}

/// A parameter in the binary form of the type that the server expects.
struct Argument {
    /// `None` is NULL.
    bytes: Option<Vec<u8>>,
    info: PgTypeInfo,
}

impl Argument {
    fn new(param: &Param, info: PgTypeInfo) -> Result<Self, ValueError> {
        let mut bytes = Vec::new();
        let is_null = write(param, value_type(&info), |written| bytes.extend_from_slice(written))?;
        Ok(Self { bytes: (!is_null).then_some(bytes), info })
    }
}

impl Encode<'_, Postgres> for Argument {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(bytes) = &self.bytes else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.info.clone())
    }
}

impl Type<Postgres> for Argument {
    /// The type of a text. It is not used, since `produces` returns the type of each value.
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

/// The parameters of a prepared statement, in the types that the server expects.
pub(super) fn arguments(statement: &PgStatement<'_>, params: &[Param]) -> Result<PgArguments, DatabaseError> {
    let types = match statement.parameters() {
        Some(Either::Left(types)) => types,
        _ => &[],
    };
    if types.len() != params.len() {
        let counts = format!("the statement has {} parameters, but {} values", types.len(), params.len());
        return Err(DatabaseError::Unexpected(counts.into()));
    }
    let mut arguments = PgArguments::default();
    for (param, info) in params.iter().zip(types) {
        arguments.add(Argument::new(param, info.clone())?).map_err(DatabaseError::Unexpected)?;
    }
    Ok(arguments)
}

/// Converts the rows of a query.
pub(super) fn convert_rows(found: &[PgRow]) -> Result<Rows, DatabaseError> {
    let columns = found.first().map(PgRow::columns).unwrap_or_default();
    let types: Vec<ValueType> = columns.iter().map(|column| value_type(column.type_info())).collect();
    let mut rows = Rows::new(types.len());
    for row in found {
        for (index, value_type) in types.iter().enumerate() {
            let raw = row.try_get_raw(index)?;
            let bytes = match raw.is_null() {
                true => None,
                false => Some(raw.as_bytes().map_err(DatabaseError::Unexpected)?),
            };
            read(bytes, *value_type, &mut rows)?;
        }
    }
    Ok(rows)
}
