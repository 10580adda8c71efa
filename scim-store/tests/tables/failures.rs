//! The database fails in the middle of a request: the client gets the right error, and nothing is half written.

use http::Method;
use scim_core::schema::standard;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::application::{Application, Form};
use crate::client::{Client, group, id, patch, user};
use crate::faulty::{Failure, FaultyDatabase, Plan};
use crate::support;

/// A failure of a write, and the status and scimType that the client gets for it.
const FAILURES: [(Failure, u16, Option<&str>); 7] = [
    (Failure::Unavailable, 503, None),
    (Failure::CommitUnknown, 503, None),
    (Failure::Unique, 409, Some("uniqueness")),
    (Failure::ForeignKey, 409, None),
    (Failure::NotNull, 400, Some("invalidValue")),
    (Failure::InvalidValue, 400, Some("invalidValue")),
    (Failure::Unexpected, 500, None),
];

/// A service on a database that fails when the test wants it, and some resources.
struct Faulty<'a> {
    runtime: &'a Runtime,
    application: Application,
    database: FaultyDatabase,
    client: Client<'a>,
    form: Form,
    count: usize,
}

/// A request that writes, and how to see that it was executed.
struct Attempt {
    method: Method,
    path: String,
    body: Option<Value>,
    name: &'static str,
}

const WRITES: usize = 9;

impl<'a> Faulty<'a> {
    fn all(runtime: &'a Runtime, form: Form) -> Vec<Self> {
        let applications = Application::all(runtime, form).into_iter();
        applications
            .map(|application| {
                let database = FaultyDatabase::new(application.open(runtime));
                let store = runtime.block_on(application.declare_on(database.clone()).build()).unwrap();
                let client = Client::new(runtime, &application, &store);
                Self { runtime, application, database, client, form, count: 0 }
            })
            .collect()
    }

    fn user(&mut self) -> Value {
        self.count += 1;
        let mut user = user(&format!("user{}", self.count));
        match self.form {
            Form::Folded => {
                let emails = [("work", "a@example.com"), ("home", "b@example.com")];
                user["emails"] = emails.map(|(kind, value)| json!({ "type": kind, "value": value })).into();
                user["title"] = json!("Dr");
            }
            Form::Organization => {
                user["emails"] = json!([{ "type": "work", "value": "a@example.com" }]);
            }
            _ => user["displayName"] = json!("Bea"),
        }
        user
    }

    /// Prepares the resources for a write, and returns the request.
    fn prepare(&mut self, index: usize) -> Attempt {
        let body = self.user();
        let members: Vec<String> = (0..3)
            .map(|_| {
                let body = self.user();
                self.client.create("/Users", body).0
            })
            .collect();
        let [a, b, c] = [&members[0], &members[1], &members[2]].map(String::as_str);
        let team = self.client.create("/Groups", group("All", &[a, b])).0;
        let name = json!({ "op": "replace", "path": "displayName", "value": "Some" });
        let member =
            |op: &str, path: &str| json!({ "op": op, "path": "members", "value": [{ "value": id(path) }] });
        let selected = format!("members[value eq \"{}\"]", id(a));
        if self.form == Form::Organization {
            let manager = json!({ "op": "add", "path": "manager", "value": { "value": id(a) } });
            assert_eq!(self.client.patch(b, manager).status, 200);
        }
        let change = match self.form {
            Form::Folded => vec![
                json!({ "op": "remove", "path": "emails[type eq \"work\"]" }),
                json!({ "op": "add", "path": "emails", "value": [{ "type": "other", "value": "c@example.com" }] }),
                json!({ "op": "replace", "path": "title", "value": "Prof" }),
            ],
            Form::Organization => {
                vec![json!({ "op": "add", "path": "manager", "value": { "value": id(c) } })]
            }
            _ => vec![json!({ "op": "replace", "path": "active", "value": false })],
        };
        let (name, method, path, body) = match index {
            0 => ("create a user", Method::POST, "/Users", body),
            1 => ("replace a user", Method::PUT, a, body),
            2 => ("change a user", Method::PATCH, a, patch(change)),
            3 => ("delete a user", Method::DELETE, a, Value::Null),
            4 => ("create a group", Method::POST, "/Groups", group("More", &[a, b, c])),
            5 => ("add a member", Method::PATCH, &*team, patch([member("add", c), name])),
            6 => (
                "remove a member",
                Method::PATCH,
                &*team,
                patch([json!({ "op": "remove", "path": selected })]),
            ),
            7 => ("replace the members", Method::PUT, &*team, group("Some", &[b, c])),
            _ => ("delete a group", Method::DELETE, &*team, Value::Null),
        };
        Attempt { method, path: path.to_owned(), body: Some(body).filter(|body| !body.is_null()), name }
    }

