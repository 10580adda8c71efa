//! Settings that are refused.

use scim_core::schema::standard;
use scim_sync::{Settings, Synchronizer};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    settings: Value,
    /// A part of each line, in order.
    errors: Vec<String>,
}

#[test]
fn each_mistake_is_named_with_what_to_write() {
    for case in testdata::load::<Vec<Case>>("sync/settings.json") {
        let settings = serde_json::from_str::<Settings>(&case.settings.to_string());
        let errors = match settings {
            Err(error) => vec![error.to_string()],
            Ok(settings) => match Synchronizer::new(settings, &standard::user_type()) {
                Ok(_) => Vec::new(),
                Err(error) => error.errors().to_vec(),
            },
        };
        assert_eq!(errors.len(), case.errors.len(), "{}: {errors:#?}", case.name);
        for (error, expected) in errors.iter().zip(&case.errors) {
            assert!(error.contains(expected.as_str()), "{}: {error}", case.name);
        }
    }
}
