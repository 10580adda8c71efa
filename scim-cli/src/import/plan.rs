//! What is to be done for a row.

use std::sync::Arc;

use http::Method;
use scim_core::patch::PatchRequest;
use scim_core::schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value};

use super::columns::Columns;
use super::row::{Content, Row};
use crate::column::set_attribute;
use crate::endpoint::canonical;

type Object = Map<String, Value>;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Create(Value),
    Update(Update),
    Unchanged,
}

/// A request that changes a resource.
#[derive(Debug, PartialEq)]
pub(super) struct Update {
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) body: Value,
    /// The ETag of the resource, if it was read with one.
    pub(super) version: Option<String>,
    /// The paths of the attributes that change.
    pub(super) changes: Vec<String>,
}

/// Compares rows with resources.
#[derive(Debug)]
pub(super) struct Planner {
    pub(super) resource_type: ResourceType,
    pub(super) columns: Option<Arc<Columns>>,
    /// PATCH or PUT.
    pub(super) method: Method,
    /// Whether an empty cell leaves the value that a resource has alone.
    pub(super) keep_empty: bool,
    /// Whether a resource is changed only if it still has the version that was read.
    pub(super) has_versions: bool,
}

impl Planner {
    /// The request that creates the resource of a row.
    pub(super) fn create(&self, row: &Row) -> Action {
        let mut resource = Map::new();
        self.lay_over(row, &mut resource, true);
        self.resource_type.update_schemas(&mut resource);
        Action::Create(Value::Object(resource))
    }

    /// What changes the existing resource so that it has the values of a row. A PATCH has only the differences; a PUT has the
    /// whole resource. Attributes that the row does not name stay as they are.
    ///
    /// # Errors
    ///
    /// If the existing resource has no id.
    pub(super) fn update(&self, row: &Row, existing: &Object) -> Result<Action, String> {
        let id = existing.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = id.ok_or("the endpoint shows the resource without an id")?.to_owned();
        let before = canonical(existing, &self.resource_type);
        let mut after = before.clone();
        self.lay_over(row, &mut after, false);
        let difference = PatchRequest::diff(&self.resource_type, &before, &after);
        if difference.operations.is_empty() {
            return Ok(Action::Unchanged);
        }
        let changes = difference.operations.iter().filter_map(|operation| operation.path.clone()).collect();
        let body = if self.method == Method::PUT {
            let mut whole = existing.clone();
            self.lay_over(row, &mut whole, false);
            self.resource_type.update_schemas(&mut whole);
            Value::Object(whole)
        } else {
            serde_json::to_value(&difference).map_err(|error| error.to_string())?
        };
        let version = existing.get("meta").and_then(|meta| meta.get("version")).and_then(Value::as_str);
        let version = version.filter(|_| self.has_versions).map(str::to_owned);
        Ok(Action::Update(Update { id, method: self.method.clone(), body, version, changes }))
    }

    /// Sets the values of a row in a resource. What no response shows, such as a password, is set only in a new resource: nobody
    /// could say whether it differs.
    fn lay_over(&self, row: &Row, resource: &mut Object, is_new: bool) {
        match &row.content {
            Content::Cells(cells) => {
                let Some(columns) = &self.columns else { return };
                for ((_, column), value) in columns.imported().zip(cells) {
                    let is_kept = value.is_none() && (is_new || self.keep_empty);
                    if !is_kept && (is_new || !column.is_write_only()) {
                        column.set(resource, value.clone());
                    }
                }
                columns.imported().for_each(|(_, column)| column.remove_empty_elements(resource));
            }
            Content::Resource(from, unassigned) => {
                for target in self.resource_type.all_attributes() {
                    let is_left_out = target.path().as_str() == "schemas" || (!is_new && target.is_secret());
                    if let Some(value) = target.get(from).filter(|_| !is_left_out) {
                        lay_over_attribute(target, resource, value);
                    }
                }
                unassigned
                    .iter()
                    .filter(|target| !target.is_secret())
                    .for_each(|target| drop(target.remove(resource)));
            }
        }
    }
}

