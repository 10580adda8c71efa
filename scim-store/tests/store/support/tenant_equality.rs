//! Finds the tables of a statement that it does not restrict to one tenant. A database that keeps each tenant on one server
//! needs the restriction, to send the statement to that server alone.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use scim_sql::Dialect;
use sqlparser::ast::{
    BinaryOperator, Delete, Expr, FromTable, Insert, JoinConstraint, JoinOperator, ObjectName, Query, Select,
    SetExpr, Statement, TableFactor, TableObject, TableWithJoins, UnaryOperator, Update, Visit, Visitor,
};
use sqlparser::dialect::{PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

/// The column with the tenant of a table; `None` for a table that has none.
pub(crate) type TenantColumn<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// The tables of a statement for which no equality says which tenant is meant. An equality with the tenant of another table
/// that has one is enough.
pub(crate) fn unrestricted_tables(sql: &str, dialect: Dialect, tenant: TenantColumn<'_>) -> Vec<String> {
    // The parser knows these locks by their older names only.
    let known = sql.replace("FOR NO KEY UPDATE", "FOR UPDATE").replace("FOR KEY SHARE", "FOR SHARE");
    let parsed = match dialect {
        Dialect::Sqlite => Parser::parse_sql(&SQLiteDialect {}, &known),
        _ => Parser::parse_sql(&PostgreSqlDialect {}, &known),
    };
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {sql}"));
    let [statement] = parsed.as_slice() else { panic!("not one statement: {sql}") };
    let mut names = CteNames::default();
    let _ = statement.visit(&mut names);
    let mut check = Check { tenant, ctes: names.0, scopes: Vec::new(), unrestricted: Vec::new() };
    match statement {
        Statement::Query(_) => {}
        Statement::Insert(insert) => check.insert(insert),
        Statement::Update(Update { table, selection, .. }) => {
            let bound = check.bound_aliases(std::slice::from_ref(table), selection.as_ref());
            check.scopes.push(bound);
        }
        Statement::Delete(Delete { from, selection, .. }) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = from;
            let bound = check.bound_aliases(from, selection.as_ref());
            check.scopes.push(bound);
        }
        other => panic!("no statement of a store: {other}"),
    }
    let _ = statement.visit(&mut check);
    check.unrestricted
}

/// The names of common table expressions, which are no tables.
#[derive(Default)]
struct CteNames(HashSet<String>);

impl Visitor for CteNames {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0.extend(ctes.map(|cte| cte.alias.name.value.clone()));
        ControlFlow::Continue(())
    }
}

struct Check<'a> {
    tenant: TenantColumn<'a>,
    ctes: HashSet<String>,
    /// The aliases that are restricted to a tenant, of the queries around the current place.
    scopes: Vec<HashSet<String>>,
    unrestricted: Vec<String>,
}

impl Visitor for Check<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut bound = HashSet::new();
        for select in selects(&query.body) {
            bound.extend(self.bound_aliases(&select.from, select.selection.as_ref()));
        }
        self.scopes.push(bound);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }
}

impl<'a> Check<'a> {
    fn insert(&mut self, insert: &Insert) {
        let TableObject::TableName(name) = &insert.table else { panic!("no table: {insert}") };
        let table = last_part(name);
        let columns: Vec<String> = insert.columns.iter().map(last_part).collect();
        if let Some(tenant) = (self.tenant)(&table)
            && !columns.iter().any(|column| column == tenant)
        {
            self.unrestricted.push(table);
        }
    }

