//! Finding out what a filter means on a resource type.

use scim_schema::{
    AttrPath, Attribute, Comparison, Operand, Quirk, Reading, ResourceType, Returned, Target, Type,
};
use serde_json::{Number, Value};

use crate::ast::{CompareOp, Connective, Filter, Literal};
use crate::display::{Part, print_with_span};
use crate::error::{ResolveError, ResolveErrorKind as Kind, Shortened};
use crate::eval::compare;
use crate::predicate::Predicate;

impl Filter {
    /// Finds out what the filter means on a resource type.
    ///
    /// What the service derives is compared by what it derives it from: `meta.resourceType` is the
    /// same for all resources of the type, a `$ref` to a resource follows the `value` beside it,
    /// and `meta.location` the `id`. A complex attribute stands for its `value`. `eq null` means
    /// that there is no value, `ne null` that there is one.
    ///
    /// The reading may tolerate literals of another type, as `active eq "True"`.
    ///
    /// # Errors
    ///
    /// `invalidFilter` if the type has no such attribute, or if an operator or a literal does not
    /// suit an attribute; `sensitive` if an attribute is never returned (RFC 7644 section 7.5.2).
    pub fn resolve(&self, on: &ResourceType, reading: &mut Reading<'_>) -> Result<Predicate, ResolveError> {
        Resolver { on: Some(on), among: &[], within: None, reading }.whole(self)
    }

    /// Finds out what the filter means on each of several resource types, for a query over all of
    /// them (RFC 7644 section 3.4.2.1). The predicates are in the order of the types.
    ///
    /// An attribute that only some of the types have is absent on the others.
    ///
    /// ```
    /// use scim_filter::{Filter, Predicate};
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let filter: Filter = r#"userName eq "bea""#.parse()?;
    /// let types = [&standard::user_type(), &standard::group_type()];
    /// let predicates = filter.resolve_among(&types, &mut Reading::new(&tolerance))?;
    /// assert!(predicates[0].single_equality().is_some());
    /// assert_eq!(predicates[1], Predicate::Const(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve); an attribute is unknown if none of the types has it.
    pub fn resolve_among(
        &self,
        types: &[&ResourceType],
        reading: &mut Reading<'_>,
    ) -> Result<Vec<Predicate>, ResolveError> {
        types
            .iter()
            .map(|on| Resolver { on: Some(on), among: types, within: None, reading }.whole(self))
            .collect()
    }

    /// Finds out what the filter of a value path means on the elements of an attribute.
    ///
    /// The result is for [`Predicate::matches_element`]. The names in the filter are sub-attributes;
    /// an element without sub-attributes is its own `value`.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let group = standard::group_type();
    /// let members = group.attribute("members").unwrap();
    /// let filter: Filter = r#"value eq "42""#.parse()?;
    /// let predicate = filter.resolve_within(members, &mut Reading::new(&tolerance))?;
    /// assert_eq!(predicate.single_equality().unwrap().0.path().as_str(), "members.value");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve); also if the attribute has no elements that could be selected.
    pub fn resolve_within(
        &self,
        parent: &Target,
        reading: &mut Reading<'_>,
    ) -> Result<Predicate, ResolveError> {
        let resolver = Resolver { on: None, among: &[], within: Some(parent), reading };
        resolver.whole(self)
    }
}

/// What is wrong, with which part of which node.
struct Misfit<'f> {
    node: &'f Filter,
    part: Part,
    kind: Kind,
    message: String,
}

type Resolved<'f, T> = Result<T, Box<Misfit<'f>>>;

impl<'f> Misfit<'f> {
    fn at<T>(node: &'f Filter, part: Part, kind: Kind, message: String) -> Resolved<'f, T> {
        Err(Box::new(Misfit { node, part, kind, message }))
    }
}

/// What a derived attribute is derived from.
enum Source {
    /// The name of the resource type.
    Name(Value),
    /// The last segment of a URI.
    Id(Target),
}

struct Resolver<'a, 'r, 't> {
    /// The resource type; not known where only the elements of an attribute are.
    on: Option<&'a ResourceType>,
    /// All the types, if there are several.
    among: &'a [&'a ResourceType],
    /// The attribute of the value path, inside of one.
    within: Option<&'a Target>,
    reading: &'r mut Reading<'t>,
}

