//! Operations: the result of parsing a request, and the input of executing it.

use scim_schema::{AttributeRef, Projection, ResourceType, ToleratedQuirk};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::secrets::Secrets;
use crate::setup::Documents;
use crate::type_index::TypeIndex;
use crate::{Action, Precondition, Query, Resource, Update, UpdateOptions, Window};

/// A request that was parsed and resolved, ready to be [executed](crate::ScimService::execute).
///
/// ```
/// use scim_core::{Action, Identity, MemoryProvider, ScimService};
///
/// let service = ScimService::builder()
///     .base_url("https://example.com/scim/v2")
///     .users(MemoryProvider::new())
///     .build()
///     .unwrap();
/// let mut request = http::Request::delete("/Users/42").body(()).unwrap();
/// request.extensions_mut().insert(Identity::new("tests"));
///
/// let operation = service.parse(&request.into_parts().0, b"")?;
/// assert_eq!(operation.action(), Some(Action::Delete));
/// assert_eq!(operation.resource_type().map(|of| of.name()), Some("User"));
/// assert_eq!(operation.id(), Some("42"));
/// # Ok::<(), scim_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Operation {
    pub(crate) kind: OperationKind,
    pub(crate) tolerated: Vec<ToleratedQuirk>,
    /// The resource type that the operation is about, if there is exactly one.
    pub(crate) resource_type: Option<ResourceType>,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum OperationKind {
    Search(SearchOperation),
    Create(Box<CreateOperation>),
    Retrieve {
        type_index: TypeIndex,
        id: String,
        projection: Projection,
        precondition: Precondition,
    },
    Update(Box<UpdateOperation>),
    Delete {
        type_index: TypeIndex,
        id: String,
        precondition: Precondition,
    },
    /// Return discovery documents.
    Discover {
        documents: Documents,
        precondition: Precondition,
    },
    Bulk(BulkRequest),
    /// Redirect to the URL of the caller's own resource.
    Redirect(String),
}

/// A query for each of some resource types.
#[derive(Debug)]
pub(crate) struct SearchOperation {
    pub(crate) queries: Vec<(TypeIndex, Query)>,
    /// What the types are sorted by before their resources are.
    pub(crate) type_order: TypeOrder,
    /// In which of the queries the page begins; an index counts over all of them.
    pub(crate) first_query: usize,
    /// Where the page begins.
    pub(crate) window: Window,
    pub(crate) count: usize,
    /// What the cursors of the page are valid for; empty if it has no cursors.
    pub(crate) binding: String,
}

/// The order of resource types, where the sort attribute has the same value in all resources of a type.
#[derive(Debug, Default)]
pub(crate) struct TypeOrder {
    /// The key of each type; none for a type without the attribute.
    pub(crate) keys: Vec<Option<String>>,
    pub(crate) descending: bool,
}

/// A POST of a resource.
#[derive(Debug)]
pub(crate) struct CreateOperation {
    pub(crate) type_index: TypeIndex,
    pub(crate) resource: Resource,
    pub(crate) secrets: Secrets,
    pub(crate) projection: Projection,
    pub(crate) writes: Vec<AttributeRef>,
    /// The attributes that the client left out, and that have the default value of the schema.
    pub(crate) defaults: Vec<AttributeRef>,
    /// Whether the URL is `/Me`.
    pub(crate) through_me: bool,
}

/// A PUT or a PATCH.
#[derive(Debug)]
pub(crate) struct UpdateOperation {
    pub(crate) type_index: TypeIndex,
    pub(crate) id: String,
    pub(crate) action: Action,
    pub(crate) update: Update,
    pub(crate) secrets: Secrets,
    pub(crate) options: UpdateOptions,
    pub(crate) writes: Vec<AttributeRef>,
    /// The attributes that a PATCH looks at to find what to write.
    pub(crate) reads: Vec<AttributeRef>,
    /// The attributes that the caller may not write, besides those that the policy protects.
    pub(crate) protected: Vec<String>,
}

