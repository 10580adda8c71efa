//! A request that is being parsed, and what all kinds of requests read from it.

use http::{Extensions, HeaderMap, StatusCode};
use scim_patch::PatchRequest;
use scim_schema::{Projection, Quirk, ReadContext, ResourceType, ScimType};
use serde_json::{Map, Value};

use super::parameters::Parameters;
use super::{json, negotiation};
use crate::setup::{Config, Setup};
use crate::type_index::TypeIndex;
use crate::{Error, Precondition, Result};

/// A request that is being parsed.
pub(super) struct Request<'a> {
    pub(super) setup: &'a Setup,
    pub(super) base_url: &'a str,
    pub(super) extensions: &'a Extensions,
    pub(super) query: &'a str,
    pub(super) body: Body<'a>,
    pub(super) precondition: Precondition,
    /// Whether the URL is `/Me`, through which some attributes cannot be written.
    pub(super) through_me: bool,
    /// Which deviations are tolerated, and which were found.
    pub(super) read_context: ReadContext<'a>,
}

/// The body of a request.
pub(super) enum Body<'a> {
    /// As it was received.
    Bytes(&'a HeaderMap, &'a [u8]),
    /// The `data` of an operation of a bulk request, which was parsed with it.
    Value(Option<Value>),
}

impl<'a> Request<'a> {
    pub(super) fn config(&self) -> &'a Config {
        &self.setup.config
    }

    pub(super) fn resource_type(&self, type_index: TypeIndex) -> Result<ResourceType> {
        Ok(self.setup.registration(type_index)?.resource_type.clone())
    }

    /// The precondition of a change, which some services require.
    pub(super) fn write_precondition(&self) -> Result<Precondition> {
        if self.config().require_if_match && !self.precondition.has_if_match() {
            return Err(Error::new(
                StatusCode::PRECONDITION_REQUIRED,
                "`If-Match` is required: send the version that the resource was read with",
            ));
        }
        Ok(self.precondition.clone())
    }

    /// The attributes that the response shows (RFC 7644 section 3.9).
    pub(super) fn projection(
        &mut self,
        resource_type: &ResourceType,
        parameters: &Parameters,
    ) -> Result<Projection> {
        match (&parameters.attributes, &parameters.excluded_attributes) {
            (None, None) => Ok(Projection::new(resource_type)),
            (Some(names), None) => Ok(Projection::only(resource_type, names, &mut self.read_context)),
            (None, Some(names)) => Ok(Projection::excluding(resource_type, names, &mut self.read_context)),
            (Some(names), Some(_)) if self.read_context.allow_quirk(Quirk::BothProjections, "attributes") => {
                Ok(Projection::only(resource_type, names, &mut self.read_context))
            }
            (Some(_), Some(_)) => Err(Error::from_scim_type(
                ScimType::InvalidValue,
                "`attributes` and `excludedAttributes` cannot be combined; send one of them",
            )),
        }
    }

    /// The projection of a request about one resource, from its URL.
    pub(super) fn resource_projection(
        &mut self,
        resource_type: &ResourceType,
    ) -> Result<(Projection, Parameters)> {
        let parameters = Parameters::from_query(self.query, &mut self.read_context)?;
        Ok((self.projection(resource_type, &parameters)?, parameters))
    }

    /// The bytes of the body, if it is declared to be JSON and is not too large.
    pub(super) fn bytes(&self) -> Result<&'a [u8]> {
        let Body::Bytes(headers, bytes) = self.body else {
            return Err(Error::invalid_syntax("a bulk request cannot be part of another"));
        };
        negotiation::check_body(headers)?;
        let max = self.config().max_payload;
        if bytes.len() > max {
            return Err(Error::too_large(format!("the body is larger than {max} bytes (maxPayloadSize)")));
        }
        negotiation::check_utf8(bytes)
    }

    /// The body as JSON.
    pub(super) fn json(&mut self) -> Result<Value> {
        match &mut self.body {
            Body::Bytes(..) => json::parse(self.bytes()?),
            Body::Value(value) => {
                value.take().ok_or_else(|| Error::invalid_syntax("the operation has no `data`"))
            }
        }
    }

    /// The body as a PATCH request.
    pub(super) fn patch_request(&mut self) -> Result<PatchRequest> {
        let limits = &self.config().patch_limits;
        Ok(match &self.body {
            Body::Bytes(..) => {
                PatchRequest::parse(json::not_empty(self.bytes()?)?, limits, &mut self.read_context)?
            }
            Body::Value(_) => PatchRequest::from_value(self.json()?, limits, &mut self.read_context)?,
        })
    }

    /// The body as a JSON object, which the body of a POST or PUT is.
    pub(super) fn body_object(&mut self) -> Result<Map<String, Value>> {
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::invalid_syntax(
                "the body must be a JSON object with the attributes of the resource",
            )),
        }
    }
}
