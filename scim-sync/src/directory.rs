//! The directory from which people and groups are pulled.

use scim_core::async_trait;
use serde_json::{Map, Value};

/// A person of the directory: an id that never changes, and fields.
///
/// ```
/// use scim_sync::Person;
/// use serde_json::json;
///
/// let person = Person::new("b3", json!({ "mail": "bea@example.com", "businessPhones": ["040-1", "040-2"] }));
/// assert_eq!(person.text("mail").as_deref(), Some("bea@example.com"));
/// assert_eq!(person.text("businessPhones").as_deref(), Some("040-1"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    /// The id in the directory. The user has it as `externalId`.
    pub id: String,
    /// The fields as the directory has them.
    pub fields: Map<String, Value>,
}

impl Person {
    /// A person from a JSON object of fields. Any other JSON counts as no fields.
    pub fn new(id: impl Into<String>, fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self { id: id.into(), fields }
    }

    /// The text of a field. Names in nested objects are joined with `.`; of a list, the first element with a text
    /// counts. Numbers and booleans are texts, too. An empty text is the same as none.
    pub fn text(&self, field: &str) -> Option<String> {
        let mut names = field.split('.');
        let first = self.fields.get(names.next()?)?;
        text(names.try_fold(first, |value, name| value.get(name))?)
    }

    /// How reports name the person: by the first of `userPrincipalName`, `mail`, `displayName` that there is, else by id.
    pub fn label(&self) -> String {
        ["userPrincipalName", "preferred_username", "mail", "email", "displayName"]
            .iter()
            .find_map(|field| self.text(field))
            .unwrap_or_else(|| self.id.clone())
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(list) => list.iter().find_map(text),
        Value::Null | Value::Object(_) => None,
    }
}

/// A part of the answer of a [`Directory`].
#[derive(Clone, Debug, PartialEq)]
pub struct DirectoryPage<T> {
    /// What has changed, or what there is.
    pub changes: Vec<T>,
    /// Where to read on.
    pub next: Next,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// There are more pages; the text is passed to the next call.
    Page(String),
    /// This was the last page; the text is the position from which the next run reads what will have changed.
    Position(String),
}

/// A change of a person.
#[derive(Clone, Debug, PartialEq)]
pub enum PersonChange {
    /// The person is new, or has changed. All fields are there, also those that have not changed.
    Present(Person),
    /// The person with this id was removed.
    Removed(String),
}

/// A change of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// The id of the group in the directory.
    pub id: String,
    /// Its name, if that is new.
    pub name: Option<String>,
    /// The ids of people and groups that have become direct members.
    pub added: Vec<String>,
    /// The ids of those that no longer are.
    pub removed: Vec<String>,
    /// Whether the group was deleted.
    pub deleted: bool,
}

/// Reads people and groups of a directory.
///
/// Both lists are read in pages, from a position. From `None`, everything there is is read. A page may repeat what an earlier
/// one contained; the later one counts.
#[async_trait]
pub trait Directory: Send {
    /// A page of people. `from` is the [`Next`] of the page before, or the position at which an earlier run ended.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::PositionExpired`] if the directory no longer knows the position. Then everything is read.
    async fn people(&mut self, from: Option<&str>) -> Result<DirectoryPage<PersonChange>, DirectoryError>;

    /// A page of groups. It is called only if the settings have a scope or grants.
    ///
    /// # Errors
    ///
    /// As for [`people`](Self::people).
    async fn groups(&mut self, from: Option<&str>) -> Result<DirectoryPage<GroupChange>, DirectoryError>;

    /// The people with these ids, at most [`MAX_FOUND`] ids. An id that is not that of a person is left out.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Failed`].
    async fn find(&mut self, ids: &[String]) -> Result<Vec<Person>, DirectoryError>;
}

/// The maximum number of ids in a call of [`Directory::find`].
pub const MAX_FOUND: usize = 100;

/// Why a directory could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The directory no longer knows the position.
    #[error("the directory no longer knows the position")]
    PositionExpired,
    /// It refused the credentials, or could not be reached, or its answer was not understood.
    #[error("the directory cannot be read: {0}")]
    Failed(String),
}
