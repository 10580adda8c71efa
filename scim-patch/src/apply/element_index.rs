//! Finding the elements of an operation in a list.

use std::collections::HashMap;

use scim_schema::AttributeRef;
use serde_json::Value;

use super::state::Allowance;
use crate::element::{identifying_names, identity, is_same_element};
use crate::error::Result;

/// Up to this many pairs are compared one by one; for more, the elements of the operation are hashed.
const MAX_PAIRWISE: usize = 256;

/// The elements of an operation, and where in the list they are.
pub(super) struct ElementIndex<'a> {
    target: &'a AttributeRef,
    elements: &'a [Value],
    /// `None` if there are so few elements that they are compared one by one.
    positions: Option<Positions<'a>>,
}

/// By the names of what identifies an element, then by its identity: the first position of such an element.
type Positions<'a> = HashMap<Vec<&'a str>, HashMap<String, Option<usize>>>;

impl<'a> ElementIndex<'a> {
    /// An index of elements, which knows no positions yet, for a list of this length.
    pub(super) fn new(target: &'a AttributeRef, elements: &'a [Value], length: usize) -> Self {
        let pairs = elements.len().saturating_mul(length.saturating_add(elements.len()));
        let positions = (pairs > MAX_PAIRWISE).then(|| {
            let mut positions = Positions::new();
            for element in elements {
                let names = identifying_names(target, element);
                if let Some(identity) = identity(target, &names, element) {
                    positions.entry(names).or_default().insert(identity.into_owned(), None);
                }
            }
            positions
        });
        Self { target, elements, positions }
    }

    /// How many comparisons it takes to look at so many elements.
    pub(super) fn cost(&self, elements: usize) -> usize {
        let each = self.positions.as_ref().map_or(self.elements.len(), HashMap::len);
        elements.saturating_mul(each.max(1))
    }

    /// Records the position of an element that is in the list.
    pub(super) fn record(&mut self, position: usize, element: &Value) {
        for (names, positions) in self.positions.iter_mut().flatten() {
            if let Some(identity) = identity(self.target, names, element)
                && let Some(first) = positions.get_mut(&*identity)
            {
                *first = Some(first.map_or(position, |first| first.min(position)));
            }
        }
    }

    /// The first position in the list of the same element as this one of the operation.
    pub(super) fn find(
        &self,
        list: &[Value],
        element: &Value,
        allowance: &Allowance<'_>,
    ) -> Result<Option<usize>> {
        let is_same = |old: &Value| is_same_element(self.target, old, element);
        if let Some(positions) = &self.positions {
            let names = identifying_names(self.target, element);
            let identity = identity(self.target, &names, element);
            let recorded = identity.and_then(|identity| *positions.get(&names)?.get(&*identity)?);
            match recorded {
                Some(position) if !list.get(position).is_some_and(is_same) => {
                    // Another element of the operation has changed it since.
                    allowance.charge(self.target, list.len())?;
                }
                recorded => return Ok(recorded),
            }
        }
        Ok(list.iter().position(is_same))
    }

    /// Whether an element of the list is the same as one of the operation.
    pub(super) fn contains(&self, element: &Value) -> bool {
        match &self.positions {
            None => self.elements.iter().any(|listed| is_same_element(self.target, element, listed)),
            Some(positions) => positions.iter().any(|(names, positions)| {
                identity(self.target, names, element).is_some_and(|key| positions.contains_key(&*key))
            }),
        }
    }
}
