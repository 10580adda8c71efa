//! Resolves a filter against a resource type.

mod comparison;

use scim_schema::{AttrPath, AttributeRef, ReadContext, ResourceType};

use crate::ast::{CompareOp, Connective, Filter, Literal};
use crate::display::{NodePart, print_with_span};
use crate::error::{ResolveError, ResolveErrorKind as Kind, Shortened};
use crate::predicate::Predicate;

impl Filter {
    /// Resolves the filter against a resource type.
    ///
    /// Derived attributes are compared by what they are derived from: `meta.resourceType` is the same for all
    /// resources of the type, a `$ref` to a resource follows from the `value` beside it, and `meta.location` from the
    /// `id`. A complex attribute stands for its `value`. `eq null` means that there is no value, `ne null` that there
    /// is one.
    ///
    /// The tolerance may allow literals of another type, such as `active eq "True"`.
    ///
    /// # Errors
    ///
    /// `invalidFilter` if the type does not have an attribute, or if an operator or a literal does not fit an
    /// attribute; `sensitive` if an attribute is never returned (RFC 7644 section 7.5.2).
    pub fn resolve(
        &self,
        on: &ResourceType,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Predicate, ResolveError> {
        Resolver { on: Some(on), among: &[], within: None, read_context }.resolve_all(self)
    }

    /// Resolves the filter against each of several resource types, for a query over all of them (RFC 7644 section
    /// 3.4.2.1). The predicates are in the order of the types.
    ///
    /// Resources of a type that does not have an attribute have no value for it.
    ///
    /// ```
    /// use scim_filter::{Filter, Predicate};
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let filter: Filter = r#"userName eq "bea""#.parse()?;
    /// let types = [&standard::user_type(), &standard::group_type()];
    /// let predicates = filter.resolve_among(&types, &mut ReadContext::new(&tolerance))?;
    /// assert!(predicates[0].single_equality().is_some());
    /// assert_eq!(predicates[1], Predicate::Const(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Like [`resolve`](Self::resolve), but only if none of the types has an attribute.
    pub fn resolve_among(
        &self,
        types: &[&ResourceType],
        read_context: &mut ReadContext<'_>,
    ) -> Result<Vec<Predicate>, ResolveError> {
        types
            .iter()
            .map(|on| Resolver { on: Some(on), among: types, within: None, read_context }.resolve_all(self))
            .collect()
    }

    /// Resolves the filter of a value path against the elements of an attribute.
    ///
    /// Pass the result to [`Predicate::matches_element`]. The names in the filter are sub-attributes; an element without
    /// sub-attributes is its own `value`.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let group = standard::group_type();
    /// let members = group.attribute("members").unwrap();
    /// let filter: Filter = r#"value eq "42""#.parse()?;
    /// let predicate = filter.resolve_value_path(members, &mut ReadContext::new(&tolerance))?;
    /// assert_eq!(predicate.single_equality().unwrap().0.path().as_str(), "members.value");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Like [`resolve`](Self::resolve), and if the attribute has no elements to select.
    pub fn resolve_value_path(
        &self,
        parent: &AttributeRef,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Predicate, ResolveError> {
        if parent.is_secret() {
            return Err(refused(parent, Kind::Sensitive, secrecy(parent)));
        }
        if !has_elements(parent) {
            return Err(refused(parent, Kind::ValuePath, without_elements(parent)));
        }
        Resolver { on: None, among: &[], within: Some(parent), read_context }.resolve_all(self)
    }
}

/// An error, and the part of the node that it is about.
pub(crate) struct ResolveFailure<'f> {
    node: &'f Filter,
    part: NodePart,
    kind: Kind,
    message: String,
}

pub(crate) type Resolved<'f, T> = Result<T, Box<ResolveFailure<'f>>>;

impl<'f> ResolveFailure<'f> {
    pub(crate) fn new(node: &'f Filter, part: NodePart, kind: Kind, message: String) -> Box<Self> {
        Box::new(Self { node, part, kind, message })
    }
}

pub(crate) struct Resolver<'a, 'r, 't> {
    /// The resource type; `None` if the elements of an attribute are given only.
    pub(crate) on: Option<&'a ResourceType>,
    /// All resource types, if there are several.
    among: &'a [&'a ResourceType],
    /// The attribute of the value path, inside a value path.
    pub(crate) within: Option<&'a AttributeRef>,
    pub(crate) read_context: &'r mut ReadContext<'t>,
}

