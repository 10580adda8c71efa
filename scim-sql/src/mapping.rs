//! The mapping of the attributes of a resource type to the tables of a host.

use std::collections::HashMap;
use std::fmt;

use scim_schema::{
    AttrPath, AttributeRef, Comparison, Projection, ReadContext, ResourceType, Tolerance, Type,
};
use serde_json::{Map, Value};

use crate::column::ColumnSource;
use crate::column_type::ColumnType;
use crate::{Column, Error};

/// The mapping of the attributes of a resource type to the tables of a host. It is built once, and used for every
/// query.
///
/// ```
/// use scim_schema::standard;
/// use scim_sql::{Column, Elements, Mapping};
///
/// let users = Mapping::builder(&standard::user_type(), "users u", "u.id")
///     .column("id", Column::text("u.id").not_null().indexed())
///     .column("userName", Column::text("u.name").folded("u.name_folded").not_null().indexed())
///     .column("active", Column::boolean("(u.deactivated_at IS NULL)").not_null())
///     // One column has the work address; a table has the other addresses.
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
    pub(crate) attributes: Vec<MappedAttribute>,
    /// The mapped paths.
    paths: HashMap<String, MappedPath>,
}

/// An attribute, and the sources of its elements. An attribute with a single value has a single element.
#[derive(Debug)]
pub(crate) struct MappedAttribute {
    pub(crate) target: AttributeRef,
    pub(crate) sources: Vec<Elements>,
}

impl MappedAttribute {
    /// The source whose elements determine the sort value; see [`Elements::order`].
    pub(crate) fn sort_source(&self) -> Option<&Elements> {
        if let [only] = self.sources.as_slice() {
            return Some(only);
        }
        let mut candidates =
            self.sources.iter().filter(|source| source.table.is_none() || source.order.is_some());
        let first = candidates.next();
        if candidates.next().is_none() { first } else { None }
    }
}

/// The attribute of a path, as an index of [`Mapping::attributes`], and the name of its sub-attribute.
#[derive(Debug)]
struct MappedPath {
    attribute: usize,
    sub: Option<String>,
}

/// A source of elements of an attribute: the rows of another table, or columns in the row of the resource, which make
/// one element.
#[derive(Clone, Debug)]
#[must_use]
pub struct Elements {
    /// The table, and its column with the id of the resource; `None` for the row of the resource.
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

    /// One element in the row of the resource. It exists if at least one of its columns is not NULL.
    pub fn row() -> Self {
        Self::new(None)
    }

    /// An element for each row of a table or of a join. `table` is the SQL after FROM, with aliases; `owner` is the
    /// column with the id of the resource, which must not be NULL.
    pub fn table(table: impl Into<String>, owner: impl Into<String>) -> Self {
        Self::new(Some((table.into(), owner.into())))
    }

    /// Adds a condition in SQL. Only rows for which it is true are elements of the attribute.
    pub fn condition(mut self, sql: impl Into<String>) -> Self {
        self.condition = Some(sql.into());
        self
    }

    /// Restricts the rows to those that have the value of a parameter in a column, like
    /// [`MappingBuilder::scoped_by`].
    pub fn scoped_by(mut self, column: impl Into<String>, parameter: usize) -> Self {
        self.scoped_by.push((column.into(), parameter));
        self
    }

    /// The order of the elements of a resource, in SQL. A resource is sorted by its first element, which must be the
    /// primary one, or else the first one that the client sent (RFC 7644 section 3.4.2.3).
    ///
    /// If an attribute has several sources, only those with an order, and a row of the resource, count for sorting.
    /// The first element of a resource must never be in a source that does not count. If two sources count, it is
    /// unknown which of them has the first element, and sorting by the attribute is refused.
    pub fn order(mut self, sql: impl Into<String>) -> Self {
        self.order = Some(sql.into());
        self
    }

    /// The column with the values of a sub-attribute.
    pub fn column(mut self, sub_attribute: &str, column: Column) -> Self {
        self.columns.push((Some(sub_attribute.to_owned()), column));
        self
    }

    /// The column with the elements themselves, if the attribute has no sub-attributes.
    pub fn value(mut self, column: Column) -> Self {
        self.columns.push((None, column));
        self
    }

    /// The column of a sub-attribute, or of the elements themselves.
    pub(crate) fn column_for(&self, sub: Option<&str>) -> Option<&Column> {
        self.columns.iter().find(|(name, _)| name.as_deref() == sub).map(|(_, column)| column)
    }
}

