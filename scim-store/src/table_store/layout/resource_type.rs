//! The resource type that follows from a declaration: the standard one, reduced to what is declared.

use scim_core::schema::{
    Attribute, AttributeRef, Mutability, ReadContext, ResourceType, Schema, SchemaError, Tolerance, standard,
};

use crate::table_store::catalog::{Catalog, CatalogColumn, CatalogTable};
use crate::table_store::child::ChildTable;
use crate::table_store::problems::Problems;
use crate::table_store::table::{Place, Table};

/// The two kinds of resources that a table can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    fn standard_type(self) -> ResourceType {
        match self {
            Self::User => standard::user_type(),
            Self::Group => standard::group_type(),
        }
    }
}

/// The attribute or sub-attribute of a path, in any of the schemas.
pub(super) fn resolve(resource_type: &ResourceType, path: &str) -> Option<AttributeRef> {
    let parsed = path.parse().ok()?;
    resource_type.resolve(&parsed, &mut ReadContext::new(&Tolerance::lenient())).ok()
}

/// A change of an attribute in one of the schemas.
type Adjustment = Box<dyn Fn(Attribute) -> Attribute>;

/// What is kept of the schemas: names of attributes and sub-attributes, and changes of their definitions, each with the
/// URI of the schema.
#[derive(Default)]
struct Selection {
    names: Vec<(String, String)>,
    adjustments: Vec<(String, String, Adjustment)>,
}

/// The attributes that are never in the column of the rest.
const NOT_IN_REST: [&str; 3] = ["groups", "members", "password"];

impl Selection {
    fn keep(&mut self, target: &AttributeRef) {
        self.names.push((target.schema().id().to_owned(), dotted_name(target)));
    }

    fn keep_sub(&mut self, parent: &AttributeRef, sub: &str) {
        if let Some(sub) = parent.sub_attribute(sub) {
            self.keep(sub);
        }
    }

    fn adjust(&mut self, target: &AttributeRef, change: impl Fn(Attribute) -> Attribute + 'static) {
        let name = dotted_name(target);
        self.adjustments.push((target.schema().id().to_owned(), name, Box::new(change)));
    }

    /// Makes the `value` of an attribute `caseExact`, as the `id` is to which it refers: keys are compared exactly.
    fn compare_ids_exactly(&mut self, target: Option<&AttributeRef>) {
        if let Some(value) = target.and_then(|target| target.sub_attribute("value")) {
            self.adjust(value, |a| a.case_exact(true));
        }
    }

    /// The schema with the selected attributes.
    fn apply(&self, schema: &Schema, keeps_all: bool) -> Result<Schema, SchemaError> {
        let of_schema = |uri: &str| uri == schema.id();
        let mut reduced = schema.clone();
        let selected = self.names.iter().filter(|(uri, _)| of_schema(uri)).map(|(_, name)| name.as_str());
        let mut names: Vec<&str> = selected.filter(|name| *name != "externalId").collect();
        if keeps_all {
            // The rest keeps whole attributes only: of one that has columns, it keeps nothing more.
            let is_selected =
                |name: &str| names.iter().any(|selected| selected.split('.').next() == Some(name));
            let others = schema.attributes().iter().map(Attribute::name);
            let others = others.filter(|name| !is_selected(name) && !NOT_IN_REST.contains(name));
            let others: Vec<&str> = others.collect();
            names.extend(others);
        }
        reduced = reduced.only(names)?;
        for (uri, name, change) in &self.adjustments {
            let is_common = name == "externalId" && reduced.attribute(name).is_none();
            if of_schema(uri) && !is_common {
                reduced = reduced.adjust(name, change)?;
            }
        }
        Ok(reduced)
    }
}

/// The name of an attribute in its schema: `userName`, `name.givenName`.
fn dotted_name(target: &AttributeRef) -> String {
    let name = target.attribute().name();
    match target.sub_attribute_definition() {
        Some(sub) => format!("{name}.{}", sub.name()),
        None => name.to_owned(),
    }
}

/// The resource type of a table. `all` are all tables that are declared, and `has_groups` says whether groups are served
/// that can contain it.
pub(super) fn resource_type(
    kind: Kind,
    table: &Table,
    catalog: &CatalogTable,
    all: &Catalog,
    has_groups: bool,
    problems: &mut Problems,
) -> Option<ResourceType> {
    let mut builder = kind.standard_type().to_builder();
    for extension in &table.extensions {
        builder = builder.extension(extension.clone());
    }
    let complete = match builder.build() {
        Ok(complete) => complete,
        Err(error) => {
            problems.mistake(format!("`{}`: {error}", table.name));
            return None;
        }
    };
    let selection = select(kind, table, (catalog, all), has_groups, &complete, problems);
    match reduce(kind, &complete, &selection, table.rest.is_some()) {
        Ok(reduced) => Some(reduced),
        Err(error) => {
            problems.mistake(format!("`{}`: {error}", table.name));
            None
        }
    }
}

