//! How the text columns of the application are compared without regard to case, and which indexes serve that.

use scim_core::schema::AttributeRef;
use scim_sql::{BindValue, Column, Dialect};

use crate::table_store::catalog::{CatalogColumn, CatalogTable, ColumnKind, column_key, normalize};
use crate::table_store::ids::KeyCodec;
use crate::table_store::sql::{as_text, literal, quote};

/// A text column, and the form in which it is compared.
pub(super) struct ComparedText {
    /// The expression that an index must have, for messages.
    pub(super) index_expression: String,
    /// The forms in which the catalog reports a suitable index key.
    index_keys: Vec<String>,
    compared: Compared,
    column_sql: String,
}

enum Compared {
    /// The text itself, for `caseExact` attributes.
    Exact,
    /// A column that the store keeps beside it.
    FoldedColumn { name: String, not_null: bool },
    /// `lower()` of the text.
    Lower,
    /// The column compares without regard to case: by its collation `NOCASE` in SQLite, or its type `citext`.
    ByItself,
}

impl ComparedText {
    /// How an attribute in a text column is compared. `alias` is that of the table, and `folded` the column with the folded
    /// text, if there is one.
    pub(super) fn new(
        target: &AttributeRef,
        (alias, name): (&str, &str),
        column: &CatalogColumn,
        folded: Option<&str>,
        table: &CatalogTable,
        dialect: Dialect,
    ) -> Self {
        let quoted = quote(name);
        let column_sql = text_sql(&format!("{alias}.{quoted}"), column, dialect);
        let plain = column_key(name);
        let nocase = format!("{plain} nocase");
        let has_nocase =
            dialect == Dialect::Sqlite && table.indexes.iter().any(|index| index.keys.contains(&nocase));
        let (compared, index_expression, index_keys) = if target.definition().is_case_exact() {
            (Compared::Exact, quoted, vec![plain])
        } else if let Some(folded) = folded {
            let not_null = table.columns.get(folded).is_some_and(|column| column.not_null);
            let compared = Compared::FoldedColumn { name: folded.to_owned(), not_null };
            (compared, quote(folded), vec![column_key(folded)])
        } else if column.kind == ColumnKind::CaseInsensitiveText {
            (Compared::ByItself, quoted, vec![plain])
        } else if has_nocase {
            (Compared::ByItself, format!("{quoted} COLLATE NOCASE"), vec![nocase])
        } else {
            let expression = format!("lower({quoted})");
            let key = normalize(&expression);
            (Compared::Lower, expression, vec![key])
        };
        Self { index_expression, index_keys, compared, column_sql }
    }

    /// The lists of keys with which an index serves comparisons: the text alone, or after the tenant.
    pub(super) fn index_prefixes(&self, tenant: Option<&str>) -> Vec<Vec<String>> {
        let with_tenant = |key: &String| {
            let tenant = tenant.map(column_key);
            tenant.into_iter().chain([key.clone()]).collect()
        };
        let alone = self.index_keys.iter().map(|key| vec![key.clone()]);
        alone.chain(self.index_keys.iter().map(with_tenant)).collect()
    }

    /// The column that is compared, if it is not that of the text.
    pub(super) fn folded_column(&self) -> Option<&str> {
        match &self.compared {
            Compared::FoldedColumn { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether the keys of an index are this text, and perhaps the tenant.
    pub(super) fn is_keys_of(&self, keys: &[String], tenant: Option<&str>) -> bool {
        let tenant = tenant.map(column_key);
        let is_tenant = |key: &String| tenant.as_ref() == Some(key);
        let mut others = keys.iter().filter(|key| !is_tenant(key));
        others.next().is_some_and(|key| self.index_keys.contains(key)) && others.next().is_none()
    }

    /// The column for searches and sorting.
    pub(super) fn column(&self, is_indexed: bool, is_required: bool, dialect: Dialect) -> Column {
        let text = Column::text(self.column_sql.as_str());
        let column = match &self.compared {
            Compared::Exact => text,
            Compared::FoldedColumn { name, .. } => text.folded(format!("t.{}", quote(name))),
            Compared::Lower => text.folded(format!("lower({})", self.column_sql)),
            Compared::ByItself => {
                let collation = if dialect == Dialect::Sqlite { " COLLATE NOCASE" } else { "" };
                text.folded(format!("lower({})", as_text(&self.column_sql)))
                    .decoded_as(format!("{}{collation}", self.column_sql), |text| {
                        Some(BindValue::Text(text.to_owned()))
                    })
            }
        };
        let column = if is_indexed { column.indexed() } else { column };
        // The application may have left the folded column empty.
        let may_be_null = matches!(self.compared, Compared::FoldedColumn { not_null: false, .. });
        if is_required && !may_be_null { column.not_null() } else { column }
    }
}

/// A column as a text: the column itself if it is one. In SQLite all columns of kind text are.
fn text_sql(name: &str, column: &CatalogColumn, dialect: Dialect) -> String {
    let is_text = match dialect {
        Dialect::Sqlite => column.kind == ColumnKind::Text,
        _ => matches!(column.type_name.as_str(), "text" | "varchar" | "bpchar" | "citext"),
    };
    if is_text { name.to_owned() } else { as_text(name) }
}

/// The column for searches by an id that is made from the key in `sql`.
pub(super) fn id_column(sql: &str, codec: &KeyCodec) -> Column {
    id_column_shown(sql, &as_text(sql), codec)
}

/// The column for searches by an id that is made from the key in `sql`, but that is shown only if `shown` is not NULL.
pub(super) fn id_column_shown(sql: &str, shown: &str, codec: &KeyCodec) -> Column {
    let text = match codec.prefix.as_str() {
        "" => shown.to_owned(),
        prefix => format!("({} || {shown})", literal(prefix)),
    };
    let decoder = codec.clone();
    let decode = move |id: &str| match decoder.key(id)? {
        crate::database::Param::Int(number) => Some(BindValue::Integer(number)),
        crate::database::Param::Text(text) => Some(BindValue::Text(text)),
        _ => None,
    };
    Column::text(text).decoded_as(sql, decode)
}
