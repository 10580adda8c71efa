//! The longer examples of the guide keep the contract of a provider.
#![cfg(feature = "testing")]

#[path = "../../examples/people.rs"]
#[expect(dead_code, reason = "the example's main is not called")]
mod people;

use scim_core::testing::Suite;

#[test]
fn the_people_of_an_application_pass_the_suite() {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    Suite::new(people::People::new(connection).unwrap())
        .resource_types([people::user_type().unwrap()])
        .single_tenant()
        .block_on(move |task| runtime.block_on(task))
        .run();
}
