//! Chooses the operation by the method and the endpoint.

use http::{Method, StatusCode};
use scim_schema::Quirk;

use super::bulk::read_bulk_request;
use super::parameters::Parameters;
use super::request::Request;
use super::route::Route;
use crate::operation::{OperationKind, TypeOrder};
use crate::type_index::TypeIndex;
use crate::url::resource_url;
use crate::{Error, Identity, Operation, Result};

impl Request<'_> {
    /// Parses the request for an endpoint.
    pub(super) fn into_operation(mut self, method: &Method, route: Route) -> Result<Operation> {
        let kind = self.dispatch(method, route)?;
        let resource_type = kind.type_index().map(|index| self.resource_type(index)).transpose()?;
        Ok(Operation { kind, tolerated: self.read_context.into_tolerated(), resource_type })
    }

    fn dispatch(&mut self, method: &Method, route: Route) -> Result<OperationKind> {
        let is_get = method == Method::GET || method == Method::HEAD;
        match route {
            Route::Root | Route::Collection(_) if is_get => {
                let parameters = Parameters::from_query(self.query, &mut self.read_context)?;
                self.search(route.type_index(), &parameters)
            }
            Route::Root => Err(Error::method_not_allowed("GET")),
            Route::Search(type_index) if method == Method::POST => {
                let message = self.json()?;
                let parameters = Parameters::from_message(message, &mut self.read_context)?;
                self.search(type_index, &parameters)
            }
            Route::Search(_) => Err(Error::method_not_allowed("POST")),
            Route::Collection(type_index) if method == Method::POST => self.create(type_index),
            Route::Collection(_) => Err(Error::method_not_allowed("GET, POST")),
            Route::Resource(type_index, id) => self.resource(method, type_index, id),
            Route::Me => self.me(method),
            Route::Discovery(documents) if is_get => {
                // Other parameters are ignored (RFC 7644 section 4).
                if Parameters::has_filter(self.query) {
                    return Err(Error::forbidden("the discovery endpoints do not support `filter`"));
                }
                Ok(OperationKind::Discover { documents, precondition: self.precondition.clone() })
            }
            Route::Discovery(_) => Err(Error::method_not_allowed("GET")),
            Route::Bulk if self.config().max_bulk_operations == 0 => {
                Err(Error::not_implemented("bulk requests are not supported"))
            }
            Route::Bulk if method == Method::POST => {
                let max = self.config().max_bulk_operations;
                let request = read_bulk_request(self.bytes()?, max, &mut self.read_context)?;
                Ok(OperationKind::Bulk(request))
            }
            Route::Bulk => Err(Error::method_not_allowed("POST")),
            // Entra ID's connection test reads both collections, whatever the service has.
            Route::AbsentCollection(name)
                if is_get && self.read_context.allow_quirk(Quirk::AbsentCollection, name) =>
            {
                let parameters = Parameters::from_query(self.query, &mut self.read_context)?;
                let search = self.search_from_index(&parameters, Vec::new(), TypeOrder::default())?;
                Ok(OperationKind::Search(search))
            }
            Route::AbsentCollection(_) => Err(Route::not_found()),
        }
    }

    fn resource(&mut self, method: &Method, type_index: TypeIndex, id: String) -> Result<OperationKind> {
        match *method {
            Method::GET | Method::HEAD => {
                let resource_type = self.resource_type(type_index)?;
                let (projection, _) = self.resource_projection(&resource_type)?;
                let precondition = self.precondition.clone();
                Ok(OperationKind::Retrieve { type_index, id, projection, precondition })
            }
            Method::PUT => self.replace(type_index, id),
            Method::PATCH => self.patch(type_index, id),
            Method::DELETE => {
                let precondition = self.write_precondition()?;
                Ok(OperationKind::Delete { type_index, id, precondition })
            }
            _ => Err(Error::method_not_allowed("GET, PUT, PATCH, DELETE")),
        }
    }

    /// A request to `/Me`, the resource of the caller (RFC 7644 section 3.11).
    fn me(&mut self, method: &Method) -> Result<OperationKind> {
        let Some(me) = &self.config().me else {
            return Err(Error::not_implemented("`/Me` is not supported"));
        };
        let type_named =
            |name: &str| self.setup.find(|registration| registration.resource_type.name() == name);
        if method == Method::POST {
            let created = me.creates.as_deref().and_then(type_named);
            let type_index =
                created.ok_or_else(|| Error::not_implemented("`/Me` does not create resources"))?;
            self.through_me = true;
            return self.create(type_index);
        }
        let identity = self.extensions.get::<Identity>();
        let found = identity.and_then(|identity| me.resolve(identity, self.extensions));
        let (type_index, id) = found
            .and_then(|(name, id)| Some((type_named(&name)?, id)))
            .ok_or_else(|| Error::new(StatusCode::NOT_FOUND, "`/Me`: no resource belongs to the caller"))?;
        if me.redirects {
            let mut url = resource_url(self.base_url, self.resource_type(type_index)?.endpoint(), &id);
            if !self.query.is_empty() {
                url.push('?');
                url.push_str(self.query);
            }
            return Ok(OperationKind::Redirect(url));
        }
        self.through_me = true;
        self.resource(method, type_index, id)
    }
}
