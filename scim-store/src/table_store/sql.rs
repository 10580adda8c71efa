//! Writes statements: quoted names, text literals, and parameters.

use scim_sql::{Dialect, Fragment};

use crate::database::{Param, Statement};

/// The schema and the name of a table: `hr` and `people` for `hr.people`.
pub(crate) fn split_name(name: &str) -> (Option<&str>, &str) {
    match name.split_once('.') {
        Some((schema, table)) => (Some(schema), table),
        None => (None, name),
    }
}

/// A name in quotes.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of a table in quotes, with its schema.
pub(crate) fn quote_name(name: &str) -> String {
    match split_name(name) {
        (Some(schema), table) => format!("{}.{}", quote(schema), quote(table)),
        (None, table) => quote(table),
    }
}

/// The statement that creates an index. `keys` and `predicate` are SQL.
pub(crate) fn create_index(
    dialect: Dialect,
    is_unique: bool,
    table: &str,
    name: &str,
    keys: &[String],
    predicate: Option<&str>,
) -> String {
    let unique = if is_unique { "UNIQUE " } else { "" };
    let name = quote(&format!("{}_{name}", table.replace('.', "_")));
    // An index of SQLite is in the schema that its own name has; in PostgreSQL it is in that of its table.
    let (name, table) = match (dialect, split_name(table)) {
        (Dialect::Sqlite, (Some(schema), table)) => (format!("{}.{name}", quote(schema)), quote(table)),
        _ => (name, quote_name(table)),
    };
    let predicate = predicate.map(|predicate| format!(" WHERE {predicate}")).unwrap_or_default();
    format!("CREATE {unique}INDEX {name} ON {table} ({}){predicate}", keys.join(", "))
}

/// A text literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The expression as a text.
pub(crate) fn as_text(expression: &str) -> String {
    format!("CAST({expression} AS text)")
}

/// A statement while it is written.
#[derive(Clone, Debug)]
pub(crate) struct SqlBuilder {
    dialect: Dialect,
    sql: String,
    params: Vec<Param>,
}

impl SqlBuilder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, sql: String::with_capacity(256), params: Vec::new() }
    }

    /// Writes SQL.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Writes the placeholder of a new parameter.
    pub(crate) fn bind(&mut self, param: impl Into<Param>) -> &mut Self {
        self.params.push(param.into());
        let placeholder = self.dialect.parameter(self.params.len());
        self.push(&placeholder)
    }

    /// Writes SQL in which `{}` stands for the value of a parameter.
    pub(crate) fn bind_in(&mut self, template: &str, param: Param) -> &mut Self {
        let Some((before, after)) = template.split_once("{}") else { return self.push(template) };
        self.push(before).bind(param);
        let placeholder = self.dialect.parameter(self.params.len());
        self.push(&after.replace("{}", &placeholder))
    }

    /// Writes ` AND ` and a condition, whose parameters must begin with [`next_parameter`](Self::next_parameter).
    pub(crate) fn push_fragment(&mut self, fragment: Fragment) -> &mut Self {
        self.push(" AND ").push(&fragment.sql);
        self.params.extend(fragment.bind_values.into_iter().map(Param::from));
        self
    }

    /// Writes ` AND ` and the condition that a row with this alias belongs to a tenant, if its table has a column for that.
    pub(crate) fn push_tenant(
        &mut self,
        alias: &str,
        column: Option<&String>,
        tenant: Option<&Param>,
    ) -> &mut Self {
        match (column, tenant) {
            (Some(column), Some(tenant)) => {
                self.push(" AND ").push(alias).push(".").push(column).push(" = ").bind(tenant.clone())
            }
            _ => self,
        }
    }

    /// The number of the next parameter.
    pub(crate) fn next_parameter(&self) -> usize {
        self.params.len() + 1
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Writes the clause that locks the rows of a query. SQLite needs none: only one transaction can write at a time.
    pub(crate) fn lock(&mut self, clause: &str) -> &mut Self {
        if self.dialect == Dialect::Sqlite { self } else { self.push(" ").push(clause) }
    }

    pub(crate) fn finish(self) -> Statement {
        Statement::new(self.sql, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(quote_name("hr.people"), "\"hr\".\"people\"");
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn templates_use_one_parameter_for_all_their_placeholders() {
        let mut sql = SqlBuilder::new(Dialect::Postgres);
        sql.push("SET a = ").bind(1_i64).push(", b = ").bind_in("coalesce({}, {})", Param::Int(2));
        let statement = sql.finish();
        assert_eq!(statement.sql, "SET a = $1, b = coalesce($2, $2)");
        assert_eq!(statement.params, [Param::Int(1), Param::Int(2)]);
    }
}