impl Resolver<'_, '_, '_> {
    fn whole(mut self, filter: &Filter) -> Result<Predicate, ResolveError> {
        self.filter(filter).map_err(|misfit| {
            let Misfit { node, part, kind, message } = *misfit;
            match node {
                // What a secret was compared with stays out of messages and logs.
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
            Filter::Present(path) => match self.find(filter, path)? {
                Some(target) => Ok(self.presence(target)),
                None => Ok(Predicate::Const(false)),
            },
            Filter::Compare { path, op, value } => match self.find(filter, path)? {
                Some(target) => self.compare(filter, target, *op, value),
                // Only `ne`, or `eq null`, holds for what is absent.
                None => Ok(Predicate::Const((*op == CompareOp::Ne) != (*value == Literal::Null))),
            },
            Filter::Complex { path, filter: inner } => match self.find(filter, path)? {
                Some(target) => self.value_path(filter, target, inner),
                None => Ok(Predicate::Const(false)),
            },
        }
    }

    /// Resolves all operands, since each may be wrong, and works constants in.
    fn chain<'f>(&mut self, operands: &'f [Filter], connective: Connective) -> Resolved<'f, Predicate> {
        let decisive = connective == Connective::Or;
        let mut decided = false;
        let mut list = Vec::with_capacity(operands.len());
        for operand in operands {
            match (self.filter(operand)?, connective) {
                (Predicate::Const(holds), _) => decided |= holds == decisive,
                (Predicate::And(inner), Connective::And) | (Predicate::Or(inner), Connective::Or) => {
                    list.extend(inner);
                }
                (operand, _) => list.push(operand),
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

    /// The attribute that a path names; nothing if only another of the types has it.
    fn find<'f>(&mut self, node: &'f Filter, path: &AttrPath) -> Resolved<'f, Option<Target>> {
        let found = match (self.within, self.on) {
            (Some(parent), _) => sub_attribute(parent, path),
            (None, Some(on)) => on.resolve(path, self.reading).ok(),
            (None, None) => None,
        };
        if let Some(target) = found {
            self.refuse_secret(node, &target)?;
            return Ok(Some(target));
        }
        let mut aside = Reading::new(self.reading.tolerance());
        let elsewhere = self.among.iter().any(|on| match self.within {
            None => on.resolve(path, &mut aside).is_ok(),
            Some(parent) => on
                .resolve(parent.path(), &mut aside)
                .is_ok_and(|parent| sub_attribute(&parent, path).is_some()),
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
        Misfit::at(node, Part::Path, Kind::UnknownAttribute, message)
    }

    fn refuse_secret<'f>(&self, node: &'f Filter, target: &Target) -> Resolved<'f, ()> {
        let never = |attribute: &Attribute| attribute.returned() == Returned::Never;
        if never(target.definition()) || never(target.attribute()) {
            let message = format!("`{target}` is never returned and cannot be used in a filter");
            return Misfit::at(node, Part::Path, Kind::Sensitive, message);
        }
        Ok(())
    }

    /// Whether there is a value.
    fn presence(&self, target: Target) -> Predicate {
        match self.source(&target) {
            None => Predicate::Present(target),
            Some(Source::Id(id)) if self.within.is_some() || id.sub().is_some() => Predicate::Present(id),
            // Every resource has a type and an identifier.
            Some(_) => Predicate::Const(true),
        }
    }

    /// What an attribute that no store holds is derived from.
    fn source(&self, target: &Target) -> Option<Source> {
        if !target.is_derived() {
            return None;
        }
        match (target.definition().name(), self.on) {
            ("resourceType", on) => Some(Source::Name(on?.name().into())),
            ("location", on) => Some(Source::Id(on?.attribute("id")?.clone())),
            (_, on) => {
                let parent = self.within.or_else(|| on?.attribute_of(target))?;
                Some(Source::Id(parent.sub_attribute("value")?.clone()))
            }
        }
    }

    fn compare<'f>(
        &mut self,
        node: &'f Filter,
        mut target: Target,
        op: CompareOp,
        literal: &Literal,
    ) -> Resolved<'f, Predicate> {
        if *literal == Literal::Null {
            return match op {
                CompareOp::Eq => Ok(negate(self.presence(target))),
                CompareOp::Ne => Ok(self.presence(target)),
                _ => Misfit::at(node, Part::Value, Kind::Literal, format!("`{op}` cannot compare with null")),
            };
        }
        if target.is_complex() {
            target = self.value_of(node, target)?;
        }
        match (self.source(&target), literal) {
            (None, _) => self.typed(node, target, op, literal),
            (Some(Source::Name(name)), _) => match self.typed(node, target, op, literal)? {
                Predicate::Compare { target, op, operand } => {
                    Ok(Predicate::Const(compare(std::iter::once(&name), target.comparison(), op, &operand)))
                }
                other => Ok(other),
            },
            (Some(Source::Id(id)), Literal::String(uri)) => {
                if self.within.is_some() && id.sub().is_none() {
                    let message = format!("`{target}` cannot be compared in a value path");
                    return Misfit::at(node, Part::Path, Kind::ValuePath, message);
                }
                let (whole, last) = match uri.rsplit_once('/') {
                    Some((_, last)) => (true, last),
                    None => (false, &**uri),
                };
                // A suffix that reaches beyond the identifier leaves only one identifier.
                let op = match op {
                    CompareOp::Eq | CompareOp::Ne => op,
                    CompareOp::Ew if whole => CompareOp::Eq,
                    CompareOp::Ew => op,
                    _ => {
                        let message = format!("`{op}` does not fit `{target}`; `eq`, `ne` and `ew` do");
                        return Misfit::at(node, Part::Operator, Kind::Operator, message);
                    }
                };
                self.typed(node, id, op, &Literal::String(last.into()))
            }
            (Some(Source::Id(_)), _) => mistyped(node, &target),
        }
    }

    /// The `value` of a complex attribute, which it stands for in comparisons.
    fn value_of<'f>(&self, node: &'f Filter, target: Target) -> Resolved<'f, Target> {
        if let Some(value) = target.sub_attribute("value") {
            self.refuse_secret(node, value)?;
            return Ok(value.clone());
        }
        let example = target.sub_attributes().first().unwrap_or(&target);
        let message = format!("`{target}` is complex; name one of its sub-attributes, such as `{example}`");
        Misfit::at(node, Part::Path, Kind::ComplexAttribute, message)
    }

    /// A comparison whose operator and literal suit the type of the attribute.
    fn typed<'f>(
        &mut self,
        node: &'f Filter,
        target: Target,
        op: CompareOp,
        literal: &Literal,
    ) -> Resolved<'f, Predicate> {
        let rule = target.comparison();
        let suits = match op {
            CompareOp::Eq | CompareOp::Ne => true,
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => rule.is_text(),
            CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => rule.is_ordered(),
        };
        if !suits {
            let message =
                format!("`{op}` does not fit `{target}`, which is {}", target.definition().data_type());
            return Misfit::at(node, Part::Operator, Kind::Operator, message);
        }
        match self.operand(&target, rule, literal) {
            Some(operand) => Ok(Predicate::Compare { target, op, operand }),
            None => mistyped(node, &target),
        }
    }

    fn operand(&mut self, target: &Target, rule: Comparison, literal: &Literal) -> Option<Operand> {
        match (literal, rule) {
            (Literal::String(text), Comparison::Boolean) => {
                let flag = ["true", "false"].iter().position(|flag| text.eq_ignore_ascii_case(flag))? == 0;
                self.reading.tolerates(Quirk::BooleanAsString, target).then_some(Operand::Boolean(flag))
            }
            (Literal::String(text), Comparison::Number) => {
                let number: Number = text.trim().parse().ok()?;
                self.reading.tolerates(Quirk::NumberAsString, target).then_some(Operand::Number(number))
            }
            (Literal::String(text), _) => rule.prepare_text(text),
            (Literal::Number(number), Comparison::Number) => Some(Operand::Number(number.clone())),
            (Literal::Number(number), _) if target.definition().data_type() == Type::String => {
                let text = number.to_string();
                self.reading.tolerates(Quirk::NumberForString, target).then(|| rule.prepare_text(&text))?
            }
            (Literal::Bool(flag), Comparison::Boolean) => Some(Operand::Boolean(*flag)),
            _ => None,
        }
    }

    fn value_path<'f>(
        &mut self,
        node: &'f Filter,
        target: Target,
        inner: &'f Filter,
    ) -> Resolved<'f, Predicate> {
        let has_elements = target.is_complex() || target.definition().is_multi_valued();
        if self.within.is_some() || target.sub().is_some() || !has_elements {
            let message = format!("`{target}` has no elements that could be selected");
            return Misfit::at(node, Part::Path, Kind::ValuePath, message);
        }
        let mut inside =
            Resolver { on: self.on, among: self.among, within: Some(&target), reading: self.reading };
        match inside.filter(inner)? {
            Predicate::Const(false) => Ok(Predicate::Const(false)),
            inner => Ok(Predicate::Any { target, inner: Box::new(inner) }),
        }
    }
}

/// The attribute that a name inside a value path names.
fn sub_attribute(parent: &Target, path: &AttrPath) -> Option<Target> {
    if path.uri().is_some() || path.sub_attribute().is_some() {
        return None;
    }
    if parent.is_complex() {
        return parent.sub_attribute(path.attribute()).cloned();
    }
    // An element without sub-attributes is its own value.
    path.attribute().eq_ignore_ascii_case("value").then(|| parent.clone())
}

fn negate(predicate: Predicate) -> Predicate {
    match predicate {
        Predicate::Const(holds) => Predicate::Const(!holds),
        predicate => Predicate::Not(Box::new(predicate)),
    }
}

fn mistyped<'f, T>(node: &'f Filter, target: &Target) -> Resolved<'f, T> {
    let suitable = match target.comparison() {
        Comparison::Boolean => "true or false",
        Comparison::Number => "a number",
        Comparison::Instant => "a date and time such as \"2011-05-13T04:42:34Z\"",
        _ => "a quoted string",
    };
    Misfit::at(node, Part::Value, Kind::Literal, format!("`{target}` must be compared with {suitable}"))
}
