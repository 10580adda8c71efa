//! Cases of PATCH: parsing and resolving a body, and applying a patch to a user and to groups of several sizes.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use scim_core::patch::{PATCH_OP, Patch, PatchLimits, PatchRequest};
use scim_core::schema::{ReadContext, ResourceType, Tolerance, standard};
use serde_json::{Map, Value, json};

use crate::Case;

/// Bodies that change users, in the forms that identity providers send.
fn bodies() -> Vec<String> {
    const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let work = "emails[type eq \"work\"].value";
    let emails = json!([
        { "type": "work", "value": "ilse.marlene@example.com", "primary": true },
        { "type": "home", "value": "ilse@example.net" },
    ]);
    let operations = [
        json!([
            { "op": "Replace", "path": "displayName", "value": "Ilse Marlene Brandstetter" },
            { "op": "Replace", "path": work, "value": "ilse.marlene@example.com" },
        ]),
        json!([{ "op": "Replace", "path": "userName", "value": "ilse.marlene@example.com" }]),
        json!([{ "op": "Replace", "path": "active", "value": "False" }]),
        json!([{ "op": "Add", "path": MANAGER, "value": "5d0c2b61-1c7e-4b90-9f0e-6f2a8c1d7e43" }]),
        json!([{ "op": "replace", "value": { "title": "Head of Operations", "emails": emails } }]),
        json!([{ "op": "remove", "path": "phoneNumbers[type eq \"mobile\"]" }]),
    ];
    operations.into_iter().map(message).collect()
}

fn message(operations: Value) -> String {
    json!({ "schemas": [PATCH_OP], "Operations": operations }).to_string()
}

fn resolve(resource_type: &ResourceType, tolerance: &Tolerance, limits: &PatchLimits, body: &str) -> Patch {
    let mut read_context = ReadContext::new(tolerance);
    PatchRequest::parse(body.as_bytes(), limits, &mut read_context)
        .and_then(|request| request.resolve(resource_type, limits, &mut read_context))
        .expect("a patch")
}

fn patch(resource_type: &ResourceType, operations: Value) -> Patch {
    resolve(resource_type, &Tolerance::lenient(), &PatchLimits::default(), &message(operations))
}

pub(crate) fn cases() -> Vec<Case> {
    let user = standard::user_type();
    let (tolerance, limits) = (Tolerance::lenient(), PatchLimits::default());
    let patches: Vec<Patch> = bodies().iter().map(|body| resolve(&user, &tolerance, &limits, body)).collect();
    let resource = crate::user();
    let mut cycle = patches.into_iter().map(Rc::new).collect::<Vec<_>>().into_iter().cycle();
    let next = move || (cycle.next().expect("the cycle is not empty"), resource.clone());
    let apply =
        |(patch, user): (Rc<Patch>, Map<String, Value>)| patch.apply(user).expect("the patch applies");
    let read = move |body: &String| resolve(&user, &tolerance, &limits, body);
    let json = |body: &String| serde_json::from_slice::<Value>(body.as_bytes());
    vec![
        Case::consuming("patch/apply", 0.03, next, apply),
        Case::mean("patch/parse-resolve", 1.5, bodies(), read).against(Case::mean("J", None, bodies(), json)),
    ]
}

pub(crate) fn group_cases(size: usize) -> Vec<Case> {
    Group::new(size).cases()
}

/// A group with many members, which is restored after each run.
struct Group {
    ids: Vec<String>,
    resource: Rc<RefCell<Map<String, Value>>>,
}

impl Group {
    fn new(size: usize) -> Self {
        let mut ids: Vec<String> = (0..size).map(id).collect();
        ids.sort_unstable();
        let members: Vec<Value> = ids.iter().map(|id| member(id)).collect();
        let group = json!({ "schemas": [standard::GROUP], "displayName": "All", "members": members });
        // Parsed from text, so that it lies in memory like a resource of a store, and not like the result of the macro.
        let read = serde_json::from_str(&group.to_string()).expect("a group");
        Self { ids, resource: Rc::new(RefCell::new(read)) }
    }

