//! The declaration of a table, checked and turned into the SQL and the conversions that reads and writes use.

mod checks;
mod columns;
mod compile;
mod compiler;
mod field;
mod fields;
mod indexes;
mod json;
mod lists;
mod mapping;
mod names;
mod resource_type;
mod time;
mod triggers;

use http::StatusCode;
use scim_core::schema::{AttributeRef, ResourceType};
use scim_core::{Context, Error, Result};
use scim_sql::{Dialect, Mapping};

use super::catalog::ColumnKind;
use super::ids::{KeyCodec, is_uuid};
use super::sql::SqlBuilder;
use crate::database::Param;

pub(crate) use compile::compile;
pub(crate) use compiler::Declared;
pub(crate) use field::{Codec, Field, FieldWrite};
pub(crate) use indexes::count_rows_that_do_not_exist;
pub(crate) use resource_type::Kind;
pub(crate) use time::TimeColumn;

/// A table, and how the resources of one type are read from it and written to it.
///
/// In all SQL, the table has the alias `t`.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) resource_type: ResourceType,
    pub(crate) dialect: Dialect,
    /// The quoted name of the table.
    pub(crate) table: String,
    /// The quoted name of the key column.
    pub(crate) key_column: String,
    pub(crate) codec: KeyCodec,
    pub(crate) tenant: Option<TenantColumn>,
    /// Conditions, each after ` AND `, without which a row does not exist for SCIM.
    pub(crate) exists: String,
    /// Whether some rows may not exist for SCIM although they are not deleted: a column that must have a value can be
    /// NULL.
    pub(crate) may_hide_rows: bool,
    pub(crate) fields: Vec<Field>,
    /// The attributes that all resources have with the same value.
    pub(crate) constants: Vec<(AttributeRef, serde_json::Value)>,
    pub(crate) children: Vec<ChildLayout>,
    pub(crate) created: Option<TimeColumn>,
    pub(crate) updated: Option<TimeColumn>,
    /// The quoted name of the column that counts changes.
    pub(crate) version: Option<String>,
    /// The quoted name of the column with the hash of the password.
    pub(crate) password: Option<String>,
    pub(crate) soft_delete: Option<SoftDelete>,
    /// The quoted name of the column with the client that has adopted the row.
    pub(crate) adopted_by: Option<String>,
    pub(crate) rest: Option<RestColumn>,
    /// The select list: the key as a text, the fields, `created`, `updated`, the version, the password, the rest.
    pub(crate) select: String,
    /// The number of columns in the select list.
    pub(crate) columns: usize,
    /// The SQL of the name that references to a resource show.
    pub(crate) name: String,
    pub(crate) mapping: Mapping,
    /// The members of a group.
    pub(crate) members: Option<MembersLayout>,
    /// For users, the groups that contain them.
    pub(crate) groups: Option<GroupsLayout>,
    pub(crate) unique: Vec<UniqueIndex>,
}

/// The column with the tenant.
#[derive(Clone, Debug)]
pub(crate) struct TenantColumn {
    /// The quoted name.
    pub(crate) column: String,
    pub(crate) kind: ColumnKind,
}

impl TenantColumn {
    /// The type of the tenants in the SQL of PostgreSQL.
    pub(crate) fn sql_type(&self) -> &'static str {
        match self.kind {
            ColumnKind::Integer => "bigint",
            ColumnKind::Uuid => "uuid",
            _ => "text",
        }
    }
}

/// The column that marks a row as deleted.
#[derive(Clone, Debug)]
pub(crate) struct SoftDelete {
    /// The quoted name.
    pub(crate) column: String,
    /// The value to set, with `{}` for the time in milliseconds.
    pub(crate) value: String,
}

/// The column with the JSON of the attributes that have no column.
#[derive(Clone, Debug)]
pub(crate) struct RestColumn {
    /// The quoted name.
    pub(crate) column: String,
    /// The value to set, with `{}` for the JSON text.
    pub(crate) value: String,
    /// The attributes in it.
    pub(crate) attributes: Vec<AttributeRef>,
}

/// A table whose rows are the elements of a list.
#[derive(Clone, Debug)]
pub(crate) struct ChildLayout {
    pub(crate) list: AttributeRef,
    pub(crate) table: String,
    /// The quoted name of the column with the key of the owner.
    pub(crate) owner: String,
    /// The quoted name of the column with the tenant.
    pub(crate) tenant: Option<String>,
    /// The SQL of the order, with the alias `c`.
    pub(crate) order: String,
    pub(crate) columns: Vec<ChildField>,
}

