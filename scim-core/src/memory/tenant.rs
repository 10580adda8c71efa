//! All resources of one tenant, and what relates them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use scim_patch::{ListDelta, key_of};
use scim_schema::{Mutability, Projection, ResourceType, Target};
use serde_json::{Map, Value};

use super::Rules;
use super::members::Members;
use super::part::{Copied, Part};
use super::references;
use super::table::{Row, Table};
use crate::error::shortened;
use crate::{
    Applied, Context, Deleted, ETag, Error, Precondition, Resource, Result, Update, UpdateOptions, Updated,
    new_id,
};

/// Where a resource is: its type, and its place in the order of creation.
type Place = (String, u64);

/// Groups in the order of their creation, whatever their types: the type of each by its place.
type Groups = BTreeMap<u64, String>;

/// An update on its way: what was read for it, before it is applied to that.
pub(super) struct Begun<'u> {
    place: Place,
    /// The version of the resource that was read.
    before: ETag,
    /// What the update does to the members, if that can be told without them.
    delta: Option<ListDelta<'u>>,
    /// The name of the list of members, if it was put together.
    loaded: Option<String>,
    /// What is to be applied.
    pub(super) update: Cow<'u, Update>,
    part: Part,
    /// What it is to be applied to.
    pub(super) copied: Copied,
}

/// All resources of one tenant.
#[derive(Default)]
pub(super) struct Tenant {
    pub(super) tables: HashMap<String, Table>,
    pub(super) ids: HashMap<String, Place>,
    /// For each member, the groups that it is a direct member of.
    parents: HashMap<String, Groups>,
    next: u64,
    /// How often anything here has changed.
    pub(super) changes: u64,
}

/// The list of members that a resource type has, if any.
pub(super) fn members_of(on: &ResourceType) -> Option<&Target> {
    on.attributes().find(|target| target.holds_members())
}

/// The attribute that says which groups a resource is in: a `readOnly` list of references.
pub(super) fn groups_of(on: &ResourceType) -> Option<&Target> {
    on.attributes().find(|target| {
        target.attribute().is_multi_valued()
            && target.attribute().mutability() == Mutability::ReadOnly
            && target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
    })
}

impl Tenant {
    pub(super) fn password_hash(&self, id: &str) -> Option<&str> {
        let (table, place) = self.ids.get(id)?;
        self.tables.get(table)?.rows.get(place)?.password_hash.as_deref()
    }

    fn row(&self, (table, place): &Place) -> Option<&Row> {
        self.row_at(table, *place)
    }

    fn row_at(&self, table: &str, place: u64) -> Option<&Row> {
        self.tables.get(table)?.rows.get(&place)
    }

    /// The groups that a resource is a direct member of.
    fn parents_of(&self, id: &str) -> impl Iterator<Item = (u64, &str)> {
        self.parents.get(id).into_iter().flatten().map(|(place, table)| (*place, table.as_str()))
    }

    fn place_of(&self, on: &ResourceType, id: &str) -> Result<u64> {
        match self.ids.get(id) {
            Some((table, place)) if table == on.name() => Ok(*place),
            _ => Err(Error::not_found(id)),
        }
    }

    pub(super) fn retrieve(&self, on: &ResourceType, id: &str, projection: &Projection) -> Option<Resource> {
        let place = self.ids.get(id).filter(|(table, _)| table == on.name())?;
        Some(self.assemble(on, self.row(place)?, projection))
    }

    /// A resource with what is kept elsewhere, as far as it is to be shown.
    pub(super) fn assemble(&self, on: &ResourceType, row: &Row, projection: &Projection) -> Resource {
        let mut resource = row.resource.clone();
        if !row.members.is_empty()
            && let Some(target) = members_of(on).filter(|target| projection.shows(target))
        {
            let elements = row.members.iter().map(|element| self.complete(target, element)).collect();
            resource.as_map_mut().insert(target.attribute().name().to_owned(), Value::Array(elements));
        }
        if self.parents.contains_key(&row.id)
            && let Some(target) = groups_of(on).filter(|target| projection.shows(target))
        {
            let groups = self.groups(&row.id);
            resource.as_map_mut().insert(target.attribute().name().to_owned(), Value::Array(groups));
        }
        resource
    }