    fn cases(&self) -> Vec<Case> {
        let resource_type = standard::group_type();
        let size = self.ids.len();
        let new = |count: usize| (size..size + count).map(|n| member(&id(n))).collect::<Vec<Value>>();
        let old = |count: usize| self.ids.iter().step_by((size / count).max(1)).take(count);
        let add = |members: Vec<Value>| json!([{ "op": "add", "path": "members", "value": members }]);
        let remove = |members: Vec<Value>| json!([{ "op": "remove", "path": "members", "value": members }]);
        let by_filter =
            |id: &String| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
        let members = |ids: &mut dyn Iterator<Item = &String>| ids.map(|id| member(id)).collect::<Vec<_>>();

        let pairs = [
            ("add-1", 1.3, add(new(1)), remove(new(1))),
            ("add-1000", 2.0, add(new(1_000)), remove(new(1_000))),
            ("remove-100-by-filter", 2.5, old(100).map(by_filter).collect(), add(members(&mut old(100)))),
            ("remove-1000-by-value", 2.5, remove(members(&mut old(1_000))), add(members(&mut old(1_000)))),
        ];
        let patches: Vec<Patch> =
            pairs.iter().map(|(.., apply, _)| patch(&resource_type, apply.clone())).collect();
        let split = move |patch: &Patch| black_box(patch.split("members")).is_some();
        let mut cases = vec![
            self.scan(format!("group/scan/{size}")).against(self.scan("S".to_owned())),
            Case::mean(format!("group/split/{size}"), None, patches, split)
                .against(self.scan("S".to_owned())),
        ];
        for (name, bar, apply, undo) in pairs {
            let name = format!("group/{name}/{size}");
            let bar = Some(bar).filter(|_| size == 100_000);
            let case = Case::timed(
                name,
                bar,
                self.changing(patch(&resource_type, apply), patch(&resource_type, undo)),
            );
            cases.push(case.against(self.scan("S".to_owned())));
        }
        cases
    }

    /// A scan of all members, which is the least work that finding one member takes.
    fn scan(&self, name: String) -> Case {
        let group = Rc::clone(&self.resource);
        let wanted = id(usize::MAX);
        let is_wanted =
            move |member: &&Value| member.get("value").and_then(Value::as_str) == Some(black_box(&wanted));
        Case::repeated(name, None, move || members(&mut group.borrow_mut()).iter().filter(&is_wanted).count())
    }

    /// Applies a patch to the group, and then, outside of the measured time, a patch that undoes it.
    fn changing(&self, change: Patch, undo: Patch) -> impl FnMut(u64) -> Duration + 'static {
        let (group, size) = (Rc::clone(&self.resource), self.ids.len());
        let apply = |patch: &Patch, group| {
            let applied = patch.apply(group).expect("a patch of members");
            assert!(applied.changed, "the patch changes the members");
            applied.resource
        };
        move |runs| {
            let mut total = Duration::ZERO;
            for _ in 0..runs {
                let before = std::mem::take(&mut *group.borrow_mut());
                let start = Instant::now();
                let after = black_box(apply(&change, before));
                total += start.elapsed();
                let mut restored = apply(&undo, after);
                let list = members(&mut restored);
                list.sort_by(|a, b| value(a).cmp(&value(b)));
                assert_eq!(list.len(), size);
                *group.borrow_mut() = restored;
            }
            total
        }
    }
}

fn members(group: &mut Map<String, Value>) -> &mut Vec<Value> {
    group.get_mut("members").and_then(Value::as_array_mut).expect("a group with members")
}

fn value(member: &Value) -> Option<&str> {
    member.get("value").and_then(Value::as_str)
}

fn member(id: &str) -> Value {
    let uri = format!("https://scim.example.com/scim/v2/Users/{id}");
    json!({ "value": id, "$ref": uri, "type": "User" })
}

/// An id that looks random, like those of real stores.
fn id(number: usize) -> String {
    let low = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let high = low.rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let (a, b, c) = (low >> 32, low >> 16 & 0xffff, low & 0xfff);
    format!("{a:08x}-{b:04x}-4{c:03x}-8{:03x}-{:012x}", high >> 52, high & 0xffff_ffff_ffff)
}
