//! Fills the tables of the application.

use scim_store::{Database, Dialect, Mode, Statement};

/// Creates the tables, and fills them unless they have people: `users` people, a large team with `members` of them, and a
/// thousand small teams.
pub(crate) async fn fill(database: &dyn Database, users: i64, members: i64) {
    let (tables, numbers) = match database.dialect() {
        Dialect::Sqlite => (
            include_str!("../../../../examples/people/people.sqlite.sql"),
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {max}) ",
        ),
        _ => (
            include_str!("../../../../examples/people/people.postgres.sql"),
            "WITH n(i) AS (SELECT generate_series(1, {max})) ",
        ),
    };
    let statements = tables.split("\n\n").map(|statement| Statement::new(statement, [])).collect();
    execute(database, statements).await;
    let mut tx = database.begin(Mode::Single).await.expect("a connection");
    let found = tx.query(vec![Statement::new("SELECT login FROM people LIMIT 1", [])]).await.expect("rows");
    drop(tx);
    if !found[0].is_empty() {
        return;
    }
    println!("filling the tables");
    let numbers = |max: i64| numbers.replace("{max}", &max.to_string());
    // In PostgreSQL WITH comes before INSERT as well, so both databases take the same statements.
    let people = format!(
        "{} INSERT INTO people (login, external_id, first, last, mail, phone, organization, department) \
         SELECT 'user' || i || '@example.com', 'x' || i, 'First' || i, 'Last' || i, 'mail' || i || '@example.com', \
         '+1 555 ' || i, 'Organization ' || (i % 10), 'Department ' || (i % 100) FROM n ORDER BY i",
        numbers(users)
    );
    let teams = format!("{} INSERT INTO teams (title) SELECT 'Team ' || i FROM n ORDER BY i", numbers(1_000));
    let large = format!(
        "{} INSERT INTO team_people (team_id, person_id) SELECT 1, i FROM n",
        numbers(members.min(users))
    );
    let small = format!(
        "{} INSERT INTO team_people (team_id, person_id) SELECT 2 + i % 999, i FROM n WHERE i % 10 = 0",
        numbers(users)
    );
    for sql in [people, teams, large, small, "ANALYZE".to_owned()] {
        execute(database, vec![Statement::new(sql, [])]).await;
    }
}

async fn execute(database: &dyn Database, statements: Vec<Statement>) {
    let tx = database.begin(Mode::Write).await.expect("a connection");
    tx.commit(statements).await.expect("the statements succeed");
}
