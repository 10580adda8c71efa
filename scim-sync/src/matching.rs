//! Finds the existing user of a person who is not linked to one yet.

use std::collections::HashMap;

use scim_core::Resource;
use scim_core::schema::{AttributeRef, Comparison, ReadContext, ResourceType, Tolerance, Type};
use serde::Deserialize;

use crate::Person;
use crate::mapping::{Source, Transform, cut_after, cut_before};

/// A rule that compares a field of the person with an attribute of existing users.
///
/// ```
/// use scim_sync::MatchRule;
///
/// let rule: MatchRule = serde_json::from_str(
///     r#"{ "source": "userPrincipalName", "target": "userName", "case": "exact", "cut_before": "@", "transform": [{ "cut_before": "@" }] }"#,
/// )?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchRule {
    /// The fields of the person, in order; the first with a value counts.
    pub source: Source,
    /// What is done to the text of the field.
    #[serde(default)]
    pub transform: Vec<Transform>,
    /// The attribute of the user: `userName`, `emails.value`, `externalId`.
    pub target: String,
    /// Whether case matters. By default, as the schema of the attribute says.
    #[serde(default)]
    pub case: Option<CaseRule>,
    /// Compares only what is left of this separator in the attribute.
    #[serde(default)]
    pub cut_before: Option<String>,
    /// Compares only what is right of this separator in the attribute.
    #[serde(default)]
    pub cut_after: Option<String>,
}

/// Whether `A` equals `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseRule {
    /// It does not.
    Exact,
    /// It does.
    Ignore,
}

/// A [`MatchRule`], checked against the resource type.
#[derive(Debug)]
pub(crate) struct Rule {
    rule: MatchRule,
    target: AttributeRef,
    case: CaseRule,
}

impl Rule {
    pub(crate) fn new(rule: &MatchRule, user_type: &ResourceType) -> Result<Self, String> {
        let tolerance = Tolerance::strict();
        let path =
            rule.target.parse().map_err(|error| format!("`{}` is not a path: {error}", rule.target))?;
        let target = user_type.find_path(&path, &mut ReadContext::new(&tolerance)).cloned();
        let target =
            target.ok_or_else(|| format!("`{}` is not an attribute of {}", rule.target, user_type.name()))?;
        if target.definition().data_type() != Type::String || target.is_secret() {
            return Err(format!("`{target}` cannot be compared; name an attribute that is a string"));
        }
        if rule.source.is_empty() {
            return Err("name a `source`".to_owned());
        }
        rule.transform.iter().try_for_each(Transform::check)?;
        if [&rule.cut_before, &rule.cut_after].iter().any(|cut| cut.as_deref() == Some("")) {
            return Err("the separator is empty; write one, such as \"@\"".to_owned());
        }
        if rule.cut_before.is_some() && rule.cut_after.is_some() {
            return Err("name `cut_before` or `cut_after`, not both".to_owned());
        }
        let is_exact = target.comparison() == Comparison::Exact;
        let by_schema = if is_exact { CaseRule::Exact } else { CaseRule::Ignore };
        if rule.case == Some(CaseRule::Ignore) && is_exact {
            return Err(format!("`{target}` is compared with case by its schema; delete `case`"));
        }
        Ok(Self { case: rule.case.unwrap_or(by_schema), rule: rule.clone(), target })
    }

    fn fold(&self, text: &str) -> String {
        match self.case {
            CaseRule::Exact => text.to_owned(),
            CaseRule::Ignore => text.to_lowercase(),
        }
    }

    fn person_key(&self, person: &Person) -> Option<String> {
        Some(self.fold(&self.rule.source.text(person, &self.rule.transform)?))
    }

    fn user_keys(&self, user: &Resource) -> Vec<String> {
        let cut = |text| match (&self.rule.cut_before, &self.rule.cut_after) {
            (Some(separator), _) => cut_before(text, separator),
            (None, Some(separator)) => cut_after(text, separator),
            (None, None) => text,
        };
        let texts = self.target.values(user.as_map()).filter_map(|value| value.as_str());
        texts.map(|text| self.fold(cut(text))).filter(|key| !key.is_empty()).collect()
    }