/// Selects the attributes that a declaration names.
fn select(
    kind: Kind,
    table: &Table,
    (catalog, all): (&CatalogTable, &Catalog),
    has_groups: bool,
    complete: &ResourceType,
    problems: &mut Problems,
) -> Selection {
    let mut selection = Selection::default();
    let find = |path: &str, problems: &mut Problems| {
        let found = resolve(complete, path);
        if found.is_none() {
            problems.mistake(format!(
                "`{}`: a {} has no attribute `{path}`; {}",
                table.name,
                kind.name(),
                advice_for_unknown(complete, path)
            ));
        }
        found
    };
    for declared in &table.attributes {
        let Some(target) = find(&declared.path, problems) else { continue };
        if let Some(reason) = misplaced(&declared.path, &target, &declared.place) {
            problems.mistake(format!("`{}`: {reason}", table.name));
            continue;
        }
        let column = column_name(&declared.place).and_then(|name| catalog.columns.get(name));
        match declared.place {
            Place::Element(..) => select_list(&mut selection, table, &declared.path, &target, column),
            _ => select_attribute(&mut selection, &target, &declared.place, column),
        }
    }
    for (path, child) in &table.children {
        let Some(list) = find(path, problems) else { continue };
        if !list.attribute().is_multi_valued() {
            problems.mistake(format!("`{}`: `{path}` is not a list; use `.text(..)`", table.name));
            continue;
        }
        select_child(&mut selection, path, &list, child, all.get(&child.name), problems);
    }
    select_relations(&mut selection, kind, table, has_groups, complete);
    selection
}

/// Selects the sub-attributes of a list in a child table. `catalog` is what is known of the table, if it exists.
fn select_child(
    selection: &mut Selection,
    path: &str,
    list: &AttributeRef,
    child: &ChildTable,
    catalog: Option<&CatalogTable>,
    problems: &mut Problems,
) {
    if child.columns.is_empty() {
        problems.mistake(format!("`{}`: no column for `{path}`; add `.text(\"value\", ..)`", child.name));
    }
    for column in &child.columns {
        if list.sub_attribute(&column.sub_attribute).is_none() {
            problems.mistake(format!("`{path}` has no sub-attribute `{}`", column.sub_attribute));
        }
        selection.keep_sub(list, &column.sub_attribute);
        let is_required = catalog
            .and_then(|catalog| catalog.columns.get(&column.column))
            .is_some_and(|column| column.not_null && column.default.is_none() && !column.is_generated);
        if let Some(sub) = list.sub_attribute(&column.sub_attribute).filter(|_| is_required) {
            selection.adjust(sub, Attribute::required);
        }
    }
}

/// Selects the groups of users, the members of groups, and the password.
fn select_relations(
    selection: &mut Selection,
    kind: Kind,
    table: &Table,
    has_groups: bool,
    complete: &ResourceType,
) {
    let keep_list = |selection: &mut Selection, name: &str| {
        if let Some(list) = complete.attribute(name) {
            selection.keep(list);
        }
    };
    match kind {
        Kind::User if has_groups => {
            keep_list(selection, "groups");
            selection.compare_ids_exactly(complete.attribute("groups"));
        }
        Kind::Group if table.members.is_some() => {
            keep_list(selection, "members");
            selection.compare_ids_exactly(complete.attribute("members"));
            if let Some(reference) = resolve(complete, "members.$ref") {
                selection.adjust(&reference, |a| a.with_reference_types(["User"]));
            }
            if let Some(member_type) = resolve(complete, "members.type") {
                selection.adjust(&member_type, |a| a.with_canonical_values(["User"]));
            }
        }
        _ => {}
    }
    if table.password.is_some() {
        keep_list(selection, "password");
    }
}

