//! Where the attributes of a resource type are in a host's tables.

use std::collections::HashMap;
use std::fmt;

use scim_schema::{
    AttrPath, AttributeRef, Comparison, Projection, ReadContext, ResourceType, Tolerance, Type,
};
use serde_json::{Map, Value};

use crate::column::{Kind, Source};
use crate::{Column, Error};

/// Where the attributes of a resource type are in a host's tables; made once, used for every query.
///
/// ```
/// use scim_schema::standard;
/// use scim_sql::{Column, Elements, Mapping};
///
/// let users = Mapping::builder(&standard::user_type(), "users u", "u.id")
///     .column("id", Column::text("u.id").not_null().indexed())
///     .column("userName", Column::text("u.name").folded("u.name_folded").not_null().indexed())
///     .column("active", Column::boolean("(u.deactivated_at IS NULL)").not_null())
///     // One column is the work address, and a table has the others.
///     .column("emails.value", Column::text("u.email").folded("u.email_folded").indexed())
///     .column("emails.type", Column::constant("work"))
///     .elements(
///         "emails",
///         Elements::table("alias a", "a.user_id")
///             .column("value", Column::text("a.address").folded("a.address_folded").not_null().indexed())
///             .column("type", Column::constant("other")),
///     )
///     .build()?;
/// # Ok::<(), scim_sql::InvalidMapping>(())
/// ```
#[derive(Debug)]
pub struct Mapping {
    pub(crate) table: String,
    pub(crate) id: String,
    pub(crate) scoped_by: Vec<(String, usize)>,
    pub(crate) attributes: Vec<Attribute>,
    /// For each path that is mapped, which attribute it is of and which sub-attribute.
    slots: HashMap<String, Slot>,
}

/// An attribute, and where its elements are. One that has a single value has a single element.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) target: AttributeRef,
    pub(crate) sources: Vec<Elements>,
}

impl Attribute {
    /// The source with the elements that resources are sorted by.
    pub(crate) fn sorted_by(&self) -> Option<&Elements> {
        if let [only] = self.sources.as_slice() {
            return Some(only);
        }
        let mut counting =
            self.sources.iter().filter(|source| source.table.is_none() || source.order.is_some());
        let first = counting.next();
        if counting.next().is_none() { first } else { None }
    }
}

#[derive(Debug)]
struct Slot {
    attribute: usize,
    sub: Option<String>,
}

/// Elements of a multi-valued attribute: in the rows of a table, or one in the resource's own row.
#[derive(Clone, Debug)]
#[must_use]
pub struct Elements {
    /// The table and its column with the resource's id; without one it is the resource's row.
    pub(crate) table: Option<(String, String)>,
    pub(crate) scoped_by: Vec<(String, usize)>,
    pub(crate) condition: Option<String>,
    pub(crate) order: Option<String>,
    pub(crate) columns: Vec<(Option<String>, Column)>,
    /// The sub-attributes that have the same value in every element.
    pub(crate) constants: Map<String, Value>,
}

impl Elements {
    fn new(table: Option<(String, String)>) -> Self {
        let columns = Vec::new();
        Self { table, scoped_by: Vec::new(), condition: None, order: None, columns, constants: Map::new() }
    }

    /// One element in the row of the resource. It is there if one of its columns is not NULL.
    pub fn row() -> Self {
        Self::new(None)
    }

    /// An element for each row of a table, given with its alias, or of a join. `owner` is the column
    /// with the id of the resource, which is never NULL.
    pub fn table(table: impl Into<String>, owner: impl Into<String>) -> Self {
        Self::new(Some((table.into(), owner.into())))
    }

    /// A condition that rows must fulfil to be elements of this attribute.
    pub fn condition(mut self, sql: impl Into<String>) -> Self {
        self.condition = Some(sql.into());
        self
    }

    /// Rows must have the value of this parameter in this column, as in
    /// [`MappingBuilder::scoped_by`].
    pub fn scoped_by(mut self, column: impl Into<String>, parameter: usize) -> Self {
        self.scoped_by.push((column.into(), parameter));
        self
    }

    /// The order in which the elements of a resource count for sorting, by the first of them: the
    /// primary one, then as they were sent (RFC 7644 section 3.4.2.3).
    ///
    /// Where an attribute has several sources, a table without an order does not count for sorting: no
    /// resource has an element there that has none where one counts, or has its first one there. If more
    /// than one counts, a resource of which there are elements in both has no first, and the attribute
    /// cannot be sorted by.
    pub fn order(mut self, sql: impl Into<String>) -> Self {
        self.order = Some(sql.into());
        self
    }