    /// A filter that finds at least the users that have this key.
    fn filter(&self, key: &str) -> String {
        let (target, equal) = (&self.target, literal(key));
        match (&self.rule.cut_before, &self.rule.cut_after) {
            (Some(separator), _) => {
                format!("{target} eq {equal} or {target} sw {}", literal(&format!("{key}{separator}")))
            }
            (None, Some(separator)) => {
                format!("{target} eq {equal} or {target} ew {}", literal(&format!("{separator}{key}")))
            }
            (None, None) => format!("{target} eq {equal}"),
        }
    }
}

/// A string in a filter (RFC 7644 section 3.4.2.2).
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The filter that finds the user with this `externalId`.
pub(crate) fn external_id_filter(id: &str) -> String {
    format!("externalId eq {}", literal(id))
}

/// The filters that together find all users who could be this person.
pub(crate) fn filters(rules: &[Rule], person: &Person) -> Vec<String> {
    let by_rules = rules.iter().filter_map(|rule| Some(rule.filter(&rule.person_key(person)?)));
    std::iter::once(external_id_filter(&person.id)).chain(by_rules).collect()
}

/// The attributes that an [`Index`] needs of each user.
pub(crate) fn attributes(rules: &[Rule]) -> String {
    let targets = rules.iter().map(|rule| rule.target.to_string());
    ["id", "externalId", "meta.version"]
        .map(str::to_owned)
        .into_iter()
        .chain(targets)
        .collect::<Vec<_>>()
        .join(",")
}

/// What is known of an existing user.
#[derive(Debug)]
struct Existing {
    id: String,
    version: Option<String>,
    external_id: Option<String>,
}

/// Existing users by what they are found by. It keeps their ids, versions and keys, not the users.
#[derive(Debug, Default)]
pub(crate) struct Index {
    users: Vec<Existing>,
    by_id: HashMap<String, usize>,
    by_external_id: HashMap<String, Vec<usize>>,
    /// For each rule, by its key.
    by_key: Vec<HashMap<String, Vec<usize>>>,
}

/// Whom a person was found to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nobody,
    /// The id of the user.
    User(String),
    /// Several users fit; the attribute by which they were found, and their ids.
    Several(String, Vec<String>),
}

impl Index {
    pub(crate) fn add(&mut self, rules: &[Rule], user: &Resource) {
        if self.by_id.contains_key(user.id()) {
            return;
        }
        let number = self.users.len();
        let version = user.text("meta.version").map(str::to_owned);
        let external_id = user.external_id().filter(|id| !id.is_empty()).map(str::to_owned);
        self.users.push(Existing { id: user.id().to_owned(), version, external_id });
        self.by_id.insert(user.id().to_owned(), number);
        if let Some(external_id) = user.external_id() {
            self.by_external_id.entry(external_id.to_owned()).or_default().push(number);
        }
        self.by_key.resize_with(rules.len(), HashMap::new);
        for (rule, by_key) in rules.iter().zip(&mut self.by_key) {
            for key in rule.user_keys(user) {
                let numbers = by_key.entry(key).or_default();
                if numbers.last() != Some(&number) {
                    numbers.push(number);
                }
            }
        }
    }

    /// The version of a user; `None` if it is not there or has none.
    pub(crate) fn version(&self, id: &str) -> Option<&str> {
        self.users.get(*self.by_id.get(id)?)?.version.as_deref()
    }

    /// The `externalId` of a user.
    pub(crate) fn external_id(&self, id: &str) -> Option<&str> {
        self.users.get(*self.by_id.get(id)?)?.external_id.as_deref()
    }

    /// Finds a person by `externalId`, and if there is no such user, by the rules in order. A rule by which nobody is found
    /// leaves the person to the next one.
    pub(crate) fn find(&self, rules: &[Rule], person: &Person) -> Found {
        if let Some(numbers) = self.by_external_id.get(&person.id) {
            return self.found("externalId", numbers);
        }
        for (rule, by_key) in rules.iter().zip(&self.by_key) {
            if let Some(numbers) = rule.person_key(person).and_then(|key| by_key.get(&key)) {
                return self.found(rule.target.path().as_str(), numbers);
            }
        }
        Found::Nobody
    }

