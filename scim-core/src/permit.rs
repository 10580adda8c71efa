//! Which attributes a caller may read and write.

use scim_schema::{Projection, ResourceType, Target};

/// What a caller may read and write of the resources.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    hidden: Vec<String>,
    protected: Vec<String>,
}

impl Permit {
    /// Everything that the schemas return.
    pub fn all() -> Self {
        Self::default()
    }

    /// Everything but these attributes, by their canonical paths (`emails`, `name.familyName`, or
    /// with the URI of an extension in front; the URI alone stands for all of its attributes). They
    /// are not shown, cannot be filtered or sorted by, nor selected by in the path of a PATCH, and a
    /// replacement that leaves them out does not clear them. What is `returned: always` cannot be hidden.
    ///
    /// They can be written, unless they are [protected](Self::protecting) as well or `immutable`. The version
    /// then tells whether that was a change, as it does for every attribute.
    pub fn hiding<T: Into<String>>(paths: impl IntoIterator<Item = T>) -> Self {
        Self { hidden: paths.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// The same, but these attributes (`roles`, or with the URI of an extension in front) may not be
    /// written. A replacement that leaves them out does not clear them either, and one that has them
    /// must have them as they are; whatever else would write them is refused with 403.
    #[must_use]
    pub fn protecting<T: Into<String>>(mut self, attributes: impl IntoIterator<Item = T>) -> Self {
        self.protected.extend(attributes.into_iter().map(Into::into));
        self
    }

    /// Whether an attribute, or the attribute that a sub-attribute is in, may be read.
    pub fn may_read(&self, target: &Target) -> bool {
        !self.hidden.iter().any(|path| covers(path, target))
    }

    /// Whether an attribute, or the attribute that a sub-attribute is in, may be written.
    pub fn may_write(&self, target: &Target) -> bool {
        !self.protected.iter().any(|path| covers(path, target))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.hidden.is_empty()
    }

    /// Takes what may not be read out of a projection.
    pub(crate) fn restrict(&self, projection: &mut Projection, resource_type: &ResourceType) {
        if self.is_all() {
            return;
        }
        let all = resource_type.all_targets();
        all.filter(|target| !self.may_read(target)).for_each(|target| projection.hide(target));
    }
}

/// Whether a path names a target or something that it is in. The URI of a core schema, which
/// canonical paths leave out, may be there: a policy must not fail over its spelling.
fn covers(path: &str, target: &Target) -> bool {
    let within = |whole: &str, path: &str| {
        let head = whole.get(..path.len()).is_some_and(|head| head.eq_ignore_ascii_case(path));
        head && matches!(whole.as_bytes().get(path.len()), None | Some(b'.' | b':'))
    };
    let uri = target.schema().id();
    let of_core = target.extension().is_none() && within(path, uri);
    let local = path.get(uri.len()..).filter(|_| of_core).map(|rest| rest.trim_start_matches(':'));
    within(target.path().as_str(), path)
        || local.is_some_and(|local| local.is_empty() || within(target.path().as_str(), local))
}

#[cfg(test)]
mod tests {
    use scim_schema::{Attribute, Schema};

    use super::*;

    /// A type whose names begin like each other, and so do its extensions' URIs.
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
    fn a_path_covers_what_is_in_it_and_no_name_that_begins_like_it() {
        let on = lookalikes();
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
            let with_subs = |target| std::iter::once(target).chain(Target::sub_attributes(target));
            on.all_attributes().flat_map(with_subs).filter(|target| {
                // Those that every resource has are beside the point.
                let of_its_own = target.schema().attribute(target.attribute().name()).is_some();
                of_its_own || target.extension().is_some()
            })
        };
        assert_eq!(all().count(), core.len() + pay.len() + payroll.len());
        for (path, expected) in cases {
            let (hiding, protecting) = (Permit::hiding([*path]), Permit::all().protecting([*path]));
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            for allows in
                [&(|target: &Target| hiding.may_read(target)) as &dyn Fn(&Target) -> bool, &|target| {
                    protecting.may_write(target)
                }]
            {
                let covered = all().filter(|target| !allows(target)).map(|target| target.path().as_str());
                let mut covered: Vec<&str> = covered.collect();
                covered.sort_unstable();
                assert_eq!(covered, expected, "{path}");
            }
        }
    }
}