    /// The aliases of the tables of one SELECT, UPDATE or DELETE that its conditions restrict to a tenant. Records those that
    /// have a tenant and are not restricted.
    fn bound_aliases(&mut self, from: &[TableWithJoins], selection: Option<&Expr>) -> HashSet<String> {
        // The tenant column of each alias.
        let mut tables: HashMap<String, (String, &'a str)> = HashMap::new();
        let mut conjuncts = Vec::new();
        for table in from {
            self.add_table(&table.relation, &mut tables);
            for join in &table.joins {
                self.add_table(&join.relation, &mut tables);
                if let Some(on) = constraint(&join.join_operator) {
                    add_conjuncts(on, &mut conjuncts);
                }
            }
        }
        if let Some(selection) = selection {
            add_conjuncts(selection, &mut conjuncts);
        }
        let mut bound = HashSet::new();
        loop {
            let before = bound.len();
            for (left, right) in &conjuncts {
                for (one, other) in [(left, right), (right, left)] {
                    let Some(alias) = tenant_of(one, &tables) else { continue };
                    let is_known = match tenant_of(other, &tables) {
                        Some(other) => bound.contains(&other),
                        None => is_constant(other) || self.is_bound_outside(other),
                    };
                    if is_known {
                        bound.insert(alias);
                    }
                }
            }
            if bound.len() == before {
                break;
            }
        }
        let unrestricted = tables.iter().filter(|(alias, _)| !bound.contains(*alias));
        self.unrestricted.extend(unrestricted.map(|(alias, (table, _))| format!("{table} {alias}")));
        bound
    }

    fn add_table(&self, factor: &TableFactor, tables: &mut HashMap<String, (String, &'a str)>) {
        let TableFactor::Table { name, alias, args: None, .. } = factor else { return };
        let table = last_part(name);
        if self.ctes.contains(&table) {
            return;
        }
        if let Some(tenant) = (self.tenant)(&table) {
            let alias = alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.value.clone());
            tables.insert(alias, (table, tenant));
        }
    }

    /// Whether this is a column of a table around this query that is restricted to a tenant.
    fn is_bound_outside(&self, expression: &Expr) -> bool {
        let Expr::CompoundIdentifier(parts) = plain(expression) else { return false };
        parts.first().is_some_and(|alias| self.scopes.iter().any(|scope| scope.contains(&alias.value)))
    }
}

/// The SELECTs of a query: several if it is a UNION.
fn selects(body: &SetExpr) -> Vec<&Select> {
    match body {
        SetExpr::Select(select) => vec![select],
        SetExpr::SetOperation { left, right, .. } => {
            selects(left).into_iter().chain(selects(right)).collect()
        }
        _ => Vec::new(),
    }
}

/// The equalities that hold for each row that a condition accepts.
fn add_conjuncts<'e>(condition: &'e Expr, conjuncts: &mut Vec<(&'e Expr, &'e Expr)>) {
    match condition {
        Expr::Nested(inner) => add_conjuncts(inner, conjuncts),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            add_conjuncts(left, conjuncts);
            add_conjuncts(right, conjuncts);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => conjuncts.push((left, right)),
        _ => {}
    }
}

/// The alias of a table if the expression is its tenant column.
fn tenant_of(expression: &Expr, tables: &HashMap<String, (String, &str)>) -> Option<String> {
    match plain(expression) {
        Expr::CompoundIdentifier(parts) => {
            let [alias, column] = parts.as_slice() else { return None };
            let (_, tenant) = tables.get(&alias.value)?;
            (column.value == *tenant).then(|| alias.value.clone())
        }
        // Without an alias it is the column of the only table.
        Expr::Identifier(column) => {
            let mut all = tables.iter();
            let (alias, (_, tenant)) = all.next().filter(|_| tables.len() == 1)?;
            (column.value == *tenant).then(|| alias.clone())
        }
        _ => None,
    }
}

fn is_constant(expression: &Expr) -> bool {
    matches!(plain(expression), Expr::Value(_))
}

/// The expression without parentheses, casts, and the unary plus that keeps SQLite from using an index.
fn plain(expression: &Expr) -> &Expr {
    match expression {
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::UnaryOp { op: UnaryOperator::Plus, expr: inner } => plain(inner),
        other => other,
    }
}

fn constraint(join: &JoinOperator) -> Option<&Expr> {
    match join {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on))
        | JoinOperator::Left(JoinConstraint::On(on))
        | JoinOperator::LeftOuter(JoinConstraint::On(on)) => Some(on),
        _ => None,
    }
}

fn last_part(name: &ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()).unwrap_or_default()
}