    fn found(&self, attribute: &str, numbers: &[usize]) -> Found {
        let ids: Vec<_> =
            numbers.iter().filter_map(|number| Some(self.users.get(*number)?.id.clone())).collect();
        match ids.as_slice() {
            [id] => Found::User(id.clone()),
            _ => Found::Several(attribute.to_owned(), ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Index, MatchRule, Rule, filters};
    use crate::Person;
    use scim_core::Resource;
    use scim_core::schema::standard;
    use serde_json::{Value, json};

    fn rule(rule: Value) -> Rule {
        let rule: MatchRule = serde_json::from_value(rule).unwrap();
        Rule::new(&rule, &standard::user_type()).unwrap()
    }

    fn index(rules: &[Rule], users: &[Value]) -> Index {
        let mut index = Index::default();
        for user in users {
            index.add(rules, &Resource::try_from(user.clone()).unwrap());
        }
        index
    }

    #[test]
    fn the_first_rule_that_finds_somebody_decides() {
        let rules = [
            rule(json!({ "source": "upn", "target": "userName" })),
            rule(json!({ "source": "mail", "target": "emails.value" })),
        ];
        let index = index(
            &rules,
            &[
                json!({ "id": "1", "userName": "bea", "emails": [{ "value": "b@example.com" }] }),
                json!({ "id": "2", "userName": "carl", "emails": [{ "value": "c@example.com" }, { "value": "C@example.com" }] }),
                json!({ "id": "3", "userName": "dora", "externalId": "d", "emails": [{ "value": "c@example.com" }] }),
            ],
        );
        let find = |id: &str, fields| index.find(&rules, &Person::new(id, fields));
        assert_eq!(find("x", json!({ "upn": "BEA", "mail": "c@example.com" })), Found::User("1".into()));
        assert_eq!(find("x", json!({ "upn": "eva", "mail": "b@example.com" })), Found::User("1".into()));
        assert_eq!(find("d", json!({ "upn": "bea" })), Found::User("3".into()));
        assert_eq!(find("x", json!({ "upn": "eva" })), Found::Nobody);
        let several = Found::Several("emails.value".into(), vec!["2".into(), "3".into()]);
        assert_eq!(find("x", json!({ "mail": "c@example.com" })), several);
    }

    #[test]
    fn a_rule_has_a_case_rule_and_cuts_the_attribute() {
        let exact = [rule(json!({ "source": "upn", "target": "userName", "case": "exact" }))];
        let users = [
            json!({ "id": "1", "userName": r"NORD\Bea" }),
            json!({ "id": "2", "userName": "Carl@example.com" }),
        ];
        let found = |rules: &[Rule], upn: &str| {
            index(rules, &users).find(rules, &Person::new("x", json!({ "upn": upn })))
        };
        assert_eq!(found(&exact, r"NORD\bea"), Found::Nobody);
        assert_eq!(found(&exact, r"NORD\Bea"), Found::User("1".into()));

        let left = [rule(json!({ "source": "upn", "target": "userName", "cut_before": "@" }))];
        assert_eq!(found(&left, "carl"), Found::User("2".into()));
        let person = Person::new("x", json!({ "upn": "carl" }));
        assert_eq!(
            filters(&left, &person),
            [r#"externalId eq "x""#, r#"userName eq "carl" or userName sw "carl@""#]
        );

        let right = [rule(json!({ "source": "upn", "target": "userName", "cut_after": "\\" }))];
        assert_eq!(found(&right, "bea"), Found::User("1".into()));
        let person = Person::new("x", json!({ "upn": "bea" }));
        assert_eq!(filters(&right, &person)[1], r#"userName eq "bea" or userName ew "\\bea""#);
    }

    #[test]
    fn a_rule_is_checked() {
        let cases = [
            (json!({ "source": "a", "target": "nick" }), "is not an attribute"),
            (json!({ "source": "a", "target": "active" }), "cannot be compared"),
            (json!({ "source": "a", "target": "password" }), "cannot be compared"),
            (json!({ "source": "a", "target": "externalId", "case": "ignore" }), "delete `case`"),
            (json!({ "source": "a", "target": "userName", "cut_before": "" }), "separator is empty"),
            (json!({ "source": "a", "target": "userName", "cut_before": "@", "cut_after": "@" }), "not both"),
            (json!({ "source": [], "target": "userName" }), "name a `source`"),
        ];
        for (rule, expected) in cases {
            let rule: MatchRule = serde_json::from_value(rule).unwrap();
            let error = Rule::new(&rule, &standard::user_type()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
