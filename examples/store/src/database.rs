//! The little that the store needs of a database: transactions, statements, rows.
//!
//! Statements are written once, as SQLite takes them, and turned into PostgreSQL's form here: the
//! parameters, `json(..)`, and `json_each(..) e`, which makes a row `e.value` of each element of a JSON
//! array.

use std::borrow::Cow;

use scim_sql::Dialect;

use crate::fault::Fault;
use crate::param::Param;
use crate::rows::Rows;

pub(crate) enum Database {
    #[cfg(feature = "sqlite")]
    Sqlite(crate::sqlite::Pool),
    #[cfg(feature = "postgres")]
    Postgres(crate::postgres::Pool),
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One statement that reads.
    Single,
    /// Several statements that see the same state.
    Read,
    Write,
}

/// A transaction. Unless it is committed it has no effect.
pub(crate) enum Transaction {
    #[cfg(feature = "sqlite")]
    Sqlite(crate::sqlite::Transaction),
    #[cfg(feature = "postgres")]
    Postgres(Box<crate::postgres::Transaction>),
}

impl Database {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn begin(&self, mode: Mode) -> Result<Transaction, Fault> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => Ok(Transaction::Sqlite(pool.begin(mode).await?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => Ok(Transaction::Postgres(Box::new(Box::pin(pool.begin(mode)).await?))),
        }
    }
}

/// Somebody waits for what is done in place; see [`Transaction::waiting`].
#[cfg(feature = "sqlite")]
pub(crate) type Waiting = crate::watch::Waiting;
#[cfg(not(feature = "sqlite"))]
pub(crate) type Waiting = std::convert::Infallible;

impl Transaction {
    /// If statements that only read run where they are called, which must be a blocking thread then:
    /// what is to be kept as long as somebody waits for them. They end when it is dropped.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => Some(transaction.waiting()),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// What stands at the end of a statement whose rows are to be locked. A database that one writer
    /// writes to at a time needs no locks of rows.
    pub(crate) fn lock(&self, clause: &'static str) -> &'static str {
        if self.dialect() == Dialect::Sqlite { "" } else { clause }
    }

    /// Runs a statement and reads its rows.
    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
    ) -> Result<Rows, Fault> {
        Ok(self.rows_of(vec![(sql.into(), params)]).await?.pop().unwrap_or_default())
    }

    /// Runs statements of which none needs the rows of another, in their order, and reads the rows of
    /// each; all are on their way before the first is answered.
    pub(crate) async fn rows_of(&mut self, asked: Vec<Asked>) -> Result<Vec<Rows>, Fault> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.rows_of(asked).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => {
                let asked = asked.into_iter().map(|(sql, params)| (postgres(&sql), params)).collect();
                transaction.rows_of(asked).await
            }
        }
    }

    /// Runs statements that return nothing, one after the other. The last one must change something;
    /// if it does not, another transaction was in the way.
    pub(crate) async fn execute(&mut self, statements: Vec<Statement>) -> Result<(), Fault> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.execute(statements, false).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.execute(all(statements), false).await,
        }
    }

    /// Runs statements as [`execute`](Self::execute) does, and commits.
    pub(crate) async fn commit(self, statements: Vec<Statement>) -> Result<(), Fault> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(mut transaction) => transaction.execute(statements, true).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(mut transaction) => transaction.execute(all(statements), true).await,
        }
    }
}

/// A statement that returns rows, and its parameters.
pub(crate) type Asked = (Cow<'static, str>, Vec<Param>);

/// A statement that returns nothing, and its parameters.
pub(crate) type Statement = (&'static str, Vec<Param>);

#[cfg(feature = "postgres")]
fn all(statements: Vec<Statement>) -> Vec<(String, Vec<Param>)> {
    statements.into_iter().map(|(sql, params)| (postgres(sql), params)).collect()
}

#[cfg(feature = "postgres")]
fn postgres(sql: &str) -> String {
    // The planner takes a list from a function for a long one, and would read the whole table.
    let list = "(SELECT e.value->>0 FROM json_each(?2) e)";
    let sql = &sql.replace(&format!("IN {list}"), &format!("= ANY (ARRAY{list})"));
    let mut out = String::with_capacity(sql.len() + 32);
    let mut rest: &str = sql;
    while let Some((before, after)) = rest.split_once("(?") {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = after.split_at_checked(digits).unwrap_or_default();
        let functions =
            [("json_each", "jsonb_array_elements", ") e", ") AS e(value)"), ("json", "", ")", ")")];
        let found = functions.iter().find_map(|(name, replacement, end, close)| {
            Some((before.strip_suffix(name)?, replacement, tail.strip_prefix(end)?, close))
        });
        match found {
            Some((before, function, tail, close)) => {
                out.push_str(before);
                out.push_str(&format!("{function}(${number}::text::jsonb{close}"));
                rest = tail;
            }
            None => {
                out.push_str(before);
                out.push_str("(?");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    // But not in names and texts, which are in quotes.
    let mut quoted = false;
    out.chars()
        .map(|c| match c {
            '\'' => {
                quoted = !quoted;
                c
            }
            '?' if !quoted => '$',
            c => c,
        })
        .collect()
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    #[test]
    fn statements_take_the_form_of_postgres() {
        let sql = "INSERT INTO a SELECT ?1, json(?2), e.value->>0 FROM json_each(?3) e WHERE x IN (?4) AND y = 'it''s?'";
        let expected = "INSERT INTO a SELECT $1, ($2::text::jsonb), e.value->>0 \
                        FROM jsonb_array_elements($3::text::jsonb) AS e(value) WHERE x IN ($4) AND y = 'it''s?'";
        assert_eq!(super::postgres(sql), expected);
    }
}
