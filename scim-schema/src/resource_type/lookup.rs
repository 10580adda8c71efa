//! The only place where names are resolved.

use super::ResourceType;
use crate::attr_path::AttrPath;
use crate::attribute_ref::Section;
use crate::{AttributeRef, Extension, Quirk, ReadContext, Tolerance, UnknownAttribute};

/// What a member name of a resource object means.
#[derive(Clone, Debug)]
pub enum ResolvedName<'a> {
    /// An attribute, or a sub-attribute where the name had a dot.
    Attribute(AttributeRef),
    /// The object that holds an extension's attributes.
    Extension(Extension<'a>),
}

impl ResourceType {
    /// Finds what a path names (RFC 7644 section 3.10).
    ///
    /// A URI may be any schema of the type; a name without one is a core attribute, else that of
    /// the only extension that has it.
    ///
    /// # Errors
    ///
    /// If the type has no such attribute.
    pub fn resolve(
        &self,
        path: &AttrPath,
        read_context: &mut ReadContext<'_>,
    ) -> Result<AttributeRef, UnknownAttribute> {
        self.find_path(path, read_context).cloned().ok_or_else(|| UnknownAttribute::new(path, &self.0.name))
    }

    /// Finds what a path names, as [`resolve`](Self::resolve) does, without an error or a clone.
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

    /// An extension's attribute without the extension's URI, if only one extension has it.
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

    /// `urn:..:User.manager`, where the grammar takes `User` for an attribute of `urn:..`.
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

    /// Whether a text that is no name is the path of an attribute: `name.familyName`, or with a URI in front.
    /// For saying what is wrong with it where a name is wanted.
    pub(crate) fn has_path(&self, text: &str) -> bool {
        let tolerance = Tolerance::lenient();
        let is_known = |path: AttrPath| self.find_path(&path, &mut ReadContext::new(&tolerance)).is_some();
        text.contains(['.', ':']) && AttrPath::parse(text).is_ok_and(is_known)
    }

    /// Finds what a member name of a resource object, or of the value of a PATCH operation without
    /// a path, means: an attribute, an extension's URI, or one of the tolerated forms.
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
                // In a path the URI of an extension may be left out, in a resource it may not
                // (RFC 7643 section 3.3).
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

/// What a path names, given the attribute that it begins with.
fn sub_attribute<'a>(attribute: &'a AttributeRef, path: &AttrPath) -> Option<&'a AttributeRef> {
    match path.sub_attribute() {
        None => Some(attribute),
        Some(sub) => attribute.sub_attribute(sub),
    }
}
