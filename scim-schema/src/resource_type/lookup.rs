//! The only place where names are resolved.

use super::ResourceType;
use crate::path::AttrPath;
use crate::target::Section;
use crate::{Extension, Quirk, Reading, Target, Tolerance, UnknownAttribute};

/// What a member name of a resource object means.
#[derive(Clone, Debug)]
pub enum Named<'a> {
    /// An attribute, or a sub-attribute where the name had a dot.
    Attribute(Target),
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
    pub fn resolve(&self, path: &AttrPath, reading: &mut Reading<'_>) -> Result<Target, UnknownAttribute> {
        self.find(path, reading).cloned().ok_or_else(|| UnknownAttribute::new(path, &self.0.name))
    }

    /// Finds what a path names, as [`resolve`](Self::resolve) does, without an error or a clone.
    pub fn find(&self, path: &AttrPath, reading: &mut Reading<'_>) -> Option<&Target> {
        if let Some(target) = self.0.paths.get(path.as_str()) {
            return Some(target);
        }
        let attribute = match path.uri() {
            None => match self.attribute(path.attribute()) {
                Some(target) => target,
                None => self.unqualified(path.attribute(), Quirk::UnqualifiedExtension, reading)?,
            },
            Some(uri) => match self.section_of(uri) {
                Some(section) => section.attribute(path.attribute())?,
                None => return self.dotted(path, uri, reading),
            },
        };
        sub_attribute(attribute, path)
    }

    fn section_of(&self, uri: &str) -> Option<&Section> {
        self.0.sections.iter().find(|section| section.schema.is(uri))
    }

    /// An extension's attribute without the extension's URI, if only one extension has it.
    fn unqualified(&self, name: &str, quirk: Quirk, reading: &mut Reading<'_>) -> Option<&Target> {
        let mut found = self.extensions().filter_map(|extension| extension.attribute(name));
        let target = found.next()?;
        (found.next().is_none() && reading.tolerates(quirk, target)).then_some(target)
    }

    /// `urn:..:User.manager`, where the grammar takes `User` for an attribute of `urn:..`.
    fn dotted(&self, path: &AttrPath, uri: &str, reading: &mut Reading<'_>) -> Option<&Target> {
        let name = path.sub_attribute()?;
        let length = uri.len() + 1 + path.attribute().len();
        let section = self.section_of(path.as_str().get(..length)?)?;
        let target = section.attribute(name)?;
        reading.tolerates(Quirk::DottedUri, target).then_some(target)
    }

    /// Whether a text that is no name is the path of an attribute: `name.familyName`, or with a URI in front.
    /// For saying what is wrong with it where a name is wanted.
    pub(crate) fn has_path(&self, text: &str) -> bool {
        let tolerance = Tolerance::lenient();
        let is_known = |path: AttrPath| self.find(&path, &mut Reading::new(&tolerance)).is_some();
        text.contains(['.', ':']) && AttrPath::parse(text).is_ok_and(is_known)
    }

    /// Finds what a member name of a resource object, or of the value of a PATCH operation without
    /// a path, means: an attribute, an extension's URI, or one of the tolerated forms.
    pub fn named(&self, key: &str, reading: &mut Reading<'_>) -> Option<Named<'_>> {
        if let Some(target) = self.attribute(key) {
            return Some(Named::Attribute(target.clone()));
        }
        if let Some(extension) = self.extension(key) {
            return Some(Named::Extension(extension));
        }
        let path = AttrPath::parse(key).ok()?;
        let quirk = match (path.uri(), path.sub_attribute()) {
            (Some(_), _) => Some(Quirk::QualifiedKey),
            (None, Some(_)) => Some(Quirk::DottedKey),
            (None, None) => None,
        };
        if quirk.is_some_and(|quirk| !reading.tolerance().allows(quirk)) {
            return None;
        }
        let target = match path.uri() {
            Some(_) => self.find(&path, reading)?,
            None => {
                // In a path the URI of an extension may be left out, in a resource it may not
                // (RFC 7643 section 3.3).
                let core = self.attribute(path.attribute());
                let flat = |reading| self.unqualified(path.attribute(), Quirk::FlatExtension, reading);
                sub_attribute(core.or_else(|| flat(reading))?, &path)?
            }
        };
        if let Some(quirk) = quirk {
            reading.tolerates(quirk, target);
        }
        Some(Named::Attribute(target.clone()))
    }
}

/// What a path names, given the attribute that it begins with.
fn sub_attribute<'a>(attribute: &'a Target, path: &AttrPath) -> Option<&'a Target> {
    match path.sub_attribute() {
        None => Some(attribute),
        Some(sub) => attribute.sub_attribute(sub),
    }
}