    /// Where the values of a sub-attribute are.
    pub fn column(mut self, sub_attribute: &str, column: Column) -> Self {
        self.columns.push((Some(sub_attribute.to_owned()), column));
        self
    }

    /// Where the elements themselves are, if they have no sub-attributes.
    pub fn value(mut self, column: Column) -> Self {
        self.columns.push((None, column));
        self
    }

    pub(crate) fn find(&self, sub: Option<&str>) -> Option<&Column> {
        self.columns.iter().find(|(name, _)| name.as_deref() == sub).map(|(_, column)| column)
    }
}

/// Puts a [`Mapping`] together.
#[derive(Debug)]
#[must_use]
pub struct MappingBuilder {
    on: ResourceType,
    table: String,
    id: String,
    scoped_by: Vec<(String, usize)>,
    columns: Vec<(String, Column)>,
    elements: Vec<(String, Elements)>,
}

/// What is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMapping {
    path: String,
    reason: &'static str,
}

impl fmt::Display for InvalidMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the mapping of `{}`: {}", self.path, self.reason)
    }
}

impl std::error::Error for InvalidMapping {}

impl Mapping {
    /// Begins a mapping: the table of the resources with its alias, and the expression that
    /// identifies a row of it in other tables.
    pub fn builder(on: &ResourceType, table: impl Into<String>, id: impl Into<String>) -> MappingBuilder {
        MappingBuilder {
            on: on.clone(),
            table: table.into(),
            id: id.into(),
            scoped_by: Vec::new(),
            columns: Vec::new(),
            elements: Vec::new(),
        }
    }

    /// The columns of a resource's row that a response shows, with what each is of.
    ///
    /// ```
    /// # use scim_schema::{Projection, ReadContext, Tolerance, standard};
    /// # use scim_sql::{Column, Mapping};
    /// # let user = standard::user_type();
    /// let users = Mapping::builder(&user, "users u", "u.id")
    ///     .column("userName", Column::text("u.name").folded("u.name_folded").not_null().indexed())
    ///     .column("name.familyName", Column::text("u.last_name").folded("u.last_name_folded"))
    ///     .column("name.givenName", Column::text("u.first_name").folded("u.first_name_folded"))
    ///     .build()?;
    /// # let tolerance = Tolerance::strict();
    /// let projection = Projection::only(&user, "name.familyName", &mut ReadContext::new(&tolerance));
    /// let columns: Vec<_> = users.columns(&projection).map(|(_, sql)| sql).collect();
    /// assert_eq!(columns, ["u.last_name"]);
    /// # Ok::<(), scim_sql::InvalidMapping>(())
    /// ```
    pub fn columns(&self, projection: &Projection) -> impl Iterator<Item = (&AttributeRef, &str)> {
        let rows = self.attributes.iter().flat_map(|attribute| {
            let rows = attribute.sources.iter().filter(|source| source.table.is_none());
            rows.flat_map(|source| &source.columns).filter_map(|(sub, column)| match &column.source {
                Source::Sql(sql) => Some((sub_target(&attribute.target, sub.as_deref())?, sql.as_str())),
                Source::Constant(_) => None,
            })
        });
        rows.filter(|(target, _)| projection.shows(target))
    }

    /// The attribute that a target is of, and its sub-attribute.
    pub(crate) fn find(&self, target: &AttributeRef) -> Result<(&Attribute, Option<&str>), Error> {
        let unmapped = || Error::Unmapped(target.to_string());
        let slot = self.slots.get(target.path().as_str()).ok_or_else(unmapped)?;
        let attribute = self.attributes.get(slot.attribute).ok_or_else(unmapped)?;
        Ok((attribute, slot.sub.as_deref()))
    }
}

fn sub_target<'a>(attribute: &'a AttributeRef, sub: Option<&str>) -> Option<&'a AttributeRef> {
    match sub {
        None => Some(attribute),
        Some(name) => attribute.sub_attribute(name),
    }
}

impl MappingBuilder {
    /// Rows must have the value of this parameter in this column: every statement that the fragments
    /// become part of binds it, and says so of the resources' table itself. For tenants, and for
    /// tables with resources of several types.
    ///
    /// Fragments repeat the condition wherever they look into the table again.
    pub fn scoped_by(mut self, column: impl Into<String>, parameter: usize) -> Self {
        self.scoped_by.push((column.into(), parameter));
        self
    }

