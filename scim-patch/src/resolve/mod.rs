//! From operations with textual paths to the steps of a [`Patch`].
//!
//! `path` finds the attribute that a path names, `keys` those that the keys of a value name. `assign`, `remove`
//! and `value_path` make the steps of it.

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
    /// Resolves paths and values against a resource type: names, value filters, types, mutability
    /// (RFC 7644 section 3.5.2 and figure 7).
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
    /// `invalidPath` or `invalidFilter` for a path, `noTarget` for a `remove` without one,
    /// `mutability` for a `readOnly` attribute, `invalidValue` for a value that does not suit its
    /// attribute, `invalidSyntax` for an unknown sub-attribute inside a value and for what the tolerance
    /// refuses, `sensitive` for a filter on what is never returned; too large for a list with more
    /// elements than [`PatchLimits::values`]. The error tells the operation's index and the path.
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
