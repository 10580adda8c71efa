//! From an HTTP request to an operation: everything that can be refused without the store is
//! refused here.

use http::{Extensions, HeaderMap, Method, StatusCode};
use scim_patch::PatchRequest;
use scim_schema::{Fired, Projection, Quirk, Reading, ResourceType, ScimType, Target};
use serde_json::{Map, Value};

use crate::bulk::Job;
use crate::config::{Config, Registration};
use crate::context::Secrets;
use crate::discovery::Documents;
use crate::parameters::Parameters;
use crate::route::Route;
use crate::search::Search;
use crate::shown::location;
use crate::{
    Action, Error, Identity, Precondition, Resource, Result, ScimService, Update, UpdateOptions, json,
    negotiation,
};

/// A request that was read and resolved, ready to be executed.
#[derive(Debug)]
pub struct Operation {
    pub(crate) kind: Kind,
    pub(crate) fired: Vec<Fired>,
}

impl Operation {
    /// What of the client's deviations was put up with.
    pub fn fired(&self) -> &[Fired] {
        &self.fired
    }
}

/// What to do; a resource type is given by the index of its registration.
#[derive(Debug)]
pub(crate) enum Kind {
    Search(Search),
    Create {
        on: usize,
        resource: Resource,
        secrets: Secrets,
        projection: Projection,
        writes: Vec<Target>,
    },
    Retrieve {
        on: usize,
        id: String,
        projection: Projection,
        precondition: Precondition,
    },
    Update(Box<Change>),
    Delete {
        on: usize,
        id: String,
        precondition: Precondition,
    },
    /// Show discovery documents.
    Discover {
        documents: Documents,
        precondition: Precondition,
    },
    /// Run the operations of a bulk request.
    Bulk(Job),
    /// Say where the resource is.
    Redirect(String),
}

/// A PUT or a PATCH.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) on: usize,
    pub(crate) id: String,
    pub(crate) action: Action,
    pub(crate) update: Update,
    pub(crate) secrets: Secrets,
    pub(crate) options: UpdateOptions,
    pub(crate) writes: Vec<Target>,
    /// What the update looks at to find what to write.
    pub(crate) selects: Vec<Target>,
    /// What the caller may not write, besides what the policy says.
    pub(crate) protected: Vec<String>,
}

impl From<Change> for Kind {
    fn from(change: Change) -> Self {
        Self::Update(Box::new(change))
    }
}

impl ScimService {
    /// Reads a request: the first half of [`handle`](Self::handle).
    ///
    /// The path may or may not begin with the path of the base URL.
    ///
    /// # Errors
    ///
    /// Whatever can be refused without asking a provider, as the response to send. That nobody is
    /// identified comes first: such a request is told nothing else.
    pub fn parse(&self, parts: &http::request::Parts, body: &[u8]) -> Result<Operation> {
        let config = self.config();
        let base = self.base_url(&parts.extensions);
        let route = Route::find(self, &base, parts.uri.path());
        self.admit(&parts.extensions, matches!(route, Ok(Route::Discovery(_))))
            .map_err(|error| negotiation::say_what_is_missing(error, &parts.headers))?;
        let route = route?;
        negotiation::check_accepted(&parts.headers)?;
        let mut reading = Reading::new(&config.tolerance);
        let mut request = Request {
            service: self,
            config,
            base: &base,
            extensions: &parts.extensions,
            query: parts.uri.query().unwrap_or_default(),
            body: Body::Sent(&parts.headers, body),
            precondition: Precondition::from_headers(&parts.headers)?,
            through_me: false,
            reading: &mut reading,
        };
        let kind = request.route(&parts.method, route)?;
        Ok(Operation { kind, fired: reading.into_fired() })
    }

    /// Reads one operation of a bulk request, as if it had come alone.
    pub(crate) fn parse_part(
        &self,
        method: &Method,
        route: Route,
        data: Option<Value>,
        precondition: Precondition,
        extensions: &Extensions,
    ) -> Result<Operation> {
        let config = self.config();
        let base = self.base_url(extensions);
        let mut reading = Reading::new(&config.tolerance);
        let mut request = Request {
            service: self,
            config,
            base: &base,
            extensions,
            query: "",
            body: Body::Read(data),
            precondition,
            through_me: false,
            reading: &mut reading,
        };
        let kind = request.route(method, route)?;
        Ok(Operation { kind, fired: reading.into_fired() })
    }
}

/// A request that is being read.
pub(crate) struct Request<'a, 'r> {
    pub(crate) service: &'a ScimService,
    pub(crate) config: &'a Config,
    base: &'a str,
    pub(crate) extensions: &'a Extensions,
    query: &'a str,
    body: Body<'a>,
    pub(crate) precondition: Precondition,
    /// Whether the resource was named as `/Me`, where not everything can be written.
    pub(crate) through_me: bool,
    pub(crate) reading: &'a mut Reading<'r>,
}

/// A body, as it came or read already.
enum Body<'a> {
    Sent(&'a HeaderMap, &'a [u8]),
    Read(Option<Value>),
}

