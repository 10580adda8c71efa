//! Random filters over the attributes of the tested type.

use scim_filter::{CompareOp, Filter, Literal};
use scim_schema::{AttrPath, AttributeRef, Type};

use super::random::Random;
use super::reference_ids::ReferenceIds;
use super::tested_type::{TestedType, is_simple};

/// Makes a filter by attributes that random resources have. `depth` is the maximum number of nested operators.
pub(super) fn random_filter(
    tested: &TestedType,
    ids: &ReferenceIds,
    random: &mut Random,
    depth: usize,
) -> Filter {
    if depth > 0 && random.one_in(3) {
        let mut terms = || {
            vec![random_filter(tested, ids, random, depth - 1), random_filter(tested, ids, random, depth - 1)]
        };
        let terms = terms();
        return match random.below(3) {
            0 => join_terms(terms, true),
            1 => join_terms(terms, false),
            _ => Filter::Not(Box::new(join_terms(terms, random.one_in(2)))),
        };
    }
    let all = std::iter::once(&tested.name).chain(&tested.attributes);
    let all: Vec<&AttributeRef> = all.collect();
    let Some(target) = random.pick(&all).copied() else {
        return Filter::Present(tested.name.path().clone());
    };
    if !target.is_complex() {
        return comparison(tested, ids, target, target.path().clone(), random);
    }
    let subs: Vec<&AttributeRef> = target.sub_attributes().iter().filter(|sub| is_simple(sub)).collect();
    if target.attribute().is_multi_valued() && random.one_in(2) {
        let mut terms = Vec::new();
        for _ in 0..=random.below(2) {
            if let Some(sub) = random.pick(&subs)
                && let Ok(path) = AttrPath::parse(sub.definition().name())
            {
                terms.push(comparison(tested, ids, sub, path, random));
            }
        }
        let filter = Box::new(join_terms(terms, random.one_in(2)));
        return Filter::Complex { path: target.path().clone(), filter };
    }
    match random.pick(&subs) {
        Some(sub) if !random.one_in(8) => comparison(tested, ids, sub, sub.path().clone(), random),
        _ => Filter::Present(target.path().clone()),
    }
}

/// Joins terms with `and` or `or`. Terms that are joined in the same way are merged, as the parser does.
fn join_terms(terms: Vec<Filter>, and: bool) -> Filter {
    let mut all = Vec::new();
    for term in terms {
        match term {
            Filter::And(inner) if and => all.extend(inner),
            Filter::Or(inner) if !and => all.extend(inner),
            term => all.push(term),
        }
    }
    match all.len() {
        1 => all.remove(0),
        _ if and => Filter::And(all),
        _ => Filter::Or(all),
    }
}

/// Makes a filter by one attribute.
fn comparison(
    tested: &TestedType,
    ids: &ReferenceIds,
    target: &AttributeRef,
    path: AttrPath,
    random: &mut Random,
) -> Filter {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    if random.one_in(6) {
        return Filter::Present(path);
    }
    if target.definition().data_type() == Type::Boolean {
        let op = if random.one_in(2) { Eq } else { Ne };
        return Filter::Compare { path, op, value: Literal::Bool(random.one_in(2)) };
    }
    let op = random.pick(&[Eq, Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le]).copied().unwrap_or(Eq);
    // Operators that search for a part of a text get a piece of a word, or the complete word.
    let word = tested.search_text(target, ids, random);
    let length = word.chars().count();
    let piece: String = word.chars().skip(random.below(length)).take(1 + random.below(3)).collect();
    let text = if matches!(op, Co | Sw | Ew) && random.one_in(2) { piece } else { word };
    Filter::Compare { path, op, value: Literal::String(text.into()) }
}