    /// A member with the name that it has now, unless the client gave it another.
    fn complete(&self, target: &Target, element: &Map<String, Value>) -> Value {
        let mut element = element.clone();
        let unnamed = target.sub_attribute("display").is_some() && !element.contains_key("display");
        if let Some(name) = unnamed.then(|| self.display_name(key_of(&element))).flatten() {
            element.insert("display".to_owned(), Value::from(name));
        }
        Value::Object(element)
    }

    fn display_name(&self, id: &str) -> Option<&str> {
        let resource = &self.row(self.ids.get(id)?)?.resource;
        resource.text("displayName").or_else(|| resource.text("userName"))
    }

    /// The groups that a resource is in, directly and through other groups: level by level, those of each
    /// in the order of their creation.
    fn groups(&self, id: &str) -> Vec<Value> {
        let mut groups = Vec::new();
        let mut seen: HashSet<u64> = HashSet::new();
        let mut level: BTreeMap<u64, &str> = self.parents_of(id).collect();
        let mut kind = "direct";
        while !level.is_empty() {
            let mut above = BTreeMap::new();
            for (place, table) in level {
                let Some(row) = self.row_at(table, place).filter(|_| seen.insert(place)) else { continue };
                let mut group = Map::from_iter([
                    ("value".to_owned(), Value::from(row.resource.id())),
                    ("type".to_owned(), Value::from(kind)),
                ]);
                if let Some(name) = row.resource.text("displayName") {
                    group.insert("display".to_owned(), Value::from(name));
                }
                groups.push(Value::Object(group));
                above.extend(self.parents_of(row.resource.id()));
            }
            level = above;
            kind = "indirect";
        }
        groups
    }

    pub(super) fn create(&mut self, cx: &Context<'_>, rules: &Rules, resource: Resource) -> Result<Resource> {
        let on = cx.resource_type();
        let id = new_id();
        let mut resource = resource.stamp_new(cx, &id);
        let added = match members_of(on).and_then(|t| resource.as_map_mut().remove(t.attribute().name())) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let added: Vec<&Map<String, Value>> = added.iter().filter_map(Value::as_object).collect();
        self.check_members(on, rules, &id, &added)?;
        let table = self.tables.entry(on.name().to_owned()).or_insert_with(|| Table::new(on, rules));
        table.check_unique(&resource, None)?;

        let place = (on.name().to_owned(), self.next);
        self.next += 1;
        self.changes += 1;
        let password_hash = hash_password(cx, rules);
        let mut members = Members::default();
        for element in added {
            join(&mut self.parents, key_of(element), &place);
            members.put(self.typed(on, element));
        }
        self.ids.insert(id.clone(), place.clone());
        let row = Row { id: id.clone(), resource, members, password_hash };
        if let Some(table) = self.tables.get_mut(on.name()) {
            table.insert(place.1, row);
        }
        self.retrieve(on, &id, &Projection::new(on)).ok_or_else(|| Error::not_found(&id))
    }

    /// Members must be resources, and a group must not be a member of itself, however indirectly.
    fn check_members(
        &self,
        on: &ResourceType,
        rules: &Rules,
        id: &str,
        added: &[&Map<String, Value>],
    ) -> Result<()> {
        let Some(list) = members_of(on).filter(|_| !added.is_empty()) else { return Ok(()) };
        let name = list.attribute().name();
        let above: HashSet<&str> = self.ancestors(id);
        for element in added {
            let member = key_of(element);
            if member == id || above.contains(member) {
                return Err(Error::invalid_member(name, member, "a group cannot be a member of itself"));
            }
            if !rules.unknown_members && !self.ids.contains_key(member) {
                let reason = format!("there is no resource `{}`", shortened(member));
                return Err(Error::invalid_member(name, member, &reason));
            }
        }
        Ok(())
    }

