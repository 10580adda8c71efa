//! The memory provider yields during long requests, so that others can run. It works with any runtime; these tests use none.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use pollster::block_on;
use scim_core::filter::{Filter, Predicate};
use scim_core::patch::{PATCH_OP, PatchLimits, PatchRequest};
use scim_core::schema::{Projection, ReadContext, ResourceType, Tolerance, standard};
use scim_core::{
    Budget, Context, ContextBuilder, MemoryProvider, Precondition, Provider, Query, Resource, Update,
    UpdateOptions,
};
use serde_json::{Value, json};

/// Counts how often a future wakes its task.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A user with this number of e-mails.
fn user(name: &str, title: &str, emails: usize) -> Resource {
    let emails: Vec<Value> = (0..emails).map(|i| json!({ "value": format!("{i}@example.com") })).collect();
    Resource::try_from(json!({ "userName": name, "title": title, "emails": emails })).unwrap()
}

fn patch(resource_type: &ResourceType, operations: Value) -> Update {
    let (tolerance, limits) = (Tolerance::lenient(), PatchLimits::default());
    let mut read_context = ReadContext::new(&tolerance);
    let message = json!({ "schemas": [PATCH_OP], "Operations": operations });
    let request = PatchRequest::from_value(message, &limits, &mut read_context).unwrap();
    Update::Patch(request.resolve(resource_type, &limits, &mut read_context).unwrap())
}

fn set_title(resource_type: &ResourceType, title: &str) -> Update {
    patch(resource_type, json!([{ "op": "replace", "path": "title", "value": title }]))
}

/// An update that reads every e-mail and then sets another attribute.
fn slow_update(resource_type: &ResourceType) -> Update {
    let search = json!({ "op": "remove", "path": "emails[value co \"zz\"]" });
    patch(resource_type, json!([search, { "op": "add", "path": "nickName", "value": "Slow" }]))
}

/// A number of e-mails that takes longer to read than a future may run without yielding.
fn emails_that_cause_a_yield() -> usize {
    Budget::visits_per_turn() + 10_000
}

fn filter(resource_type: &ResourceType, text: &str) -> Predicate {
    let tolerance = Tolerance::strict();
    let mut read_context = ReadContext::new(&tolerance);
    let filter = Filter::parse(text, &scim_core::filter::FilterLimits::default(), &mut read_context).unwrap();
    filter.resolve(resource_type, &mut read_context).unwrap()
}

/// A store with a user with this number of e-mails, and the id of the user.
fn store_with_slow_user(request: &ContextBuilder, emails: usize) -> (MemoryProvider, String) {
    let store = MemoryProvider::new();
    let created = block_on(store.create(&request.context(), user("slow", "old", emails))).unwrap();
    (store, created.id().to_owned())
}

/// Polls a future once, and asserts that it is not done.
fn assert_yields(future: Pin<&mut impl Future>) {
    assert!(future.poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
}

async fn apply_update(store: &MemoryProvider, cx: &Context<'_>, id: &str, update: &Update) {
    store.update(cx, id, update, &UpdateOptions::new()).await.unwrap();
}

async fn read(store: &MemoryProvider, cx: &Context<'_>, id: &str) -> Option<Resource> {
    store.retrieve(cx, id, &Projection::new(cx.resource_type())).await.unwrap()
}

#[test]
fn a_page_shows_a_single_state_even_if_others_write_in_between() {
    let (users, store) = (standard::user_type(), MemoryProvider::new());
    let request = Context::builder(&users);
    let cx = request.context();
    let emails_each = emails_that_cause_a_yield() / 10;
    let ids: Vec<String> = (0..10)
        .map(|i| {
            let title = if i == 0 { "there" } else { "not" };
            let user = block_on(store.create(&cx, user(&format!("user{i}"), title, emails_each))).unwrap();
            user.id().to_owned()
        })
        .collect();
    let (first, last) = (ids.first().unwrap(), ids.last().unwrap());
    let mut query = Query::new(&users);
    query.filter = Some(filter(&users, "not (emails.value co \"zz\") and title eq \"there\""));

    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut task = std::task::Context::from_waker(&waker);
    {
        let mut scan = pin!(store.query(&cx, &query));
        assert!(scan.as_mut().poll(&mut task).is_pending());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "the future wakes its task once");
        // The query has visited the first user, but not the last one. If it did not start again, it would find both.
        for (id, new_title) in [(first, "not"), (last, "there")] {
            let other = request.context();
            block_on(apply_update(&store, &other, id, &set_title(&users, new_title)));
            assert_eq!(block_on(read(&store, &other, id)).unwrap().text("title"), Some(new_title));
        }
        let page = block_on(scan).unwrap();
        let found: Vec<&str> = page.resources.iter().map(Resource::id).collect();
        assert_eq!((page.total, found), (Some(1), vec![last.as_str()]));
    }
    // A user that is deleted after the query has visited it is neither returned nor counted.
    block_on(apply_update(&store, &request.context(), first, &set_title(&users, "there")));
    {
        let cx = request.context();
        let mut scan = pin!(store.query(&cx, &query));
        assert_yields(scan.as_mut());
        block_on(store.delete(&request.context(), first, &Precondition::NONE)).unwrap();
        assert_eq!(block_on(scan).unwrap().total, Some(1));
    }
    // A cancelled query has no effect on the following requests.
    {
        let cx = request.context();
        let mut scan = pin!(store.query(&cx, &query));
        assert_yields(scan.as_mut());
    }
    let other = request.context();
    assert_eq!(block_on(store.query(&other, &query)).unwrap().total, Some(1));
    block_on(store.delete(&other, last, &Precondition::NONE)).unwrap();
    assert_eq!(block_on(store.query(&request.context(), &query)).unwrap().total, Some(0));
}