    /// Sends a request while the database fails. Returns the status, the scimType, and how many times the database failed.
    fn send(&self, attempt: &Attempt, plan: Plan) -> (u16, Value, usize) {
        self.database.fail(plan);
        let call = self.client.call(&attempt.method, &attempt.path, attempt.body.as_ref(), None);
        let response = self.runtime.block_on(call);
        let failures = self.database.repair();
        if response.status >= 500 {
            let detail = response.body["detail"].as_str().unwrap_or_default();
            assert!(!detail.contains("the test wants"), "the error of the driver is for logs only: {detail}");
        }
        (response.status, response.body["scimType"].clone(), failures)
    }
}

fn run(form: Form) {
    let runtime = support::runtime();
    for mut faulty in Faulty::all(&runtime, form) {
        for write in 0..WRITES {
            let statements = conflict_at_each_statement(&mut faulty, write);
            fail_at_each_statement(&mut faulty, write, statements);
            lose_the_answer_to_the_commit(&mut faulty, write, statements);
        }
        fail_while_reading(&mut faulty);
    }
}

/// A conflict with another transaction is tried again, whichever statement reports it. Returns the number of statements of
/// the write, including BEGIN and COMMIT.
fn conflict_at_each_statement(faulty: &mut Faulty<'_>, write: usize) -> usize {
    for after in 0.. {
        let attempt = faulty.prepare(write);
        let plan = Plan { failure: Failure::Conflict, after, commits: false, times: 1 };
        let (status, _, failures) = faulty.send(&attempt, plan);
        let about = format!("{:?} {}: a conflict after {after}", faulty.form, attempt.name);
        assert!(matches!(status, 200 | 201 | 204), "{about}: {status}");
        if failures == 0 {
            assert!(after > 3, "{about}: only so few statements");
            return after;
        }
    }
    unreachable!("each request ends");
}

/// Nothing is written if a statement fails, whichever it is.
fn fail_at_each_statement(faulty: &mut Faulty<'_>, write: usize, statements: usize) {
    let attempt = faulty.prepare(write);
    let before = faulty.application.contents(faulty.runtime);
    for (failure, status, scim_type) in FAILURES {
        for after in 0..statements {
            let plan = Plan { failure, after, commits: false, times: usize::MAX };
            let (found, found_type, failures) = faulty.send(&attempt, plan);
            let about = format!("{:?} {}: {failure:?} after {after}", faulty.form, attempt.name);
            assert_eq!((found, found_type.as_str()), (status, scim_type), "{about}");
            // After a COMMIT without an answer, the server is asked, and the write tried again.
            let is_tried_again = failure == Failure::CommitUnknown;
            assert!(failures == 1 || is_tried_again, "{about}: only conflicts are tried again");
        }
    }
    // A conflict that does not go away; once is enough, since the pauses between the attempts take long.
    if write == 0 {
        let plan =
            Plan { failure: Failure::Conflict, after: statements - 1, commits: false, times: usize::MAX };
        let (status, _, failures) = faulty.send(&attempt, plan);
        assert_eq!((status, failures), (503, 6), "{:?} {}", faulty.form, attempt.name);
    }
    assert_eq!(faulty.application.contents(faulty.runtime), before, "{:?} {}", faulty.form, attempt.name);
    let executed = Plan { failure: Failure::Unexpected, after: statements, commits: false, times: 1 };
    let (status, _, failures) = faulty.send(&attempt, executed);
    assert!(
        matches!(status, 200 | 201 | 204) && failures == 0,
        "{:?} {}: {status}",
        faulty.form,
        attempt.name
    );
    assert_ne!(faulty.application.contents(faulty.runtime), before, "{:?} {}", faulty.form, attempt.name);
}

