//! Searches in the log.

use scim_store::{Dialect, Param, Statement};

use super::row::{COLUMNS, name_key};

/// What to look for. A part that is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) tenant: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    pub(crate) resource_type: Option<String>,
    /// The id of a resource, or how its name begins.
    pub(crate) person: Option<String>,
    /// Only requests before this position.
    pub(crate) before: Option<i64>,
    /// Only requests after this position.
    pub(crate) after: Option<i64>,
    pub(crate) limit: u32,
}

/// Which statuses to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    /// Up to 399.
    Successful,
    /// 400 and above.
    Refused,
    /// This one.
    Exactly(u16),
}

impl StatusFilter {
    /// Reads `ok`, `refused` or a number.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text {
            "ok" => Some(Self::Successful),
            "refused" => Some(Self::Refused),
            number => number.parse().ok().map(Self::Exactly),
        }
    }
}

/// How many resources the beginning of a name finds.
const MAX_PEOPLE: usize = 200;

impl Search {
    /// The statement that finds the ids of the resources whose names begin with the text that is looked for.
    pub(super) fn people(&self, dialect: Dialect) -> Option<Statement> {
        let person = self.person.as_ref()?;
        let mut sql =
            Sql::new(dialect, "SELECT DISTINCT resource_id FROM scim_request WHERE resource_id <> ''");
        sql.and_tenant(self.tenant.as_deref());
        sql.text.push_str(" AND ");
        sql.name_begins_with("name_key", person);
        sql.text.push_str(&format!(" LIMIT {MAX_PEOPLE}"));
        Some(sql.statement())
    }

    /// The statement that finds the requests. `people` are the ids that [`people`](Self::people) has found.
    pub(super) fn requests(&self, dialect: Dialect, people: &[String]) -> Statement {
        let columns = COLUMNS.join(", ");
        let mut sql = Sql::new(dialect, &format!("SELECT position, {columns} FROM scim_request WHERE 1 = 1"));
        sql.and_tenant(self.tenant.as_deref());
        if let Some(client) = &self.client {
            sql.and("client = ", client.as_str());
        }
        match self.status {
            None => {}
            // PostgreSQL and SQLite use a partial index only if its condition is in the statement.
            Some(StatusFilter::Refused) => sql.text.push_str(" AND status >= 400"),
            Some(StatusFilter::Successful) => sql.text.push_str(" AND status < 400"),
            Some(StatusFilter::Exactly(status)) => {
                if status >= 400 {
                    sql.text.push_str(" AND status >= 400");
                }
                sql.and("status = ", i64::from(status));
            }
        }
        if let Some(resource_type) = &self.resource_type {
            sql.and("resource_type = ", resource_type.as_str());
        }
        if let Some(person) = self.person.as_ref().filter(|_| people.len() == MAX_PEOPLE) {
            // So many names begin with it that the latest requests are found sooner without the index.
            sql.text.push_str(" AND ");
            sql.name_begins_with("coalesce(name_key, '')", person);
        } else if let Some(person) = &self.person {
            sql.text.push_str(" AND (");
            sql.name_begins_with("name_key", person);
            sql.text.push_str(" OR resource_id IN (");
            sql.push(person.as_str());
            for id in people {
                sql.text.push_str(", ");
                sql.push(id.as_str());
            }
            sql.text.push_str("))");
        }
        if let Some(before) = self.before {
            sql.and("position < ", before);
        }
        if let Some(after) = self.after {
            sql.and("position > ", after);
        }
        sql.text.push_str(&format!(" ORDER BY position DESC LIMIT {}", self.limit));
        sql.statement()
    }
}

/// A statement in the making.
pub(super) struct Sql {
    dialect: Dialect,
    pub(super) text: String,
    params: Vec<Param>,
}

impl Sql {
    pub(super) fn new(dialect: Dialect, text: &str) -> Self {
        Self { dialect, text: text.to_owned(), params: Vec::new() }
    }

    /// Adds a parameter.
    pub(super) fn push(&mut self, value: impl Into<Param>) {
        self.params.push(value.into());
        self.text.push_str(&self.dialect.parameter(self.params.len()));
    }

    pub(super) fn and(&mut self, condition: &str, value: impl Into<Param>) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.push(value);
    }

    pub(super) fn and_tenant(&mut self, tenant: Option<&str>) {
        if let Some(tenant) = tenant {
            self.and("tenant = ", tenant);
        }
    }

    /// The names from this one up to the greatest one that begins with it, which an index on the column finds.
    fn name_begins_with(&mut self, column: &str, start: &str) {
        let start = name_key(start);
        self.text.push_str(&format!("({column} >= "));
        self.push(start.as_str());
        self.text.push_str(&format!(" AND {column} < "));
        self.push(format!("{start}\u{10FFFF}"));
        self.text.push(')');
    }

    pub(super) fn statement(self) -> Statement {
        Statement::new(self.text, self.params)
    }
}
