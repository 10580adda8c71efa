//! Which attributes a caller may read and write.

use scim_schema::{AttributeRef, Projection, ResourceType};

/// The attributes that a caller may read and write.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    hidden: Vec<String>,
    protected: Vec<String>,
}

impl Permit {
    /// All attributes.
    pub fn all() -> Self {
        Self::default()
    }

    /// All attributes except these, which the caller may not read. They are given by their canonical paths:
    /// `emails`, `name.familyName`, or with the URI of an extension in front; the URI alone stands for all
    /// attributes of the extension.
    ///
    /// Hidden attributes are not shown. The caller cannot filter or sort by them, nor select by them in the
    /// path of a PATCH. A replacement that leaves them out does not clear them. Attributes with `returned:
    /// always` cannot be hidden.
    ///
    /// The caller can write them, unless they are [protected](Self::protecting) as well or `immutable`. The
    /// version then tells whether that changed them, as it does for every attribute.
    pub fn hiding<T: Into<String>>(paths: impl IntoIterator<Item = T>) -> Self {
        Self { hidden: paths.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// The same permit, but the caller may not write these attributes (`roles`, or with the URI of an extension in
    /// front). A replacement may leave them out, which keeps their values, or repeat their values; any other
    /// request that writes them is refused with 403.
    #[must_use]
    pub fn protecting<T: Into<String>>(mut self, attributes: impl IntoIterator<Item = T>) -> Self {
        self.protected.extend(attributes.into_iter().map(Into::into));
        self
    }

    /// Whether the caller may read an attribute or sub-attribute.
    pub fn may_read(&self, target: &AttributeRef) -> bool {
        !self.hidden.iter().any(|path| covers(path, target))
    }

    /// Whether the caller may write an attribute or sub-attribute.
    pub fn may_write(&self, target: &AttributeRef) -> bool {
        !self.protected.iter().any(|path| covers(path, target))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.hidden.is_empty()
    }

    /// Removes the hidden attributes from a projection.
    pub(crate) fn restrict(&self, projection: &mut Projection, resource_type: &ResourceType) {
        if self.is_all() {
            return;
        }
        let all = resource_type.all_attribute_refs();
        all.filter(|target| !self.may_read(target)).for_each(|target| projection.hide(target));
    }
}

/// Whether a path names an attribute, the attribute that it is part of, or its extension. The path may begin with
/// the URI of the core schema, which canonical paths leave out: otherwise such a path would hide nothing.
fn covers(path: &str, target: &AttributeRef) -> bool {
    let is_within = |name: &str, path: &str| {
        let head = name.get(..path.len()).is_some_and(|head| head.eq_ignore_ascii_case(path));
        head && matches!(name.as_bytes().get(path.len()), None | Some(b'.' | b':'))
    };
    let uri = target.schema().id();
    let of_core = target.extension().is_none() && is_within(path, uri);
    let local = path.get(uri.len()..).filter(|_| of_core).map(|rest| rest.trim_start_matches(':'));
    is_within(target.path().as_str(), path)
        || local.is_some_and(|local| local.is_empty() || is_within(target.path().as_str(), local))
}

#[cfg(test)]
mod tests {
    use scim_schema::{Attribute, Schema};

    use super::*;

    /// A type with names that begin alike, and with extensions whose URIs begin alike.
    fn lookalikes() -> ResourceType {
        let [core, pay, payroll] = ["urn:example:Badge", "urn:example:pay", "urn:example:payroll"];
        let sub = [Attribute::string("given"), Attribute::string("givenName")];
        let own = ["display", "displayName", "nameX", "name-x"].map(Attribute::string);
        let own = own.into_iter().chain([Attribute::complex("name", sub)]);
        let grade = |uri| Schema::new(uri, "Grade", ["grade", "grades"].map(Attribute::string)).unwrap();
        ResourceType::builder("Badge", "/Badges", Schema::new(core, "Badge", own).unwrap())
            .extension(grade(pay))
            .extension(grade(payroll))
            .build()
            .unwrap()
    }

    #[test]
    fn a_path_covers_its_sub_attributes_and_no_longer_names() {
        let resource_type = lookalikes();
        let pay = ["urn:example:pay:grade", "urn:example:pay:grades"];
        let payroll = ["urn:example:payroll:grade", "urn:example:payroll:grades"];
        let name = ["name", "name.given", "name.givenName"];
        let own = ["display", "displayName", "nameX", "name-x"];
        let core = own.iter().chain(&name).copied().collect::<Vec<_>>();
        let cases: &[(&str, &[&str])] = &[
            ("display", &["display"]),
            ("displayName", &["displayName"]),
            ("DISPLAY", &["display"]),
            ("displ", &[]),
            ("name", &name),
            ("name.given", &["name.given"]),
            ("name.giv", &[]),
            ("urn:example:pay", &pay),
            ("urn:example:pay:grade", &["urn:example:pay:grade"]),
            ("urn:example:payroll", &payroll),
            ("urn:example:pa", &[]),
            ("urn:example:Badge", &core),
            ("urn:example:Badge:", &core),
            ("urn:example:Badge:display", &["display"]),
            ("urn:example:Badge:name", &name),
            ("urn:example:Badg", &[]),
            ("urn:example:Badge:displ", &[]),
        ];
        let all = || {
            let with_subs = |target| std::iter::once(target).chain(AttributeRef::sub_attributes(target));
            resource_type.all_attributes().flat_map(with_subs).filter(|target| {
                // Common attributes such as `id` are left out.
                let of_its_own = target.schema().attribute(target.attribute().name()).is_some();
                of_its_own || target.extension().is_some()
            })
        };
        assert_eq!(all().count(), core.len() + pay.len() + payroll.len());
        for (path, expected) in cases {
            let (hiding, protecting) = (Permit::hiding([*path]), Permit::all().protecting([*path]));
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            for allows in [
                &(|target: &AttributeRef| hiding.may_read(target)) as &dyn Fn(&AttributeRef) -> bool,
                &|target| protecting.may_write(target),
            ] {
                let covered = all().filter(|target| !allows(target)).map(|target| target.path().as_str());
                let mut covered: Vec<&str> = covered.collect();
                covered.sort_unstable();
                assert_eq!(covered, expected, "{path}");
            }
        }
    }
}
