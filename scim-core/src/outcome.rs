//! Outcomes: the result of executing an operation, and the input of responding.

use http::StatusCode;
use scim_schema::{Projection, ToleratedQuirk};
use serde::Serialize;

use crate::setup::Documents;
use crate::type_index::TypeIndex;
use crate::{ETag, Error, Resource};

/// The result of an [`Operation`](crate::Operation), which [`response`](crate::ScimService::response) shows.
#[derive(Debug)]
pub struct Outcome {
    pub(crate) answer: Answer,
    /// The base URL of the request.
    pub(crate) base_url: String,
    pub(crate) tolerated: Vec<ToleratedQuirk>,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Resource { type_index: TypeIndex, resource: Resource, projection: Projection, origin: Origin },
    List(List),
    Documents(Documents),
    NoContent { version: Option<ETag> },
    NotModified { version: ETag },
    Redirect(String),
    Bulk(Vec<OperationResult>),
}

/// Where the resource of an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It existed before.
    Stored,
    /// The operation has created it.
    Created,
    /// The operation would have created it, but it existed before, and the client has adopted it.
    Adopted,
}

/// A page of resources, perhaps of several types.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// The types, and which attributes of each are returned.
    pub(crate) types: Vec<(TypeIndex, Projection)>,
    /// The resources in order, each with the position of its type in `types`.
    pub(crate) resources: Vec<(usize, Resource)>,
    pub(crate) total: Option<u64>,
    pub(crate) start: Option<u64>,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
}

/// The result of one operation of a bulk request (RFC 7644 section 3.7.3).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationResult {
    pub(crate) method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bulk_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    pub(crate) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Error>,
}

impl Outcome {
    /// The status of the response. A bulk request has 200 whatever the results of its operations are.
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// The resource of an answer that shows exactly one, as the provider returned it: with attributes that
    /// the response leaves out.
    pub fn resource(&self) -> Option<&Resource> {
        match &self.answer {
            Answer::Resource { resource, .. } => Some(resource),
            _ => None,
        }
    }

    /// The deviations of the client that were tolerated while the request was executed: those inside the operations of a
    /// bulk request, and those that depend on what is stored. [`Operation::tolerated`](crate::Operation::tolerated) has the
    /// others.
    pub fn tolerated(&self) -> &[ToleratedQuirk] {
        &self.tolerated
    }

    /// The results of the operations of a bulk request, in the order of the request, up to the last one that was executed;
    /// empty for any other request.
    pub fn bulk_results(&self) -> impl ExactSizeIterator<Item = BulkResult<'_>> {
        let results = match &self.answer {
            Answer::Bulk(results) => results.as_slice(),
            _ => &[],
        };
        results.iter().map(|result| BulkResult {
            method: &result.method,
            location: result.location.as_deref(),
            status: result.status.parse().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error: result.response.as_ref(),
        })
    }

    /// The version of the resource after the operation, where the response has an `ETag` header for it.
    pub fn version(&self) -> Option<ETag> {
        match &self.answer {
            Answer::Resource { resource, .. } => resource.version(),
            Answer::NoContent { version } => version.clone(),
            Answer::NotModified { version } => Some(version.clone()),
            Answer::List(_) | Answer::Documents(_) | Answer::Redirect(_) | Answer::Bulk(_) => None,
        }
    }
}

/// The result of an operation of a bulk request (RFC 7644 section 3.7.3).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BulkResult<'o> {
    /// The method of the operation, such as `POST`; what the client has sent if it is none.
    pub method: &'o str,
    /// The URL of the resource, if it is known.
    pub location: Option<&'o str>,
    /// The status of the operation.
    pub status: StatusCode,
    /// Why it was refused.
    pub error: Option<&'o Error>,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Resource { origin: Origin::Created | Origin::Adopted, .. } => StatusCode::CREATED,
            Self::NoContent { .. } => StatusCode::NO_CONTENT,
            Self::NotModified { .. } => StatusCode::NOT_MODIFIED,
            Self::Redirect(_) => StatusCode::PERMANENT_REDIRECT,
            _ => StatusCode::OK,
        }
    }
}

impl OperationResult {
    /// Replaces the result by an error.
    pub(crate) fn fail(&mut self, error: Error) {
        self.status = error.status().as_str().to_owned();
        self.version = None;
        self.response = Some(error);
    }
}
