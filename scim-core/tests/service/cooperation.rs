//! The memory provider lets other requests run while it works on a long one, with any runtime: here there is none.

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

/// Counts how often a future asks to be polled again.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A user with so many e-mails that looking at all of them takes more than one turn.
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

fn title(resource_type: &ResourceType, title: &str) -> Update {
    patch(resource_type, json!([{ "op": "replace", "path": "title", "value": title }]))
}

/// A change that looks at every e-mail and then writes something else.
fn slow(resource_type: &ResourceType) -> Update {
    let look = json!({ "op": "remove", "path": "emails[value co \"zz\"]" });
    patch(resource_type, json!([look, { "op": "add", "path": "nickName", "value": "Slow" }]))
}

/// More e-mails than are looked at in one turn.
fn emails_for_two_turns() -> usize {
    Budget::visits_per_turn() + 10_000
}

fn filter(resource_type: &ResourceType, text: &str) -> Predicate {
    let tolerance = Tolerance::strict();
    let mut read_context = ReadContext::new(&tolerance);
    let filter = Filter::parse(text, &scim_core::filter::FilterLimits::default(), &mut read_context).unwrap();
    filter.resolve(resource_type, &mut read_context).unwrap()
}

/// A store with a user whose e-mails take more than one turn to look at, and the id of that user.
fn store_with_slow_user(request: &ContextBuilder, emails: usize) -> (MemoryProvider, String) {
    let store = MemoryProvider::new();
    let created = block_on(store.create(&request.context(), user("slow", "old", emails))).unwrap();
    (store, created.id().to_owned())
}

