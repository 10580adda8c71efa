//! Which resource type of a service.

/// The position of a resource type among the registrations of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeIndex(usize);

impl TypeIndex {
    pub(crate) fn new(index: usize) -> Self {
        Self(index)
    }

    pub(crate) fn get(self) -> usize {
        self.0
    }
}