#[test]
fn a_group_that_is_created_during_a_query_is_found_for_all_its_members() {
    let (users, groups, store) = (standard::user_type(), standard::group_type(), MemoryProvider::new());
    let request = Context::builder(&users);
    let cx = request.context();
    let [first, last] = ["first", "last"].map(|name| {
        let user = block_on(store.create(&cx, user(name, "there", emails_that_cause_a_yield()))).unwrap();
        user.id().to_owned()
    });
    let mut query = Query::new(&users);
    query.filter = Some(filter(&users, "not (emails.value co \"zz\") and groups.display eq \"crew\""));

    let mut scan = pin!(store.query(&cx, &query));
    assert_yields(scan.as_mut());
    let crew = json!({ "displayName": "crew", "members": [{ "value": first }, { "value": last }] });
    let crew = Resource::try_from(crew).unwrap();
    block_on(store.create(&Context::builder(&groups).context(), crew)).unwrap();
    assert_eq!(block_on(scan).unwrap().total, Some(2));
}

#[test]
fn an_update_is_applied_again_after_another_request_has_changed_the_resource() {
    let users = standard::user_type();
    let request = Context::builder(&users);
    let cx = request.context();
    let (store, id) = store_with_slow_user(&request, emails_that_cause_a_yield());
    let (slow, options) = (slow_update(&users), UpdateOptions::new());

    let mut update = pin!(store.update(&cx, &id, &slow, &options));
    assert_yields(update.as_mut());
    // No lock is held: other requests can read and change the user, and create and delete others.
    let other = request.context();
    assert_eq!(block_on(read(&store, &other, &id)).unwrap().text("nickName"), None);
    block_on(apply_update(&store, &other, &id, &set_title(&users, "new")));
    let between = block_on(read(&store, &other, &id)).unwrap().version().unwrap();
    let guest = block_on(store.create(&other, user("guest", "x", 1))).unwrap();
    block_on(store.delete(&other, guest.id(), &Precondition::NONE)).unwrap();

    let updated = block_on(update).unwrap();
    assert_eq!(updated.before, between, "the update is applied after the other change");
    let after = block_on(read(&store, &other, &id)).unwrap();
    assert_eq!((after.text("title"), after.text("nickName")), (Some("new"), Some("Slow")));
    assert_eq!(after.version(), Some(updated.version));
}

#[test]
fn an_update_of_a_resource_that_is_deleted_in_between_gets_404() {
    let users = standard::user_type();
    let request = Context::builder(&users);
    let cx = request.context();
    let (store, id) = store_with_slow_user(&request, emails_that_cause_a_yield());
    let (slow, options) = (slow_update(&users), UpdateOptions::new());
    let mut update = pin!(store.update(&cx, &id, &slow, &options));
    assert_yields(update.as_mut());
    block_on(store.delete(&request.context(), &id, &Precondition::NONE)).unwrap();
    assert_eq!(block_on(update).unwrap_err().status(), 404);
    assert_eq!(block_on(read(&store, &request.context(), &id)), None);
}

#[test]
fn a_cancelled_update_changes_nothing() {
    let users = standard::user_type();
    let request = Context::builder(&users);
    let cx = request.context();
    let (store, id) = store_with_slow_user(&request, emails_that_cause_a_yield());
    let before = block_on(read(&store, &cx, &id));
    let (slow, options) = (slow_update(&users), UpdateOptions::new());
    {
        let mut update = pin!(store.update(&cx, &id, &slow, &options));
        assert_yields(update.as_mut());
    }
    let other = request.context();
    assert_eq!(block_on(read(&store, &other, &id)), before);
    block_on(apply_update(&store, &other, &id, &slow));
    assert_eq!(block_on(read(&store, &other, &id)).unwrap().text("nickName"), Some("Slow"));
}

#[test]
fn an_update_that_exceeds_the_work_budget_changes_nothing() {
    let users = standard::user_type();
    let request = Context::builder(&users).max_work(1_000);
    let (store, id) = store_with_slow_user(&request, 2_000);
    let before = block_on(read(&store, &request.context(), &id));
    let error = block_on(store.update(&request.context(), &id, &slow_update(&users), &UpdateOptions::new()))
        .unwrap_err();
    assert_eq!(error.status(), 413);
    assert_eq!(block_on(read(&store, &request.context(), &id)), before);
}