/// A bulk request whose operations are still JSON text: each is parsed just before it is executed.
#[derive(Debug)]
pub(crate) struct BulkRequest {
    pub(crate) operations: Vec<Box<RawValue>>,
    /// After how many errors the request ends.
    pub(crate) fail_on_errors: usize,
}

impl Operation {
    /// What the operation does; `None` for a bulk request, discovery documents and a redirect.
    pub fn action(&self) -> Option<Action> {
        match &self.kind {
            OperationKind::Search(_) => Some(Action::Query),
            OperationKind::Create(_) => Some(Action::Create),
            OperationKind::Retrieve { .. } => Some(Action::Retrieve),
            OperationKind::Update(update) => Some(update.action),
            OperationKind::Delete { .. } => Some(Action::Delete),
            OperationKind::Discover { .. } | OperationKind::Bulk(_) | OperationKind::Redirect(_) => None,
        }
    }

    /// The resource type; `None` for a query of several types and where [`action`](Self::action) is `None`.
    pub fn resource_type(&self) -> Option<&ResourceType> {
        self.resource_type.as_ref()
    }

    /// The id in the URL; `None` for queries, creations and where [`action`](Self::action) is `None`.
    pub fn id(&self) -> Option<&str> {
        match &self.kind {
            OperationKind::Retrieve { id, .. } | OperationKind::Delete { id, .. } => Some(id),
            OperationKind::Update(update) => Some(&update.id),
            _ => None,
        }
    }

    /// The number of operations in a bulk request; `None` for any other request.
    pub fn bulk_operations(&self) -> Option<usize> {
        match &self.kind {
            OperationKind::Bulk(request) => Some(request.operations.len()),
            _ => None,
        }
    }

    /// Whether the request asks for discovery documents (RFC 7644 section 4).
    pub fn is_discovery(&self) -> bool {
        matches!(self.kind, OperationKind::Discover { .. })
    }

    /// The attributes that a creation or an update writes; empty for any other operation. Those inside the operations of a
    /// bulk request are not known yet.
    pub fn writes(&self) -> &[AttributeRef] {
        match &self.kind {
            OperationKind::Create(create) => &create.writes,
            OperationKind::Update(update) => &update.writes,
            _ => &[],
        }
    }

    /// The value that a creation or an update gives to a boolean attribute of the core schema, such as `active`; `None` if
    /// it gives it none.
    pub fn sets(&self, attribute: &str) -> Option<bool> {
        match &self.kind {
            OperationKind::Create(create) => create.resource.get(attribute).and_then(Value::as_bool),
            OperationKind::Update(update) => update.update.sets(attribute),
            _ => None,
        }
    }

    /// The deviations of the client that were tolerated. Those inside the operations of a bulk request, and those that
    /// depend on what is stored, are not known yet; see [`Outcome::tolerated`](crate::Outcome::tolerated).
    pub fn tolerated(&self) -> &[ToleratedQuirk] {
        &self.tolerated
    }
}

impl OperationKind {
    pub(crate) fn type_index(&self) -> Option<TypeIndex> {
        match self {
            Self::Search(search) => match search.queries.as_slice() {
                [(type_index, _)] => Some(*type_index),
                _ => None,
            },
            Self::Create(create) => Some(create.type_index),
            Self::Retrieve { type_index, .. } | Self::Delete { type_index, .. } => Some(*type_index),
            Self::Update(update) => Some(update.type_index),
            Self::Discover { .. } | Self::Bulk(_) | Self::Redirect(_) => None,
        }
    }
}

impl From<CreateOperation> for OperationKind {
    fn from(create: CreateOperation) -> Self {
        Self::Create(Box::new(create))
    }
}

impl From<UpdateOperation> for OperationKind {
    fn from(update: UpdateOperation) -> Self {
        Self::Update(Box::new(update))
    }
}
