//! The column, expression or constant that holds the values of an attribute.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::BindValue;
use crate::column_type::ColumnType;

/// A column or an expression that holds the values of an attribute, or a constant.
///
/// SQL expressions are written as in the host's own queries, with the alias of the table: `u.user_name`. They become
/// part of the statements unescaped, so they must never contain anything that a client sent.
#[derive(Clone, Debug)]
#[must_use]
pub struct Column {
    pub(crate) source: ColumnSource,
    pub(crate) column_type: ColumnType,
    /// The column to compare, if it is not the one that a response shows.
    pub(crate) folded: Option<String>,
    pub(crate) nullable: bool,
    pub(crate) indexed: bool,
    pub(crate) trigrams: Option<Trigrams>,
    /// The key from which the values are made.
    pub(crate) key: Option<DecodedKey>,
}

/// A column with a key from which the values of an attribute are made, and the function that finds the key of a value.
#[derive(Clone)]
pub(crate) struct DecodedKey {
    pub(crate) sql: String,
    pub(crate) decode: DecodeKey,
}

/// Finds the key of a value; `None` if no row can have the value.
type DecodeKey = Arc<dyn Fn(&str) -> Option<BindValue> + Send + Sync>;

impl fmt::Debug for DecodedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodedKey({})", self.sql)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum ColumnSource {
    Sql(String),
    Constant(Value),
}

/// A trigram index of a column.
#[derive(Clone, Debug)]
pub(crate) enum Trigrams {
    /// `gin (.. gin_trgm_ops)` of the PostgreSQL extension pg_trgm.
    Gin,
    /// A column of an FTS5 table of SQLite.
    Fts5 {
        table: String,
        column: String,
        rowid: String,
        /// A table with the `rowid`s that the FTS5 table may not have yet.
        pending: Option<String>,
    },
}

impl Column {
    fn new(sql: impl Into<String>, column_type: ColumnType) -> Self {
        Self {
            source: ColumnSource::Sql(sql.into()),
            column_type,
            folded: None,
            nullable: true,
            indexed: false,
            trigrams: None,
            key: None,
        }
    }

    /// Text as the client sent it. Unless the attribute is `caseExact`, a [folded](Self::folded) column is required
    /// too.
    pub fn text(sql: impl Into<String>) -> Self {
        Self::new(sql, ColumnType::Text)
    }

    /// Booleans, in SQLite 0 and 1. An expression such as `(u.deactivated_at IS NULL)` for `active` is possible.
    pub fn boolean(sql: impl Into<String>) -> Self {
        Self::new(sql, ColumnType::Boolean)
    }

    /// Integers of up to 64 bits.
    pub fn integer(sql: impl Into<String>) -> Self {
        Self::new(sql, ColumnType::Integer)
    }

    /// Floating point numbers: `real` in SQLite, `double precision` in PostgreSQL.
    pub fn real(sql: impl Into<String>) -> Self {
        Self::new(sql, ColumnType::Real)
    }

    /// Times as integers since 1970-01-01T00:00:00Z. `per_second` is the number of units in a second: 1 for seconds,
    /// 1,000 for milliseconds, 1,000,000 for microseconds.
    pub fn unix_time(sql: impl Into<String>, per_second: u32) -> Self {
        Self::new(sql, ColumnType::UnixTime { per_second })
    }

    /// Times as `timestamptz` of PostgreSQL.
    pub fn timestamp(sql: impl Into<String>) -> Self {
        Self::new(sql, ColumnType::Timestamp)
    }

    /// Values of any type as [`sortable_key`](crate::sortable_key) converts them to text.
    pub fn key(sql: impl Into<String>) -> Self {
        Self::new(sql, ColumnType::Key)
    }

    /// No column: every resource has this value, or every element of a multi-valued attribute.
    pub fn constant(value: impl Into<Value>) -> Self {
        Self {
            source: ColumnSource::Constant(value.into()),
            nullable: false,
            ..Self::new("", ColumnType::Text)
        }
    }

