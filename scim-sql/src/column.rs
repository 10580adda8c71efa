//! Where the values of an attribute are: a column, an expression, or nowhere because they are
//! always the same.

use serde_json::Value;

/// A column or an expression with the values of an attribute, or one value that it always has.
///
/// It is written as the host's own queries write it, with the alias of its table: `u.user_name`.
/// It never holds anything that a client sent.
#[derive(Clone, Debug)]
#[must_use]
pub struct Column {
    pub(crate) source: Source,
    pub(crate) kind: Kind,
    /// The column that is compared, where it is not the one that is shown.
    pub(crate) folded: Option<String>,
    pub(crate) nullable: bool,
    pub(crate) indexed: bool,
    pub(crate) trigrams: Option<Trigrams>,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Sql(String),
    Constant(Value),
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Boolean,
    Integer,
    Real,
    Unix { per_second: u32 },
    Timestamp,
    Key,
}

/// An index of the groups of three characters in a column.
#[derive(Clone, Debug)]
pub(crate) enum Trigrams {
    /// `gin (.. gin_trgm_ops)` of pg_trgm.
    Gin,
    /// A column of an FTS5 table.
    Fts5 { table: String, column: String, rowid: String },
}

impl Column {
    fn new(sql: impl Into<String>, kind: Kind) -> Self {
        Self {
            source: Source::Sql(sql.into()),
            kind,
            folded: None,
            nullable: true,
            indexed: false,
            trigrams: None,
        }
    }

    /// Text as it was sent. Where the attribute is not `caseExact`, a [folded](Self::folded) column
    /// must stand beside it.
    pub fn text(sql: impl Into<String>) -> Self {
        Self::new(sql, Kind::Text)
    }

    /// Truth values; `deactivated_at IS NULL` for `active`. In SQLite 0 and 1.
    pub fn boolean(sql: impl Into<String>) -> Self {
        Self::new(sql, Kind::Boolean)
    }

    /// Whole numbers of up to 64 bits.
    pub fn integer(sql: impl Into<String>) -> Self {
        Self::new(sql, Kind::Integer)
    }

    /// Floating point numbers: `double precision`.
    pub fn real(sql: impl Into<String>) -> Self {
        Self::new(sql, Kind::Real)
    }

    /// Points in time as whole numbers since 1970, so many to the second: 1, 1,000 or 1,000,000.
    pub fn unix_time(sql: impl Into<String>, per_second: u32) -> Self {
        Self::new(sql, Kind::Unix { per_second })
    }

    /// Points in time as PostgreSQL's `timestamptz`.
    pub fn timestamp(sql: impl Into<String>) -> Self {
        Self::new(sql, Kind::Timestamp)
    }

    /// Values of any type as [`key`](crate::key) writes them.
    pub fn key(sql: impl Into<String>) -> Self {
        Self::new(sql, Kind::Key)
    }

    /// No column: every resource has this value, or every element that is there.
    pub fn constant(value: impl Into<Value>) -> Self {
        Self { source: Source::Constant(value.into()), nullable: false, ..Self::new("", Kind::Text) }
    }

    /// The column that holds the text as [`Comparison::fold`] makes it. The host folds in Rust when
    /// it writes: what databases make of `lower()` differs between them, and from Unicode.
    ///
    /// [`Comparison::fold`]: scim_schema::Comparison::fold
    pub fn folded(mut self, sql: impl Into<String>) -> Self {
        self.folded = Some(sql.into());
        self
    }

    /// It is never NULL.
    pub fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// It is the first column of an index after those that the whole table is
    /// [within](crate::MappingBuilder::scoped_by). In PostgreSQL it has the collation `"C"`, without
    /// which an index does not serve ranges.
    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    /// It has an index `gin (column gin_trgm_ops)`, with PostgreSQL's extension pg_trgm.
    pub fn trigrams(mut self) -> Self {
        self.trigrams = Some(Trigrams::Gin);
        self
    }

    /// Its texts are in a column of an FTS5 table of SQLite with `tokenize='trigram case_sensitive
    /// 1'`. `rowid` is the expression, beside this column, that is the `rowid` of the FTS5 table.
    pub fn fts5(
        mut self,
        table: impl Into<String>,
        column: impl Into<String>,
        rowid: impl Into<String>,
    ) -> Self {
        self.trigrams =
            Some(Trigrams::Fts5 { table: table.into(), column: column.into(), rowid: rowid.into() });
        self
    }

    /// What is compared.
    pub(crate) fn compared(&self) -> &str {
        match (&self.folded, &self.source) {
            (Some(folded), _) => folded,
            (None, Source::Sql(sql)) => sql,
            (None, Source::Constant(_)) => "NULL",
        }
    }

    pub(crate) fn constant_value(&self) -> Option<&Value> {
        match &self.source {
            Source::Constant(value) => Some(value),
            Source::Sql(_) => None,
        }
    }
}

impl Column {
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Key)
    }

    pub(crate) fn is_timestamp(&self) -> bool {
        self.kind == Kind::Timestamp
    }
}
