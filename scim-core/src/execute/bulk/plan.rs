//! The order in which the operations of a bulk request run.

use std::collections::{HashMap, HashSet};

use super::references::{self, References, Replacement};
use crate::parse::{BulkOperation, Route};
use crate::setup::Setup;

/// When an operation is executed: its index in the request, and the `bulkId`s that it is executed without at
/// first, because they refer to operations after it.
pub(super) struct PlannedOperation {
    pub(super) index: usize,
    pub(super) left_out: HashSet<String>,
}

/// The order of the request, except that an operation comes after those that it refers to.
pub(super) fn plan<'p>(
    setup: &Setup,
    base_url: &str,
    operations: impl Iterator<Item = &'p mut BulkOperation>,
) -> Vec<PlannedOperation> {
    let mut operations: Vec<&mut BulkOperation> = operations.collect();
    let mut creates: HashMap<String, usize> = HashMap::new();
    for (index, operation) in operations.iter().enumerate().filter(|(_, operation)| operation.is_post()) {
        if let Some(bulk_id) = &operation.bulk_id {
            creates.entry(bulk_id.clone()).or_insert(index);
        }
    }
    let needed: Vec<Vec<(String, usize)>> =
        operations.iter_mut().map(|operation| needs(setup, base_url, operation, &creates)).collect();
    order(&needed)
}

/// The operations that an operation refers to, each once: the `bulkId` and the index.
fn needs(
    setup: &Setup,
    base_url: &str,
    operation: &mut BulkOperation,
    creates: &HashMap<String, usize>,
) -> Vec<(String, usize)> {
    let mut needed: Vec<(String, usize)> = Vec::new();
    if !operation.may_refer {
        return needed;
    }
    let mut known = HashSet::new();
    let mut note = |bulk_id: &str| {
        if let Some(index) = creates.get(bulk_id).filter(|index| known.insert(**index)) {
            needed.push((bulk_id.to_owned(), *index));
        }
        Replacement::Keep
    };
    references::in_path(&operation.path, &mut note);
    let type_index = Route::find(setup, base_url, &operation.path).ok().and_then(|route| route.type_index());
    let registration = type_index.and_then(|index| setup.registration(index).ok());
    if let (Some(registration), Some(data)) = (registration, &mut operation.data) {
        let mut references = References::new(&registration.resource_type, &mut note);
        if operation.method == "PATCH" { references.in_patch(data) } else { references.in_resource(data) }
    }
    needed
}

/// A depth-first order. The stack is a list, since a chain of references may be as long as the request.
fn order(needs: &[Vec<(String, usize)>]) -> Vec<PlannedOperation> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Waiting,
        Open,
        Placed,
    }
    let mut states = vec![State::Waiting; needs.len()];
    let mut left_out: Vec<HashSet<String>> = vec![HashSet::new(); needs.len()];
    let mut placed = Vec::with_capacity(needs.len());
    for first in 0..needs.len() {
        // Each entry is an operation, and how many of its references were followed.
        let mut stack = vec![(first, 0_usize)];
        while let Some((index, at)) = stack.last_mut() {
            let index = *index;
            let Some(state) = states.get_mut(index) else { break };
            if *state == State::Placed {
                stack.pop();
                continue;
            }
            *state = State::Open;
            match needs.get(index).and_then(|needs| needs.get(*at)) {
                Some((bulk_id, needed)) => {
                    *at += 1;
                    match states.get(*needed) {
                        Some(State::Waiting) => stack.push((*needed, 0)),
                        Some(State::Open) => {
                            if let Some(left_out) = left_out.get_mut(index) {
                                left_out.insert(bulk_id.clone());
                            }
                        }
                        _ => {}
                    }
                }
                None => {
                    *state = State::Placed;
                    placed.push(index);
                    stack.pop();
                }
            }
        }
    }
    placed
        .into_iter()
        .map(|index| PlannedOperation {
            index,
            left_out: left_out.get_mut(index).map(std::mem::take).unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(needs: &[&[usize]]) -> Vec<(usize, Vec<usize>)> {
        let needs: Vec<Vec<(String, usize)>> =
            needs.iter().map(|needs| needs.iter().map(|n| (n.to_string(), *n)).collect()).collect();
        let number = |text: &String| text.parse().unwrap();
        order(&needs)
            .iter()
            .map(|planned| (planned.index, planned.left_out.iter().map(number).collect()))
            .collect()
    }

    #[test]
    fn keeps_the_order_unless_a_later_one_is_needed() {
        assert_eq!(planned(&[&[], &[0], &[0, 1]]), [(0, vec![]), (1, vec![]), (2, vec![])]);
        assert_eq!(planned(&[&[2], &[], &[1]]), [(1, vec![]), (2, vec![]), (0, vec![])]);
    }

    #[test]
    fn leaves_out_only_what_closes_a_circle() {
        assert_eq!(planned(&[&[1], &[0]]), [(1, vec![0]), (0, vec![])]);
        assert_eq!(planned(&[&[1], &[2], &[0]]), [(2, vec![0]), (1, vec![]), (0, vec![])]);
        assert_eq!(planned(&[&[0]]), [(0, vec![0])]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let needs: Vec<Vec<(String, usize)>> = (0..100_000)
            .map(|n| if n + 1 < 100_000 { vec![(String::new(), n + 1)] } else { vec![] })
            .collect();
        assert_eq!(order(&needs).first().map(|planned| planned.index), Some(99_999));
    }
}
