//! From an HTTP request to an operation: everything that can be refused without the store is
//! refused here.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use scim_filter::Filter;
use scim_patch::PatchRequest;
use scim_schema::{Fired, Mutability, Projection, Reading, ResourceType, ScimType, Target, is_unassigned};
use serde_json::{Map, Value};

use crate::config::{Config, Registration};
use crate::context::Secrets;
use crate::discovery::Document;
use crate::parameters::Parameters;
use crate::route::Route;
use crate::{Error, Precondition, Query, Resource, Result, ScimService, Sort, Update, UpdateOptions, Window, json};

/// A request that was read and resolved, ready to be executed.
#[derive(Debug)]
pub struct Operation {
    pub(crate) kind: Kind,
    fired: Vec<Fired>,
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
    /// Find resources of some types, with one query for each.
    Query { queries: Vec<(usize, Query)>, start: u64, count: usize },
    Create { on: usize, resource: Resource, secrets: Secrets, projection: Projection },
    Retrieve { on: usize, id: String, projection: Projection, precondition: Precondition },
    Update { on: usize, id: String, update: Update, secrets: Secrets, options: UpdateOptions },
    Delete { on: usize, id: String, precondition: Precondition },
    /// Show discovery documents.
    Discover { documents: Documents, precondition: Precondition },
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
        let mut reading = Reading::new(&config.tolerance);
        let route = Route::find(self, &base, parts.uri.path())?;
        check_media_types(&parts.headers)?;
        if body.len() > config.max_payload {
            return Err(Error::too_large(format!("the body is larger than {} bytes", config.max_payload)));
        }
        let query = parts.uri.query().unwrap_or_default();
        let mut request = Request { service: self, config, headers: &parts.headers, query, body, reading: &mut reading };
        let kind = request.route(&parts.method, route)?;
        Ok(Operation { kind, fired: reading.into_fired() })
    }
}

/// A request that is being read.
struct Request<'a, 'r> {
    service: &'a ScimService,
    config: &'a Config,
    headers: &'a HeaderMap,
    query: &'a str,
    body: &'a [u8],
    reading: &'a mut Reading<'r>,
}

impl Request<'_, '_> {
    fn route(&mut self, method: &Method, route: Route) -> Result<Kind> {
        let get = method == Method::GET || method == Method::HEAD;
        match route {
            Route::Root if get => self.search_by_get(None),
            Route::Root => Err(Error::method_not_allowed("GET")),
            Route::Search(on) if method == Method::POST => self.search_by_post(on),
            Route::Search(_) => Err(Error::method_not_allowed("POST")),
            Route::Collection(on) if get => self.search_by_get(Some(on)),
            Route::Collection(on) if method == Method::POST => self.create(on),
            Route::Collection(_) => Err(Error::method_not_allowed("GET, POST")),
            Route::Resource(on, id) => match *method {
                Method::GET | Method::HEAD => self.retrieve(on, id),
                Method::PUT => self.replace(on, id),
                Method::PATCH => self.patch(on, id),
                Method::DELETE => self.delete(on, id),
                _ => Err(Error::method_not_allowed("GET, PUT, PATCH, DELETE")),
            },
            Route::Discovery(documents) if get => {
                if Parameters::from_query(self.query)?.filter.is_some() {
                    return Err(Error::forbidden("discovery endpoints do not filter"));
                }
                Ok(Kind::Discover { documents, precondition: Precondition::from_headers(self.headers)? })
            }
            Route::Discovery(_) => Err(Error::method_not_allowed("GET")),
            Route::Bulk => Err(Error::not_implemented("bulk requests are not supported")),
            Route::Me => Err(Error::not_implemented("`/Me` is not supported")),
        }
    }

