//! The declaration of a table: where the attributes of a resource are.

use scim_core::schema::Schema;
use serde_json::Value;

use super::child::ChildTable;
use super::expression::Expression;
use super::ids::Ids;

/// The declaration of a table of the application: the columns that hold the attributes of users or of groups.
///
/// Attributes are named by their SCIM paths: `userName`, `name.givenName`, `department`, or with the URN of a schema if
/// several schemas have the name. Tables and columns are named as in the database; a table may be qualified with its
/// schema: `hr.people`. The names are quoted, so they can be any, but their case must be that in the database.
///
/// Each method adds to the declaration and returns it. Mistakes are found by
/// [`TableStoreBuilder::build`](crate::TableStoreBuilder::build), all at once.
///
/// ```
/// use scim_store::{Ids, Table};
///
/// let people = Table::new("people", "person_id", Ids::prefixed("p"))
///     .tenant("org_id")
///     .timestamps("created_at", "updated_at")
///     .key("userName", "login")
///     .text("name.givenName", "first")
///     .text("name.familyName", "last")
///     .boolean("active", "is_active")
///     .one("emails", "mail", "work")
///     .text("department", "department")
///     .reference("manager", "manager_id", "User");
/// let teams = Table::new("teams", "team_id", Ids::prefixed("t"))
///     .tenant("org_id")
///     .text("displayName", "title")
///     .members("team_people", "team_id", "person_id");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Table {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) ids: Ids,
    pub(crate) tenant: Option<String>,
    pub(crate) created: Option<String>,
    pub(crate) updated: Option<String>,
    pub(crate) time_unit: Option<TimeUnit>,
    pub(crate) version: Option<String>,
    pub(crate) soft_delete: Option<String>,
    pub(crate) adopted_by: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) rest: Option<String>,
    pub(crate) attributes: Vec<DeclaredAttribute>,
    pub(crate) folded: Vec<(String, String)>,
    pub(crate) children: Vec<(String, ChildTable)>,
    pub(crate) members: Option<LinkTable>,
    pub(crate) extensions: Vec<Schema>,
}

/// The unit of times in integer columns, since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// An attribute or sub-attribute, and where its value is.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredAttribute {
    pub(crate) path: String,
    pub(crate) place: Place,
}

/// Where the value of an attribute is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Text(String),
    Integer(String),
    Boolean(String),
    Time(String),
    /// True while the column is NULL; otherwise the column has the time at which it became false.
    TrueUnless(String),
    /// The only element of a list of this `type`.
    Element(String, String),
    /// A foreign key to the table of the resource type with this name.
    Reference(String, String),
    Expression(Expression),
    Constant(Value),
}

impl Place {
    /// The column that is read or written; `None` for an expression that only reads, and for a constant.
    pub(crate) fn written_column(&self) -> Option<&str> {
        match self {
            Self::Text(column)
            | Self::Integer(column)
            | Self::Boolean(column)
            | Self::Time(column)
            | Self::TrueUnless(column)
            | Self::Element(column, _)
            | Self::Reference(column, _) => Some(column),
            Self::Expression(expression) => expression.write.as_ref().map(|(column, _)| column.as_str()),
            Self::Constant(_) => None,
        }
    }
}

/// A table with a row for each member of a group.
#[derive(Clone, Debug)]
pub(crate) struct LinkTable {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) member: String,
    pub(crate) tenant: Option<String>,
}

impl Table {
    /// A table and the column with its primary key, from which the ids of resources are made.
    pub fn new(name: impl Into<String>, key: impl Into<String>, ids: Ids) -> Self {
        Self {
            name: name.into(),
            key: key.into(),
            ids,
            tenant: None,
            created: None,
            updated: None,
            time_unit: None,
            version: None,
            soft_delete: None,
            adopted_by: None,
            password: None,
            rest: None,
            attributes: Vec::new(),
            folded: Vec::new(),
            children: Vec::new(),
            members: None,
            extensions: Vec::new(),
        }
    }