    /// The column with the text after [`Comparison::fold`], which the host writes beside the original. For tables without
    /// such a column, `lower(column)` or a column that ignores case is exact for ASCII texts; for other texts it differs
    /// between databases, and from Unicode case folding.
    ///
    /// [`Comparison::fold`]: scim_schema::Comparison::fold
    pub fn folded(mut self, sql: impl Into<String>) -> Self {
        self.folded = Some(sql.into());
        self
    }

    /// Declares that the column is never NULL, so that conditions on it are shorter.
    pub fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// Declares that the column, or the [folded](Self::folded) one, is the first column of an index, after the columns
    /// of [`scoped_by`](crate::MappingBuilder::scoped_by). In PostgreSQL a text column must have the collation `"C"`;
    /// otherwise the index does not serve `sw`, `gt` and the other ranges.
    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    /// Declares that the column has an index `gin (column gin_trgm_ops)` of the PostgreSQL extension pg_trgm. The index
    /// serves `co` and `ew`.
    pub fn trigrams(mut self) -> Self {
        self.trigrams = Some(Trigrams::Gin);
        self
    }

    /// Declares that the texts of the column are also in a column of an FTS5 table of SQLite with
    /// `tokenize='trigram case_sensitive 1'`, which serves `co` and `ew`. `rowid` is the expression, in the table of
    /// this column, for the `rowid` in the FTS5 table.
    pub fn fts5(
        mut self,
        table: impl Into<String>,
        column: impl Into<String>,
        rowid: impl Into<String>,
    ) -> Self {
        let (table, column, rowid) = (table.into(), column.into(), rowid.into());
        self.trigrams = Some(Trigrams::Fts5 { table, column, rowid, pending: None });
        self
    }

    /// Declares that the [FTS5 table](Self::fts5) lags behind: the rows whose texts it may not have yet have their `rowid` in
    /// this table. They are compared one by one, so there should be few.
    ///
    /// ```
    /// use scim_sql::Column;
    ///
    /// let name = Column::key("u.name").fts5("search", "name", "u.id").fts5_pending("search_pending");
    /// ```
    pub fn fts5_pending(mut self, table: impl Into<String>) -> Self {
        if let Some(Trigrams::Fts5 { pending, .. }) = &mut self.trigrams {
            *pending = Some(table.into());
        }
        self
    }

    /// Declares that the texts are made from a key: `eq` and `ne` then compare the key. For ids such as `p42` of rows with
    /// the integer key 42, where no index has the texts.
    ///
    /// `sql` is the column with the key, which is never NULL where the text is not; `decode` returns the key of a text,
    /// or `None` if no row can have the text.
    ///
    /// ```
    /// use scim_schema::standard;
    /// use scim_sql::{BindValue, Column, Mapping};
    ///
    /// let number = |id: &str| id.strip_prefix('p')?.parse().ok().map(BindValue::Integer);
    /// let id = Column::text("('p' || u.id)").decoded_as("u.id", number).not_null().indexed();
    /// let users = Mapping::builder(&standard::user_type(), "users u", "u.id").column("id", id).build()?;
    /// # Ok::<(), scim_sql::InvalidMapping>(())
    /// ```
    pub fn decoded_as(
        mut self,
        sql: impl Into<String>,
        decode: impl Fn(&str) -> Option<BindValue> + Send + Sync + 'static,
    ) -> Self {
        self.key = Some(DecodedKey { sql: sql.into(), decode: Arc::new(decode) });
        self
    }

    /// The SQL expression to compare.
    pub(crate) fn comparison_sql(&self) -> &str {
        match (&self.folded, &self.source) {
            (Some(folded), _) => folded,
            (None, ColumnSource::Sql(sql)) => sql,
            (None, ColumnSource::Constant(_)) => "NULL",
        }
    }

    /// The constant, if there is no column.
    pub(crate) fn constant_value(&self) -> Option<&Value> {
        match &self.source {
            ColumnSource::Constant(value) => Some(value),
            ColumnSource::Sql(_) => None,
        }
    }
}

impl Column {
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.column_type, ColumnType::Text | ColumnType::Key)
    }

    pub(crate) fn is_timestamp(&self) -> bool {
        self.column_type == ColumnType::Timestamp
    }
}