    /// Where an attribute or sub-attribute is in the resource's row. Of a multi-valued attribute
    /// that is one element.
    pub fn column(mut self, path: &str, column: Column) -> Self {
        self.columns.push((path.to_owned(), column));
        self
    }

    /// Where elements of a multi-valued attribute are. Several calls for one attribute add up.
    pub fn elements(mut self, path: &str, elements: Elements) -> Self {
        self.elements.push((path.to_owned(), elements));
        self
    }

    /// The mapping.
    ///
    /// # Errors
    ///
    /// If the resource type has no such attribute, or a column does not suit it.
    pub fn build(self) -> Result<Mapping, InvalidMapping> {
        let mut mapping = Mapping {
            table: self.table,
            id: self.id,
            scoped_by: self.scoped_by,
            attributes: Vec::new(),
            slots: HashMap::new(),
        };
        // The columns of one attribute are one element.
        let mut all: Vec<(AttributeRef, Elements)> = Vec::new();
        for (path, column) in self.columns {
            let target = resolve(&self.on, &path)?;
            let attribute = self.on.parent_attribute(&target).unwrap_or(&target).clone();
            let sub = target.sub_attribute_definition().map(|sub| sub.name().to_owned());
            match all.iter_mut().find(|(found, _)| *found == attribute) {
                Some((_, row)) => row.columns.push((sub, column)),
                None => {
                    let row = Elements { columns: vec![(sub, column)], ..Elements::row() };
                    all.push((attribute, row));
                }
            }
        }
        for (path, elements) in self.elements {
            all.push((resolve(&self.on, &path)?, elements));
        }
        for (target, elements) in all {
            mapping.add(target, elements)?;
        }
        Ok(mapping)
    }
}

fn resolve(on: &ResourceType, path: &str) -> Result<AttributeRef, InvalidMapping> {
    let unknown = || InvalidMapping { path: path.to_owned(), reason: "there is no such attribute" };
    let parsed: AttrPath = path.parse().map_err(|_| unknown())?;
    on.resolve(&parsed, &mut ReadContext::new(&Tolerance::strict())).map_err(|_| unknown())
}

impl Mapping {
    fn add(&mut self, target: AttributeRef, mut elements: Elements) -> Result<(), InvalidMapping> {
        for (sub, column) in &mut elements.columns {
            let path =
                format!("{target}{}{}", if sub.is_some() { "." } else { "" }, sub.as_deref().unwrap_or(""));
            let invalid = |reason| InvalidMapping { path: path.clone(), reason };
            let of = sub_target(&target, sub.as_deref())
                .filter(|of| !of.is_complex())
                .ok_or_else(|| invalid("there is no such attribute"))?;
            if sub.is_some() {
                *sub = Some(of.definition().name().to_owned());
            }
            check(of, column).map_err(invalid)?;
            if let Some(value) = column.constant_value() {
                elements.constants.insert(of.definition().name().to_owned(), value.clone());
            }
        }
        let place = self.attributes.iter().position(|attribute| attribute.target == target);
        let place = place.unwrap_or(self.attributes.len());
        let slots = elements.columns.iter().filter_map(|(sub, _)| sub_target(&target, sub.as_deref()));
        for of in slots.chain([&target]) {
            let sub = of.sub_attribute_definition().map(|sub| sub.name().to_owned());
            self.slots.insert(of.path().as_str().to_owned(), Slot { attribute: place, sub });
        }
        match self.attributes.get_mut(place) {
            Some(attribute) => attribute.sources.push(elements),
            None => self.attributes.push(Attribute { target, sources: vec![elements] }),
        }
        Ok(())
    }
}

/// Whether a column can hold what the schema says.
fn check(of: &AttributeRef, column: &Column) -> Result<(), &'static str> {
    let rule = of.comparison();
    if let Some(value) = column.constant_value() {
        return rule.prepare(value).map(|_| ()).ok_or("the constant is not of the attribute's type");
    }
    let suits = match column.kind {
        Kind::Text => rule.is_text() || rule == Comparison::Binary,
        Kind::Boolean => rule == Comparison::Boolean,
        Kind::Integer => of.definition().data_type() == Type::Integer,
        Kind::Real => rule == Comparison::Number,
        Kind::Unix { .. } | Kind::Timestamp => rule == Comparison::Instant,
        Kind::Key => true,
    };
    if !suits {
        return Err("the column is of another type");
    }
    let exact = !matches!(rule, Comparison::Folded | Comparison::UserName);
    if column.kind == Kind::Text && !exact && column.folded.is_none() {
        return Err("case does not matter, so a folded column must stand beside it");
    }
    Ok(())
}
