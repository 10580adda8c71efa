//! For sqlx, with PostgreSQL or SQLite.

use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::{Database, Type};

use crate::BindValue;

impl<'q, D> Encode<'q, D> for BindValue
where
    D: Database,
    String: Encode<'q, D> + Type<D>,
    i64: Encode<'q, D> + Type<D>,
    f64: Encode<'q, D> + Type<D>,
    bool: Encode<'q, D> + Type<D>,
{
    fn encode_by_ref(&self, out: &mut D::ArgumentBuffer<'q>) -> Result<IsNull, BoxDynError> {
        match self {
            Self::Text(text) => text.encode_by_ref(out),
            Self::Integer(number) => number.encode_by_ref(out),
            Self::Real(number) => number.encode_by_ref(out),
            Self::Boolean(flag) => flag.encode_by_ref(out),
        }
    }

    fn produces(&self) -> Option<D::TypeInfo> {
        Some(match self {
            Self::Text(_) => String::type_info(),
            Self::Integer(_) => i64::type_info(),
            Self::Real(_) => f64::type_info(),
            Self::Boolean(_) => bool::type_info(),
        })
    }
}

impl<D: Database> Type<D> for BindValue
where
    String: Type<D>,
{
    /// The type of a text; each value says its own type when it is bound.
    fn type_info() -> D::TypeInfo {
        String::type_info()
    }
}

#[cfg(test)]
mod tests {
    use sqlx::TypeInfo;

    use super::*;

    #[test]
    fn each_value_has_its_own_type() {
        let name = |value: BindValue| {
            let info = <BindValue as Encode<'_, sqlx::Postgres>>::produces(&value);
            info.map(|info| info.name().to_owned())
        };
        assert_eq!(name(BindValue::Integer(7)).as_deref(), Some("INT8"));
        assert_eq!(name(BindValue::Real(1.5)).as_deref(), Some("FLOAT8"));
        assert_eq!(name(BindValue::Boolean(true)).as_deref(), Some("BOOL"));
        assert_eq!(name(BindValue::Text(String::new())).as_deref(), Some("TEXT"));
        let mut out = sqlx::postgres::PgArgumentBuffer::default();
        let _ = Encode::<'_, sqlx::Postgres>::encode_by_ref(&BindValue::Integer(7), &mut out).unwrap();
        assert_eq!(out.to_vec(), [0, 0, 0, 0, 0, 0, 0, 7]);
    }
}
