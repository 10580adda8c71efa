//! Runs the provider suite of scim-core through each form of tables, on every database.

use scim_core::Identity;
use scim_core::testing::Suite;
use scim_store::Adoption;

use crate::application::{Application, Form};
use crate::events::{create_events_tables, events_table};
use crate::support;
use crate::support::recording::RecordingDatabase;
use crate::tenants::check_statements;

fn run(form: Form) {
    let runtime = support::runtime();
    for application in Application::all(&runtime, form) {
        let recording = RecordingDatabase::new(application.open(&runtime));
        let mut declared = application.declare_on(recording.clone());
        let records_events = matches!(form, Form::Organization | Form::Distributed);
        if records_events {
            create_events_tables(&runtime, &application);
            declared = declared.events_table(events_table(&application));
        }
        if form == Form::Distributed {
            application.sql(&runtime, "ALTER TABLE {}people ADD COLUMN scim_client text");
            declared = declared.users(application.users().adopted_by("scim_client"));
            declared = declared.adopt(|_| Box::pin(async { Ok(Adoption::Refuse) }));
        }
        let store = runtime.block_on(declared.build()).unwrap();
        // The statements that read the catalog.
        recording.forget();
        if let Some(outbox) = store.outbox() {
            runtime.block_on(outbox.events(Some("suite"), 0, 1)).unwrap();
            runtime.block_on(outbox.acknowledge(Some("suite"), "suite", 1)).unwrap();
        }
        let block_on = support::runtime();
        let mut suite =
            Suite::new(store.clone()).resource_types(store.resource_types()).flat_groups().ascii_texts();
        // Tenants are UUIDs, as a column of that type needs.
        let tenants: Vec<String> = (0..500).map(|_| support::tenant()).collect();
        if application.has_tenants() {
            suite = suite.identities(move |n| Identity::new("suite").in_tenant(tenants[n].clone()));
        } else {
            suite = suite.identities(|_| Identity::new("suite")).single_tenant();
        }
        if records_events {
            suite = suite.references("manager", "User");
        }
        let report = suite.block_on(move |task| block_on.block_on(task)).report();
        println!("{form:?} {}\n{report}\nwarnings: {:#?}", application.database.url, store.warnings());
        assert!(report.failed.is_empty(), "{form:?} {}\n{report}", application.database.url);
        let expected_skips: &[&str] = match form {
            Form::Users => &["tenants", "memberships"],
            _ => &[],
        };
        let is_expected =
            |name: &&str| expected_skips.contains(name) || *name == "secrets" || !application.has_groups();
        assert!(report.skipped.iter().all(is_expected), "{form:?} {}\n{report}", application.database.url);
        assert!(report.not_kept.is_empty(), "{form:?} {}\n{report}", application.database.url);
        if form == Form::Distributed {
            check_statements(&application, &recording);
        }
    }
}

#[test]
fn users_without_tenants() {
    run(Form::Users);
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
fn columns_that_ignore_case() {
    run(Form::CaseInsensitive);
}

#[test]
fn the_tenant_first_in_every_key() {
    run(Form::Distributed);
}
