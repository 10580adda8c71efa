//! The declaration of a table whose rows are the elements of a list.

/// A table whose rows are the elements of a list, such as the e-mail addresses of a user.
///
/// ```
/// use scim_store::{ChildTable, Ids, Table};
///
/// let people = Table::new("people", "id", Ids::prefixed("p")).key("userName", "login").many(
///     "emails",
///     ChildTable::new("addresses", "person_id")
///         .text("value", "address")
///         .text("type", "kind")
///         .boolean("primary", "is_main"),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ChildTable {
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) tenant: Option<String>,
    pub(crate) order: Option<String>,
    pub(crate) columns: Vec<ChildColumn>,
}

/// A sub-attribute and its column.
#[derive(Clone, Debug)]
pub(crate) struct ChildColumn {
    pub(crate) sub_attribute: String,
    pub(crate) column: String,
    pub(crate) is_boolean: bool,
}

impl ChildTable {
    /// A table, and its column with the key of the row to which an element belongs.
    pub fn new(name: impl Into<String>, owner: impl Into<String>) -> Self {
        Self { name: name.into(), owner: owner.into(), tenant: None, order: None, columns: Vec::new() }
    }

    /// The column with the tenant, if the table has one. Each statement then names the tenant for this table too, as a
    /// database that is distributed by tenant needs it.
    pub fn tenant(mut self, column: impl Into<String>) -> Self {
        self.tenant = Some(column.into());
        self
    }

    /// A sub-attribute in a text column.
    pub fn text(self, sub_attribute: &str, column: impl Into<String>) -> Self {
        self.column(sub_attribute, column.into(), false)
    }

    /// A sub-attribute in a boolean column; in SQLite, and in integer columns of PostgreSQL, 0 and 1.
    pub fn boolean(self, sub_attribute: &str, column: impl Into<String>) -> Self {
        self.column(sub_attribute, column.into(), true)
    }

    /// The column by which the elements are ordered, such as the key of the child table, which the database assigns. Without
    /// it they are in the order of their values.
    pub fn order(mut self, column: impl Into<String>) -> Self {
        self.order = Some(column.into());
        self
    }

    fn column(mut self, sub_attribute: &str, column: String, is_boolean: bool) -> Self {
        self.columns.push(ChildColumn { sub_attribute: sub_attribute.to_owned(), column, is_boolean });
        self
    }
}
