//! Adoption: a client that wants to create a resource which exists already takes it over, if a rule of the application
//! allows it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use scim_core::filter::{Filter, FilterLimits, Predicate};
use scim_core::patch::{PATCH_OP, PatchLimits, PatchRequest};
use scim_core::schema::{AttributeRef, ReadContext, ResourceType, Returned, ScimType, Tolerance};
use scim_core::{Context, Error, Identity, Resource, Result, Update};
use scim_sql::Dialect;
use serde_json::{Value, json};

use crate::database::{DatabaseError, Param, Rows, Transaction};
use crate::rule::RuleTransaction;

/// How many existing resources a rule is asked about.
pub(crate) const MAX_CANDIDATES: usize = 100;

/// The longest value by which candidates are searched, in bytes.
const MAX_VALUE: usize = 1_000;

/// How many e-mail addresses of the new resource are searched.
const MAX_VALUES: usize = 20;

/// The answer of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// The client adopts the resource.
    Adopt,
    /// The resource is another one. If it has a unique value of the new one, the answer is 409.
    Refuse,
}

/// The future that a rule returns.
pub type AdoptFuture<'a> = Pin<Box<dyn Future<Output = Result<Adoption>> + Send + 'a>>;

/// The rule of an application.
pub(crate) type AdoptRule = Arc<dyn for<'a> Fn(&'a mut Candidate<'_>) -> AdoptFuture<'a> + Send + Sync>;

/// An existing resource that has a value in common with one that a client wants to create; see
/// [`Store::adopt`](crate::Store::adopt).
pub struct Candidate<'t> {
    tx: RuleTransaction<'t>,
    dialect: Dialect,
    cx: &'t Context<'t>,
    requested: &'t Resource,
    existing: &'t Resource,
    key: &'t Param,
}

impl Candidate<'_> {
    /// The resource that the client wants to create.
    pub fn requested(&self) -> &Resource {
        self.requested
    }

    /// The existing resource, without its members and groups.
    pub fn existing(&self) -> &Resource {
        self.existing
    }

    /// Whether both have an equal value of an attribute, such as `externalId`, `userName` or `emails.value`. They are
    /// compared as filters compare them, for example without regard to case.
    pub fn matches(&self, path: &str) -> bool {
        let resource_type = self.cx.resource_type();
        let Some(target) = resource_type.all_attribute_refs().find(|target| is_named(target, path)) else {
            return false;
        };
        let key =
            |value: &Value| identifying(value).then(|| scim_sql::sortable_key(target.comparison(), value))?;
        let existing: Vec<String> = target.values(self.existing.as_map()).filter_map(key).collect();
        target.values(self.requested.as_map()).filter_map(key).any(|key| existing.contains(&key))
    }

    /// The type of both.
    pub fn resource_type(&self) -> &ResourceType {
        self.cx.resource_type()
    }

    /// The tenant of both.
    pub fn tenant(&self) -> Option<&str> {
        self.cx.tenant()
    }

    /// Who makes the request; `None` only if the host allows anonymous requests.
    pub fn identity(&self) -> Option<&Identity> {
        self.cx.identity()
    }

    /// The key of the row of the existing resource in the table of the application; with
    /// [`Store`](crate::Store), the id.
    pub fn key(&self) -> &Param {
        self.key
    }

    /// The dialect of the database. The parameters of statements are `$1`, `$2` in PostgreSQL, which SQLite accepts too
    /// if they are in this order.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs a query in the transaction of the request.
    ///
    /// # Errors
    ///
    /// 503 if the database does not answer; an internal error if the statement is wrong. After a conflict with another
    /// transaction, the request is run again with the rule.
    pub async fn query(&mut self, sql: &str, params: impl IntoIterator<Item = Param>) -> Result<Rows> {
        self.tx.query(sql, params).await
    }
}

/// Whether a path names an attribute, without regard to case (RFC 7643 section 2.1).
fn is_named(target: &AttributeRef, path: &str) -> bool {
    target.path().as_str().eq_ignore_ascii_case(path)
}

/// Whether a value can identify a resource: an empty text does not.
fn identifying(value: &Value) -> bool {
    value.as_str().is_none_or(|text| !text.trim().is_empty())
}