impl<'a> Resolver<'a, '_, '_> {
    fn resolve_all(mut self, filter: &Filter) -> Result<Predicate, ResolveError> {
        self.filter(filter).map_err(|failure| {
            let ResolveFailure { node, part, kind, message } = *failure;
            match node {
                // The literal may be a guess of a secret, so it is kept out of messages and logs.
                Filter::Present(path) | Filter::Compare { path, .. } | Filter::Complex { path, .. }
                    if kind == Kind::Sensitive =>
                {
                    ResolveError::new(kind, path.as_str(), 0..path.as_str().len(), message)
                }
                _ => {
                    let (text, span) = print_with_span(filter, node, part);
                    ResolveError::new(kind, &text, span, message)
                }
            }
        })
    }

    fn filter<'f>(&mut self, filter: &'f Filter) -> Resolved<'f, Predicate> {
        match filter {
            Filter::And(operands) => self.chain(operands, Connective::And),
            Filter::Or(operands) => self.chain(operands, Connective::Or),
            Filter::Not(inner) => Ok(negate(self.filter(inner)?)),
            Filter::Complex { path, filter: inner } => self.value_path(filter, path, inner),
            Filter::Present(_) | Filter::Compare { .. } => self.term(filter),
        }
    }

    /// A function of its own, so that the recursive function needs little stack.
    #[inline(never)]
    fn term<'f>(&mut self, filter: &'f Filter) -> Resolved<'f, Predicate> {
        match filter {
            Filter::Compare { path, op, value } => match self.find(filter, path)? {
                Some(target) => self.compare(filter, target, *op, value),
                // Only `ne`, or `eq null`, holds for what is absent.
                None => Ok(Predicate::Const((*op == CompareOp::Ne) != (*value == Literal::Null))),
            },
            Filter::Present(path) => match self.find(filter, path)? {
                Some(target) => Ok(self.presence(target)),
                None => Ok(Predicate::Const(false)),
            },
            other => self.filter(other),
        }
    }

    /// Resolves all operands, so that each is checked, and simplifies constants.
    fn chain<'f>(&mut self, operands: &'f [Filter], connective: Connective) -> Resolved<'f, Predicate> {
        let decisive = connective == Connective::Or;
        let mut decided = false;
        let mut list = Vec::with_capacity(operands.len());
        for operand in operands {
            list.push(self.filter(operand)?);
            match (list.last_mut(), connective) {
                (Some(Predicate::Const(holds)), _) => {
                    decided |= *holds == decisive;
                    list.pop();
                }
                (Some(Predicate::And(inner)), Connective::And)
                | (Some(Predicate::Or(inner)), Connective::Or) => {
                    let inner = std::mem::take(inner);
                    list.pop();
                    list.extend(inner);
                }
                _ => {}
            }
        }
        if decided {
            return Ok(Predicate::Const(decisive));
        }
        match (list.len(), connective) {
            (0 | 1, _) => Ok(list.pop().unwrap_or(Predicate::Const(!decisive))),
            (_, Connective::And) => Ok(Predicate::And(list)),
            (_, Connective::Or) => Ok(Predicate::Or(list)),
        }
    }

    /// The attribute that a path names; `None` if only another type has it.
    #[inline]
    fn find<'f>(&mut self, node: &'f Filter, path: &AttrPath) -> Resolved<'f, Option<&'a AttributeRef>> {
        let found = match (self.within, self.on) {
            (Some(parent), _) => sub_attribute(parent, path),
            (None, Some(on)) => on.find_path(path, self.read_context),
            (None, None) => None,
        };
        match found {
            Some(target) if target.is_secret() => Err(secret(node, target)),
            Some(target) => Ok(Some(target)),
            None => self.missing(node, path),
        }
    }

    /// The error for an attribute that the type does not have.
    #[cold]
    fn missing<'f>(&mut self, node: &'f Filter, path: &AttrPath) -> Resolved<'f, Option<&'a AttributeRef>> {
        let mut aside = ReadContext::new(self.read_context.tolerance());
        let elsewhere = self.among.iter().any(|on| match self.within {
            None => on.find_path(path, &mut aside).is_some(),
            Some(parent) => on
                .find_path(parent.path(), &mut aside)
                .is_some_and(|parent| sub_attribute(parent, path).is_some()),
        });
        if elsewhere {
            return Ok(None);
        }
        let name = Shortened(path.as_str());
        let message = match (self.within, self.on, self.among) {
            (Some(parent), ..) => format!("`{name}` is not a sub-attribute of `{parent}`"),
            (None, Some(on), [] | [_]) => format!("`{name}` is not an attribute of {}", on.name()),
            _ => format!("`{name}` is not an attribute of any resource type"),
        };
        Err(ResolveFailure::new(node, NodePart::Path, Kind::UnknownAttribute, message))
    }

    fn value_path<'f>(
        &mut self,
        node: &'f Filter,
        path: &AttrPath,
        inner: &'f Filter,
    ) -> Resolved<'f, Predicate> {
        let Some(target) = self.find(node, path)? else { return Ok(Predicate::Const(false)) };
        if self.within.is_some() || !has_elements(target) {
            return Err(ResolveFailure::new(node, NodePart::Path, Kind::ValuePath, without_elements(target)));
        }
        self.within = Some(target);
        let inner = self.filter(inner)?;
        self.within = None;
        match inner {
            Predicate::Const(false) => Ok(Predicate::Const(false)),
            inner => Ok(Predicate::Any { target: target.clone(), inner: Box::new(inner) }),
        }
    }
}

