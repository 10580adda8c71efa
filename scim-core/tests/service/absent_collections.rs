//! `/Users` and `/Groups` of a service that has only one of them (RFC 7644 section 3.2).

use http::{Request, StatusCode};
use scim_core::schema::{Quirk, Tolerance};
use scim_core::{Identity, MemoryProvider, ScimService};
use serde_json::{Value, json};

fn users_only(tolerance: Tolerance) -> ScimService {
    let builder = ScimService::builder().base_url("https://example.com/scim/v2").tolerance(tolerance);
    builder.users(MemoryProvider::new()).build().unwrap()
}

fn answer(service: &ScimService, method: &str, target: &str, body: &str) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(target).body(body.to_owned()).unwrap();
    request.extensions_mut().insert(Identity::new("tests"));
    let response = pollster::block_on(service.handle(request));
    (response.status(), serde_json::from_slice(response.body()).unwrap_or_default())
}

#[test]
fn a_query_of_an_absent_collection_gets_an_empty_list_where_that_is_tolerated() {
    let service = users_only(Tolerance::lenient());
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
    });
    let filter = "filter=displayName%20eq%20%22Divers%22&startIndex=1&count=1";
    for target in ["/Groups".to_owned(), format!("/groups/?{filter}"), format!("/scim/v2/Groups?{filter}")] {
        assert_eq!(answer(&service, "GET", &target, ""), (StatusCode::OK, expected.clone()), "{target}");
    }
    let mut request = Request::get("/Groups").body(()).unwrap();
    request.extensions_mut().insert(Identity::new("tests"));
    let operation = service.parse(&request.into_parts().0, b"").unwrap();
    let quirks: Vec<Quirk> = operation.tolerated().iter().map(|tolerated| tolerated.quirk).collect();
    assert_eq!(quirks, [Quirk::AbsentCollection]);

    // Nothing else exists there, and the list is no part of what discovery shows.
    let group = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Divers"}"#;
    for (method, target) in
        [("POST", "/Groups"), ("GET", "/Groups/7"), ("POST", "/Groups/.search"), ("GET", "/Teams")]
    {
        assert_eq!(answer(&service, method, target, group).0, StatusCode::NOT_FOUND, "{method} {target}");
    }
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "POST", "path": "/Groups", "bulkId": "a", "data": {"displayName": "Divers"}}],
    });
    let (_, answered) = answer(&service, "POST", "/Bulk", &bulk.to_string());
    assert_eq!(answered.pointer("/Operations/0/status"), Some(&json!("404")), "{answered}");
    let (_, types) = answer(&service, "GET", "/ResourceTypes", "");
    assert_eq!(types.get("totalResults"), Some(&json!(1)));
}

#[test]
fn it_is_not_found_elsewhere() {
    for tolerance in
        [Tolerance::strict(), Tolerance::interop(), Tolerance::lenient().without(Quirk::AbsentCollection)]
    {
        let service = users_only(tolerance);
        let (status, body) = answer(&service, "GET", "/Groups", "");
        assert_eq!(
            (status, body.get("detail")),
            (StatusCode::NOT_FOUND, Some(&json!("there is no such endpoint")))
        );
    }
}