/// A sub-attribute of a list in another table.
#[derive(Clone, Debug)]
pub(crate) struct ChildField {
    pub(crate) sub: AttributeRef,
    /// The quoted name.
    pub(crate) column: String,
    /// The expression that reads it, with the alias `c`.
    pub(crate) read: String,
    /// The value to set, with `{}` for the parameter.
    pub(crate) write: String,
    pub(crate) is_boolean: bool,
    /// How it is searched.
    pub(crate) searched: scim_sql::Column,
}

/// The table that links groups and members.
#[derive(Clone, Debug)]
pub(crate) struct MembersLayout {
    pub(crate) list: AttributeRef,
    pub(crate) link: String,
    /// The quoted names of the columns with the keys of the group and of the member.
    pub(crate) group: String,
    pub(crate) member: String,
    /// The quoted name of the column with the tenant.
    pub(crate) tenant: Option<String>,
    /// The columns of the unique index of a membership, separated by commas.
    pub(crate) unique: String,
}

/// The list of the groups of a user.
#[derive(Clone, Debug)]
pub(crate) struct GroupsLayout {
    pub(crate) list: AttributeRef,
}

/// A unique index, to name the attribute when it refuses a row.
#[derive(Clone, Debug)]
pub(crate) struct UniqueIndex {
    /// The name of the index, and `table.column` of each column, as the databases report them.
    pub(crate) reported_as: Vec<String>,
    pub(crate) attribute: AttributeRef,
    /// Whether the index enforces the uniqueness that SCIM means: without regard to case, within a tenant.
    pub(crate) is_announced: bool,
}

/// The error for a host that is not set up for its tables. Whoever sets it up sees it first, and it says nothing secret.
fn wrong_set_up(detail: &str) -> Error {
    Error::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

impl Layout {
    /// The value of the tenant column for a request.
    ///
    /// # Errors
    ///
    /// An internal error if the identity has a tenant and the table has none, or the other way round.
    pub(crate) fn tenant_of(&self, cx: &Context<'_>) -> Result<Option<Param>> {
        self.tenant_param(cx.tenant())
    }

    /// The value of the tenant column for a tenant; see [`tenant_of`](Self::tenant_of).
    pub(crate) fn tenant_param(&self, tenant: Option<&str>) -> Result<Option<Param>> {
        match (&self.tenant, tenant) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(wrong_set_up(
                "the identity of this client has a tenant, but the table has no tenant column; declare it with `Table::tenant`",
            )),
            (Some(_), None) => Err(wrong_set_up(
                "the identity of this client has no tenant, but the table has a tenant column; use `Identity::in_tenant`",
            )),
            (Some(column), Some(tenant)) if column.kind == ColumnKind::Integer => match tenant.parse() {
                Ok(number) => Ok(Some(Param::Int(number))),
                Err(_) => Err(wrong_set_up("the tenant of the identity of this client is not an integer")),
            },
            (Some(column), Some(tenant))
                if column.kind == ColumnKind::Uuid && !is_uuid(&tenant.to_ascii_lowercase()) =>
            {
                Err(wrong_set_up("the tenant of the identity of this client is not a uuid"))
            }
            (Some(_), Some(tenant)) if tenant.contains('\0') => {
                Err(Error::internal("the tenant of the identity contains U+0000"))
            }
            (Some(_), Some(tenant)) => Ok(Some(Param::from(tenant))),
        }
    }

    /// Whether some attributes are in other tables.
    pub(crate) fn has_lists(&self) -> bool {
        !self.children.is_empty() || self.members.is_some() || self.groups.is_some()
    }

    /// The key column with its alias.
    pub(crate) fn key(&self) -> String {
        format!("t.{}", self.key_column)
    }

    /// Begins a query of rows of the tenant that exist for SCIM: everything up to the end of the WHERE clause. The
    /// tenant is the first parameter, if there is one.
    pub(crate) fn select_from(&self, select: &str, tenant: Option<&Param>) -> SqlBuilder {
        let mut sql = SqlBuilder::new(self.dialect);
        sql.push("SELECT ").push(select).push(" FROM ").push(&self.table).push(" t WHERE ");
        self.push_scope(&mut sql, tenant);
        sql
    }

    /// Writes the condition that a row belongs to the tenant and exists for SCIM.
    pub(crate) fn push_scope(&self, sql: &mut SqlBuilder, tenant: Option<&Param>) {
        match (&self.tenant, tenant) {
            (Some(column), Some(tenant)) => {
                sql.push("t.").push(&column.column).push(" = ").bind(tenant.clone());
            }
            _ => {
                sql.push("TRUE");
            }
        }
        sql.push(&self.exists);
    }
}
