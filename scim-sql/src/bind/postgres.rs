//! For tokio-postgres.

use std::error::Error;

use postgres_types::private::BytesMut;
use postgres_types::{IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::BindValue;

/// An integer is converted to the type of the column, and a text may be the label of an enum.
impl ToSql for BindValue {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if let Kind::Domain(base) = ty.kind() {
            return self.to_sql(base, out);
        }
        match self {
            Self::Text(text) if matches!(ty.kind(), Kind::Enum(_)) => text.to_sql(ty, out),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Integer(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Self::Integer(number) if *ty == Type::INT2 => i16::try_from(*number)?.to_sql(ty, out),
            Self::Integer(number) => number.to_sql_checked(ty, out),
            #[expect(clippy::cast_possible_truncation, reason = "the column has this precision")]
            Self::Real(number) if *ty == Type::FLOAT4 => (*number as f32).to_sql(ty, out),
            Self::Real(number) => number.to_sql_checked(ty, out),
            Self::Boolean(flag) => flag.to_sql_checked(ty, out),
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

    fn bytes(value: BindValue, ty: &Type) -> Option<Vec<u8>> {
        let mut out = BytesMut::new();
        value.to_sql_checked(ty, &mut out).ok().map(|_| out.to_vec())
    }

    #[test]
    fn values_get_the_type_of_the_column() {
        assert_eq!(bytes(BindValue::Integer(7), &Type::INT2), Some(vec![0, 7]));
        assert_eq!(bytes(BindValue::Integer(7), &Type::INT4), Some(vec![0, 0, 0, 7]));
        assert_eq!(bytes(BindValue::Integer(70_000), &Type::INT2), None);
        assert_eq!(bytes(BindValue::Boolean(true), &Type::BOOL), Some(vec![1]));
        let color = Kind::Enum(vec!["red".to_owned()]);
        let color = Type::new("color".to_owned(), 20_000, color, "public".to_owned());
        assert_eq!(bytes(BindValue::Text("red".to_owned()), &color), Some(b"red".to_vec()));
        assert_eq!(bytes(BindValue::Text("7".to_owned()), &Type::INT8), None);
    }
}