/// The attribute that a name inside a value path names.
fn sub_attribute<'a>(parent: &'a AttributeRef, path: &AttrPath) -> Option<&'a AttributeRef> {
    if path.uri().is_some() || path.sub_attribute().is_some() {
        return None;
    }
    if parent.is_complex() {
        return parent.sub_attribute(path.attribute());
    }
    // An element without sub-attributes is its own value.
    path.attribute().eq_ignore_ascii_case("value").then_some(parent)
}

pub(crate) fn negate(predicate: Predicate) -> Predicate {
    match predicate {
        Predicate::Const(holds) => Predicate::Const(!holds),
        predicate => Predicate::Not(Box::new(predicate)),
    }
}

/// The error for an attribute that is never returned.
fn secrecy(target: &AttributeRef) -> String {
    format!("`{target}` is never returned and cannot be used in a filter")
}

#[cold]
pub(crate) fn secret<'f>(node: &'f Filter, target: &AttributeRef) -> Box<ResolveFailure<'f>> {
    ResolveFailure::new(node, NodePart::Path, Kind::Sensitive, secrecy(target))
}

/// Whether a value path can select among the values of an attribute.
fn has_elements(target: &AttributeRef) -> bool {
    target.sub_attribute_definition().is_none()
        && (target.is_complex() || target.definition().is_multi_valued())
}

fn without_elements(target: &AttributeRef) -> String {
    format!("`{target}` has no elements that a filter in brackets could select")
}

/// The error for an attribute that cannot stand before brackets.
fn refused(target: &AttributeRef, kind: Kind, message: String) -> ResolveError {
    let path = target.path().as_str();
    ResolveError::new(kind, path, 0..path.len(), message)
}