/// PostgreSQL tells whether the transaction was committed: the write is executed once, and succeeds. SQLite does not lose
/// answers; if it did, the client would be told to try again, and find that everything was written.
fn lose_the_answer_to_the_commit(faulty: &mut Faulty<'_>, write: usize, statements: usize) {
    let is_postgres = !faulty.application.database.is_file();
    let plan = |commits| Plan { failure: Failure::CommitUnknown, after: statements - 1, commits, times: 1 };
    let attempt = faulty.prepare(write);
    let before = faulty.application.contents(faulty.runtime);
    let (status, _, failures) = faulty.send(&attempt, plan(false));
    let about = format!("{:?} {}", faulty.form, attempt.name);
    assert_eq!((status < 300, failures), (is_postgres, 1), "{about}: {status}");
    assert_eq!(faulty.application.contents(faulty.runtime) != before, is_postgres, "{about}");

    let attempt = faulty.prepare(write);
    let before = faulty.application.contents(faulty.runtime);
    let (status, _, failures) = faulty.send(&attempt, plan(true));
    assert_eq!((status < 300, failures), (is_postgres, 1), "{about}: {status}");
    let after = faulty.application.contents(faulty.runtime);
    assert_ne!(after, before, "{about}");
    let again = faulty.runtime.block_on(faulty.client.call(
        &attempt.method,
        &attempt.path,
        attempt.body.as_ref(),
        None,
    ));
    match (&attempt.method, &*attempt.path) {
        (&Method::DELETE, _) => assert_eq!(again.status, 404, "{about}"),
        (&Method::POST, "/Users") => assert_eq!(again.status, 409, "{about}"),
        // The application allows several groups of one name.
        (&Method::POST, _) => assert_eq!(again.status, 201, "{about}"),
        _ => {
            assert!(matches!(again.status, 200 | 204), "{about}: {}", again.body);
            assert_eq!(faulty.application.contents(faulty.runtime), after, "{about}: it was complete");
        }
    }
}

fn fail_while_reading(faulty: &mut Faulty<'_>) {
    let attempt = faulty.prepare(8);
    let reads =
        [&*attempt.path, "/Users", "/Groups?filter=members%20pr&sortBy=displayName", "/Users?count=1"];
    for path in reads {
        for (failure, expected) in
            [(Failure::Unavailable, 503), (Failure::Conflict, 503), (Failure::Unexpected, 500)]
        {
            for after in 0.. {
                faulty.database.fail(Plan { failure, after, commits: false, times: usize::MAX });
                let response = faulty.client.get(path);
                if faulty.database.repair() == 0 {
                    assert_eq!(response.status, 200, "{path}");
                    assert!(after > 1, "{path}: only so few statements");
                    break;
                }
                assert_eq!(response.status, expected, "{path}: {failure:?} after {after}");
            }
        }
    }
}

#[test]
fn users_and_groups_in_tenants() {
    run(Form::Organization);
}

#[test]
fn uuids_and_rows_that_are_marked_as_deleted() {
    run(Form::Soft);
}

#[test]
fn child_tables_and_folded_columns() {
    run(Form::Folded);
}

