//! The order in which the operations of a bulk request run.

use std::collections::{HashMap, HashSet};

use super::part::Part;
use super::references::{self, Fate, References};
use crate::ScimService;
use crate::route::Route;

/// One operation, and the `bulkId`s that it must do without at first because they close a circle.
pub(super) struct Step {
    pub(super) index: usize,
    pub(super) left_out: HashSet<String>,
}

/// The order of the request, except that what an operation refers to comes before it.
pub(super) fn of<'p>(
    service: &ScimService,
    base: &str,
    parts: impl Iterator<Item = &'p mut Part>,
) -> Vec<Step> {
    let mut parts: Vec<&mut Part> = parts.collect();
    let mut creates: HashMap<String, usize> = HashMap::new();
    for (index, part) in parts.iter().enumerate().filter(|(_, part)| part.is_post()) {
        if let Some(bulk_id) = &part.bulk_id {
            creates.entry(bulk_id.clone()).or_insert(index);
        }
    }
    let needs: Vec<Vec<(String, usize)>> =
        parts.iter_mut().map(|part| needed_by(service, base, part, &creates)).collect();
    order(&needs)
}

/// The operations whose results an operation refers to, each once.
fn needed_by(
    service: &ScimService,
    base: &str,
    part: &mut Part,
    creates: &HashMap<String, usize>,
) -> Vec<(String, usize)> {
    let mut needed: Vec<(String, usize)> = Vec::new();
    if !part.may_refer {
        return needed;
    }
    let mut known = HashSet::new();
    let mut note = |bulk_id: &str| {
        if let Some(index) = creates.get(bulk_id).filter(|index| known.insert(**index)) {
            needed.push((bulk_id.to_owned(), *index));
        }
        Fate::Keep
    };
    references::in_path(&part.path, &mut note);
    let on = Route::find(service, base, &part.path).ok().and_then(|route| route.resource_type());
    let registration = on.and_then(|on| service.registrations().get(on));
    if let (Some(registration), Some(data)) = (registration, &mut part.data) {
        let mut references = References::new(&registration.resource_type, &mut note);
        if part.method == "PATCH" { references.in_patch(data) } else { references.in_resource(data) }
    }
    needed
}

/// A depth-first order that keeps its own stack, since a chain may be as long as the request.
fn order(needs: &[Vec<(String, usize)>]) -> Vec<Step> {
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
        // Each entry is an operation, and how many of its needs have been looked at.
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
        .map(|index| Step {
            index,
            left_out: left_out.get_mut(index).map(std::mem::take).unwrap_or_default(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(needs: &[&[usize]]) -> Vec<(usize, Vec<usize>)> {
        let needs: Vec<Vec<(String, usize)>> =
            needs.iter().map(|needs| needs.iter().map(|n| (n.to_string(), *n)).collect()).collect();
        let number = |text: &String| text.parse().unwrap();
        order(&needs).iter().map(|step| (step.index, step.left_out.iter().map(number).collect())).collect()
    }

    #[test]
    fn keeps_the_order_unless_a_later_one_is_needed() {
        assert_eq!(plan(&[&[], &[0], &[0, 1]]), [(0, vec![]), (1, vec![]), (2, vec![])]);
        assert_eq!(plan(&[&[2], &[], &[1]]), [(1, vec![]), (2, vec![]), (0, vec![])]);
    }

    #[test]
    fn leaves_out_only_what_closes_a_circle() {
        assert_eq!(plan(&[&[1], &[0]]), [(1, vec![0]), (0, vec![])]);
        assert_eq!(plan(&[&[1], &[2], &[0]]), [(2, vec![0]), (1, vec![]), (0, vec![])]);
        assert_eq!(plan(&[&[0]]), [(0, vec![0])]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let needs: Vec<Vec<(String, usize)>> = (0..100_000)
            .map(|n| if n + 1 < 100_000 { vec![(String::new(), n + 1)] } else { vec![] })
            .collect();
        assert_eq!(order(&needs).first().map(|step| step.index), Some(99_999));
    }
}