    fn registration(&self, on: usize) -> Result<&'_ Registration> {
        self.service.registration(on)
    }

    fn search_by_get(&mut self, on: Option<usize>) -> Result<Kind> {
        let parameters = Parameters::from_query(self.query)?;
        self.search(on, parameters)
    }

    fn search_by_post(&mut self, on: Option<usize>) -> Result<Kind> {
        let parameters = Parameters::from_message(json::parse(self.body)?, self.reading)?;
        self.search(on, parameters)
    }

    fn search(&mut self, on: Option<usize>, parameters: Parameters) -> Result<Kind> {
        let all: Vec<usize> = match on {
            Some(on) => vec![on],
            None => (0..self.service.registrations().len()).collect(),
        };
        let types: Vec<ResourceType> =
            all.iter().map(|on| Ok(self.registration(*on)?.resource_type.clone())).collect::<Result<_>>()?;
        let filters = self.filters(&types, parameters.filter.as_deref())?;
        let start = parameters.start_index.unwrap_or(1);
        let count = parameters.count.unwrap_or(self.config.default_page_size).min(self.config.max_page_size);
        let mut queries = Vec::with_capacity(all.len());
        for ((on, resource_type), filter) in all.into_iter().zip(&types).zip(filters) {
            let sort = match &parameters.sort_by {
                Some(by) if self.service.capabilities().sort() => {
                    self.sort(resource_type, by, parameters.descending, types.len() > 1)?
                }
                _ => None,
            };
            let projection = self.projection(resource_type, &parameters)?;
            queries.push((on, Query { filter, sort, projection, window: Window::Start(start), count }));
        }
        Ok(Kind::Query { queries, start, count })
    }

    fn filters(&mut self, types: &[ResourceType], filter: Option<&str>) -> Result<Vec<Option<scim_filter::Predicate>>> {
        let Some(text) = filter else { return Ok(types.iter().map(|_| None).collect()) };
        if !self.service.capabilities().filter() {
            return Err(Error::not_implemented("filters are not supported"));
        }
        let filter = Filter::parse(text, &self.config.filter_limits, self.reading)?;
        match types {
            [one] => Ok(vec![Some(filter.resolve(one, self.reading)?)]),
            types => {
                let types: Vec<&ResourceType> = types.iter().collect();
                Ok(filter.resolve_among(&types, self.reading)?.into_iter().map(Some).collect())
            }
        }
    }

    /// What to sort by; among several types one that lacks the attribute is not sorted.
    fn sort(&mut self, on: &ResourceType, by: &str, descending: bool, among: bool) -> Result<Option<Sort>> {
        let wrong = |reason: &str| Error::of(ScimType::InvalidValue, format!("`sortBy`: {reason}"));
        let path = by.trim().parse().map_err(|_| wrong("not an attribute name"))?;
        let target = match on.resolve(&path, self.reading) {
            Ok(target) => target,
            Err(_) if among => return Ok(None),
            Err(error) => return Err(wrong(&error.to_string())),
        };
        let target = match target.is_complex() {
            false => target,
            true => target
                .sub_attribute("value")
                .cloned()
                .ok_or_else(|| wrong("a complex attribute needs a sub-attribute to sort by"))?,
        };
        refuse_sensitive(&target)?;
        Ok(Some(Sort { by: target, descending }))
    }

    fn projection(&mut self, on: &ResourceType, parameters: &Parameters) -> Result<Projection> {
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
        show_supplied(&mut projection, &resource_type, &object);
        let secrets = take_secrets(&resource_type, &mut object);
        Ok(Kind::Create { on, resource: Resource::new(object), secrets, projection })
    }

    fn retrieve(&mut self, on: usize, id: String) -> Result<Kind> {
        let resource_type = self.registration(on)?.resource_type.clone();
        let (projection, _) = self.resource_projection(&resource_type)?;
        Ok(Kind::Retrieve { on, id, projection, precondition: Precondition::from_headers(self.headers)? })
    }

    fn replace(&mut self, on: usize, id: String) -> Result<Kind> {
        let resource_type = self.registration(on)?.resource_type.clone();
        let (mut projection, _) = self.resource_projection(&resource_type)?;
        let precondition = self.precondition()?;
        let mut object = self.body_object()?;
        let cleared = explicitly_cleared(&resource_type, &object);
        resource_type.normalize(&mut object, self.reading)?;
        for target in resource_type.all_attributes() {
            if let Some(value) = target.get(&object) {
                target.validate(value)?;
            }
        }
        show_supplied(&mut projection, &resource_type, &object);
        for name in cleared {
            object.entry(name).or_insert(Value::Null);
        }
        let secrets = take_secrets(&resource_type, &mut object);
        let update = Update::Replace(Resource::new(object));
        let options = UpdateOptions { precondition, returning: Some(projection) };
        Ok(Kind::Update { on, id, update, secrets, options })
    }

    fn patch(&mut self, on: usize, id: String) -> Result<Kind> {
        let registration = self.registration(on)?;
        let (resource_type, silent) = (registration.resource_type.clone(), registration.silent_patch);
        let (mut projection, parameters) = self.resource_projection(&resource_type)?;
        let precondition = self.precondition()?;
        let limits = &self.config.patch_limits;
        let request = PatchRequest::from_value(json::parse(self.body)?, limits, self.reading)?;
        let mut patch = request.resolve(&resource_type, limits, self.reading)?;
        for target in patch.attributes() {
            projection.supplied(target);
        }
        let mut secrets = Secrets::default();
        for (path, value) in patch.take_write_only() {
            secrets.push(path, value);
        }
        let returning = (!silent || parameters.has_projection()).then_some(projection);
        let options = UpdateOptions { precondition, returning };
        Ok(Kind::Update { on, id, update: Update::Patch(patch), secrets, options })
    }

    fn delete(&mut self, on: usize, id: String) -> Result<Kind> {
        Ok(Kind::Delete { on, id, precondition: self.precondition()? })
    }

    /// The precondition of a change.
    fn precondition(&self) -> Result<Precondition> {
        let precondition = Precondition::from_headers(self.headers)?;
        if self.config.require_if_match && !precondition.has_if_match() {
            return Err(Error::new(StatusCode::PRECONDITION_REQUIRED, "the request needs an If-Match header"));
        }
        Ok(precondition)
    }

    fn body_object(&self) -> Result<Map<String, Value>> {
        match json::parse(self.body)? {
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

/// What is never returned must not be found out by sorting either.
fn refuse_sensitive(target: &Target) -> Result<()> {
    let never = scim_schema::Returned::Never;
    if target.attribute().returned() == never || target.definition().returned() == never {
        return Err(Error::of(ScimType::Sensitive, format!("`{target}` cannot be used in a query")));
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

/// What is returned on request is returned to who has just written it (RFC 7643 section 7).
fn show_supplied(projection: &mut Projection, on: &ResourceType, object: &Map<String, Value>) {
    for target in on.all_attributes() {
        if target.attribute().returned() == scim_schema::Returned::Request && target.get(object).is_some() {
            projection.supplied(target);
        }
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