impl<'a> Request<'a, '_> {
    fn route(&mut self, method: &Method, route: Route) -> Result<Kind> {
        let get = method == Method::GET || method == Method::HEAD;
        match route {
            Route::Root | Route::Collection(_) if get => {
                let parameters = Parameters::from_query(self.query, self.reading)?;
                Ok(Kind::Search(self.search(route.resource_type(), &parameters)?))
            }
            Route::Root => Err(Error::method_not_allowed("GET")),
            Route::Search(on) if method == Method::POST => {
                let parameters = Parameters::from_message(self.json()?, self.reading)?;
                Ok(Kind::Search(self.search(on, &parameters)?))
            }
            Route::Search(_) => Err(Error::method_not_allowed("POST")),
            Route::Collection(on) if method == Method::POST => self.create(on),
            Route::Collection(_) => Err(Error::method_not_allowed("GET, POST")),
            Route::Resource(on, id) => self.resource(method, on, id),
            Route::Me => self.me(method),
            Route::Discovery(documents) if get => {
                // Every other parameter is ignored (RFC 7644 section 4).
                if Parameters::name_filter(self.query) {
                    return Err(Error::forbidden("discovery endpoints do not filter"));
                }
                Ok(Kind::Discover { documents, precondition: self.precondition.clone() })
            }
            Route::Discovery(_) => Err(Error::method_not_allowed("GET")),
            Route::Bulk if self.config.bulk_operations == 0 => {
                Err(Error::not_implemented("bulk requests are not supported"))
            }
            Route::Bulk if method == Method::POST => {
                Ok(Kind::Bulk(Job::read(self.bytes()?, self.config.bulk_operations, self.reading)?))
            }
            Route::Bulk => Err(Error::method_not_allowed("POST")),
        }
    }

    fn resource(&mut self, method: &Method, on: usize, id: String) -> Result<Kind> {
        match *method {
            Method::GET | Method::HEAD => {
                let resource_type = self.registration(on)?.resource_type.clone();
                let (projection, _) = self.resource_projection(&resource_type)?;
                Ok(Kind::Retrieve { on, id, projection, precondition: self.precondition.clone() })
            }
            Method::PUT => self.replace(on, id),
            Method::PATCH => self.patch(on, id),
            Method::DELETE => Ok(Kind::Delete { on, id, precondition: self.required_precondition()? }),
            _ => Err(Error::method_not_allowed("GET, PUT, PATCH, DELETE")),
        }
    }

    /// RFC 7644 section 3.11.
    fn me(&mut self, method: &Method) -> Result<Kind> {
        let config = self.config;
        let Some(me) = &config.me else { return Err(Error::not_implemented("`/Me` is not supported")) };
        let named =
            |name: &str| self.service.registrations().iter().position(|r| r.resource_type.name() == name);
        self.through_me = true;
        if method == Method::POST {
            let on = me.creates.as_deref().and_then(named);
            return self.create(on.ok_or_else(|| Error::not_implemented("`/Me` does not create resources"))?);
        }
        let identity = self.extensions.get::<Identity>();
        let found = identity.and_then(|identity| me.resolve(identity, self.extensions));
        let found = found.and_then(|(name, id)| Some((named(&name)?, id)));
        let (on, id) =
            found.ok_or_else(|| Error::new(StatusCode::NOT_FOUND, "there is no resource for the caller"))?;
        if me.redirects {
            let mut url = location(self.base, self.registration(on)?.resource_type.endpoint(), &id);
            if !self.query.is_empty() {
                url.push('?');
                url.push_str(self.query);
            }
            return Ok(Kind::Redirect(url));
        }
        self.resource(method, on, id)
    }

    pub(crate) fn registration(&self, on: usize) -> Result<&'_ Registration> {
        self.service.registration(on)
    }

    pub(crate) fn projection(&mut self, on: &ResourceType, parameters: &Parameters) -> Result<Projection> {
        match (&parameters.attributes, &parameters.excluded_attributes) {
            (None, None) => Ok(Projection::new(on)),
            (Some(names), None) => Ok(Projection::only(on, names, self.reading)),
            (None, Some(names)) => Ok(Projection::except(on, names, self.reading)),
            (Some(names), Some(_)) if self.reading.tolerates(Quirk::BothProjections, "attributes") => {
                Ok(Projection::only(on, names, self.reading))
            }
            (Some(_), Some(_)) => Err(Error::of(
                ScimType::InvalidValue,
                "`attributes` and `excludedAttributes` exclude each other; send one of them",
            )),
        }
    }

    /// The projection of a request about one resource, from its URL.
    pub(crate) fn resource_projection(&mut self, on: &ResourceType) -> Result<(Projection, Parameters)> {
        let parameters = Parameters::from_query(self.query, self.reading)?;
        Ok((self.projection(on, &parameters)?, parameters))
    }

    /// The bytes of a body that is declared to be JSON and not too large.
    fn bytes(&self) -> Result<&'a [u8]> {
        let Body::Sent(headers, bytes) = self.body else {
            return Err(Error::invalid_syntax("a bulk request cannot be part of another"));
        };
        negotiation::check_body(headers)?;
        let max = self.config.max_payload;
        if bytes.len() > max {
            return Err(Error::too_large(format!("the body is larger than {max} bytes (maxPayloadSize)")));
        }
        negotiation::utf8(bytes)
    }

    pub(crate) fn json(&mut self) -> Result<Value> {
        match &mut self.body {
            Body::Sent(..) => json::parse(self.bytes()?),
            Body::Read(value) => {
                value.take().ok_or_else(|| Error::invalid_syntax("the operation needs `data`"))
            }
        }
    }

    pub(crate) fn patch_request(&mut self) -> Result<PatchRequest> {
        let limits = &self.config.patch_limits;
        Ok(match &self.body {
            Body::Sent(..) => PatchRequest::parse(json::not_empty(self.bytes()?)?, limits, self.reading)?,
            Body::Read(_) => PatchRequest::from_value(self.json()?, limits, self.reading)?,
        })
    }

    pub(crate) fn body_object(&mut self) -> Result<Map<String, Value>> {
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::invalid_syntax("the body must be a JSON object: the resource")),
        }
    }
}
