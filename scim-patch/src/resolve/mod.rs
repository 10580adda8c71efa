//! Resolving the operations of a request into the steps of a [`Patch`].
//!
//! All checks that do not depend on the resource happen here: names, types, mutability and value filters.
//! Each operation is resolved on its own. A path, or each key of the value if there is no path, names an
//! attribute; then the op and the value are converted to steps for that attribute.
//!
//! `path` finds the attribute that a path names, and `keys` those that the keys of a value name. `assign`,
//! `remove` and `value_path` create the steps.

mod assign;
mod keys;
mod path;
mod remove;
mod resolver;
mod value_path;

use scim_schema::{ReadContext, ResourceType};

use self::resolver::Resolver;
use crate::error::Result;
use crate::{Patch, PatchLimits, PatchRequest};

impl PatchRequest {
    /// Resolves and checks the paths, value filters and values against a resource type (RFC 7644 section
    /// 3.5.2 and figure 7).
    ///
    /// ```
    /// use scim_patch::{PatchLimits, Op, Operation, PatchRequest};
    /// use scim_schema::{ReadContext, ScimType, Tolerance, standard};
    ///
    /// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    /// let resolve = |path: &str, value: serde_json::Value| {
    ///     let operation = Operation { op: Op::Add, path: Some(path.to_owned()), value: Some(value) };
    ///     let request = PatchRequest { operations: vec![operation] };
    ///     request.resolve(&standard::user_type(), &limits, &mut ReadContext::new(&tolerance))
    /// };
    /// let refused = |path, value| resolve(path, value).unwrap_err().scim_type().unwrap();
    /// assert!(resolve("emails[type eq \"work\"].value", "bea@example.com".into()).is_ok());
    /// assert_eq!(refused("shoeSize", 38.into()), ScimType::InvalidPath);
    /// assert_eq!(refused("emails[shoeSize eq 38].value", "a".into()), ScimType::InvalidFilter);
    /// assert_eq!(refused("active", "yes".into()), ScimType::InvalidValue);
    /// assert_eq!(refused("groups", serde_json::json!([])), ScimType::Mutability);
    /// ```
    ///
    /// # Errors
    ///
    /// The error has the index of the operation and the path.
    ///
    /// - `invalidPath` or `invalidFilter` for an invalid path or value filter.
    /// - `noTarget` for a `remove` operation without a path.
    /// - `mutability` for a `readOnly` attribute.
    /// - `invalidValue` for a value that does not match the definition of its attribute.
    /// - `invalidSyntax` for an unknown sub-attribute in a value, and for a quirk that is not tolerated.
    /// - `sensitive` for a filter on an attribute that is never returned.
    /// - [Too large](crate::PatchError::is_too_large) for a list with more elements than
    ///   [`PatchLimits::values`].
    pub fn resolve(
        self,
        resource_type: &ResourceType,
        limits: &PatchLimits,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Patch> {
        let mut steps = Vec::with_capacity(self.operations.len());
        let mut read_attributes = Vec::new();
        for (index, operation) in self.operations.into_iter().enumerate() {
            read_context.set_operation(Some(index));
            let mut resolver = Resolver {
                resource_type,
                limits,
                read_context,
                operation: index,
                op: operation.op,
                names_in_value: false,
                removes_extension: false,
                steps: &mut steps,
                read_attributes: &mut read_attributes,
            };
            let resolved = match operation.path {
                None => resolver.resolve_pathless(operation.value),
                Some(path) => resolver.resolve_path(&path, operation.value),
            };
            resolved.map_err(|error| error.at(index))?;
        }
        read_context.set_operation(None);
        Ok(Patch::new(resource_type.clone(), steps, read_attributes, *limits))
    }
}
