//! Cursors. The service must accept only cursors that it has issued. They must lead through all resources once, and back.
//! A provider must not panic if it gets a position of another provider.
//!
//! The first byte of an input is the page size, the second one selects the sort order, and the rest changes a cursor.

#![no_main]

#[path = "../../scim-core/tests/support/overriding.rs"]
mod overriding;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use overriding::{Overrides, Overriding};
use scim_core::schema::Tolerance;
use scim_core::{Context, MemoryProvider, Page, Position, Provider, Query, Result, Window, async_trait};
use scim_fuzz::{TestTenant, service};
use serde_json::Value;

/// The attributes that users are sorted by.
const SORTS: [&str; 7] =
    ["", "userName", "displayName", "active", "emails", "name.familyName", "meta.created"];

thread_local! {
    /// The position that the provider gets instead of the right one.
    static POSITION: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };

    static TENANT: TestTenant = {
        let tenant = TestTenant::on_service(service(Tolerance::lenient(), Overriding(OtherPositions(MemoryProvider::new()))), Tolerance::lenient(), "tenant");
        for number in 0..12 {
            let user = serde_json::json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": format!("user{number}"),
                "displayName": (["", "a", "A", "ß", "b"][number % 5]),
                "active": number % 2 == 0,
                "emails": [{ "value": format!("{}@example.com", number / 3), "primary": number % 3 == 0 }],
                "name": { "familyName": (["Z", "ö", "é"][number % 3]) },
            });
            let (status, answer) = tenant.call("POST", "/Users", user.to_string());
            assert_eq!(status, 201, "{answer}");
        }
        tenant
    };
}

/// The memory provider. If [`POSITION`] is set, it gets that position instead of the right one.
#[derive(Clone)]
struct OtherPositions(MemoryProvider);

#[async_trait]
impl Overrides for OtherPositions {
    fn inner(&self) -> &dyn Provider {
        &self.0
    }

    async fn query(&self, cx: &Context<'_>, query: &Query) -> Result<Page> {
        let mut query = query.clone();
        if let Some(position) = POSITION.with_borrow_mut(Option::take) {
            query.window = match query.window {
                Window::Before(_) => Window::Before(Position(position)),
                _ => Window::After(Position(position)),
            };
        }
        self.0.query(cx, &query).await
    }
}

fuzz_target!(|input: &[u8]| {
    let [count, sort, rest @ ..] = input else { return };
    let sort = SORTS[usize::from(*sort) % SORTS.len()];
    let order = if count & 0x80 == 0 { "ascending" } else { "descending" };
    let endpoint = if count & 0x40 == 0 { "/Users" } else { "" };
    let count = usize::from(count & 0x0f);
    let sort = if sort.is_empty() { String::new() } else { format!("&sortBy={sort}&sortOrder={order}") };
    TENANT.with(|tenant| {
        let page =
            |cursor: &str| tenant.call("GET", &format!("{endpoint}?count={count}{sort}&cursor={cursor}"), "");
        let (status, first) = page("");
        assert_eq!(status, 200, "{first}");
        if count > 0 {
            check_all_pages(&first, count, &page);
        }

        // A text that the service has not issued is no cursor.
        let text: String = rest.iter().map(|byte| format!("%{byte:02X}")).collect();
        if !rest.is_empty() {
            assert_eq!(page(&text).0, 400);
        }
        let Some(cursor) = first["nextCursor"].as_str() else { return };
        let mut changed = cursor.as_bytes().to_vec();
        for pair in rest.chunks_exact(2) {
            let index = usize::from(pair[0]) % changed.len();
            changed[index] = b"ABCDwxyz0189-_~."[usize::from(pair[1]) % 16];
        }
        if changed != cursor.as_bytes() {
            let changed = String::from_utf8(changed).expect("it is ASCII");
            assert_eq!(
                page(&changed).0,
                400,
                "the service accepts {changed}, which is a changed form of {cursor}"
            );
        }

        // The position of another release, or of another provider.
        POSITION.set(Some(rest.to_vec()));
        page(cursor);
        POSITION.set(None);
    });
});

/// Follows the cursors to the last page, and back to the first.
fn check_all_pages(first: &Value, count: usize, page: &dyn Fn(&str) -> (u16, Value)) {
    let ids = |page: &Value| -> Vec<String> {
        let resources = page["Resources"].as_array().into_iter().flatten();
        resources.map(|resource| resource["id"].as_str().expect("an id").to_owned()).collect()
    };
    let mut pages = vec![ids(first)];
    let mut last = first.clone();
    while let Some(next) = last["nextCursor"].as_str() {
        let (status, page) = page(next);
        assert_eq!(status, 200, "{page}");
        pages.push(ids(&page));
        last = page;
        assert!(pages.len() <= 13, "there are more pages than resources");
    }
    let mut all = pages.concat();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), pages.concat().len()), (12, 12), "page size {count}");
    for expected in pages.iter().rev().skip(1) {
        let previous =
            last["previousCursor"].as_str().expect("a page after the first has a previousCursor").to_owned();
        let (status, page) = page(&previous);
        assert_eq!(status, 200, "{page}");
        assert_eq!(&ids(&page), expected, "page size {count}, backward");
        last = page;
    }
}
