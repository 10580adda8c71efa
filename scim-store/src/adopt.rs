//! Adoption: a client that wants to create a resource which exists already takes it over, if a rule of the application
//! allows it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use scim_core::filter::{Filter, FilterLimits, Predicate};
use scim_core::patch::{PATCH_OP, PatchLimits, PatchRequest};
use scim_core::schema::{AttributeRef, ReadContext, ResourceType, ScimType, Tolerance, Uniqueness};
use scim_core::{Context, Error, Identity, Resource, Result, Update};
use scim_sql::Dialect;
use serde_json::{Value, json};

use crate::database::{DatabaseError, Param, Rows, Transaction};
use crate::rule::RuleTransaction;

/// How many existing resources a rule is asked about.
pub(crate) const MAX_CANDIDATES: usize = 10;

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
        let key = |value: &Value| scim_sql::sortable_key(target.comparison(), value);
        let existing: Vec<String> = target.values(self.existing.as_map()).filter_map(key).collect();
        target.values(self.requested.as_map()).filter_map(key).any(|key| existing.contains(&key))
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

/// The filter for the existing resources that may be the one to create: those with an equal value of a unique attribute, of
/// `externalId`, of `emails.value`, or of the `displayName` of a group. `None` if it has none of these. `unique` are paths of
/// attributes that are unique besides those of the schema.
pub(crate) fn candidates_filter(
    resource_type: &ResourceType,
    unique: &[String],
    requested: &Resource,
) -> Option<Predicate> {
    let has_members = resource_type.attributes().any(AttributeRef::holds_members);
    let identifies = |target: &&AttributeRef| {
        let is_unique = target.definition().uniqueness() != Uniqueness::None
            || unique.iter().any(|path| is_named(target, path));
        match target.path().as_str() {
            "id" => false,
            "externalId" | "emails.value" => true,
            "displayName" if has_members => true,
            _ => is_unique && !target.is_complex(),
        }
    };
    let targets = resource_type.all_attribute_refs().filter(identifies);
    let terms = targets.flat_map(|target| {
        let values = target.values(requested.as_map()).filter_map(Value::as_str).take(MAX_VALUES);
        let short = values.filter(|value| value.len() <= MAX_VALUE);
        short.map(|value| format!("{} eq {}", target.path(), json!(value))).collect::<Vec<_>>()
    });
    let text = terms.collect::<Vec<_>>().join(" or ");
    let tolerance = Tolerance::strict();
    let mut read_context = ReadContext::new(&tolerance);
    let limits = FilterLimits::default().with_length(usize::MAX).with_terms(usize::MAX);
    Filter::parse(&text, &limits, &mut read_context).ok()?.resolve(resource_type, &mut read_context).ok()
}

/// Asks the rule about each candidate. Returns the index of the only one that it adopts.
///
/// # Errors
///
/// The error of the rule; 409 if it adopts several.
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
        if answer == Adoption::Adopt && chosen.replace(index).is_some() {
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
/// `invalidValue` if the resource has more values than a PATCH may have.
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