/// Sets an attribute. Of a singular complex attribute, only the sub-attributes that are named; a list as a whole.
fn lay_over_attribute(target: &AttributeRef, resource: &mut Object, value: &Value) {
    if let (Value::Object(new), Some(Value::Object(old))) = (value, target.get_mut(resource)) {
        new.iter().for_each(|(name, value)| drop(old.insert(name.clone(), value.clone())));
        return;
    }
    let is_same = |old: &Value| {
        !target.comparison().is_text() && !target.is_complex() && target.values_equal(old, value)
    };
    if !target.get(resource).is_some_and(is_same) {
        set_attribute(target, resource, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use csv::{ByteRecord, StringRecord};
    use scim_core::schema::standard;
    use serde_json::json;

    use super::super::row::Raw;
    use super::*;

    fn planner(header: &[&str], method: Method) -> Planner {
        let resource_type = standard::user_type();
        let columns = Columns::new(&StringRecord::from(header.to_vec()), &resource_type, "userName").unwrap();
        Planner {
            resource_type,
            columns: Some(Arc::new(columns)),
            method,
            keep_empty: false,
            has_versions: true,
        }
    }

    fn row(planner: &Planner, cells: &[&str]) -> Row {
        let columns = planner.columns.as_ref().unwrap().imported();
        let cells = columns.map(|(index, column)| column.value(cells[index]).unwrap()).collect();
        row_of(Content::Cells(cells))
    }

    fn row_of(content: Content) -> Row {
        let raw = Raw::Cells(ByteRecord::new());
        Row {
            number: 1,
            line: 2,
            key: "bea".to_owned(),
            folded_key: "bea".to_owned(),
            content,
            raw,
            warning: None,
        }
    }

    fn bea() -> Object {
        let bea = json!({
            "schemas": [standard::USER], "id": "7", "meta": { "version": "W/\"3\"" },
            "userName": "bea", "title": "Diver", "nickName": "B", "unknown": 1,
            "name": { "givenName": "Bea", "formatted": "Bea Fox" },
        });
        bea.as_object().unwrap().clone()
    }

    #[test]
    fn a_patch_has_only_what_differs() {
        let planner =
            planner(&["userName", "name.givenName", "title", "password", "department"], Method::PATCH);
        let row = row(&planner, &["bea", "Beatrix", "", "secret", "Sales"]);
        let Action::Update(update) = planner.update(&row, &bea()).unwrap() else { panic!() };
        let department = format!("{}:department", standard::ENTERPRISE_USER);
        assert_eq!(
            update.body["Operations"],
            json!([
                { "op": "replace", "path": "name.givenName", "value": "Beatrix" },
                { "op": "remove", "path": "title" },
                { "op": "replace", "path": department, "value": "Sales" },
            ])
        );
        assert_eq!((update.id.as_str(), update.version.as_deref()), ("7", Some("W/\"3\"")));
        let Action::Create(created) = planner.create(&row) else { panic!() };
        assert_eq!(
            created,
            json!({
                "schemas": [standard::USER, standard::ENTERPRISE_USER], "userName": "bea", "password": "secret",
                "name": { "givenName": "Beatrix" }, standard::ENTERPRISE_USER: { "department": "Sales" },
            })
        );
    }

    #[test]
    fn a_put_keeps_what_the_file_does_not_name() {
        let planner = planner(&["userName", "title"], Method::PUT);
        let Action::Update(update) = planner.update(&row(&planner, &["bea", "Cook"]), &bea()).unwrap() else {
            panic!()
        };
        let mut expected = bea();
        expected["title"] = json!("Cook");
        assert_eq!(update.body, Value::Object(expected));
        assert_eq!(planner.update(&row(&planner, &["bea", "Diver"]), &bea()).unwrap(), Action::Unchanged);
    }

    #[test]
    fn an_empty_cell_can_be_kept() {
        let planner = Planner { keep_empty: true, ..planner(&["userName", "title"], Method::PATCH) };
        assert_eq!(planner.update(&row(&planner, &["bea", ""]), &bea()).unwrap(), Action::Unchanged);
    }

    #[test]
    fn json_changes_what_it_names() {
        let planner = Planner { columns: None, ..planner(&["userName"], Method::PATCH) };
        let title = planner.resource_type.attribute("title").unwrap().clone();
        let resource = json!({ "userName": "bea", "name": { "givenName": "Bea", "familyName": "Fox" } });
        let row = row_of(Content::Resource(resource.as_object().unwrap().clone(), vec![title]));
        let Action::Update(update) = planner.update(&row, &bea()).unwrap() else { panic!() };
        assert_eq!(
            update.body["Operations"],
            json!([
                { "op": "replace", "path": "name.familyName", "value": "Fox" },
                { "op": "remove", "path": "title" },
            ])
        );
    }
}