/// Polls a future once, which must not be enough.
fn assert_begins(future: Pin<&mut impl Future>) {
    assert!(future.poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
}

async fn set(store: &MemoryProvider, cx: &Context<'_>, id: &str, update: &Update) {
    store.update(cx, id, update, &UpdateOptions::new()).await.unwrap();
}

async fn read(store: &MemoryProvider, cx: &Context<'_>, id: &str) -> Option<Resource> {
    store.retrieve(cx, id, &Projection::new(cx.resource_type())).await.unwrap()
}

#[test]
fn a_page_shows_a_single_state_although_others_write_in_between() {
    let (users, store) = (standard::user_type(), MemoryProvider::new());
    let request = Context::builder(&users);
    let cx = request.context();
    let share = emails_for_two_turns() / 10;
    let ids: Vec<String> = (0..10)
        .map(|i| {
            let there = if i == 0 { "there" } else { "not" };
            let user = block_on(store.create(&cx, user(&format!("user{i}"), there, share))).unwrap();
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
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "the future wakes itself, once");
        // The query has seen the first, but not the last: without looking again it would find both.
        for (id, now) in [(first, "not"), (last, "there")] {
            let other = request.context();
            block_on(set(&store, &other, id, &title(&users, now)));
            assert_eq!(block_on(read(&store, &other, id)).unwrap().text("title"), Some(now));
        }
        let page = block_on(scan).unwrap();
        let found: Vec<&str> = page.resources.iter().map(Resource::id).collect();
        assert_eq!((page.total, found), (Some(1), vec![last.as_str()]));
    }
    // A user that is deleted after the query has seen it is neither shown nor counted.
    block_on(set(&store, &request.context(), first, &title(&users, "there")));
    {
        let cx = request.context();
        let mut scan = pin!(store.query(&cx, &query));
        assert_begins(scan.as_mut());
        block_on(store.delete(&request.context(), first, &Precondition::NONE)).unwrap();
        assert_eq!(block_on(scan).unwrap().total, Some(1));
    }
    // A query that is cancelled leaves nothing behind.
    {
        let cx = request.context();
        let mut scan = pin!(store.query(&cx, &query));
        assert_begins(scan.as_mut());
    }
    let other = request.context();
    assert_eq!(block_on(store.query(&other, &query)).unwrap().total, Some(1));
    block_on(store.delete(&other, last, &Precondition::NONE)).unwrap();
    assert_eq!(block_on(store.query(&request.context(), &query)).unwrap().total, Some(0));
}

#[test]
fn a_group_created_during_a_query_is_shown_at_all_its_members_or_at_none() {
    let (users, groups, store) = (standard::user_type(), standard::group_type(), MemoryProvider::new());
    let request = Context::builder(&users);
    let cx = request.context();
    let [first, last] = ["first", "last"].map(|name| {
        let user = block_on(store.create(&cx, user(name, "there", emails_for_two_turns()))).unwrap();
        user.id().to_owned()
    });
    let mut query = Query::new(&users);
    query.filter = Some(filter(&users, "not (emails.value co \"zz\") and groups.display eq \"crew\""));

    let mut scan = pin!(store.query(&cx, &query));
    assert_begins(scan.as_mut());
    let crew = json!({ "displayName": "crew", "members": [{ "value": first }, { "value": last }] });
    let crew = Resource::try_from(crew).unwrap();
    block_on(store.create(&Context::builder(&groups).context(), crew)).unwrap();
    assert_eq!(block_on(scan).unwrap().total, Some(2));
}

#[test]
fn an_update_is_applied_to_the_changes_of_others() {
    let users = standard::user_type();
    let request = Context::builder(&users);
    let cx = request.context();
    let (store, id) = store_with_slow_user(&request, emails_for_two_turns());
    let (slow, options) = (slow(&users), UpdateOptions::new());

    let mut update = pin!(store.update(&cx, &id, &slow, &options));
    assert_begins(update.as_mut());
    // Nothing is locked: others read it, change it, and create and delete.
    let other = request.context();
    assert_eq!(block_on(read(&store, &other, &id)).unwrap().text("nickName"), None);
    block_on(set(&store, &other, &id, &title(&users, "new")));
    let between = block_on(read(&store, &other, &id)).unwrap().version().unwrap();
    let guest = block_on(store.create(&other, user("guest", "x", 1))).unwrap();
    block_on(store.delete(&other, guest.id(), &Precondition::NONE)).unwrap();

    let updated = block_on(update).unwrap();
    assert_eq!(updated.before, between, "it is applied after the other change");
    let now = block_on(read(&store, &other, &id)).unwrap();
    assert_eq!((now.text("title"), now.text("nickName")), (Some("new"), Some("Slow")));
    assert_eq!(now.version(), Some(updated.version));
}

#[test]
fn an_update_of_a_resource_that_is_deleted_in_between_is_404() {
    let users = standard::user_type();
    let request = Context::builder(&users);
    let cx = request.context();
    let (store, id) = store_with_slow_user(&request, emails_for_two_turns());
    let (slow, options) = (slow(&users), UpdateOptions::new());
    let mut update = pin!(store.update(&cx, &id, &slow, &options));
    assert_begins(update.as_mut());
    block_on(store.delete(&request.context(), &id, &Precondition::NONE)).unwrap();
    assert_eq!(block_on(update).unwrap_err().status(), 404);
    assert_eq!(block_on(read(&store, &request.context(), &id)), None);
}

#[test]
fn an_update_that_is_cancelled_changes_nothing() {
    let users = standard::user_type();
    let request = Context::builder(&users);
    let cx = request.context();
    let (store, id) = store_with_slow_user(&request, emails_for_two_turns());
    let before = block_on(read(&store, &cx, &id));
    let (slow, options) = (slow(&users), UpdateOptions::new());
    {
        let mut update = pin!(store.update(&cx, &id, &slow, &options));
        assert_begins(update.as_mut());
    }
    let other = request.context();
    assert_eq!(block_on(read(&store, &other, &id)), before);
    block_on(set(&store, &other, &id, &slow));
    assert_eq!(block_on(read(&store, &other, &id)).unwrap().text("nickName"), Some("Slow"));
}

#[test]
fn an_update_beyond_the_budget_changes_nothing() {
    let users = standard::user_type();
    let request = Context::builder(&users).max_work(1_000);
    let (store, id) = store_with_slow_user(&request, 2_000);
    let before = block_on(read(&store, &request.context(), &id));
    let error =
        block_on(store.update(&request.context(), &id, &slow(&users), &UpdateOptions::new())).unwrap_err();
    assert_eq!(error.status(), 413);
    assert_eq!(block_on(read(&store, &request.context(), &id)), before);
}