    /// The column with the tenant. Each statement is restricted to the tenant of the request's
    /// [`Identity`](scim_core::Identity), so each client needs [`in_tenant`](scim_core::Identity::in_tenant): a request
    /// without a tenant is answered with 500. The column is a text, a uuid or an integer; for an integer the tenant is the
    /// number as a text: `in_tenant("7")`. A row without a tenant does not
    /// exist for SCIM.
    pub fn tenant(mut self, column: impl Into<String>) -> Self {
        self.tenant = Some(column.into());
        self
    }

    /// The columns of `meta.created` and `meta.lastModified`. The store writes them; the application should set the
    /// second one too when it changes a row.
    ///
    /// In PostgreSQL they are `timestamptz`, `timestamp` in UTC, or integers. In SQLite they are texts or integers: the
    /// store writes texts as `2026-01-02 03:04:05.678` in UTC, and reads them with or without a fraction, in the form of
    /// `datetime()` or of RFC 3339. For integers call [`time_unit`](Self::time_unit) as well. A text that is no time is
    /// not shown.
    pub fn timestamps(mut self, created: impl Into<String>, updated: impl Into<String>) -> Self {
        self.created = Some(created.into());
        self.updated = Some(updated.into());
        self
    }

    /// The unit of all times in integer columns of this table.
    pub fn time_unit(mut self, unit: TimeUnit) -> Self {
        self.time_unit = Some(unit);
        self
    }

    /// The attribute by which clients find a resource: `userName`, in a text column. It must be unique in a tenant, without
    /// regard to case, by an index of the table; if there is none, `build()` prints its DDL. The same as
    /// [`text`](Self::text), with a name that says what the column is for. It is not the primary key, which
    /// [`new`](Self::new) names.
    pub fn key(self, path: &str, column: impl Into<String>) -> Self {
        self.text(path, column)
    }

    /// An attribute in a text column. If a unique index over it ignores case, alone or after the tenant, the attribute is
    /// published as unique, and a value that another row has is refused with 409.
    pub fn text(self, path: &str, column: impl Into<String>) -> Self {
        self.attribute(path, Place::Text(column.into()))
    }

    /// An attribute in an integer column.
    pub fn integer(self, path: &str, column: impl Into<String>) -> Self {
        self.attribute(path, Place::Integer(column.into()))
    }

    /// An attribute in a boolean column; in SQLite, and in integer columns of PostgreSQL, 0 and 1.
    pub fn boolean(self, path: &str, column: impl Into<String>) -> Self {
        self.attribute(path, Place::Boolean(column.into()))
    }

    /// An attribute of type `dateTime` in a column for times, of the same types as for
    /// [`timestamps`](Self::timestamps). Times have a precision of a millisecond.
    pub fn time(self, path: &str, column: impl Into<String>) -> Self {
        self.attribute(path, Place::Time(column.into()))
    }

    /// `active`, in a column for times that is NULL while the user is active: `deactivated_at`. The store sets it to the
    /// time of the request when a user is deactivated, and to NULL when the user is activated. A PUT without `active`
    /// changes nothing in the column.
    pub fn active_unless(self, column: impl Into<String>) -> Self {
        self.attribute("active", Place::TrueUnless(column.into()))
    }

    /// A list, such as `emails`, of which a text column keeps one element, of this `type`. It is the primary one, unless
    /// there are several columns for the list: call this method for each. Elements of other types are ignored in the lenient
    /// profile, and refused in the strict one; see
    /// [`Attribute::keep_only_types`](scim_core::schema::Attribute::keep_only_types).
    ///
    /// A list in several columns cannot be used in `sortBy`: which element is the first is not stored.
    pub fn one(self, path: &str, column: impl Into<String>, element_type: impl Into<String>) -> Self {
        self.attribute(path, Place::Element(column.into(), element_type.into()))
    }