/// What to write instead of a path that does not exist.
fn advice_for_unknown(complete: &ResourceType, path: &str) -> String {
    let first: String = path.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    if let Some(target) = complete.attribute(&first).filter(|_| path.contains(['[', '.'])) {
        let name = target.definition().name();
        if target.attribute().is_multi_valued() {
            return format!("`{name}` is a list; write `.one(\"{name}\", \"column\", \"work\")`");
        }
        let subs: Vec<&str> = target.sub_attributes().iter().map(|sub| sub.definition().name()).collect();
        return format!("`{name}` has {}", subs.join(", "));
    }
    let lower = path.to_ascii_lowercase();
    let is_similar = |target: &&AttributeRef| {
        let name = target.definition().name().to_ascii_lowercase();
        lower.len() > 2 && (name.contains(&lower) || lower.contains(&name))
    };
    match complete.all_attribute_refs().find(is_similar) {
        Some(similar) => format!("did you mean `{}`?", similar.path()),
        None => "add a schema that has it with `.extension(..)`".to_owned(),
    }
}

/// Why an attribute cannot be in a place that is only for lists, or only for references.
fn misplaced(path: &str, target: &AttributeRef, place: &Place) -> Option<String> {
    let has = |sub: &str| target.sub_attribute(sub).is_some();
    match place {
        Place::Element(..) if !target.attribute().is_multi_valued() => {
            Some(format!("`{path}` is not a list; use `.text(..)`"))
        }
        Place::Element(..) if !has("value") || !has("type") => {
            Some(format!("the elements of `{path}` have no `value` and `type`; use `.many(..)`"))
        }
        Place::Reference(..) if target.attribute().is_multi_valued() || !has("value") => {
            Some(format!("`{path}` is no reference: it has no sub-attribute `value`"))
        }
        _ => None,
    }
}

fn column_name(place: &Place) -> Option<&str> {
    match place {
        Place::Text(column)
        | Place::Integer(column)
        | Place::Boolean(column)
        | Place::Time(column)
        | Place::TrueUnless(column)
        | Place::Element(column, _)
        | Place::Reference(column, _) => Some(column),
        Place::Expression(_) | Place::Constant(_) => None,
    }
}

/// Selects a list of which columns keep one element each.
fn select_list(
    selection: &mut Selection,
    table: &Table,
    path: &str,
    target: &AttributeRef,
    column: Option<&CatalogColumn>,
) {
    let types: Vec<String> = table
        .attributes
        .iter()
        .filter(|declared| declared.path.eq_ignore_ascii_case(path))
        .filter_map(|declared| match &declared.place {
            Place::Element(_, element_type) => Some(element_type.clone()),
            _ => None,
        })
        .collect();
    selection.keep_sub(target, "value");
    selection.keep_sub(target, "type");
    if types.len() == 1 {
        // The only element is the primary one.
        selection.keep_sub(target, "primary");
        if column.is_some_and(|column| column.not_null && column.default.is_none()) {
            selection.adjust(target, Attribute::required);
        }
    }
    selection.adjust(target, move |a| a.keep_only_types(types.clone()));
}

/// Selects one attribute, and makes its definition say what its column can hold.
fn select_attribute(
    selection: &mut Selection,
    target: &AttributeRef,
    place: &Place,
    column: Option<&CatalogColumn>,
) {
    match place {
        Place::Reference(..) => {
            selection.keep_sub(target, "value");
            selection.keep_sub(target, "$ref");
            selection.compare_ids_exactly(Some(target));
        }
        _ => selection.keep(target),
    }
    let is_read_only = match place {
        Place::Constant(_) => true,
        Place::Expression(expression) => expression.write.is_none(),
        _ => false,
    };
    if is_read_only {
        selection.adjust(target, |a| a.with_mutability(Mutability::ReadOnly));
        return;
    }
    let Some(column) = column.filter(|_| !matches!(place, Place::TrueUnless(_))) else { return };
    let has_default = column.default.is_some() || column.is_generated;
    if column.not_null && !has_default && target.definition().default_value().is_none() {
        selection.adjust(target, Attribute::required);
    }
    if let (Place::Text(_), Some(length)) = (place, column.max_length) {
        selection.adjust(target, move |a| a.with_max_length(length));
    }
}

/// The resource type with the selected attributes. Extensions without attributes are left out.
fn reduce(
    kind: Kind,
    complete: &ResourceType,
    selection: &Selection,
    keeps_all: bool,
) -> Result<ResourceType, SchemaError> {
    let core = selection.apply(complete.schema(), keeps_all)?;
    let mut builder =
        ResourceType::builder(complete.name(), complete.endpoint(), core).description(match kind {
            Kind::User => complete.description(),
            Kind::Group => "Group of users",
        });
    for extension in complete.extensions() {
        let schema = selection.apply(extension.schema(), keeps_all)?;
        if !schema.attributes().is_empty() {
            builder = builder.extension(schema);
        }
    }
    let has_external_id = keeps_all || selection.names.iter().any(|(_, name)| name == "externalId");
    if !has_external_id {
        builder = builder.without_external_id();
    }
    builder.build()
}
