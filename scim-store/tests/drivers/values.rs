//! Tests of the conversion of values to and from the types of PostgreSQL.

use scim_store::{DatabaseError, Mode, Param, Rows};
use tokio::runtime::Runtime;

use crate::driver::Driver;
use crate::support;

const TYPES: [&str; 4] = [
    "CREATE TYPE {}color AS ENUM ('red', 'green')",
    "CREATE DOMAIN {}percent AS integer CHECK (VALUE BETWEEN 0 AND 100)",
    "CREATE DOMAIN {}label AS varchar(3)",
    "CREATE TABLE {}value (
        a_uuid uuid, a_int2 int2, a_int4 int4, a_int8 int8, a_float4 float4, a_float8 float8, a_bool bool,
        a_text text, a_varchar varchar(5), a_char char(3), a_color {}color, a_percent {}percent, a_label {}label
    )",
];

const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn drivers(runtime: &Runtime) -> Vec<Driver> {
    let drivers = Driver::postgres(runtime);
    for driver in &drivers {
        for sql in TYPES {
            driver.sql(runtime, sql);
        }
    }
    drivers
}

/// Writes a value into a column, and finds it by the same value.
async fn round_trip(driver: &Driver, column: &str, param: Param) -> Result<Rows, DatabaseError> {
    let mut tx = driver.begin(Mode::Write).await;
    let insert = format!("INSERT INTO {{}}value ({column}) VALUES ($1)");
    tx.execute(vec![driver.statement(&insert, [param.clone()])]).await?;
    let select = format!("SELECT {column} FROM {{}}value WHERE {column} = $1");
    let mut rows = tx.query(vec![driver.statement(&select, [param])]).await?;
    Ok(rows.remove(0))
}

#[test]
fn a_parameter_gets_the_type_of_its_column() {
    let runtime = support::runtime();
    for driver in drivers(&runtime) {
        runtime.block_on(async {
            for (column, param) in [
                ("a_uuid", UUID.into()),
                ("a_int2", Param::Int(-7)),
                ("a_int4", Param::Int(-70_000)),
                ("a_int8", Param::Int(i64::MIN)),
                ("a_float4", Param::Real(1.5)),
                ("a_float8", Param::Real(0.1)),
                ("a_bool", Param::Bool(true)),
                ("a_text", "é".into()),
                ("a_varchar", "12345".into()),
                ("a_char", "abc".into()),
                ("a_color", "green".into()),
                ("a_percent", Param::Int(7)),
                ("a_label", "abc".into()),
            ] {
                let rows = round_trip(&driver, column, param.clone()).await;
                let rows = rows.unwrap_or_else(|error| panic!("{} {column}: {error}", driver.name));
                let row = rows.first().unwrap_or_else(|| panic!("{} {column}", driver.name));
                let is_same = match param {
                    Param::Text(text) => row.text(0) == Some(&text),
                    Param::Int(number) => row.int(0) == Some(number),
                    Param::Real(number) => row.real(0) == Some(number),
                    Param::Bool(flag) => row.boolean(0) == Some(flag),
                    _ => false,
                };
                assert!(is_same, "{} {column}: {row:?}", driver.name);
                let null =
                    driver.statement(&format!("INSERT INTO {{}}value ({column}) VALUES ($1)"), [Param::Null]);
                driver.write(null).await.unwrap();
                let select = format!("SELECT {column} FROM {{}}value WHERE {column} IS NULL");
                let rows = driver
                    .begin(Mode::Single)
                    .await
                    .query(vec![driver.statement(&select, [])])
                    .await
                    .unwrap();
                assert!(rows[0].first().unwrap().is_null(0), "{} {column}", driver.name);
            }
        });
    }
}

#[test]
fn a_value_that_its_column_cannot_hold_is_invalid() {
    let runtime = support::runtime();
    for driver in drivers(&runtime) {
        runtime.block_on(async {
            for (column, param) in [
                ("a_uuid", "7".into()),
                ("a_int2", Param::Int(70_000)),
                ("a_int4", Param::Int(i64::MAX)),
                ("a_varchar", "123456".into()),
                ("a_text", "a\0b".into()),
                ("a_color", "blue".into()),
                ("a_percent", Param::Int(101)),
                ("a_label", "abcd".into()),
            ] {
                let error = round_trip(&driver, column, param).await.unwrap_err();
                let is_invalid = matches!(error, DatabaseError::InvalidValue(_));
                assert!(is_invalid, "{} {column}: {error:?}", driver.name);
            }
        });
    }
}

#[test]
fn a_value_of_another_kind_is_a_bug() {
    let runtime = support::runtime();
    for driver in drivers(&runtime) {
        runtime.block_on(async {
            for (column, param) in [
                ("a_int8", "12345678".into()),
                ("a_bool", Param::Int(1)),
                ("a_text", Param::Int(1)),
                ("a_float8", Param::Bool(true)),
            ] {
                let error = round_trip(&driver, column, param).await.unwrap_err();
                let is_bug = matches!(error, DatabaseError::Unexpected(_));
                assert!(is_bug, "{} {column}: {error:?}", driver.name);
            }
            let time = driver.statement("SELECT now()", []);
            let error = driver.begin(Mode::Single).await.query(vec![time]).await.unwrap_err();
            assert!(matches!(error, DatabaseError::Unexpected(_)), "{}: {error:?}", driver.name);
        });
    }
}
