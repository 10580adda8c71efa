//! Bulk requests to a service with two users (`$0`, `$1`) and a group (`$2`).

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_fuzz::{TestTenant, replace_ids};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    for strict in [false, true] {
        let tenant = TestTenant::new(strict);
        let ids = tenant.create_users_and_group();
        let body = replace_ids(input, &ids);
        let (status, answer) = tenant.call("POST", "/Bulk", body.clone());
        if status == 200 {
            let results = answer["Operations"].as_array().expect("the answer has operations");
            if let Ok(request) = serde_json::from_slice::<Value>(&body) {
                let sent = request.as_object().and_then(|request| {
                    request
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case("operations"))?
                        .1
                        .as_array()
                        .map(Vec::len)
                });
                assert!(sent.is_some_and(|sent| results.len() <= sent), "{answer}");
            }
            for result in results {
                let status: u16 = result["status"].as_str().and_then(|s| s.parse().ok()).expect("a status");
                assert!((200..500).contains(&status) || status == 501, "{result}");
                assert_eq!(status >= 400, result["response"]["status"].is_string(), "{result}");
            }
        }
        // All references must be resolved, even if some operations have failed.
        let total = tenant.check_all();
        if status != 200 {
            assert_eq!(
                total, 3,
                "a bulk request that was refused has created or deleted a resource: {answer}"
            );
        }
    }
});
