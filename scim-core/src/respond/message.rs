//! The messages that wrap what a response shows (RFC 7644 sections 3.4.2 and 3.7.3).

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::message_uri::{BULK_RESPONSE, LIST_RESPONSE};
use crate::outcome::{List, OperationResult};

/// A ListResponse message without its resources.
pub(super) struct ListEnvelope<'a> {
    pub(super) list: &'a List,
    pub(super) count: usize,
}

impl Serialize for ListEnvelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("schemas", &[LIST_RESPONSE])?;
        if let Some(total) = self.list.total {
            out.serialize_entry("totalResults", &total)?;
        }
        if let Some(start) = self.list.start {
            out.serialize_entry("startIndex", &start)?;
        }
        out.serialize_entry("itemsPerPage", &self.count)?;
        if let Some(cursor) = &self.list.next {
            out.serialize_entry("nextCursor", cursor)?;
        }
        if let Some(cursor) = &self.list.previous {
            out.serialize_entry("previousCursor", cursor)?;
        }
        out.end()
    }
}

/// A BulkResponse message (RFC 7644 section 3.7.3).
pub(super) struct BulkResponse<'a>(pub(super) &'a [OperationResult]);

impl Serialize for BulkResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("schemas", &[BULK_RESPONSE])?;
        out.serialize_entry("Operations", self.0)?;
        out.end()
    }
}