    /// The ids of all groups that a resource is in.
    fn ancestors(&self, id: &str) -> HashSet<&str> {
        let mut found = HashSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            for parent in self.parents_of(id).filter_map(|(place, table)| self.row_at(table, place)) {
                let id = parent.resource.id();
                if found.insert(id) {
                    open.push(id);
                }
            }
        }
        found
    }

    /// A member as it is kept: with the type of the resource that it is, and without what is derived
    /// from it, so that it follows when that changes.
    fn typed(&self, on: &ResourceType, element: &Map<String, Value>) -> Map<String, Value> {
        let mut element = element.clone();
        element.remove("$ref");
        if element.get("display").and_then(Value::as_str) == self.display_name(key_of(&element)) {
            element.remove("display");
        }
        let has_type = members_of(on).is_some_and(|list| list.sub_attribute("type").is_some());
        if let Some((kind, _)) = self.ids.get(key_of(&element)).filter(|_| has_type) {
            element.insert("type".to_owned(), Value::from(kind.as_str()));
        }
        element
    }

    /// Whether a stored member is the same as one of a request with the same key. Its type, and its name unless
    /// the client chose it, are those of the resource that it is.
    fn is_same_member(
        &self,
        list: &Target,
        stored: &Map<String, Value>,
        requested: &Map<String, Value>,
    ) -> bool {
        let id = key_of(requested);
        let mut shown = Cow::Borrowed(stored);
        if let Some(kind) = requested.get("type").filter(|_| self.ids.contains_key(id))
            && stored.get("type") != Some(kind)
        {
            shown.to_mut().insert("type".to_owned(), kind.clone());
        }
        if requested.contains_key("display")
            && !stored.contains_key("display")
            && let Some(name) = self.display_name(id)
        {
            shown.to_mut().insert("display".to_owned(), Value::from(name));
        }
        ListDelta::is_same(list, &shown, requested)
    }

    /// Reads what an update is about.
    pub(super) fn begin<'u>(
        &self,
        cx: &Context<'_>,
        id: &str,
        update: &'u Update,
        options: &UpdateOptions,
    ) -> Result<Begun<'u>> {
        let on = cx.resource_type();
        let place = (on.name().to_owned(), self.place_of(on, id)?);
        let row = self.row(&place).ok_or_else(|| Error::not_found(id))?;
        let before = version(&row.resource)?;
        options.precondition.check(&before)?;

        let list = members_of(on).map(|target| target.attribute().name());
        let split = list.and_then(|list| update.split(cx, list));
        let (delta, update) = match split {
            Some((delta, rest)) => (Some(delta), Cow::Owned(rest)),
            None => (None, Cow::Borrowed(update)),
        };
        let (part, mut copied) = Part::of(on, &update, &row.resource);
        // An update that looks into the members has them put together for it.
        let loaded = list.filter(|_| delta.is_none()).map(str::to_owned);
        if let Some(list) = loaded.as_ref().filter(|_| !row.members.is_empty()) {
            let elements = row.members.iter().cloned().map(Value::Object).collect();
            copied.resource.as_map_mut().insert(list.clone(), Value::Array(elements));
        }
        let groups = groups_of(on).filter(|groups| update.looks_at(groups));
        if let Some(groups) = groups.filter(|_| self.parents.contains_key(&row.id)) {
            let name = groups.attribute().name().to_owned();
            copied.resource.as_map_mut().insert(name, Value::Array(self.groups(&row.id)));
        }
        Ok(Begun { place, before, delta, loaded, update, part, copied })
    }

    /// Copies more of what was read; how many elements, `None` if the resource has changed meanwhile.
    pub(super) fn copy(&self, begun: &mut Begun<'_>) -> Option<usize> {
        let row = self.row(&begun.place)?;
        (row.resource.version().as_ref() == Some(&begun.before)).then(|| begun.copied.go_on(&row.resource))
    }

    /// Stores what became of what was read; `None` if the resource has changed meanwhile. What is not used
    /// any more is left in `applied`.
    pub(super) fn finish(
        &mut self,
        cx: &Context<'_>,
        rules: &Rules,
        begun: &Begun<'_>,
        applied: &mut Applied,
        returning: Option<&Projection>,
    ) -> Result<Option<Updated>> {
        let on = cx.resource_type();
        let Begun { place, before, delta, loaded, part, .. } = begun;
        let Some(row) = self.row(place) else { return Ok(None) };
        if version(&row.resource)? != *before {
            return Ok(None);
        }
        let list = loaded.as_ref().and_then(|list| applied.resource.as_map_mut().remove(list));
        let delta = match (delta, &list) {
            (Some(delta), _) => delta.clone(),
            (None, Some(Value::Array(list))) => {
                ListDelta::Exactly(list.iter().filter_map(Value::as_object).collect())
            }
            (None, _) if loaded.is_some() => ListDelta::Exactly(Vec::new()),
            (None, _) => ListDelta::none(),
        };
        // A list that was put together says exactly what each element is to be.
        let changes = row.members.changes(&delta, |stored, element| match (loaded, members_of(on)) {
            (None, Some(list)) => self.is_same_member(list, stored, element),
            _ => stored == element || *stored == self.typed(on, element),
        });
        let changed = match loaded {
            Some(_) => !cx.secrets().is_empty() || part.differs(&applied.resource, &row.resource),
            None => applied.changed,
        };
        if changed || !changes.is_empty() {
            let id = row.id.clone();
            let written: Vec<&Map<String, Value>> =
                changes.added.iter().chain(&changes.replaced).copied().collect();
            self.check_members(on, rules, &id, &written)?;
            let table = self.tables.get(on.name()).ok_or_else(|| Error::not_found(&id))?;
            table.check_unique(&applied.resource, Some(place.1))?;
            let written: Vec<Map<String, Value>> =
                written.into_iter().map(|element| self.typed(on, element)).collect();
            let removed = changes.removed.into_iter().map(str::to_owned).collect();
            let swap = |old: &mut Resource| part.swap(&mut applied.resource, old);
            self.store(cx, rules, place, swap, written, removed);
        }
        let row = self.row(place).ok_or_else(|| Error::not_found(applied.resource.id()))?;
        let resource = returning.map(|projection| self.assemble(on, row, projection));
        Ok(Some(Updated { before: before.clone(), version: version(&row.resource)?, resource }))
    }

    /// Writes what an update came to.
    fn store(
        &mut self,
        cx: &Context<'_>,
        rules: &Rules,
        place: &Place,
        put: impl FnOnce(&mut Resource),
        written: Vec<Map<String, Value>>,
        removed: Vec<String>,
    ) {
        self.changes += 1;
        let Some(table) = self.tables.get_mut(&place.0) else { return };
        table.change(place.1, |resource| {
            let before = head(resource);
            put(resource);
            *resource = std::mem::take(resource).stamp_changed(cx, &before);
        });
        let Some(row) = table.rows.get_mut(&place.1) else { return };
        if let Some(hash) = hash_password(cx, rules) {
            row.password_hash = Some(hash);
        } else if cx.secrets().is_cleared("password") {
            row.password_hash = None;
        }
        for key in removed {
            row.members.remove(&key);
            leave(&mut self.parents, &key, place);
        }
        for element in written {
            join(&mut self.parents, key_of(&element), place);
            row.members.put(element);
        }
    }

    pub(super) fn delete(
        &mut self,
        cx: &Context<'_>,
        id: &str,
        precondition: &Precondition,
    ) -> Result<Deleted> {
        let on = cx.resource_type();
        let place = (on.name().to_owned(), self.place_of(on, id)?);
        let row = self.row(&place).ok_or_else(|| Error::not_found(id))?;
        let version = version(&row.resource)?;
        precondition.check(&version)?;

        self.changes += 1;
        let row = self.tables.get_mut(on.name()).and_then(|table| table.remove(place.1));
        self.ids.remove(id);
        for element in row.iter().flat_map(|row| row.members.iter()) {
            leave(&mut self.parents, key_of(element), &place);
        }
        // The groups that it was in have changed.
        for (place, table) in self.parents.remove(id).unwrap_or_default() {
            let group = self.tables.get_mut(&table).and_then(|table| table.rows.get_mut(&place));
            if let Some(group) = group {
                group.members.remove(id);
                group.resource = group.resource.clone().stamp_changed(cx, &group.resource);
            }
        }
        for table in self.tables.values_mut() {
            references::forget(cx, table, id);
        }
        Ok(Deleted { version })
    }
}

fn join(parents: &mut HashMap<String, Groups>, member: &str, (table, place): &Place) {
    parents.entry(member.to_owned()).or_default().insert(*place, table.clone());
}

fn leave(parents: &mut HashMap<String, Groups>, member: &str, (_, place): &Place) {
    if let Some(groups) = parents.get_mut(member) {
        groups.remove(place);
        if groups.is_empty() {
            parents.remove(member);
        }
    }
}

/// What a change does not touch but for its stamp.
fn head(resource: &Resource) -> Resource {
    let members = ["id", "meta"].into_iter().filter_map(|name| Some((name, resource.get(name)?.clone())));
    Resource::new(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn version(resource: &Resource) -> Result<ETag> {
    resource.version().ok_or_else(|| Error::internal("a stored resource has no version"))
}

fn hash_password(cx: &Context<'_>, rules: &Rules) -> Option<String> {
    Some(rules.hasher.as_ref()?(cx.secrets().get("password")?))
}