/// The values by which existing resources are found that may be the one to create: those of these attributes, of `externalId`,
/// of `emails.value`, and of the `displayName` of a group.
pub(crate) fn identifying_values<'r>(
    resource_type: &'r ResourceType,
    is_unique: impl Fn(&AttributeRef) -> bool,
    requested: &'r Resource,
) -> Vec<(&'r AttributeRef, &'r str)> {
    let has_members = resource_type.attributes().any(AttributeRef::holds_members);
    let is_searched = |target: &&AttributeRef| match target.path().as_str() {
        "externalId" | "emails.value" => true,
        "displayName" if has_members => true,
        _ => is_unique(target) && target.definition().returned() != Returned::Never,
    };
    let values = |target: &'r AttributeRef| {
        let values = target.values(requested.as_map()).filter(|value| identifying(value));
        let short = values.filter_map(Value::as_str).filter(|text| text.len() <= MAX_VALUE);
        short.take(MAX_VALUES).map(move |text| (target, text)).collect::<Vec<_>>()
    };
    resource_type.all_attribute_refs().filter(is_searched).flat_map(values).collect()
}

/// The filter for the resources that have one of these values; `None` if there are no values.
///
/// # Errors
///
/// An internal error if filters cannot compare an attribute.
pub(crate) fn equals_any_of(
    resource_type: &ResourceType,
    values: &[(&AttributeRef, &str)],
) -> Result<Option<Predicate>> {
    if values.is_empty() {
        return Ok(None);
    }
    let terms = values.iter().map(|(target, text)| format!("{} eq {}", target.path(), json!(text)));
    let text = terms.collect::<Vec<_>>().join(" or ");
    let tolerance = Tolerance::strict();
    let mut read_context = ReadContext::new(&tolerance);
    let limits = FilterLimits::default().with_length(usize::MAX).with_terms(usize::MAX);
    let filter = Filter::parse(&text, &limits, &mut read_context).map_err(Error::internal)?;
    Ok(Some(filter.resolve(resource_type, &mut read_context).map_err(Error::internal)?))
}

/// Asks the rule about each candidate. Returns the index of the only one that it adopts.
///
/// # Errors
///
/// The error of the rule or of the policy; 409 if the rule adopts several.
pub(crate) async fn choose<E: From<DatabaseError> + From<Error>>(
    rule: &AdoptRule,
    cx: &Context<'_>,
    dialect: Dialect,
    tx: &mut dyn Transaction,
    requested: &Resource,
    candidates: &[(Param, Resource)],
) -> std::result::Result<Option<usize>, E> {
    let mut chosen = None;
    for (index, (key, existing)) in candidates.iter().enumerate() {
        let tx = RuleTransaction::new(&mut *tx);
        let mut candidate = Candidate { tx, dialect, cx, requested, existing, key };
        let answer = rule(&mut candidate).await;
        let answer: Adoption = candidate.tx.finish::<_, E>(answer)?;
        if answer == Adoption::Adopt && cx.check_adoption(existing.id())? && chosen.replace(index).is_some() {
            let detail = "several existing resources could be this one, so none of them is adopted";
            return Err(Error::from_scim_type(ScimType::Uniqueness, detail).into());
        }
    }
    Ok(chosen)
}

/// The change of an adopted resource: what the request has replaces, the rest stays.
///
/// # Errors
///
/// As for a PATCH that replaces these attributes.
pub(crate) fn adopting_update(cx: &Context<'_>, requested: &Resource) -> Result<Update> {
    let resource_type = cx.resource_type();
    let mut value = requested.as_map().clone();
    for target in resource_type.all_attributes().filter(|target| cx.is_default(target)) {
        target.remove(&mut value);
    }
    for name in ["schemas", "id", "meta"] {
        value.remove(name);
    }
    let message = json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "replace", "value": value }] });
    let tolerance = Tolerance::strict();
    let mut read_context = ReadContext::new(&tolerance);
    let limits = PatchLimits::default().with_values(usize::MAX).with_list_length(usize::MAX);
    let request = PatchRequest::from_value(message, &limits, &mut read_context)?;
    Ok(Update::Patch(request.resolve(resource_type, &limits, &mut read_context)?))
}

/// The mark of an adopted resource: who has adopted it.
pub(crate) fn adopter(cx: &Context<'_>) -> String {
    cx.identity().map(|identity| identity.principal.replace('\0', "")).unwrap_or_default()
}

impl fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate").field("id", &self.existing.id()).finish_non_exhaustive()
    }
}