    /// An attribute, such as `manager`, that refers to a resource, in a column with the key of its row. `resource_type` is
    /// `User` or `Group`. The resource must exist, in the same tenant; a reference of the application to any other row is not
    /// shown. The reference is removed when the resource is deleted.
    pub fn reference(self, path: &str, column: impl Into<String>, resource_type: impl Into<String>) -> Self {
        self.attribute(path, Place::Reference(column.into(), resource_type.into()))
    }

    /// An attribute that SQL expressions read and write.
    pub fn expression(self, path: &str, expression: Expression) -> Self {
        self.attribute(path, Place::Expression(expression))
    }

    /// An attribute that has the same value in every resource. It is `readOnly`.
    pub fn constant(self, path: &str, value: impl Into<Value>) -> Self {
        self.attribute(path, Place::Constant(value.into()))
    }

    /// A list, such as `emails`, whose elements are the rows of another table. The row of an element that does not change
    /// stays as it is; an element that changes is a deleted row and a new one.
    pub fn many(mut self, path: &str, child: ChildTable) -> Self {
        self.children.push((path.to_owned(), child));
        self
    }

    /// The column in which the store keeps a text attribute as it compares it, folded by the rules of SCIM. Searches are
    /// then exact for all of Unicode; without the column they compare `lower()` of the text, which is exact for ASCII. The
    /// application must write the column too when it changes the text.
    pub fn folded(mut self, path: &str, column: impl Into<String>) -> Self {
        self.folded.push((path.to_owned(), column.into()));
        self
    }

    /// The members of a group: a table with a row for each, and its columns with the keys of the group and of the user.
    pub fn members(
        mut self,
        table: impl Into<String>,
        group: impl Into<String>,
        member: impl Into<String>,
    ) -> Self {
        self.members =
            Some(LinkTable { name: table.into(), group: group.into(), member: member.into(), tenant: None });
        self
    }

    /// The column with the tenant in the table of the [`members`](Self::members), if it has one. Each statement then names the
    /// tenant for this table too, as a database that is distributed by tenant needs it.
    pub fn members_tenant(mut self, column: impl Into<String>) -> Self {
        if let Some(members) = &mut self.members {
            members.tenant = Some(column.into());
        }
        self
    }

    /// A column of JSON text for all attributes of the standard schemas that are declared nowhere else. Without it they
    /// are not part of the schema. No index serves filters on them.
    pub fn rest(mut self, column: impl Into<String>) -> Self {
        self.rest = Some(column.into());
        self
    }

    /// The column with the hash of the password, argon2id in PHC form. Without it users have no `password`.
    pub fn password(mut self, column: impl Into<String>) -> Self {
        self.password = Some(column.into());
        self
    }

    /// An integer column that counts the changes of a row, as the version of the resource. The store increments it with
    /// every change, of the members too, and so must everybody else who changes the row or the members.
    ///
    /// Without it, the version is a hash of the columns that are mapped, so the store sees every change; but the hash of
    /// a group covers its members, and so each read of a group reads them.
    pub fn version(mut self, column: impl Into<String>) -> Self {
        self.version = Some(column.into());
        self
    }

    /// The column that marks a row as deleted: a time, or a boolean. A DELETE sets it, and such rows do not exist for
    /// SCIM. Without it a DELETE deletes the row.
    pub fn soft_delete(mut self, column: impl Into<String>) -> Self {
        self.soft_delete = Some(column.into());
        self
    }

    /// The text column that marks rows which a client has adopted; NULL in all others. Rows of a table without it are never
    /// adopted. See [`TableStoreBuilder::adopt`](crate::TableStoreBuilder::adopt).
    pub fn adopted_by(mut self, column: impl Into<String>) -> Self {
        self.adopted_by = Some(column.into());
        self
    }

    /// Adds a schema of the application's own, whose attributes can then be declared.
    pub fn extension(mut self, schema: Schema) -> Self {
        self.extensions.push(schema);
        self
    }

    fn attribute(mut self, path: &str, place: Place) -> Self {
        self.attributes.push(DeclaredAttribute { path: path.to_owned(), place });
        self
    }
}
