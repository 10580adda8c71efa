//! How the ids of resources are made from the keys of rows.

use scim_core::new_id;
use scim_sql::Dialect;

use super::catalog::ColumnKind;
use crate::database::Param;

/// The longest key that is a text, in bytes.
const MAX_KEY: usize = 255;

/// How the ids of resources are made from the keys of rows.
///
/// Clients may ask for any resource by its id alone, so a user and a group must never have the same id. Integer keys
/// therefore need a prefix that differs from table to table.
///
/// ```
/// use scim_store::{Ids, Table};
///
/// let people = Table::new("people", "person_id", Ids::prefixed("p"));
/// let teams = Table::new("teams", "team_id", Ids::prefixed("t"));
/// let accounts = Table::new("accounts", "id", Ids::uuid());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    prefix: String,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Any,
    Text,
    Uuid,
}

impl Ids {
    /// A prefix and the key: `p42` for the key 42. For keys that are integers, which the database assigns, or texts.
    pub fn prefixed(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), form: Form::Any }
    }

    /// The key itself, a text. New rows get a random UUID.
    pub fn text() -> Self {
        Self { prefix: String::new(), form: Form::Text }
    }

    /// The key itself, in a column of type `uuid` or `text`; SQLite has texts only. New rows get a random UUID, in lower
    /// case and with hyphens. A text column may also have other keys, which are ids as they are.
    pub fn uuid() -> Self {
        Self { prefix: String::new(), form: Form::Uuid }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The reason why the ids cannot be made from a column of this type, and what to write instead.
    pub(crate) fn mismatch(&self, kind: ColumnKind) -> Option<&'static str> {
        match (self.form, kind) {
            (Form::Any, ColumnKind::Integer) if self.prefix.is_empty() => {
                Some("an integer key needs a prefix that is not empty: write `Ids::prefixed(\"p\")`")
            }
            (Form::Any, ColumnKind::Integer | ColumnKind::Text | ColumnKind::Uuid)
            | (Form::Text, ColumnKind::Text)
            | (Form::Uuid, ColumnKind::Text | ColumnKind::Uuid) => None,
            (_, ColumnKind::Integer) => {
                Some("the key is an integer: write `Ids::prefixed(\"p\")`, with a prefix for each table")
            }
            (_, ColumnKind::Uuid) => Some("the key is a uuid: write `Ids::uuid()`"),
            _ => Some("a key must be an integer, a text or a uuid"),
        }
    }
}

/// Converts keys to ids and ids to keys, for one table.
#[derive(Clone, Debug)]
pub(crate) struct KeyCodec {
    pub(crate) prefix: String,
    kind: ColumnKind,
    is_uuid: bool,
    /// The largest integer that the column can hold.
    max: i64,
}

impl KeyCodec {
    /// The conversions for a column of a kind and a type.
    pub(crate) fn new(ids: &Ids, kind: ColumnKind, type_name: &str) -> Self {
        let max = match type_name {
            "int2" => i16::MAX.into(),
            "int4" => i32::MAX.into(),
            _ => i64::MAX,
        };
        Self { prefix: ids.prefix.clone(), kind, is_uuid: kind == ColumnKind::Uuid, max }
    }

    pub(crate) fn is_integer(&self) -> bool {
        self.kind == ColumnKind::Integer
    }

    /// The id of the row with this key.
    pub(crate) fn id(&self, key: &str) -> String {
        [&self.prefix, key].concat()
    }

    /// The key of a resource; `None` if no row can have this id.
    pub(crate) fn key(&self, id: &str) -> Option<Param> {
        let key = id.strip_prefix(self.prefix.as_str())?;
        if self.is_integer() {
            let number: i64 = key.parse().ok()?;
            // Only one text is the id of a row: neither `p+7` nor `p07` is that of row 7.
            let is_key = number.to_string() == key && number <= self.max && number >= -self.max;
            return is_key.then_some(Param::Int(number));
        }
        let is_valid = match self.is_uuid {
            true => is_uuid(key),
            false => !key.is_empty() && key.len() <= MAX_KEY && !key.contains('\0'),
        };
        is_valid.then(|| Param::from(key))
    }

    /// Whether a column of this kind can refer to the key. SQLite keeps a uuid as a text.
    pub(crate) fn may_be_in(&self, kind: ColumnKind, dialect: Dialect) -> bool {
        match dialect {
            Dialect::Sqlite => self.is_integer() == (kind == ColumnKind::Integer),
            _ => self.kind == kind,
        }
    }

    /// The type of the keys in the SQL of PostgreSQL.
    pub(crate) fn sql_type(&self) -> &'static str {
        match self.kind {
            ColumnKind::Integer => "bigint",
            ColumnKind::Uuid => "uuid",
            _ => "text",
        }
    }

    /// The parameter for the key of a row, from its text form.
    pub(crate) fn param(&self, key: &str) -> Param {
        match self.is_integer() {
            true => key.parse().map_or(Param::Null, Param::Int),
            false => Param::from(key),
        }
    }

    /// The key of a new row; `None` if the database assigns it.
    pub(crate) fn new_key(&self) -> Option<String> {
        (!self.is_integer()).then(new_id)
    }
}

/// Whether a text is a UUID as PostgreSQL writes it: in lower case, with hyphens.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_id_belongs_to_a_key() {
        let integer = KeyCodec::new(&Ids::prefixed("p"), ColumnKind::Integer, "int8");
        assert_eq!(integer.id("42"), "p42");
        assert_eq!(integer.key("p42"), Some(Param::Int(42)));
        for id in ["42", "p", "p042", "p+42", "p42 ", "t42", "p4.0", "P42", "p99999999999999999999"] {
            assert_eq!(integer.key(id), None, "{id}");
        }
        let uuid = KeyCodec::new(&Ids::uuid(), ColumnKind::Uuid, "uuid");
        let id = new_id();
        assert_eq!(uuid.key(&id), Some(Param::Text(id.clone())));
        for id in [id.to_uppercase(), id.replace('-', ""), "x".repeat(36), String::new()] {
            assert_eq!(uuid.key(&id), None, "{id}");
        }
        let text = KeyCodec::new(&Ids::text(), ColumnKind::Text, "text");
        assert_eq!(text.key("a b"), Some(Param::from("a b")));
        for id in ["", "a\0b", &"x".repeat(256)] {
            assert_eq!(text.key(id), None, "{id}");
        }
    }
}