/// Builds a [`Mapping`].
#[derive(Debug)]
#[must_use]
pub struct MappingBuilder {
    resource_type: ResourceType,
    table: String,
    id: String,
    scoped_by: Vec<(String, usize)>,
    columns: Vec<(String, Column)>,
    elements: Vec<(String, Elements)>,
}

/// The reasons why a mapping does not fit its resource type: all of them, not only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMapping(Vec<Misfit>);

/// A column that does not fit its attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Misfit {
    path: String,
    reason: &'static str,
}

impl InvalidMapping {
    /// The reasons, one for each path.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot map `{}`: {}", self.path, self.reason)
    }
}

/// Writes all reasons, separated by semicolons.
impl fmt::Display for InvalidMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, misfit) in self.0.iter().enumerate() {
            write!(f, "{}{misfit}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidMapping {}

impl Mapping {
    /// Begins a mapping. `table` is the table of the resources with its alias; `id` is the expression, in that table,
    /// by which other tables refer to a resource.
    pub fn builder(
        resource_type: &ResourceType,
        table: impl Into<String>,
        id: impl Into<String>,
    ) -> MappingBuilder {
        MappingBuilder {
            resource_type: resource_type.clone(),
            table: table.into(),
            id: id.into(),
            scoped_by: Vec::new(),
            columns: Vec::new(),
            elements: Vec::new(),
        }
    }

    /// The columns in the row of a resource that a response with this projection shows, each with its attribute.
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
        let columns = self.attributes.iter().flat_map(|attribute| {
            let rows = attribute.sources.iter().filter(|source| source.table.is_none());
            rows.flat_map(|source| &source.columns).filter_map(|(sub, column)| match &column.source {
                ColumnSource::Sql(sql) => {
                    Some((sub_target(&attribute.target, sub.as_deref())?, sql.as_str()))
                }
                ColumnSource::Constant(_) => None,
            })
        });
        columns.filter(|(target, _)| projection.shows(target))
    }

    /// The mapped attribute that a reference is about, and the sub-attribute.
    pub(crate) fn attribute_for(
        &self,
        target: &AttributeRef,
    ) -> Result<(&MappedAttribute, Option<&str>), Error> {
        let unmapped = || Error::Unmapped(target.to_string());
        let path = self.paths.get(target.path().as_str()).ok_or_else(unmapped)?;
        let attribute = self.attributes.get(path.attribute).ok_or_else(unmapped)?;
        Ok((attribute, path.sub.as_deref()))
    }
}

/// The attribute itself, or its sub-attribute with this name.
fn sub_target<'a>(attribute: &'a AttributeRef, sub: Option<&str>) -> Option<&'a AttributeRef> {
    match sub {
        None => Some(attribute),
        Some(name) => attribute.sub_attribute(name),
    }
}

impl MappingBuilder {
    /// Restricts the rows of the resources to those that have the value of a parameter in a column: for the tenant,
    /// or for a table with resources of several types.
    ///
    /// `parameter` is the number of the parameter. The statement around a fragment must bind it, and must have the
    /// condition itself. Fragments repeat the condition in subqueries that read the table again.
    pub fn scoped_by(mut self, column: impl Into<String>, parameter: usize) -> Self {
        self.scoped_by.push((column.into(), parameter));
        self
    }

    /// The column with an attribute or sub-attribute in the row of the resource. The columns of a multi-valued
    /// attribute together are one element.
    pub fn column(mut self, path: &str, column: Column) -> Self {
        self.columns.push((path.to_owned(), column));
        self
    }

    /// Adds a source of elements of an attribute. An attribute may have several sources.
    pub fn elements(mut self, path: &str, elements: Elements) -> Self {
        self.elements.push((path.to_owned(), elements));
        self
    }

