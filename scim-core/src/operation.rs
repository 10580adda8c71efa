//! From an HTTP request to an operation: everything that can be refused without the store is
//! refused here.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Extensions, HeaderMap, Method, StatusCode};
use scim_patch::PatchRequest;
use scim_schema::{Fired, Mutability, Projection, Reading, ResourceType, ScimType, Target, is_unassigned};
use serde_json::{Map, Value};

use crate::bulk::Job;
use crate::config::{Config, Registration};
use crate::context::Secrets;
use crate::discovery::Document;
use crate::parameters::Parameters;
use crate::response::location;
use crate::route::Route;
use crate::search::Search;
use crate::{
    Action, Error, Identity, Precondition, Resource, Result, ScimService, Update, UpdateOptions, json,
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
}

/// Which discovery documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    Configuration,
    Schemas(Option<usize>),
    ResourceTypes(Option<usize>),
}

impl ScimService {
    /// Reads a request: the first half of [`handle`](Self::handle).
    ///
    /// The path may or may not begin with the path of the base URL.
    ///
    /// # Errors
    ///
    /// Whatever can be refused without asking a provider, as the response to send.
    pub fn parse(&self, parts: &http::request::Parts, body: &[u8]) -> Result<Operation> {
        let config = self.config();
        let base = self.base_url(&parts.extensions);
        let route = Route::find(self, &base, parts.uri.path())?;
        check_media_types(&parts.headers)?;
        if body.len() > config.max_payload {
            return Err(Error::too_large(format!("the body is larger than {} bytes", config.max_payload)));
        }
        let mut reading = Reading::new(&config.tolerance);
        let mut request = Request {
            service: self,
            config,
            base: &base,
            extensions: &parts.extensions,
            query: parts.uri.query().unwrap_or_default(),
            body: Body::Bytes(body),
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
            body: Body::Json(data),
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
    precondition: Precondition,
    /// Whether the resource was named as `/Me`, where not everything can be written.
    through_me: bool,
    pub(crate) reading: &'a mut Reading<'r>,
}

/// A body, as it came or read already.
enum Body<'a> {
    Bytes(&'a [u8]),
    Json(Option<Value>),
}

impl Request<'_, '_> {
    fn route(&mut self, method: &Method, route: Route) -> Result<Kind> {
        let get = method == Method::GET || method == Method::HEAD;
        match route {
            Route::Root | Route::Collection(_) if get => {
                let parameters = Parameters::from_query(self.query)?;
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
                if Parameters::from_query(self.query)?.filter.is_some() {
                    return Err(Error::forbidden("discovery endpoints do not filter"));
                }
                Ok(Kind::Discover { documents, precondition: self.precondition.clone() })
            }
            Route::Discovery(_) => Err(Error::method_not_allowed("GET")),
            Route::Bulk if self.config.bulk_operations == 0 => {
                Err(Error::not_implemented("bulk requests are not supported"))
            }
            Route::Bulk if method == Method::POST => {
                Ok(Kind::Bulk(Job::read(self.json()?, self.config.bulk_operations, self.reading)?))
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
            return Ok(Kind::Redirect(location(
                self.base,
                self.registration(on)?.resource_type.endpoint(),
                &id,
            )));
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
            (Some(_), Some(_)) => Err(Error::of(
                ScimType::InvalidValue,
                "`attributes` and `excludedAttributes` exclude each other",
            )),
        }
    }

    /// The projection of a request about one resource, from its URL.
    fn resource_projection(&mut self, on: &ResourceType) -> Result<(Projection, Parameters)> {
        let parameters = Parameters::from_query(self.query)?;
        Ok((self.projection(on, &parameters)?, parameters))
    }

    fn create(&mut self, on: usize) -> Result<Kind> {
        let resource_type = self.registration(on)?.resource_type.clone();
        let (mut projection, _) = self.resource_projection(&resource_type)?;
        let mut object = self.body_object()?;
        fill_defaults(&resource_type, &mut object);
        resource_type.normalize(&mut object, self.reading)?;
        resource_type.validate(&object, None)?;
        let writes = written(&resource_type, &object);
        self.check_protected(&writes, Some(&resource_type), &object)?;
        show_supplied(&mut projection, &writes);
        let secrets = take_secrets(&resource_type, &mut object);
        Ok(Kind::Create { on, resource: Resource::new(object), secrets, projection, writes })
    }

    fn replace(&mut self, on: usize, id: String) -> Result<Kind> {
        let resource_type = self.registration(on)?.resource_type.clone();
        let (mut projection, _) = self.resource_projection(&resource_type)?;
        let precondition = self.required_precondition()?;
        let mut object = self.body_object()?;
        let cleared = explicitly_cleared(&resource_type, &object);
        resource_type.normalize(&mut object, self.reading)?;
        for target in resource_type.all_attributes() {
            if let Some(value) = target.get(&object) {
                target.validate(value)?;
            }
        }
        for name in cleared {
            object.entry(name).or_insert(Value::Null);
        }
        let writes = written(&resource_type, &object);
        self.check_protected(&writes, None, &object)?;
        show_supplied(&mut projection, &writes);
        let secrets = take_secrets(&resource_type, &mut object);
        let update = Update::Replace(Resource::new(object));
        let options = UpdateOptions { precondition, returning: Some(projection) };
        Ok(Kind::Update(Box::new(Change {
            on,
            id,
            action: Action::Replace,
            update,
            secrets,
            options,
            writes,
        })))
    }

    fn patch(&mut self, on: usize, id: String) -> Result<Kind> {
        let registration = self.service.registration(on)?;
        let (resource_type, silent) = (registration.resource_type.clone(), registration.silent_patch);
        let (mut projection, parameters) = self.resource_projection(&resource_type)?;
        let precondition = self.required_precondition()?;
        let limits = &self.config.patch_limits;
        let request = PatchRequest::from_value(self.json()?, limits, self.reading)?;
        let mut patch = request.resolve(&resource_type, limits, self.reading)?;
        let writes: Vec<Target> = patch.attributes().cloned().collect();
        self.check_protected(&writes, None, &Map::new())?;
        show_supplied(&mut projection, &writes);
        let mut secrets = Secrets::default();
        for (path, value) in patch.take_write_only() {
            secrets.push(path, value);
        }
        let returning = (!silent || parameters.has_projection()).then_some(projection);
        let options = UpdateOptions { precondition, returning };
        let update = Update::Patch(patch);
        Ok(Kind::Update(Box::new(Change { on, id, action: Action::Patch, update, secrets, options, writes })))
    }

    /// What nobody may change about themselves. A name that a new resource needs, and a default that
    /// the server chose, are no escalation.
    fn check_protected(
        &self,
        writes: &[Target],
        created: Option<&ResourceType>,
        object: &Map<String, Value>,
    ) -> Result<()> {
        let Some(me) = self.config.me.as_ref().filter(|_| self.through_me) else { return Ok(()) };
        let harmless = |target: &Target| {
            let attribute = target.attribute();
            created.is_some() && (attribute.is_required() || target.get(object) == attribute.default_value())
        };
        match writes.iter().find(|target| me.protects(target.attribute().name()) && !harmless(target)) {
            Some(target) => Err(Error::forbidden(format!("`{target}` cannot be written through /Me"))),
            None => Ok(()),
        }
    }

    /// The precondition of a change.
    fn required_precondition(&self) -> Result<Precondition> {
        if self.config.require_if_match && !self.precondition.has_if_match() {
            return Err(Error::new(
                StatusCode::PRECONDITION_REQUIRED,
                "the request needs an If-Match header",
            ));
        }
        Ok(self.precondition.clone())
    }

    fn json(&mut self) -> Result<Value> {
        match &mut self.body {
            Body::Bytes(bytes) => json::parse(bytes),
            Body::Json(value) => {
                value.take().ok_or_else(|| Error::invalid_syntax("the operation needs `data`"))
            }
        }
    }

    fn body_object(&mut self) -> Result<Map<String, Value>> {
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::invalid_syntax("the body must be a JSON object")),
        }
    }
}

/// Only the media types of RFC 7644 section 3.8; without one, JSON is meant.
fn check_media_types(headers: &HeaderMap) -> Result<()> {
    if let Some(declared) = headers.get(CONTENT_TYPE) {
        let media = declared.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let json = ["application/scim+json", "application/json"];
        if !media.is_empty() && !json.iter().any(|json| media.eq_ignore_ascii_case(json)) {
            let detail = "the body must be application/scim+json or application/json";
            return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
    }
    let accepted = ["application/scim+json", "application/json", "application/*", "*/*"];
    let mut asked = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    let suits = |list: &str| {
        list.split(',').any(|range| {
            let media = range.split(';').next().unwrap_or_default().trim();
            media.is_empty() || accepted.iter().any(|accepted| media.eq_ignore_ascii_case(accepted))
        })
    };
    if asked.peek().is_some() && !asked.any(suits) {
        return Err(Error::new(StatusCode::NOT_ACCEPTABLE, "the service answers application/scim+json"));
    }
    Ok(())
}

/// Gives a new resource the default values of what the client left out; what it set to null stays
/// unassigned (RFC 7644 section 3.3).
fn fill_defaults(on: &ResourceType, object: &mut Map<String, Value>) {
    for target in on.attributes() {
        let attribute = target.attribute();
        if let Some(value) = attribute.default_value()
            && !object.keys().any(|key| key.eq_ignore_ascii_case(attribute.name()))
        {
            object.insert(attribute.name().to_owned(), value.clone());
        }
    }
}

/// The core attributes that a replacement sets to null although leaving them out would keep them.
fn explicitly_cleared(on: &ResourceType, object: &Map<String, Value>) -> Vec<String> {
    let null = |(key, value): (&String, &Value)| is_unassigned(value).then(|| on.attribute(key)).flatten();
    let kept = |target: &&Target| {
        let attribute = target.attribute();
        attribute.default_value().is_some()
            || matches!(attribute.mutability(), Mutability::WriteOnly | Mutability::Immutable)
    };
    object.iter().filter_map(null).filter(kept).map(|target| target.attribute().name().to_owned()).collect()
}

/// The attributes that a resource gives values to.
fn written(on: &ResourceType, object: &Map<String, Value>) -> Vec<Target> {
    on.all_attributes().filter(|target| target.get(object).is_some()).cloned().collect()
}

/// What is returned on request is returned to who has just written it (RFC 7643 section 7).
fn show_supplied(projection: &mut Projection, writes: &[Target]) {
    for target in writes {
        projection.supplied(target);
    }
}

/// Moves `writeOnly` values out of the document, so that no store keeps them by accident.
fn take_secrets(on: &ResourceType, object: &mut Map<String, Value>) -> Secrets {
    let mut secrets = Secrets::default();
    for target in on.all_attributes() {
        if target.attribute().mutability() != Mutability::WriteOnly {
            continue;
        }
        let holder = match target.extension() {
            None => Some(&mut *object),
            Some(uri) => object.get_mut(uri).and_then(Value::as_object_mut),
        };
        if let Some(value) = holder.and_then(|holder| holder.remove(target.attribute().name())) {
            secrets.push(target.path().as_str(), (!value.is_null()).then_some(value));
        }
    }
    secrets
}

impl Documents {
    /// The documents that are meant, of all there are.
    pub(crate) fn of(self, service: &ScimService) -> &[Document] {
        let discovery = service.discovery();
        let (all, one) = match self {
            Self::Configuration => return std::slice::from_ref(&discovery.configuration),
            Self::Schemas(one) => (&discovery.schemas, one),
            Self::ResourceTypes(one) => (&discovery.resource_types, one),
        };
        match one {
            None => all,
            Some(one) => all.get(one..=one).unwrap_or_default(),
        }
    }

    /// Whether the answer is a list (RFC 7644 section 4).
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Schemas(None) | Self::ResourceTypes(None))
    }
}
