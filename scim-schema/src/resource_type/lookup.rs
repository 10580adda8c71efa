//! Finds attributes by name or path. All other code resolves names through these functions.

use super::ResourceType;
use crate::attr_path::AttrPath;
use crate::attribute_ref::Section;
use crate::{AttributeRef, Extension, Quirk, ReadContext, Tolerance, UnknownAttribute};

/// The attribute or extension that the name of a member in a resource means.
#[derive(Clone, Debug)]
pub enum ResolvedName<'a> {
    /// An attribute, or a sub-attribute if the name was a path with a dot.
    Attribute(AttributeRef),
    /// An extension, the attributes of which are in the value of the member.
    Extension(Extension<'a>),
}

impl ResourceType {
    /// Finds the attribute or sub-attribute of a path (RFC 7644 section 3.10).
    ///
    /// The path can begin with the URI of the core schema or of an extension. Without a URI it means a core attribute;
    /// if there is none, the attribute of an extension, provided that only one extension has it.
    ///
    /// # Errors
    ///
    /// If the resource type has no such attribute.
    pub fn resolve(
        &self,
        path: &AttrPath,
        read_context: &mut ReadContext<'_>,
    ) -> Result<AttributeRef, UnknownAttribute> {
        self.find_path(path, read_context).cloned().ok_or_else(|| UnknownAttribute::new(path, &self.0.name))
    }

    /// Finds the attribute or sub-attribute of a path, as [`resolve`](Self::resolve) does, but returns a reference and
    /// no error.
    pub fn find_path(&self, path: &AttrPath, read_context: &mut ReadContext<'_>) -> Option<&AttributeRef> {
        if let Some(target) = self.0.paths.get(path.as_str()) {
            return Some(target);
        }
        let attribute = match path.uri() {
            None => match self.attribute(path.attribute()) {
                Some(target) => target,
                None => self.find_unqualified(path.attribute(), Quirk::UnqualifiedExtension, read_context)?,
            },
            Some(uri) => match self.section_of(uri) {
                Some(section) => section.attribute(path.attribute())?,
                None => return self.find_dotted(path, uri, read_context),
            },
        };
        sub_attribute(attribute, path)
    }

    fn section_of(&self, uri: &str) -> Option<&Section> {
        self.0.sections.iter().find(|section| section.schema.has_id(uri))
    }

    /// Finds an attribute of an extension without its URI, if only one extension has it.
    fn find_unqualified(
        &self,
        name: &str,
        quirk: Quirk,
        read_context: &mut ReadContext<'_>,
    ) -> Option<&AttributeRef> {
        let mut found = self.extensions().filter_map(|extension| extension.attribute(name));
        let target = found.next()?;
        (found.next().is_none() && read_context.allow_quirk(quirk, target)).then_some(target)
    }

    /// Finds the attribute of a path such as `urn:..:User.manager`. By the grammar this is the sub-attribute `manager`
    /// of the attribute `User` of the schema `urn:..`, but it means `urn:..:User:manager`.
    fn find_dotted(
        &self,
        path: &AttrPath,
        uri: &str,
        read_context: &mut ReadContext<'_>,
    ) -> Option<&AttributeRef> {
        let name = path.sub_attribute()?;
        let length = uri.len() + 1 + path.attribute().len();
        let section = self.section_of(path.as_str().get(..length)?)?;
        let target = section.attribute(name)?;
        read_context.allow_quirk(Quirk::DottedUri, target).then_some(target)
    }

    /// Whether a text is the path of an attribute, such as `name.familyName`, and not only a name.
    pub(crate) fn is_attribute_path(&self, text: &str) -> bool {
        let tolerance = Tolerance::lenient();
        let is_known = |path: AttrPath| self.find_path(&path, &mut ReadContext::new(&tolerance)).is_some();
        text.contains(['.', ':']) && AttrPath::parse(text).is_ok_and(is_known)
    }

    /// Finds what the name of a member means, in a resource or in the value of a PATCH operation without a path: an
    /// attribute, an extension by its URI, or one of the tolerated forms.
    pub fn resolve_name(&self, key: &str, read_context: &mut ReadContext<'_>) -> Option<ResolvedName<'_>> {
        if let Some(target) = self.attribute(key) {
            return Some(ResolvedName::Attribute(target.clone()));
        }
        if let Some(extension) = self.extension(key) {
            return Some(ResolvedName::Extension(extension));
        }
        let path = AttrPath::parse(key).ok()?;
        let quirk = match (path.uri(), path.sub_attribute()) {
            (Some(_), _) => Some(Quirk::QualifiedKey),
            (None, Some(_)) => Some(Quirk::DottedKey),
            (None, None) => None,
        };
        if quirk.is_some_and(|quirk| !read_context.tolerance().allows(quirk)) {
            return None;
        }
        let target = match path.uri() {
            Some(_) => self.find_path(&path, read_context)?,
            None => {
                // A path may omit the URI of an extension. In a resource that is a quirk of its own, since the
                // attribute must be in the object of the extension (RFC 7643 section 3.3).
                let core = self.attribute(path.attribute());
                let flat = |read_context| {
                    self.find_unqualified(path.attribute(), Quirk::FlatExtension, read_context)
                };
                sub_attribute(core.or_else(|| flat(read_context))?, &path)?
            }
        };
        if let Some(quirk) = quirk {
            read_context.allow_quirk(quirk, target);
        }
        Some(ResolvedName::Attribute(target.clone()))
    }
}

/// Returns the sub-attribute that a path names, or the attribute itself if it names none.
fn sub_attribute<'a>(attribute: &'a AttributeRef, path: &AttrPath) -> Option<&'a AttributeRef> {
    match path.sub_attribute() {
        None => Some(attribute),
        Some(sub) => attribute.sub_attribute(sub),
    }
}