#[test]
fn a_row_that_other_data_refers_to_is_not_deleted() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        application.sql(
            &runtime,
            "CREATE TABLE {}orders (person_id integer REFERENCES {}people (person_id), team_id integer REFERENCES {}teams (team_id))",
        );
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let (bea, _) = client.create("/Users", user("bea"));
        let (cy, _) = client.create("/Users", user("cy"));
        let manager = json!({ "op": "add", "path": "manager", "value": { "value": id(&bea) } });
        assert_eq!(client.patch(&cy, manager).status, 200);
        let (team, _) = client.create("/Groups", group("All", &[&bea]));
        let order = format!(
            "INSERT INTO {{}}orders VALUES ({}, {})",
            id(&bea).trim_start_matches('p'),
            id(&team).trim_start_matches('t')
        );
        application.sql(&runtime, &order);
        let before = application.contents(&runtime);
        for path in [&bea, &team] {
            let refused = client.send(Method::DELETE, path, None);
            assert_eq!(refused.status, 409, "{}", refused.body);
            assert_eq!(refused.body.get("scimType"), None, "it is not about uniqueness: {}", refused.body);
            assert_eq!(application.contents(&runtime), before, "members and references stay as well");
        }
        application.sql(&runtime, "DELETE FROM {}orders");
        assert_eq!(client.send(Method::DELETE, &bea, None).status, 204);
        assert_eq!(client.get(&cy).body[standard::ENTERPRISE_USER].get("manager"), None);
        assert_eq!(client.send(Method::DELETE, &team, None).status, 204);
    }
}

#[test]
fn a_violation_names_the_attribute_of_its_index() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        for (index, keys) in [("external", "org_id, external_id"), ("mail", "mail"), ("first", "first, last")]
        {
            application.sql(&runtime, &format!("CREATE UNIQUE INDEX by_{index} ON {{}}people ({keys})"));
        }
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let all = json!({
            "externalId": "x", "name": { "givenName": "A", "familyName": "B" },
            "emails": [{ "type": "work", "value": "a@example.com" }],
        });
        let mut body = user("bea");
        body.as_object_mut().unwrap().extend(all.as_object().unwrap().clone());
        client.create("/Users", body);
        let same =
            [("userName", "userName"), ("externalId", "externalId"), ("emails", "emails"), ("name", "name.")];
        for (attribute, named) in same {
            let mut body = user(if attribute == "userName" { "BEA" } else { "other" });
            if attribute != "userName" {
                body[attribute] = all[attribute].clone();
            }
            let refused = client.send(Method::POST, "/Users", Some(body));
            assert_eq!((refused.status, &refused.body["scimType"]), (409, &json!("uniqueness")));
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(
                detail.contains(&format!("`{named}")),
                "{} {attribute}: {detail}",
                application.database.url
            );
        }
    }
}

#[test]
fn a_closed_connection_is_answered_with_503_and_replaced() {
    let runtime = support::runtime();
    let applications = Application::all(&runtime, Form::Organization).into_iter();
    for application in applications.filter(|application| !application.database.is_file()) {
        // The rule closes the connection in the middle of a write.
        let declared = application.declare(&runtime).on_write(|write| {
            Box::pin(async move {
                let name = write.after().and_then(|user| user.as_map().get("userName")?.as_str());
                if name == Some("closed") {
                    write.query("SELECT pg_terminate_backend(pg_backend_pid())", []).await?;
                }
                Ok(())
            })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        let (bea, _) = client.create("/Users", user("bea"));
        let before = application.contents(&runtime);
        let rename = json!({ "op": "replace", "path": "userName", "value": "closed" });
        for _ in 0..20 {
            assert_eq!(client.send(Method::POST, "/Users", Some(user("closed"))).status, 503);
            assert_eq!(client.patch(&bea, rename.clone()).status, 503);
        }
        assert_eq!(application.contents(&runtime), before);
        assert_eq!(client.get(&bea).status, 200);
        client.create("/Users", user("cy"));
    }
}