    /// Builds the mapping.
    ///
    /// # Errors
    ///
    /// If the resource type does not have an attribute, or a column has the wrong type for its attribute. The error
    /// lists all such attributes.
    ///
    /// ```
    /// use scim_schema::standard;
    /// use scim_sql::{Column, Mapping};
    ///
    /// let built = Mapping::builder(&standard::user_type(), "users u", "u.id")
    ///     .column("shoeSize", Column::integer("u.shoe_size"))
    ///     .column("active", Column::text("u.active"))
    ///     .build();
    /// assert_eq!(built.unwrap_err().reasons().count(), 2);
    /// ```
    pub fn build(self) -> Result<Mapping, InvalidMapping> {
        let mut mapping = Mapping {
            table: self.table,
            id: self.id,
            scoped_by: self.scoped_by,
            attributes: Vec::new(),
            paths: HashMap::new(),
        };
        let mut misfits = Vec::new();
        // Collects the columns of each attribute into one element.
        let mut sources: Vec<(AttributeRef, Elements)> = Vec::new();
        for (path, column) in self.columns {
            let target = match resolve(&self.resource_type, &path) {
                Ok(target) => target,
                Err(misfit) => {
                    misfits.push(misfit);
                    continue;
                }
            };
            let attribute = self.resource_type.parent_attribute(&target).unwrap_or(&target).clone();
            let sub = target.sub_attribute_definition().map(|sub| sub.name().to_owned());
            match sources.iter_mut().find(|(found, _)| *found == attribute) {
                Some((_, row)) => row.columns.push((sub, column)),
                None => {
                    let row = Elements { columns: vec![(sub, column)], ..Elements::row() };
                    sources.push((attribute, row));
                }
            }
        }
        for (path, elements) in self.elements {
            match resolve(&self.resource_type, &path) {
                Ok(target) => sources.push((target, elements)),
                Err(misfit) => misfits.push(misfit),
            }
        }
        for (target, elements) in sources {
            mapping.add(target, elements, &mut misfits);
        }
        if misfits.is_empty() { Ok(mapping) } else { Err(InvalidMapping(misfits)) }
    }
}

fn resolve(resource_type: &ResourceType, path: &str) -> Result<AttributeRef, Misfit> {
    let unknown = || Misfit { path: path.to_owned(), reason: "the resource type has no such attribute" };
    let parsed: AttrPath = path.parse().map_err(|_| unknown())?;
    resource_type.resolve(&parsed, &mut ReadContext::new(&Tolerance::strict())).map_err(|_| unknown())
}

impl Mapping {
    /// Adds a source of elements of an attribute, and the columns that do not fit to `misfits`.
    fn add(&mut self, target: AttributeRef, mut elements: Elements, misfits: &mut Vec<Misfit>) {
        for (sub, column) in &mut elements.columns {
            let path =
                format!("{target}{}{}", if sub.is_some() { "." } else { "" }, sub.as_deref().unwrap_or(""));
            let simple = sub_target(&target, sub.as_deref()).filter(|sub_target| !sub_target.is_complex());
            let Some(sub_target) = simple else {
                let reason = "the attribute has no such simple sub-attribute, or is complex itself";
                misfits.push(Misfit { path, reason });
                continue;
            };
            if sub.is_some() {
                *sub = Some(sub_target.definition().name().to_owned());
            }
            if let Err(reason) = check_type(sub_target, column) {
                misfits.push(Misfit { path, reason });
            }
            if let Some(value) = column.constant_value() {
                elements.constants.insert(sub_target.definition().name().to_owned(), value.clone());
            }
        }
        let index = self.attributes.iter().position(|attribute| attribute.target == target);
        let index = index.unwrap_or(self.attributes.len());
        let paths = elements.columns.iter().filter_map(|(sub, _)| sub_target(&target, sub.as_deref()));
        for path in paths.chain([&target]) {
            let sub = path.sub_attribute_definition().map(|sub| sub.name().to_owned());
            self.paths.insert(path.path().as_str().to_owned(), MappedPath { attribute: index, sub });
        }
        match self.attributes.get_mut(index) {
            Some(attribute) => attribute.sources.push(elements),
            None => self.attributes.push(MappedAttribute { target, sources: vec![elements] }),
        }
    }
}

/// Refuses a column that cannot hold the values that the schema allows.
fn check_type(target: &AttributeRef, column: &Column) -> Result<(), &'static str> {
    let comparison = target.comparison();
    if let Some(value) = column.constant_value() {
        return comparison
            .prepare(value)
            .map(|_| ())
            .ok_or("the constant does not have the type of the attribute");
    }
    let fits = match column.column_type {
        ColumnType::Text => comparison.is_text() || comparison == Comparison::Binary,
        ColumnType::Boolean => comparison == Comparison::Boolean,
        ColumnType::Integer => target.definition().data_type() == Type::Integer,
        ColumnType::Real => comparison == Comparison::Number,
        ColumnType::UnixTime { .. } | ColumnType::Timestamp => comparison == Comparison::Instant,
        ColumnType::Key => true,
    };
    if !fits {
        return Err("the column does not have the type of the attribute");
    }
    let is_case_exact = !matches!(comparison, Comparison::Folded | Comparison::UserName);
    if column.column_type == ColumnType::Text && !is_case_exact && column.folded.is_none() {
        return Err("the attribute is not caseExact, so its text column needs a folded column");
    }
    Ok(())
}
