//! Bulk jobs, on a service with two users (`$0`, `$1`) and a group (`$2`).

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scim_core::schema::{ResourceType, standard};
use scim_fuzz::{World, fill};
use serde_json::Value;

static TYPES: LazyLock<[ResourceType; 2]> = LazyLock::new(|| [standard::user_type(), standard::group_type()]);

fuzz_target!(|input: &[u8]| {
    for strict in [false, true] {
        let world = World::new(strict);
        let mut names = vec![world.user("anna"), world.user("bert")];
        names.push(world.group("others", &[&names[0]]));
        let body = fill(input, &names);
        let (status, answer) = world.call("POST", "/Bulk", body.clone());
        if status == 200 {
            let results = answer["Operations"].as_array().expect("the answer has operations");
            if let Ok(job) = serde_json::from_slice::<Value>(&body) {
                let asked = job.as_object().and_then(|job| {
                    job.iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case("operations"))?
                        .1
                        .as_array()
                        .map(Vec::len)
                });
                assert!(asked.is_some_and(|asked| results.len() <= asked), "{answer}");
            }
            for result in results {
                let status: u16 = result["status"].as_str().and_then(|s| s.parse().ok()).expect("a status");
                assert!((200..500).contains(&status) || status == 501, "{result}");
                assert_eq!(status >= 400, result["response"]["status"].is_string(), "{result}");
            }
        }
        // No reference is left open, whatever failed.
        let mut total = 0;
        for on in TYPES.iter() {
            let (status, list) = world.call("GET", on.endpoint(), "");
            assert_eq!(status, 200);
            for resource in list["Resources"].as_array().into_iter().flatten() {
                total += 1;
                world.check(on, resource);
            }
        }
        if status != 200 {
            assert_eq!(total, 3, "a job that was refused did something: {answer}");
        }
    }
});
